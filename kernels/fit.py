"""From a plan to the optimum of its cost: the solvers of `kernels.sklearn`, and which of them is worth having.

SciPy's optimizers do the optimising; Newton's method with the whole Hessian, which SciPy does not have, is thirty lines
here. All work on parameters that are scaled by the curvature at 0, so that columns of any unit are alike to them, and
all stop where no entry of the gradient (unscaled, of the mean cost) is larger than `tol`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.sparse.linalg import LinearOperator, cg
from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from collections.abc import Callable

    from .choose.plans import Plan

NEWTON_STEPS = 6  # that Newton's method takes as a rule
FLOPS, CALL = 8e9, 1e-4  # in a second, and seconds of a call with what SciPy does around it: Zen 1, 2 threads
FEW = 30  # iterations of L-BFGS, which well-conditioned problems take
AFFORDABLE = 300  # gradients that Newton's method may be worth
MAX_PARAMETERS = 4000  # of a Hessian that is made unasked: 128 MB
MAX_UNITS = 1e6  # times the mean square of a column: units that are a thousand apart
STAGNANT = 10  # iterations without a lower cost: it is as low as the dtype lets it be


class Point(NamedTuple):
    """Parameters, and what a plan says of them."""

    params: np.ndarray
    cost: float
    grad: np.ndarray

    @property
    def slope(self) -> float:
        """The largest entry of the gradient."""
        return float(np.abs(self.grad).max())


class Walk:
    """The way from a start to an optimum.

    Parameters
    ----------
    plan : Plan
    start : numpy.ndarray
        Parameters, as `Plan.objective` takes them.
    fit_intercept : bool
        Else the intercepts stay what they are.
    tol : float
        Of the gradient's entries, where the walk ends.
    max_iter : int
    told : callable
        Called with this after each iteration.

    Attributes
    ----------
    best : Point
        The one with the lowest cost so far.
    iterations : int
    """

    def __init__(
        self, plan: Plan, start: np.ndarray, fit_intercept: bool, tol: float, max_iter: int, told: Callable[[Walk], Any]
    ) -> None:
        self.plan, self.tol, self.max_iter, self.told = plan, tol, max_iter, told
        size = plan.features + 1
        self.fixed = np.zeros(start.size, bool)
        self.fixed[size - 1 :: size] = not fit_intercept
        self.iterations = self._since = 0
        self.best = self.at(start)

    def at(self, params: np.ndarray) -> Point:
        """Return the point with these parameters."""
        cost, grad = self.plan.objective(params)
        grad[self.fixed] = 0
        return Point(params, cost, grad)

    def hessp(self, params: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return the Hessian times v, which has a 0 for what is fixed."""
        found = self.plan.hessp(params, v)
        found[self.fixed] = 0
        return found

    def hessian(self, params: np.ndarray) -> np.ndarray:
        """Return a Hessian that can be divided by: what is fixed, and what no cost depends on, has a curvature too.

        The cost of several classes stays the same if a number is added to the weights that all of them have for a
        feature; as the gradient has no part in that direction, neither has Newton's step.
        """
        found = self.plan.hessian(params)
        found[self.fixed], found[:, self.fixed] = 0, 0
        found[self.fixed, self.fixed] = 1
        if count := self.plan.classes:
            size = self.plan.features + 1
            feature = np.arange(size)
            found.reshape(count, size, count, size)[:, feature, :, feature] += np.trace(found) / len(found) / count
        return found

    def moved(self, to: Point) -> bool:
        """Count an iteration that ended there, and return whether the walk is over."""
        self.iterations += 1
        self._since = 0 if to.cost < self.best.cost else self._since + 1
        alike = 8 * np.finfo(self.plan.dtype).eps * abs(self.best.cost)
        if to.cost < self.best.cost or (to.slope < self.best.slope and to.cost <= self.best.cost + alike):
            self.best = to
        self.told(self)
        return self.arrived or self._since >= STAGNANT

    @property
    def arrived(self) -> bool:
        """Whether the gradient at the best point is as small as asked for."""
        return self.best.slope <= self.tol

    def scale(self) -> np.ndarray:
        """Return what to multiply parameters by, so that columns of very different units are alike: mostly 1."""
        plan, count = self.plan, self.plan.classes or 1
        if units_apart(plan) < MAX_UNITS:
            return np.ones(self.fixed.size)
        return np.tile(1 / np.sqrt(np.append(moments(plan) / 4 + plan.l2, 1 / 4)), count)


def moments(plan: Plan) -> np.ndarray:
    """Return the mean square of each column, by a part of X; where that has none, of the column in the middle."""
    X = plan.X
    if isinstance(X, np.ndarray):
        found = (X[:: max(plan.samples // 1000, 1)].astype(np.float64) ** 2).mean(axis=0)
    else:
        part = slice(None, None, max(X.nnz // (20 * plan.features), 1))
        found = np.bincount(X.indices[part], X.data[part].astype(np.float64) ** 2, plan.features)
        found *= part.step / plan.samples
    return np.where(found > 0, found, np.median(found[found > 0]) if found.any() else 1)


def units_apart(plan: Plan) -> float:
    """Return how many times the mean square of a column is that of another, at most."""
    found = moments(plan)
    return float(found.max() / found.min())


def lbfgs(walk: Walk, limit: int) -> None:
    """Walk by L-BFGS, for so many iterations at most."""
    scale, seen = walk.scale(), [walk.best]

    def objective(scaled: np.ndarray) -> tuple[float, np.ndarray]:
        seen[0] = walk.at(scaled * scale)
        return seen[0].cost, seen[0].grad * scale

    def after(_: np.ndarray) -> None:
        if walk.moved(seen[0]):
            raise StopIteration

    options = {"maxiter": limit, "maxfun": 100 * limit, "maxls": 50, "gtol": 0, "ftol": 0}
    minimize(objective, walk.best.params / scale, jac=True, method="L-BFGS-B", callback=after, options=options)


def newton_cg(walk: Walk, limit: int) -> None:
    """Walk by Newton's method, with products with the Hessian alone."""
    scale, seen = walk.scale(), [walk.best]

    def objective(scaled: np.ndarray) -> tuple[float, np.ndarray]:
        seen[0] = walk.at(scaled * scale)
        return seen[0].cost, seen[0].grad * scale

    def hessp(scaled: np.ndarray, v: np.ndarray) -> np.ndarray:
        return walk.hessp(scaled * scale, v * scale) * scale

    def after(scaled: np.ndarray) -> None:
        here = scaled * scale
        if walk.moved(seen[0] if np.array_equal(seen[0].params, here) else walk.at(here)):
            raise StopIteration

    start, options = walk.best.params / scale, {"maxiter": limit, "xtol": 0}
    minimize(objective, start, jac=True, hessp=hessp, method="Newton-CG", callback=after, options=options)


def newton_cholesky(walk: Walk, limit: int) -> None:
    """Walk by Newton's method with the whole Hessian.

    Raises
    ------
    LinAlgError
        The Hessian cannot be divided by: columns depend on each other, and nothing is penalised.
    """
    here = walk.best
    for _ in range(limit):
        step = -cho_solve(cho_factor(walk.hessian(here.params), lower=True), here.grad)
        downhill = float(here.grad @ step)
        length = 1.0
        there = walk.at(here.params + step)
        while not (there.cost <= here.cost + 1e-4 * length * downhill or there.slope < here.slope / 2):
            length /= 2
            if length < 1e-6:
                return  # as low as the dtype lets it be
            there = walk.at(here.params + length * step)
        here = there
        if walk.moved(here):
            return


def to_the_last_digits(walk: Walk) -> None:
    """Walk on where costs no longer differ but gradients do: by Newton steps, as long as each halves the gradient."""
    size = walk.best.params.size
    while not walk.arrived and walk.iterations < walk.max_iter:
        here = walk.best
        hessian = LinearOperator((size, size), matvec=lambda v, at=here.params: walk.hessp(at, v), dtype=np.float64)
        step, _ = cg(hessian, -here.grad, rtol=1e-3, maxiter=200)
        there = walk.at(here.params + step)
        if not there.slope < here.slope / 2:
            return
        walk.moved(there)


SOLVERS = {"lbfgs": lbfgs, "newton-cg": newton_cg, "newton-cholesky": newton_cholesky}


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def walk_by(solver: str, walk: Walk, limit: int) -> None:
    """Walk by a solver, for so many iterations at most.

    What SciPy does between two steps is short, and BLAS has one thread for it: more would look for work for a tenth of
    a second, and take the processor from the step's own (sparse 100,000 x 50,000, Zen 1, 2 threads: 35 in place of
    23 ms a step).
    """
    before = walk.iterations
    with _controller().limit(limits=1, user_api="blas"):
        SOLVERS[solver](walk, limit)
        if walk.iterations < walk.max_iter and walk.iterations - before < limit:
            to_the_last_digits(walk)


def chosen(plan: Plan) -> tuple[list[tuple[str, int | None]], str]:
    """Return which solvers to use one after the other, each for how many iterations at most, and why.

    Newton's method needs about six Hessians, whatever the problem; how many gradients L-BFGS needs nobody knows before.
    So Newton's method begins where that is worth few gradients, or where the units of columns are far apart. Else
    L-BFGS has a few iterations, which are enough for most; then comes Newton's method, with the whole Hessian where
    that is affordable, with products with it where not.
    """
    count = plan.classes or 1
    size, dense = count * (plan.features + 1), isinstance(plan.X, np.ndarray)
    numbers = plan.samples * plan.features if dense else plan.X.nnz
    gradient = CALL + 4 * numbers * count / FLOPS
    hessian = CALL + (numbers * plan.features * count * (count + 1) / 2 + size**3 / 3) / FLOPS
    worth = int(NEWTON_STEPS * (hessian + gradient) / gradient)
    cheap, far = worth <= FEW, worth <= AFFORDABLE and units_apart(plan) > MAX_UNITS
    reason = f"Newton's method is worth {worth} gradients"
    if dense and size <= MAX_PARAMETERS and (cheap or far):
        return [("newton-cholesky", None)], reason + ("" if cheap else ", and the units of columns are far apart")
    whole = dense and size <= MAX_PARAMETERS and worth <= AFFORDABLE
    return [("lbfgs", FEW), ("newton-cholesky" if whole else "newton-cg", None)], reason
