"""The runs of one machine, oldest first, and the series of each rung in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..machines.gather import Told, same_machine, when
from .changes import Change, changes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..machines.entry import Entry
    from ..machines.groups import Group
    from ..machines.spread import Point


class Series(NamedTuple):
    """A rung on one input, run after run: its times, or the ratios over the base."""

    group: Group
    rung: str
    measure: str
    points: list[Point]

    @property
    def values(self) -> list[float]:
        """Its numbers."""
        return [point.value for point in self.points]

    @property
    def changes(self) -> list[Change]:
        """Where they change."""
        return changes(self.values)


TIME, RATIO = "time", "ratio"


def runs(entries: Sequence[Entry]) -> tuple[list[Entry], list[Told]]:
    """Return the runs of the machine of the newest one, oldest first, and what is to be told of the others."""
    ordered = sorted(entries, key=when)
    if not ordered:
        return [], []
    kept = [one for one in ordered if same_machine(one) == same_machine(ordered[-1])]
    why = f"is of another machine than {ordered[-1].file}, the newest"
    return kept, [Told(one.file, why, True) for one in ordered if one not in kept]


def every(found: Iterable[Group]) -> Iterator[Series]:
    """Yield the series of all rungs that at least two runs have."""
    for group in found:
        for measure, by_rung in ((TIME, group.times), (RATIO, group.ratios)):
            yield from (Series(group, rung, measure, points) for rung, points in by_rung.items() if len(points) > 1)


def commit(one: Entry) -> str:
    """Return the commit of a run, in seven letters."""
    return str(one.document.machine_info.get("git_commit") or "")[:7]


def day(one: Entry) -> str:
    """Return the day of a run."""
    return (one.document.datetime or "")[:10]
