"""The tables of a class, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ladder import technique
from ..numbers import count, digits, seconds, times
from ..tables import Line, Table
from .entry import FACTS
from .gains import goes_with
from .spread import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .entry import Entry
    from .gains import Gain
    from .groups import Group
    from .spread import Point, Spread


def ladder_table(group: Group) -> Table:
    """Make the ladder of medians with ranges."""
    columns = ("rung", "technique", "median", "range", "time", "range of times", "machines", "most", "least")
    lines = [_ladder_line(group, rung) for rung in group.rungs]
    notes = [f"median, range: times as fast as {group.base} on the same machine; time: the median of the machines"]
    return _table(group, columns, lines, ("technique", "most", "least"), notes)


def _ladder_line(group: Group, rung: str) -> Line:
    over, taken = spread(group.ratios.get(rung, ())), spread(group.times[rung])
    head = (rung, technique(rung))
    if not taken:
        return Line(head, "of stand-ins alone")
    first = "1×" if rung == group.base else ""
    ends = (over.highest.entry.name, over.lowest.entry.name) if over and over.machines > 1 else ("", "")
    ratios = (times(over.middle), _range(over, digits)) if over else (first, "")
    return Line((*head, *ratios, seconds(taken.middle), _range(taken, seconds), count(taken.machines), *ends),
                detail=_ends(over, taken))  # fmt: skip


def _range(found: Spread, write: Callable[[float], str]) -> str:
    """Write the smallest and the largest value; nothing of a single machine."""
    return f"{write(found.lowest.value)} – {write(found.highest.value)}" if found.machines > 1 else ""


def _ends(over: Spread | None, taken: Spread) -> str:
    """Name the machines at the ends of the ranges."""
    said = [_most_and_least(over)] if over else []
    ends = (("shortest", taken.lowest), ("longest", taken.highest))
    return "; ".join([*said, *(f"{name} time, {seconds(end.value)}: {_who(end.entry)}" for name, end in ends)])


def _who(one: Entry) -> str:
    """Name a machine, with what may explain its value."""
    return f"{one.name} ({', '.join([one.described, *(f'{name} {text}' for name, text in one.told())])})"


def ratio_table(group: Group) -> Table:
    """Make the table machine × rung of the ratios over the base."""
    return _each(group, group.ratios, times)


def time_table(group: Group) -> Table:
    """Make the table machine × rung of the times."""
    return _each(group, group.times, seconds)


def _each(group: Group, points: dict[str, list[Point]], write: Callable[[float], str]) -> Table:
    columns = {rung: {point.entry.file: write(point.value) for point in found} for rung, found in points.items()}
    shown = {rung: found for rung, found in columns.items() if found}
    lines = [
        Line((one.name, *(found.get(one.file, "") for found in shown.values())), detail=_who(one))
        for one, _ in group.members
    ]
    return _table(group, ("machine", *shown), lines)


def gain_table(group: Group, found: Sequence[Gain]) -> Table:
    """Make the table of what each step of the ladder brings: the median, and who gains most and least."""
    columns = ("step", "median", "range", "gains most", "gains least", "goes with")
    lines = [_gain_line(gain, made) for gain in found if (made := spread(gain.points))]
    return _table(group, columns, lines, ("gains most", "gains least", "goes with"))


def _gain_line(gain: Gain, found: Spread) -> Line:
    ends = (found.highest.entry.name, found.lowest.entry.name) if found.machines > 1 else ("", "")
    cells = (gain.step, times(found.middle), _range(found, digits), *ends, goes_with(gain))
    return Line(cells, detail=_most_and_least(found))


def _most_and_least(found: Spread) -> str:
    ends = (("most", found.highest), ("least", found.lowest))
    return "; ".join(f"{name}, {times(end.value)}: {_who(end.entry)}" for name, end in ends)


def outlier_table(group: Group) -> Table:
    """Make the table of the outliers of a group; it has no line where there are none."""
    lines = [
        *_outliers(group, group.ratios, f"over {group.base}", times),
        *_outliers(group, group.times, "time", seconds),
    ]
    return _table(group, ("machine", "rung", "of", "there", "median", "range"), lines)


def _outliers(group: Group, points: dict[str, list[Point]], of: str, write: Callable[[float], str]) -> Iterable[Line]:
    for rung, every in points.items():
        found = spread(every)
        if not found:
            continue
        for point in found.outliers:
            cells = (point.entry.name, rung, of, write(point.value), write(found.middle), _range(found, write))
            yield Line(cells, detail=_who(point.entry))


def machine_table(entries: Sequence[Entry]) -> Table:
    """Make the table of the machines and their facts."""
    columns = ("machine", "CPU", *(fact.name for fact in FACTS), "measured", "commit")
    return Table("The machines", columns, [_machine_line(one) for one in entries], text=("CPU",))


def _machine_line(one: Entry) -> Line:
    told, document = dict(one.told()), one.document
    commit = str(document.machine_info.get("git_commit") or "")[:7]
    measured = (document.datetime or "")[:10]
    detail = "; ".join(filter(None, (one.described, "a stand-in, which counts in no median" * bool(one.held_to),
                                     document.machine_info.get("system"), *document.looptax.unstable)))  # fmt: skip
    mark = " (stand-in)" * bool(one.held_to) + " (unstable)" * bool(document.looptax.unstable)
    facts = [told.get(fact.name, "") for fact in FACTS]
    return Line((one.name + mark, one.described, *facts, measured, commit), detail=detail)


def _table(
    group: Group, columns: tuple[str, ...], lines: list[Line], text: tuple[str, ...] = (), notes: Sequence[str] = ()
) -> Table:
    return Table(group.title, columns, lines, list(notes), group.choice._asdict(), text=text)
