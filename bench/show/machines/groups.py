"""What several machines measured on the same input: the ladder of each, and the rung that its times are set against."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import typer

from ..ladder import NUMPY, Choice, Ladder, Row, ladders
from ..ratios import ratio
from .spread import Point

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .entry import Entry

ALL = "all"  # as many threads as a machine has CPUs


@dataclass(frozen=True)
class Group:
    """An input, and a number of threads or all that there are, that several machines measured.

    Attributes
    ----------
    choice : Choice
    base : str
        The rung that ratios are over: `NUMPY`, or the first of the ladder that the most machines have.
    members : list of (Entry, Ladder)
    """

    choice: Choice
    base: str
    members: list[tuple[Entry, Ladder]]

    @property
    def title(self) -> str:
        """What was measured, in words."""
        return self.members[0][1]._replace(choice=self.choice).title

    @cached_property
    def rungs(self) -> list[str]:
        """The rungs and peers that some machine has a number for, in the order of a ladder."""
        most = sorted((ladder for _, ladder in self.members), key=lambda ladder: -len(ladder.rows))
        return list(dict.fromkeys(row.rung for ladder in most for row in ladder.rows if row.figure.seconds))

    @property
    def last(self) -> str:
        """The last rung that is our own; the last peer where there is none."""
        own = {ladder.last for _, ladder in self.members}
        return next((name for name in reversed(self.rungs) if name in own), self.rungs[-1])

    @cached_property
    def times(self) -> dict[str, list[Point]]:
        """The seconds that a step of each rung takes, machine by machine."""
        return {
            rung: [Point(one, row.figure.seconds) for one, row in self._rows(rung) if row.figure.seconds]
            for rung in self.rungs
        }

    @cached_property
    def ratios(self) -> dict[str, list[Point]]:
        """How many times as fast as the base each other rung is, machine by machine: within each sweep of its run."""
        bases = {one.file: row for one, row in self._rows(self.base)}
        return {
            rung: [Point(one, over.value, over.low, over.high) for one, row in self._rows(rung)
                   if one.file in bases and (over := ratio(bases[one.file].sweeps, row.sweeps))]
            for rung in self.rungs if rung != self.base
        }  # fmt: skip

    def _rows(self, rung: str) -> list[tuple[Entry, Row]]:
        found = ((one, row_of(ladder, rung)) for one, ladder in self.members)
        return [(one, row) for one, row in found if row]


def row_of(ladder: Ladder, rung: str) -> Row | None:
    """Return a rung's row, where it has a number."""
    return next((row for row in ladder.rows if row.rung == rung and row.figure.seconds), None)


def groups(entries: list[Entry], base: str | None = None) -> list[Group]:
    """Return what at least two machines measured, in the order of their files; over `base` where it is given."""
    found: dict[Choice, list[tuple[Entry, Ladder]]] = {}
    for one in entries:
        for choice, ladder in _choices(one):
            members = found.setdefault(choice, [])
            if not members or members[0][1][1:3] == ladder[1:3]:  # what has another size is other data of the same name
                members.append((one, ladder))
    several = {choice: members for choice, members in found.items() if len(members) > 1}
    return [Group(choice, base or _base(members), members) for choice, members in several.items()
            if not _repeats(choice, several)]  # fmt: skip


def _choices(one: Entry) -> Iterator[tuple[Choice, Ladder]]:
    """Yield each measured ladder of a machine by its number of threads, and again where these are all it has."""
    for ladder in ladders(one.document.looptax):
        if ladder.first:
            yield ladder.choice, ladder
            if int(ladder.choice.threads) == one.most_threads:
                yield ladder.choice._replace(threads=ALL), ladder


def _repeats(choice: Choice, found: dict[Choice, list[tuple[Entry, Ladder]]]) -> bool:
    """Whether the same stands under another choice: all threads are one everywhere, or two."""
    twin = choice._replace(threads="1" if choice.threads == ALL else ALL)
    return choice.threads != "1" and _which(found.get(twin, [])) == _which(found[choice])


def _which(members: list[tuple[Entry, Ladder]]) -> list[tuple[str, Choice]]:
    return [(one.file, ladder.choice) for one, ladder in members]


def _base(members: list[tuple[Entry, Ladder]]) -> str:
    """Return `NUMPY` where several machines have it, else the rung that the most have, the first one first."""
    timed = [[row.rung for row in ladder.rows if row.figure.seconds] for _, ladder in members]
    counts = Counter(rung for rungs in timed for rung in rungs)
    return NUMPY if counts[NUMPY] > 1 else max(counts, key=lambda rung: counts[rung])


def chosen_groups(entries: list[Entry], base: str | None) -> list[Group]:
    """Return `groups`; `typer.BadParameter` where there are none, or none has the base that is asked for."""
    found = groups(entries, base)
    if not found:
        raise typer.BadParameter("no two of them have measured the same input", param_hint="RESULT...")
    known = dict.fromkeys(rung for group in found for rung in group.rungs)
    if base and base not in known:
        raise typer.BadParameter(f"{base!r} is not one of {', '.join(known)}", param_hint="--over")
    return found
