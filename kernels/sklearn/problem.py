"""What a solver minimises: the cost of a plan, in variables in which its curvature is near that of a ball."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .scale import Scale, scale_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..choose.plans import Plan


class Point(NamedTuple):
    """Weights, (classes or 1, n), with the intercepts as a last column where they are variables; the cost there."""

    weights: np.ndarray
    cost: float
    gradient: np.ndarray

    @property
    def largest(self) -> float:
        """The largest number of the gradient."""
        return float(np.abs(self.gradient).max())


class Problem:
    """The cost of a plan as solvers call it, the point they are at, and the best they have seen.

    A solver's variables `u` are those of `Scale`. The gradient that decides when it is done is by the weights
    themselves, as in scikit-learn.

    Parameters
    ----------
    plan : Plan
    start : numpy.ndarray, shape (classes or 1, n) or (classes or 1, n + 1)
        The weights; where intercepts are variables, they are the last column, elsewhere they stay at 0.
    tol : float
        Solved where no number of the gradient is larger.
    curvature : float
        About the second derivative of a loss with respect to z, at the start.
    watch : callable
        Called at the end of each iteration; a true answer ends the solver.

    Attributes
    ----------
    point, best : Point
        The one evaluated last, and that of least cost.
    iterations : int
        How many were made so far.
    reads : int
        How often X was read for them.
    """

    def __init__(
        self, plan: Plan, start: np.ndarray, tol: float, curvature: float, watch: Callable[[], bool] = lambda: False
    ) -> None:
        self.plan, self.tol, self.curvature, self.watch = plan, tol, curvature, watch
        self.columns = start.shape[1]
        self.precision = float(np.finfo(plan.dtype).eps)
        self.iterations = self.reads = 0
        self.stopped = False
        self.best = Point(start, np.inf, np.zeros_like(start))
        self.evaluate(start)

    def evaluate(self, weights: np.ndarray) -> Point:
        """Return the cost and its gradient at some weights."""
        cost, gradient = self.plan.objective(self._params(weights))
        self.point = Point(weights, cost, gradient.reshape(len(weights), -1)[:, : self.columns])
        self.reads += 1
        if cost < self.best.cost:
            self.best = self.point
        return self.point

    @cached_property
    def scale(self) -> Scale:
        """What leads from a solver's variables to weights."""
        return scale_of(self.plan, self.columns, self.curvature)

    def start(self) -> np.ndarray:
        """Return where a solver begins, in its own variables."""
        self._u = self.scale.variables(self.point.weights).ravel()
        return self._u

    def objective(self, u: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the cost and its gradient in a solver's variables, as SciPy wants them."""
        if not np.array_equal(u, self._u):
            self._u = u.copy()
            self.evaluate(self.scale.weights(u.reshape(-1, self.columns)))
        return self.point.cost, self.scale.gradient(self.point.gradient).ravel()

    def hessp(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return the curvature at u times v, both in a solver's variables."""
        self.reads += 1
        at, along = (self._params(self.scale.weights(each.reshape(-1, self.columns))) for each in (u, v))
        found = self.plan.hessp(at, along).reshape(-1, self.plan.features + 1)[:, : self.columns]
        return self.scale.gradient(found).ravel()

    def hessian(self) -> np.ndarray:
        """Return the curvature at the point, by the weights, class after class.

        The cost of several classes does not change where the same is added to the intercepts of all, or, without a
        penalty, to all weights of a feature: no curvature that way, and no gradient. So some is added, which makes one
        Newton step of many, and one of those there were.
        """
        count, size = len(self.point.weights), self.plan.features + 1
        found = self.plan.hessian(self._params(self.point.weights)).reshape(count, size, count, size)
        found = found[:, : self.columns, :, : self.columns]
        if count > 1:
            each = np.arange(self.columns)
            found[:, each, :, each] += found[0, each, 0, each].clip(self.precision)[:, None, None]
        self.reads += 1
        return found.reshape(count * self.columns, -1)

    def iterated(self) -> None:
        """Count an iteration and tell who watches; StopIteration where it was the last."""
        self.iterations += 1
        self.stopped = bool(self.watch())
        if self.stopped or self.solved:
            raise StopIteration

    @property
    def solved(self) -> bool:
        """Whether the gradient is as small as was asked for."""
        return self.point.largest <= self.tol

    @property
    def at_the_floor(self) -> bool:
        """Whether there is less to gain than the cost can show in its dtype."""
        gain = float(np.square(self.scale.gradient(self.point.gradient)).sum()) / 2
        return gain <= 16 * self.precision * abs(self.point.cost)

    def _params(self, weights: np.ndarray) -> np.ndarray:
        """Return weights as plans take them."""
        if self.columns > self.plan.features:
            return weights.ravel()
        return np.column_stack([weights, np.zeros(len(weights))]).ravel()
