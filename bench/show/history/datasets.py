"""What the chart of a history draws: rows of plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..machines.datasets import key, short
from ..machines.gather import when
from ..numbers import times
from .changes import levels
from .series import commit
from .tables import WRITE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..machines.spread import Point
    from .series import Series

Data = list[dict[str, Any]]


def points(found: Iterable[Series]) -> Data:
    """Return each run of each series."""
    return [
        {**_of(series), "when": _when(point), "value": short(point.value), "said": WRITE[series.measure](point.value),
         "run": point.entry.name, "commit": commit(point.entry),
         "state": "unstable" if point.entry.document.looptax.unstable else "quiet"}
        for series in found for point in series.points
    ]  # fmt: skip


def stretches(found: Iterable[Series]) -> Data:
    """Return the level of each stretch between changes; `factor` is what its first run changed, nothing at first."""
    rows: Data = []
    for series in found:
        before = None
        for start, end, level in levels(series.values):
            rows.append(
                {**_of(series), "from": _when(series.points[start]), "to": _when(series.points[end - 1]),
                 "level": short(level), "factor": times(level / before) if before else ""}
            )  # fmt: skip
            before = level
    return rows


def _of(series: Series) -> dict[str, str]:
    return {"input": key(series.group), "rung": series.rung, "measure": series.measure}


def _when(point: Point) -> int:
    """Return milliseconds since 1970, as Vega counts time."""
    return int(when(point.entry).timestamp() * 1000)
