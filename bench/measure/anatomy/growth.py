"""How the time grows: against the samples at few features, against the features at few samples."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import stats

from ....kernels.ladder import UnavailableError, rung
from ...show.result import Growth
from .. import data, threads
from ..stopwatch import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FIXED = 10  # features while the samples grow, samples while the features do
SIZES = tuple(round(10 ** (k / 2)) for k in range(2, 13))  # 10 to 1,000,000, two a decade
BUDGET = 0.5  # seconds of one call; a curve ends before the call that would need more
ROUNDS = 3
FITTED = 100  # the sizes from the largest down to this part of it


def curves(
    rungs: Sequence[str], progress: Callable[[str], None] = lambda text: None, sizes: Sequence[int] = SIZES
) -> list[Growth]:
    """Measure the curves of all rungs in both directions, on one thread, float64, C order.

    Parameters
    ----------
    rungs : sequence of str
    progress : callable
        Told of each shape before it is measured.
    sizes : sequence of int
        Rising.

    Returns
    -------
    list of Growth
        `reason` says why a curve ends before the last size.
    """
    found = []
    directions: tuple[Literal["samples", "features"], ...] = ("samples", "features")
    for along in directions:
        group = [_Curve(name, along) for name in rungs]
        for size in sizes:
            source = f"{size}x{FIXED}" if along == "samples" else f"{FIXED}x{size}"
            progress(f"growth {source}")
            case = data.load(source, "float64", "C")
            with threads.limited(1):
                for curve in group:
                    curve.extend(size, case[1:])
        found += [curve.fitted() for curve in group]
    return found


class _Curve:
    """One rung's times along one direction, until it has no more budget."""

    def __init__(self, name: str, along: Literal["samples", "features"]):
        self.name, self.along = name, along
        self.points: list[tuple[int, float]] = []
        self.reason: str | None = None
        try:
            self.step: Any = rung(name).load()
        except UnavailableError as error:
            self.reason = str(error)

    def extend(self, size: int, arguments: tuple) -> None:
        if self.points and self.points[-1][1] * size / self.points[-1][0] > BUDGET:
            self.reason = self.reason or f"at {size} {self.along} one call would take more than {BUDGET:g} s"
        if not self.reason:
            self.points.append((size, side_by_side({"step": partial(self.step, *arguments)}, ROUNDS)["step"]))

    def fitted(self) -> Growth:
        exponent, interval = fit(self.points)
        points = self.points
        return Growth(
            self.name, self.along, FIXED, points=points, exponent=exponent, interval=interval, reason=self.reason
        )


def fit(points: Sequence[tuple[int, float]]) -> tuple[float | None, tuple[float, float] | None]:
    """Fit a power of the size to the upper end of a curve.

    By least squares on the logarithms, over the last two decades of sizes: below them a call's own cost
    bends the curve. The interval is Student's, from the residuals of that fit.

    Parameters
    ----------
    points : sequence of (size, seconds)
        Rising.

    Returns
    -------
    exponent : float or None
        None where fewer than three points are left.
    interval : tuple or None
        Holds it with a probability of 95 %.
    """
    upper = [point for point in points if point[0] * FITTED >= points[-1][0]]
    if len(upper) < 3:
        return None, None
    line = stats.linregress(*np.log(upper).T)
    half = stats.t.ppf(0.975, len(upper) - 2) * line.stderr
    return float(line.slope), (float(line.slope - half), float(line.slope + half))
