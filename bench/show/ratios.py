"""Ratios of times that survive drift, with intervals.

A machine's speed drifts in the course of a run, and takes whole sweeps along. So a ratio is formed
inside each sweep, where both times have the same drift, and the logarithms of the k ratios are
summarised by Student's t: with their mean l and standard deviation s, the ratio is exp(l), the
geometric mean, and its 95 % interval exp(l ± t s / √k), where t is the 97.5 % point of Student's
distribution with k - 1 degrees of freedom. This is the paired t-interval of any textbook, on a
logarithmic scale because times are positive and ratios multiply; it holds where the noise left inside
a sweep is roughly lognormal. With fewer than 3 sweeps there is no interval.

Times of independent runs have no sweep in common; theirs is Welch's interval, see `independent`.
"""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from statistics import fmean, geometric_mean, median
from typing import TYPE_CHECKING, Any, NamedTuple

from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .result import Figure

    Times = Sequence[float | None] | None

MIN_SWEEPS = 3
CONFIDENCE = 0.95


class Ratio(NamedTuple):
    """A ratio of two times.

    Attributes
    ----------
    value : float
        Geometric mean over the sweeps.
    low, high : float or None
        Its 95 % interval; None with fewer than 3 sweeps.
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
    return _paired(tuple(numerator or ()), tuple(denominator or ()))


@lru_cache(maxsize=1 << 14)  # a page shows the same ratio in several places
def _paired(numerator: tuple[float | None, ...], denominator: tuple[float | None, ...]) -> Ratio | None:
    logs = [math.log(a / b) for a, b in zip(numerator, denominator, strict=False) if a and b]
    if not logs:
        return None
    with _constant_times():
        test = stats.ttest_1samp(logs, 0.0) if len(logs) >= MIN_SWEEPS else None
    return _ratio(fmean(logs), test, len(logs))


def independent(numerator: Times, denominator: Times) -> Ratio | None:
    """Return how many times as long the numerator takes, both being of runs of their own.

    The interval is Welch's, on the logarithms of the times. What changed between the runs as a whole, a warmer
    machine say, it cannot know.
    """
    above, below = ([math.log(time) for time in times or () if time] for times in (numerator, denominator))
    sweeps = min(len(above), len(below))
    if not sweeps:
        return None
    with _constant_times():
        test = stats.ttest_ind(above, below, equal_var=False) if sweeps >= MIN_SWEEPS else None
    return _ratio(fmean(above) - fmean(below), test, sweeps)


def geometric(cells: Sequence[Times]) -> list[float | None]:
    """Return the geometric mean over several cells of each sweep, None in a sweep that not all have."""
    columns = zip(*(times or () for times in cells), strict=False)
    return [geometric_mean(filter(None, times)) if all(times) else None for times in columns]


def floor(figures: Iterable[Figure]) -> tuple[float, float] | None:
    """Return the A/A noise floor: the interval that the ratio of two equal rungs has in this run.

    The median over all cells measured twice of the lower ends, and of the upper ends, of the intervals
    of a cell's times to its own; None where there is no such interval.
    """
    found = [ratio(figure.again, figure.sweeps) for figure in figures]
    ends = [(each.low, each.high) for each in found if each and each.low is not None and each.high is not None]
    return (median(low for low, _ in ends), median(high for _, high in ends)) if ends else None


def _constant_times() -> warnings.catch_warnings:
    """SciPy warns where all times are the same; their interval, of no width, is right."""
    return warnings.catch_warnings(action="ignore", category=RuntimeWarning)


def _ratio(log: float, test: Any, sweeps: int) -> Ratio:
    if test is None:
        return Ratio(math.exp(log), None, None, sweeps)
    with _constant_times():
        low, high = test.confidence_interval(CONFIDENCE)
    return Ratio(math.exp(log), math.exp(low), math.exp(high), sweeps)
