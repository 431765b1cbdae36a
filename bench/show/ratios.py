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
from statistics import fmean, geometric_mean, median, stdev, variance
from typing import TYPE_CHECKING, Any, NamedTuple

from scipy.special import stdtrit

if TYPE_CHECKING:
    from collections.abc import Sequence

    Times = Sequence[float | None]

LEAST_SWEEPS = 3
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


def ratio(numerator: Times, denominator: Times) -> Ratio | None:
    """Return how many times as long the numerator takes, sweep by sweep; None without a common sweep."""
    logs = _log_ratios(numerator, denominator)
    if not logs:
        return None
    error = stdev(logs) / math.sqrt(len(logs)) if len(logs) >= LEAST_SWEEPS else None
    return _ratio(fmean(logs), error, len(logs) - 1, len(logs))


def independent(numerator: Times, denominator: Times) -> Ratio | None:
    """Return how many times as long the numerator takes, both being of runs of their own.

    Welch's interval on the logarithms a and b of the times: the standard error is
    e = √(s_a²/k_a + s_b²/k_b), with e⁴ / ((s_a²/k_a)²/(k_a - 1) + (s_b²/k_b)²/(k_b - 1)) degrees of
    freedom. What changed between the runs as a whole, a warmer machine say, it cannot know.
    """
    above, below = ([math.log(time) for time in times if time] for times in (numerator, denominator))
    sweeps = min(len(above), len(below))
    if not sweeps:
        return None
    error, freedom = _welch(above, below) if sweeps >= LEAST_SWEEPS else (None, 0.0)
    return _ratio(fmean(above) - fmean(below), error, freedom, sweeps)


def geometric(cells: Sequence[Times]) -> list[float | None]:
    """Return the geometric mean over several cells of each sweep, None in a sweep that not all have."""
    return [geometric_mean(times) if all(times) else None for times in zip(*cells, strict=False)]


def floor(document: dict[str, Any]) -> tuple[float, float] | None:
    """Return the A/A noise floor: the interval that the ratio of two equal rungs has in this run.

    The median over all cells measured twice of the lower ends, and of the upper ends, of the intervals
    of a cell's times to its own; None where there is no such interval.
    """
    found = [ratio(cell["again"], cell["seconds"]) for cell in document["looptax"]["cells"] if cell["again"]]
    ends = [(each.low, each.high) for each in found if each and each.low is not None and each.high is not None]
    return (median(low for low, _ in ends), median(high for _, high in ends)) if ends else None


def _log_ratios(numerator: Times, denominator: Times) -> list[float]:
    return [math.log(a / b) for a, b in zip(numerator, denominator, strict=False) if a and b]


def _welch(above: list[float], below: list[float]) -> tuple[float, float]:
    """Return the standard error of a difference of means, and its degrees of freedom."""
    a, b = variance(above) / len(above), variance(below) / len(below)
    freedom = (a + b) ** 2 / (a**2 / (len(above) - 1) + b**2 / (len(below) - 1)) if a + b else 1.0
    return math.sqrt(a + b), freedom


def _ratio(log: float, error: float | None, freedom: float, sweeps: int) -> Ratio:
    if error is None:
        return Ratio(math.exp(log), None, None, sweeps)
    half = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
    return Ratio(math.exp(log), math.exp(log - half), math.exp(log + half), sweeps)
