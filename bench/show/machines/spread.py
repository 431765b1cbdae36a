"""How far apart machines are: the median and the ends, and which of them are outliers.

The rule: a machine is an outlier where its value lies more than 1.5 interquartile ranges below the first quartile or
above the third, all on a logarithmic scale, and where the whole of its own 95 % interval, if it has one, does (Tukey's
fences; J. W. Tukey, Exploratory Data Analysis, 1977). Of fewer than five machines none is called so. A stand-in is
no machine: it is shown, and counts nowhere.
"""

from __future__ import annotations

from math import exp, log
from statistics import median, quantiles
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .entry import Entry

MIN_MACHINES = 5
FENCE = 1.5  # interquartile ranges


class Point(NamedTuple):
    """A machine's value: a time or a ratio, and the ends of its interval where it has one."""

    entry: Entry
    value: float
    low: float | None = None
    high: float | None = None


class Spread(NamedTuple):
    """The machines of a rung.

    Attributes
    ----------
    middle : float
        The median.
    lowest, highest : Point
    machines : int
    outliers : list of Point
    """

    middle: float
    lowest: Point
    highest: Point
    machines: int
    outliers: list[Point]


def spread(points: Sequence[Point]) -> Spread | None:
    """Return how far apart the machines are; None where all are stand-ins, or there is none."""
    found = sorted((point for point in points if not point.entry.held_to), key=lambda point: point.value)
    if not found:
        return None
    return Spread(median(point.value for point in found), found[0], found[-1], len(found), outliers(found))


def outliers(points: Sequence[Point]) -> list[Point]:
    """Return the machines beyond the fences."""
    if len(points) < MIN_MACHINES:
        return []
    first, _, third = quantiles((log(point.value) for point in points), n=4, method="inclusive")
    reach = FENCE * (third - first) + 1e-9  # machines that are all the same differ by rounding
    low, high = exp(first - reach), exp(third + reach)
    return [point for point in points if (point.high or point.value) < low or (point.low or point.value) > high]
