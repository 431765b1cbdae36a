"""Gradient descent: ``w := w - α dJ/dw``, with any rung as its step, and in one dimension."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..parts.contract import check, check_scalar, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..parts.contract import Step


class Descent(NamedTuple):
    """Where gradient descent arrived, and how.

    Attributes
    ----------
    w : numpy.ndarray, shape (n,)
        Weights after the last update.
    b : numpy.floating
        Bias after the last update.
    costs : numpy.ndarray, shape (iterations + 1,)
        The cost before each update and after the last one.
    """

    w: np.ndarray
    b: np.floating
    costs: np.ndarray


def descend(step: Any, X=None, y=None, w=None, b=0.0, *, learning_rate: float, iterations: int) -> Descent:
    """Minimise the cost by gradient descent from (w, b).

    Parameters
    ----------
    step : callable or Plan
        Any rung's step, ``step(X, y, w, b) -> Step``; or a `looptax.kernels.Plan`, which holds its X and
        y already.
    X, y, w, b
        As in the contract, all finite; w starts at zero where it is not given. No X and y with a plan.
    learning_rate : float
        α, positive.
    iterations : int
        How many updates to make, at least 1.

    Returns
    -------
    Descent

    Raises
    ------
    TypeError, ValueError
        As `contract.check`; also for a learning rate or a number of iterations that is not positive, and for a step
        that returns anything but a cost, a gradient and a derivative.
    FloatingPointError
        The cost or its gradient is not finite at the start: X, w or b are too large for the step. Or the cost or the
        weights stopped being finite later: the learning rate is too large.

    Notes
    -----
    The cost of logistic regression is convex, so a small enough α always walks downhill; for α at
    most ``1/L`` with ``L = λmax([X 1]ᵀ[X 1]) / 4m`` the cost never rises (Nesterov, Introductory
    Lectures on Convex Optimization, 2004, section 2.1.5).
    """
    if not callable(step):
        if not (hasattr(step, "step") and hasattr(step, "X")):
            raise TypeError(f"step is {shown(step)}; expected a function of X, y, w and b, or a plan")
        if X is not None or y is not None:
            raise TypeError("X and y are given beside a plan; expected one or the other")
        X, y = step.X, step.y
    if w is None and isinstance(X, np.ndarray) and X.ndim == 2:
        w = np.zeros(X.shape[1], X.dtype)
    X, y, w, bias = check(X, y, w, b, finite=True)
    at = partial(step, X, y) if callable(step) else step.step
    return _walk(at, w, bias, learning_rate, iterations)


def _walk(step: Callable[..., Step], w: np.ndarray, b: np.floating, learning_rate: float, iterations: int) -> Descent:
    alpha = _positive_rate(learning_rate, w.dtype)
    iterations = _positive_count(iterations)
    costs = np.empty(iterations + 1, w.dtype)
    w = w.copy()
    costs[0], dw, db = _first(step(w, b), w.shape)
    for k in range(1, iterations + 1):
        with np.errstate(over="ignore", invalid="ignore"):  # found out below
            w -= alpha * dw
            b = b - alpha * db
        if not _finite(w, b):
            raise _too_large(learning_rate, k)
        costs[k], dw, db = step(w, b)
        if not _finite(costs[k]):
            raise _too_large(learning_rate, k)
    return Descent(w, b, costs)


def _first(result: Any, shape: tuple[int, ...]) -> tuple[Any, Any, Any]:
    """Return the cost, dw and db of the first step; what is wrong with them is not the learning rate's fault."""
    try:
        cost, dw, db = result
        shapes = tuple(map(np.shape, result))
    except (TypeError, ValueError):
        raise TypeError(f"step returned {shown(result)}; expected a cost, dw and db") from None
    if shapes != ((), shape, ()):
        raise ValueError(f"step returned a cost, dw and db of shapes {shapes}; expected {((), shape, ())}")
    if not _finite(cost, dw, db):
        raise FloatingPointError(
            "cost, dw or db is not finite at the start, before any update: X, w or b are too large for the step; "
            "expected smaller ones"
        )
    return cost, dw, db


def _finite(*values: Any) -> bool:
    return all(np.isfinite(value).all() for value in values)


class Path(NamedTuple):
    """A walk down a curve: the points visited and the height at each, both (iterations + 1,)."""

    w: np.ndarray
    J: np.ndarray


def descend_curve(
    J: Callable[[float], float], dJ_dw: Callable[[float], float], w: float, *, learning_rate: float, iterations: int
) -> Path:
    """Walk down a one-dimensional curve J(w): the picture of gradient descent.

    Right of the minimum the slope is positive and w shrinks; left of it the slope is negative and
    w grows; either way ``w := w - α dJ/dw`` moves towards the minimum, in steps that shorten as the
    curve flattens. On J = w² the walk converges for α < 1, oscillates at α = 1, diverges beyond.

    Parameters
    ----------
    J, dJ_dw : callable
        The curve and its derivative.
    w : float
        Where to start, finite.
    learning_rate : float
        α, positive.
    iterations : int
        How many updates to make, at least 1.

    Returns
    -------
    Path

    Raises
    ------
    TypeError, ValueError
        A start, its height or its slope that is not finite, or a learning rate or count that is not positive.
    FloatingPointError
        The walk left the finite numbers: the learning rate is too large.
    """
    alpha = float(_positive_rate(learning_rate, np.dtype(np.float64)))
    iterations = _positive_count(iterations)
    w = float(check_scalar("w", w, np.dtype(np.float64)))
    if not _finite(w):
        raise ValueError(f"w is {w}; expected a finite start")
    points, heights = np.empty(iterations + 1), np.empty(iterations + 1)
    for k in range(iterations + 1):
        points[k] = w
        heights[k], slope = _height_and_slope(J, dJ_dw, w)
        if k == 0 and not _finite(heights[k], slope):
            raise ValueError(f"J is {heights[k]} and dJ_dw {slope} at the start, w = {w}; expected finite numbers")
        if not _finite(w, heights[k]):
            raise _too_large(learning_rate, k)
        w = w - alpha * slope
    return Path(points, heights)


def _height_and_slope(J: Callable[[float], float], dJ_dw: Callable[[float], float], w: float) -> tuple[float, float]:
    """Return J and dJ/dw at w; infinity and NaN where they leave the finite numbers, as w may have done."""
    try:
        return (J(w), dJ_dw(w)) if _finite(w) else (np.inf, np.nan)
    except OverflowError:  # Python's own powers raise where NumPy's give infinity
        return np.inf, np.nan


def _too_large(learning_rate: float, update: int) -> FloatingPointError:
    return FloatingPointError(
        f"descent left the finite numbers at update {update}; learning_rate {shown(learning_rate)} is too large"
    )


def _positive_rate(learning_rate: float, dtype: np.dtype) -> np.floating:
    alpha = check_scalar("learning_rate", learning_rate, dtype)
    if not (0 < alpha < np.inf):
        raise ValueError(f"learning_rate is {shown(learning_rate)}; expected a positive finite number")
    return alpha


def _positive_count(iterations: int) -> int:
    if not isinstance(iterations, (int, np.integer)) or isinstance(iterations, bool):
        raise TypeError(f"iterations is {shown(iterations)}; expected a positive integer")
    if iterations < 1:
        raise ValueError(f"iterations is {shown(iterations)}; expected a positive integer")
    return int(iterations)
