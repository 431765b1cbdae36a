"""The tables of a history, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..numbers import seconds, times
from ..tables import Line, Table
from .series import RATIO, TIME, commit, day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..machines.entry import Entry
    from ..machines.groups import Group
    from .series import Series

WRITE = {TIME: seconds, RATIO: times}


def change_table(found: Sequence[Series]) -> Table:
    """Make the table of all changes, the newest run first, and of each run the largest first."""
    rows = [(series, change) for series in found for change in series.changes]
    order = {one.file: k for k, one in enumerate(runs_of(found))}
    first = sorted(rows, key=lambda row: (-order[row[0].points[row[1].at].entry.file], -abs(row[1].factor - 1)))
    lines = [
        Line(
            (series.rung, series.group.title, _of(series), times(change.factor), WRITE[series.measure](change.before),
             WRITE[series.measure](change.after)),
            detail=series.group.title,  # a phone has no room for it in a column
            group=between(series.points[change.at - 1].entry, series.points[change.at].entry),
        )
        for series, change in first
    ]  # fmt: skip
    return Table("Changes", ("rung", "on", "of", "factor", "before", "after"), lines, text=("on",))


def _of(series: Series) -> str:
    return "time" if series.measure == TIME else f"over {series.group.base}"


def between(before: Entry, after: Entry) -> str:
    """Say between which runs something changed."""
    return " → ".join(" ".join(filter(None, (day(one), commit(one), one.name))) for one in (before, after))


def runs_of(found: Sequence[Series]) -> list[Entry]:
    """Return the runs that there are, oldest first."""
    every = {point.entry.file: point.entry for series in found for point in series.points}
    return sorted(every.values(), key=lambda one: one.document.datetime or "")


def time_table(group: Group) -> Table:
    """Make the table run × rung of the times of an input."""
    columns = {
        rung: {point.entry.file: seconds(point.value) for point in points} for rung, points in group.times.items()
    }
    lines = [
        Line((f"{day(one)} {one.name}".strip(), *(found.get(one.file, "") for found in columns.values())),
             detail=f"commit {commit(one) or 'unknown'}; {'; '.join(one.document.looptax.unstable) or 'quiet'}")
        for one, _ in group.members
    ]  # fmt: skip
    return Table(group.title, ("run", *columns), lines, [], group.choice._asdict())
