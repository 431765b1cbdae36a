"""What a solver minimises: the cost of a plan, the point it is at, and the best it has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

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
    """The cost of a plan as solvers call it.

    Parameters
    ----------
    plan : Plan
    start : numpy.ndarray, shape (classes or 1, n) or (classes or 1, n + 1)
        The weights; where intercepts are variables, they are the last column, elsewhere they stay at 0.
    tol : float
        Solved where no number of the gradient is larger.

    Attributes
    ----------
    point, best : Point
        Where the solver is, and the point of least cost.
    columns : int
        Of the weights.
    precision : float
        Of numbers in the dtype of X.
    iterations : int
        How many were made so far.
    reads : int
        How often X was read for them.
    singular : bool
        Whether a solver found the curvature singular, or nearly so.
    watch : callable
        Called at the end of each iteration; a true answer ends the solver.
    """

    watch: Callable[[], bool] | None = None

    def __init__(self, plan: Plan, start: np.ndarray, tol: float) -> None:
        self.plan, self.tol = plan, tol
        self.columns = start.shape[1]
        self.precision = float(np.finfo(plan.dtype).eps)
        self.iterations = self.reads = 0
        self.singular = False
        self.best = Point(start, np.inf, np.zeros_like(start))
        self.point = self.evaluate(start)

    def evaluate(self, weights: np.ndarray) -> Point:
        """Return a point: the cost and its gradient at some weights."""
        cost, gradient = self.plan.objective(self._params(weights))
        point = Point(weights, cost, gradient.reshape(len(weights), -1)[:, : self.columns])
        self.reads += 1
        if cost < self.best.cost:
            self.best = point
        return point

    def hessp(self, along: np.ndarray) -> np.ndarray:
        """Return the curvature at the point times what is like weights."""
        self.reads += 1
        found = self.plan.hessp(self._params(self.point.weights), self._params(along))
        return found.reshape(len(along), -1)[:, : self.columns]

    def hessian(self) -> np.ndarray:
        """Return the curvature at the point by the weights, class after class.

        The cost of several classes does not change where the same is added to the intercepts of all, or, without a
        penalty, to all weights of a feature: no curvature that way, and no gradient. So some is added, which makes one
        Newton step of many, and one of those there were.
        """
        self.reads += 1
        count, size = len(self.point.weights), self.plan.features + 1
        found = self.plan.hessian(self._params(self.point.weights))
        if count == 1:
            return found[: self.columns, : self.columns]
        found = found.reshape(count, size, count, size)[:, : self.columns, :, : self.columns]
        each = np.arange(self.columns)
        found[:, each, :, each] += found[0, each, 0, each].clip(self.precision)[:, None, None]
        return found.reshape(count * self.columns, -1)

    def iterated(self, point: Point) -> bool:
        """Go to the point where an iteration has ended, tell who watches, and return whether to end there."""
        self.point = point
        self.iterations += 1
        return bool(self.watch and self.watch())

    @property
    def solved(self) -> bool:
        """Whether the gradient is as small as was asked for."""
        return self.point.largest <= self.tol

    def _params(self, weights: np.ndarray) -> np.ndarray:
        """Return weights as plans take them."""
        if self.columns > self.plan.features:
            return weights.ravel()
        return np.column_stack([weights, np.zeros(len(weights))]).ravel()
