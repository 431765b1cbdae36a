"""Ratios of times that survive drift and bad moments, with intervals.

A machine's speed drifts in the course of a run, and takes whole sweeps along. So a ratio is formed
inside each sweep, where both times have the same drift, and summarised by the median over the sweeps.
Its interval is the order statistics' one: of k ratios in order, from the r-th smallest to the r-th
largest, where r is the largest rank for which k fair coins show fewer than r heads with a probability of
at most 2.5 %. So it covers the true median with at least 95 %, whatever the distribution of the noise is
(W. J. Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2): of 6 sweeps it is the smallest
and the largest ratio, of 9 the second and the eighth, of 12 the third and the tenth, so that one bad sweep
of 9, or two of 12, move nothing. With fewer than 6 sweeps there is no such interval.

Times of independent runs have no sweep in common; theirs is the interval of Yuen's trimmed t-test, see
`independent`.
"""

from __future__ import annotations

import math
import warnings
from functools import cache
from statistics import geometric_mean, median
from typing import TYPE_CHECKING, NamedTuple

from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .result import Figure

    Times = Sequence[float | None] | None

MIN_SWEEPS = 6
CONFIDENCE = 0.95
TRIMMED = 1 / 6  # of the sweeps of a run by itself, from either end: one of 6 to 11


class Ratio(NamedTuple):
    """A ratio of two times.

    Attributes
    ----------
    value : float
        Median over the sweeps.
    low, high : float or None
        Its 95 % interval; None with fewer than `MIN_SWEEPS` sweeps.
    sweeps : int
        How many it comes from.
    """

    value: float
    low: float | None
    high: float | None
    sweeps: int

    @property
    def differs(self) -> bool:
        """Whether the interval excludes 1: a difference is seen."""
        return self.low is not None and self.high is not None and not self.low <= 1 <= self.high

    @property
    def undecided(self) -> bool:
        """Whether no difference is seen: there is an interval, and it includes 1."""
        return self.low is not None and not self.differs

    @property
    def inverse(self) -> Ratio:
        """The ratio the other way round."""
        low, high = (end and 1 / end for end in (self.high, self.low))
        return Ratio(1 / self.value, low, high, self.sweeps)


def ratio(numerator: Times, denominator: Times) -> Ratio | None:
    """Return how many times as long the numerator takes, sweep by sweep; None without a common sweep."""
    found = sorted(a / b for a, b in zip(numerator or (), denominator or (), strict=False) if a and b)
    if not found:
        return None
    rank = _rank(len(found))
    low, high = (found[rank - 1], found[-rank]) if rank else (None, None)
    return Ratio(median(found), low, high, len(found))


@cache
def _rank(sweeps: int) -> int:
    """Return the rank, from either end, of the ratios that an interval reaches to; 0 where there is none."""
    return int(stats.binom.ppf((1 - CONFIDENCE) / 2, sweeps, 0.5))


def independent(numerator: Times, denominator: Times) -> Ratio | None:
    """Return how many times as long the numerator takes, both being of runs of their own.

    The interval is Yuen's, on the logarithms of the times: Welch's t-test without the smallest and the largest times
    of either run. What changed between the runs as a whole, a warmer machine say, it cannot know.
    """
    above, below = ([math.log(time) for time in times or () if time] for times in (numerator, denominator))
    sweeps = min(len(above), len(below))
    if not sweeps:
        return None
    value = math.exp(stats.trim_mean(above, TRIMMED) - stats.trim_mean(below, TRIMMED))
    if sweeps < MIN_SWEEPS:
        return Ratio(value, None, None, sweeps)
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # of times that are all the same
        test = stats.ttest_ind(above, below, equal_var=False, trim=TRIMMED)
        low, high = map(math.exp, test.confidence_interval(CONFIDENCE))
    return Ratio(value, low, high, sweeps)


def geometric(cells: Sequence[Times]) -> list[float | None]:
    """Return the geometric mean over several cells of each sweep, None in a sweep that not all have."""
    columns = zip(*(times or () for times in cells), strict=False)
    return [geometric_mean(filter(None, times)) if all(times) else None for times in columns]


def mean(pairs: Sequence[tuple[Times, Times]]) -> Ratio | None:
    """Return the geometric mean of the ratios of several cells, formed in each sweep; None where no sweep has all."""
    return ratio(*map(geometric, zip(*pairs, strict=True)))


def floor(figures: Iterable[Figure]) -> tuple[float, float] | None:
    """Return the A/A noise floor: the interval that the ratio of two equal rungs has in this run.

    The median over all cells measured twice of the lower ends, and of the upper ends, of the intervals
    of a cell's times to its own; None where there is no such interval.
    """
    found = [ratio(figure.again, figure.sweeps) for figure in figures]
    ends = [(each.low, each.high) for each in found if each and each.low is not None and each.high is not None]
    return (median(low for low, _ in ends), median(high for _, high in ends)) if ends else None
