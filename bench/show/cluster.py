"""The tables of steps over files and clusters: in units of the step in memory, and what a pass costs on a cluster."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from ..measure.cluster import MEMORY
from .numbers import digits, seconds, shape, speedup
from .ratios import ratio
from .tables import Line, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..measure.cluster import Way


def tables(ways: Sequence[Way]) -> Iterator[Table]:
    """Make a table for each input."""
    for source, group in groupby(ways, key=lambda way: way.source):
        found = list(group)
        memory = next((way.seconds for way in found if way.name == MEMORY), [])
        yield Table(
            f"{shape(source)}, float64",
            ("from", "a step", "of the step in memory", "evaluations of a fit"),
            [_line(way, memory) for way in found],
            text=(),
        )


def _line(way: Way, memory: list[float]) -> Line:
    if way.problem:
        return Line((way.name,), way.problem)
    time = seconds(float(np.median(way.seconds))) if way.seconds else ""
    compared = "" if way.name == MEMORY or not way.seconds else speedup(ratio(way.seconds, memory))
    return Line((way.name, time, compared, str(way.evaluations or "")))


def passes(ways: Sequence[Way]) -> Table:
    """Make the table of what a pass over a cluster is made of, whatever its tasks do."""
    columns = ("a pass", "input", "tasks", "bytes shipped", "fixed", "each task", "ns/byte")
    found = [way for way in ways if way.tasks and not way.problem]
    lines = [
        Line((way.name, shape(way.source), str(way.tasks), f"{way.shipped:,}", seconds(way.latency),
              seconds(way.per_task), digits(way.per_byte * 1e9)))
        for way in found
    ]  # fmt: skip
    return Table("What a pass costs on a cluster of this machine, whatever its tasks do", columns, lines)
