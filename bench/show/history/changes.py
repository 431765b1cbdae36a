"""Change points of a series: where the times of one run after another begin to be others.

PELT (Killick, Fearnhead and Eckley, 2012), as `ruptures` has it, splits the logarithms of the times where their medians
differ: one bad run moves no median. What a split saves in absolute distances must be worth `PENALTY` times log n of the
noise, which is that between neighbouring runs, by the median of their differences, and at least 1 %. What is found
counts where it is `MIN_FACTOR` or more. A change is seen once two runs have it, and of fewer than six none is told.

(apache-otava was looked at: its version 0.8 asks for NumPy 2.2 and brings clients of BigQuery and Slack.)
"""

from __future__ import annotations

from itertools import pairwise
from math import log
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

MIN_RUNS = 6
MIN_FACTOR = 1.03
PENALTY = 2.5  # splits 4 of 500 quiet series of 16 runs, and finds 10 % in 2 % of noise in 29 of 30
NEIGHBOURS = 2  # runs: a change is seen once so many have it
QUIET = 0.01  # the least noise, of logarithms
NORMAL = 0.6745 * 2**0.5  # the median of the absolute differences of two normal numbers, over their deviation


class Change(NamedTuple):
    """A change point.

    Attributes
    ----------
    at : int
        The first run that has it.
    before, after : float
        The medians of the runs up to there, from the change before it, and from there, to the next one.
    """

    at: int
    before: float
    after: float

    @property
    def factor(self) -> float:
        """How many times what it was."""
        return self.after / self.before


def levels(values: Sequence[float]) -> list[tuple[int, int, float]]:
    """Return the stretches between changes: the first run, the one after the last, and their median."""
    ends = _split([log(value) for value in values]) if len(values) >= MIN_RUNS else [len(values)]
    starts = [0, *ends[:-1]]
    return _joined([(start, end, median(values[start:end])) for start, end in zip(starts, ends, strict=True)], values)


def changes(values: Sequence[float]) -> list[Change]:
    """Return the change points of a series of positive numbers, in order."""
    found = levels(values)
    return [Change(after[0], before[2], after[2]) for before, after in pairwise(found)]


def _split(logarithms: list[float]) -> list[int]:
    """Return where each stretch ends, that of the last one included."""
    import ruptures  # takes half a second, and SciPy

    noise = max(float(np.median(np.abs(np.diff(logarithms)))) / NORMAL, QUIET)
    signal = np.array(logarithms) / noise
    search = ruptures.Pelt(model="l1", min_size=NEIGHBOURS, jump=1).fit(signal)
    return [int(end) for end in search.predict(pen=PENALTY * log(len(signal)))]


def _joined(found: list[tuple[int, int, float]], values: Sequence[float]) -> list[tuple[int, int, float]]:
    """Join neighbours that differ by less than `MIN_FACTOR`, the least different first."""
    while len(found) > 1:
        apart = [abs(log(after[2] / before[2])) for before, after in pairwise(found)]
        k = apart.index(min(apart))
        if apart[k] >= log(MIN_FACTOR):
            break
        start, end = found[k][0], found[k + 1][1]
        found = [*found[:k], (start, end, median(values[start:end])), *found[k + 2 :]]
    return found
