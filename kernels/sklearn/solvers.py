"""How the cost is minimised: three ways to find a direction, and one to go along it.

The cost is convex, so a step that lowers it by a share of what its slope promises is a good one, and the pairs of
L-BFGS have positive curvature without a further condition. SciPy's L-BFGS-B is not used: its matrices of 20 x 20 go
through a threaded BLAS, and where another process is busy a call waits 2 to 4 ms for that; its Newton-CG knows no
metric.

Each solver returns why it ended unsolved; "" where the problem is solved.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import lapack

from .metric import Metric

if TYPE_CHECKING:
    from collections.abc import Callable

    from .problem import Point, Problem

    Direction = Callable[[Problem], np.ndarray | None]

HALVINGS = 20  # of a step, until it is given up
DECREASE = 2.0**-11  # of the cost, as a share of what the slope promises
NOISE = 16  # in units of the cost's last place: what it may be wrong by
STALLED = 5  # iterations whose costs differ by noise alone, and no gradient is smaller: there is no more to gain
PAIRS = 10  # of steps and changes of the gradient, that L-BFGS remembers
RENEWED = 10  # every so many iterations L-BFGS takes the curvature anew, first after half as many
MAX_INNER = 200  # iterations of conjugate gradients, for a step
TOO_MANY = "as many iterations were made as max_iter allows"
NO_STEP = "no step lowers the cost"


def never() -> bool:
    """Return False."""
    return False


def descend(
    problem: Problem,
    max_iter: int,
    direction: Direction,
    more: Callable[[], bool] = never,
    better: Callable[[], bool] = never,
) -> str:
    """Go along directions until the problem is solved, and `more` does not ask for more.

    Where a whole step is too long, `better` tells whether there is a better direction by now.
    """
    least, stalled = np.inf, 0
    while problem.iterations < max_iter:
        step = direction(problem)
        if step is None:
            return NO_STEP
        before = problem.point
        slope = float(np.vdot(before.gradient, step))
        noise = NOISE * problem.precision * abs(before.cost)
        after = _along(problem, step, slope, noise, 1)
        if after is None and better():
            continue
        after = after or _along(problem, step / 2, slope / 2, noise, HALVINGS)
        if after is None:
            return "" if -slope <= noise else NO_STEP
        stalled = stalled + 1 if before.cost - after.cost <= noise and -slope >= least else 0
        least = min(least, -slope)
        if problem.iterated(after) or stalled == STALLED or (problem.solved and not more()):
            return ""
    return "" if problem.solved else TOO_MANY


def _along(problem: Problem, step: np.ndarray, slope: float, noise: float, tries: int) -> Point | None:
    """Return the first point, half as far each time, where the cost is lower; None where there is none.

    What is lost in noise is told by the slope instead: that it has not turned by as much as it was.
    """
    before, t = problem.point, 1.0
    for _ in range(tries):
        after = problem.evaluate(before.weights + t * step)
        change = after.cost - before.cost
        if change <= DECREASE * t * slope:
            return after
        if abs(change) <= noise and np.vdot(after.gradient, step) <= (2 * DECREASE - 1) * slope:
            return after
        t /= 2
    return None


class Secants:
    """The directions of L-BFGS: what the last steps told of the curvature, over a metric."""

    def __init__(self, problem: Problem) -> None:
        self.metric = Metric(problem.plan, problem.columns)
        self.metric.learn(problem.point.weights, self.metric.cheap)
        self.pairs: deque[tuple[np.ndarray, np.ndarray, float]] = deque(maxlen=PAIRS)
        self.last = problem.point

    def _remember(self, problem: Problem) -> None:
        """Keep what the last step told; now and then take the metric anew."""
        s, y = problem.point.weights - self.last.weights, problem.point.gradient - self.last.gradient
        if (curved := np.vdot(s, y)) > problem.precision * np.vdot(y, y):
            self.pairs.append((s, y, curved))
        self.last = problem.point
        if problem.iterations % RENEWED == RENEWED // 2 and self.metric.whole:
            if self.metric.diagonal is None:
                self.metric.more()
            self.metric.learn(problem.point.weights, whole=True)

    def __call__(self, problem: Problem) -> np.ndarray:
        """Return the direction at the problem's point."""
        if self.last is not problem.point:
            self._remember(problem)
        q, shares = problem.point.gradient.copy(), []
        for s, y, curved in reversed(self.pairs):
            shares.append(np.vdot(s, q) / curved)
            q -= shares[-1] * y
        q = self.metric(q)
        if self.pairs:
            s, y, curved = self.pairs[-1]
            q *= curved / np.vdot(y, self.metric(y))
        elif self.metric.diagonal is not None:  # the direction may be good; how far to go along it is not known
            q *= np.vdot(q, problem.point.gradient) / max(np.vdot(q, problem.hessp(q)), problem.precision)
        for (s, y, curved), share in zip(self.pairs, reversed(shares), strict=True):
            q += (share - np.vdot(y, q) / curved) * s
        return -q


def lbfgs(problem: Problem, max_iter: int) -> str:
    """L-BFGS, over a metric that is taken anew now and then."""
    if problem.solved:
        return ""
    for _ in range(2):  # again without what misled it
        secants = Secants(problem)
        ended = descend(problem, max_iter, secants, better=secants.metric.complete)
        if ended != NO_STEP:
            break
    return ended


def newton_cg(problem: Problem, max_iter: int) -> str:
    """Newton's method, its steps by conjugate gradients, as exact as the gradient is small."""
    metric = Metric(problem.plan, problem.columns)

    def direction(problem: Problem) -> np.ndarray:
        gradient = problem.point.gradient
        if problem.iterations == 0 or metric.whole:
            metric.learn(problem.point.weights, metric.whole)
        step, rest = np.zeros_like(gradient), -gradient
        p = z = metric(rest)
        first = left = float(np.vdot(rest, z))
        for _ in range(MAX_INNER):
            Hp = problem.hessp(p)
            curved = float(np.vdot(p, Hp))
            if curved <= problem.precision * np.vdot(p, p):
                break
            step = step + left / curved * p
            rest = rest - left / curved * Hp
            z = metric(rest)
            left, before = float(np.vdot(rest, z)), left
            if left <= min(0.25, first**0.5) * first:
                break
            p = z + left / before * p
        return step if step.any() else metric(-gradient)

    return "" if problem.solved else descend(problem, max_iter, direction)


def newton_cholesky(problem: Problem, max_iter: int) -> str:
    """Newton's method, its steps by a Cholesky factor of the curvature; where they fail, L-BFGS goes on."""
    gain = np.inf

    def direction(problem: Problem) -> np.ndarray | None:
        nonlocal gain
        curvature, gradient = problem.hessian(), problem.point.gradient
        diagonal = curvature.diagonal().copy()
        factor, failed = lapack.dpotrf(curvature.T, lower=True)
        # What a column has that those before lack: nothing, up to rounding, where one is a sum of others.
        if failed or (np.square(factor.diagonal()) <= len(diagonal) * problem.precision * diagonal).any():
            problem.singular = True
            return None
        step = -lapack.dpotrs(factor, gradient.ravel(), lower=True)[0].reshape(gradient.shape)
        gain = -float(np.vdot(step, gradient)) / 2
        return step

    ended = descend(problem, max_iter, direction, more=lambda: gain > problem.tol)
    return lbfgs(problem, max_iter) if ended == NO_STEP else ended


SOLVERS: dict[str, Callable[[Problem, int], str]] = {
    "lbfgs": lbfgs,
    "newton-cg": newton_cg,
    "newton-cholesky": newton_cholesky,
}
