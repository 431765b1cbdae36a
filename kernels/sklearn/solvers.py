"""How the cost is minimised. Each solver takes a problem, and returns why it ended unsolved; "" where it is solved."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import LinAlgWarning, cholesky, solve_triangular
from scipy.optimize import minimize

if TYPE_CHECKING:
    from collections.abc import Callable

    from .problem import Problem

HALVINGS = 21  # of a Newton step, until it is given up
DECREASE = 2.0**-11  # of the cost, as a share of what the slope promises
NOISE = 16  # in units of the cost's last place: what it may be wrong by
TOO_MANY = "as many iterations were made as max_iter allows"


def lbfgs(problem: Problem, max_iter: int) -> str:
    """L-BFGS of SciPy, in the problem's variables.

    Its first step is of length 1. So lengths are measured in that of the first gradient: where the curvature is that
    of a ball of radius 1, the step is Newton's.
    """
    u = problem.start()
    unit = float(np.linalg.norm(problem.objective(u)[1])) or 1.0

    def objective(scaled: np.ndarray) -> tuple[float, np.ndarray]:
        cost, gradient = problem.objective(scaled * unit)
        return cost, gradient * unit

    problem._u = u / unit * unit  # where SciPy begins: known already
    options = {"maxls": 50, "gtol": 0.0, "ftol": 64 * np.finfo(float).eps}
    return _by_scipy(problem, max_iter, objective, u / unit, method="L-BFGS-B", options=options)


def newton_cg(problem: Problem, max_iter: int) -> str:
    """Newton's method of SciPy, its steps by conjugate gradients, in the problem's variables."""
    how = {"method": "Newton-CG", "hessp": problem.hessp, "options": {"xtol": 0.0}}
    return _by_scipy(problem, max_iter, problem.objective, problem.start(), **how)


def _by_scipy(
    problem: Problem, max_iter: int, objective: Callable[..., Any], u: np.ndarray, options: dict[str, Any], **how: Any
) -> str:
    """Minimise by SciPy, and return as solvers do; ends at the last point where it is solved, else at the best."""
    if problem.solved:
        return ""
    if problem.iterations >= max_iter:
        return TOO_MANY
    options["maxiter"] = max_iter - problem.iterations
    found = minimize(objective, u, jac=True, callback=lambda u: problem.iterated(), options=options, **how)
    if not (problem.solved or problem.stopped):
        problem.point = problem.best
    if found.success or problem.solved or problem.stopped or problem.at_the_floor:
        return ""
    return TOO_MANY if found.status == 1 else str(found.message)


def newton_cholesky(problem: Problem, max_iter: int) -> str:
    """Newton's method, its steps by a Cholesky factor of the curvature; where they fail, L-BFGS goes on."""
    while problem.iterations < max_iter:
        curvature, gradient = problem.hessian(), problem.point.gradient.ravel()
        factor = _factor(curvature, problem.precision)
        if factor is None:
            warnings.warn(
                f"The curvature is singular, or nearly so, at iteration {problem.iterations + 1} of newton-cholesky: "
                "columns of X depend on each other. L-BFGS goes on; a smaller C would make it regular.",
                LinAlgWarning,
                stacklevel=2,
            )
            return lbfgs(problem, max_iter)
        half = solve_triangular(factor, gradient, trans=1, check_finite=False)
        step = -solve_triangular(factor, half, check_finite=False).reshape(problem.point.weights.shape)
        gain = float(half @ half) / 2  # about what the step lowers the cost by
        if not _descended(problem, step, gain):
            floor = gain <= NOISE * problem.precision * abs(problem.point.cost)
            return "" if floor else lbfgs(problem, max_iter)
        try:
            problem.iterated()
        except StopIteration:
            if problem.stopped or gain <= problem.tol:
                return ""
    return "" if problem.solved else TOO_MANY


def _factor(curvature: np.ndarray, precision: float) -> np.ndarray | None:
    """Return the Cholesky factor; None where a column is, up to rounding, a sum of those before."""
    try:
        factor = cholesky(curvature, check_finite=False)
    except np.linalg.LinAlgError:
        return None
    left = np.square(factor.diagonal()) / curvature.diagonal()
    return factor if left.min() > len(left) * precision else None


def _descended(problem: Problem, step: np.ndarray, gain: float) -> bool:
    """Go along a step until the cost is lower, or where that is lost in noise the gradient; return whether it is."""
    before, t = problem.point, 1.0
    for _ in range(HALVINGS):
        after = problem.evaluate(before.weights + t * step)
        change = after.cost - before.cost
        if change <= -DECREASE * t * 2 * gain:
            return True
        noise = NOISE * problem.precision * abs(before.cost)
        if abs(change) <= noise and np.abs(after.gradient).sum() < np.abs(before.gradient).sum():
            return True
        t /= 2
    problem.point = before
    return False


SOLVERS: dict[str, Callable[[Problem, int], str]] = {
    "lbfgs": lbfgs,
    "newton-cg": newton_cg,
    "newton-cholesky": newton_cholesky,
}
