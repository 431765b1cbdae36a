"""Gradient descent: ``w := w - α dJ/dw``, with any rung as its step, and in one dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..parts.contract import check, check_scalar, check_weights

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
        As `contract.check`; also for a learning rate or a number of iterations that is not positive.
    FloatingPointError
        The cost or the weights stopped being finite: the learning rate is too large.

    Notes
    -----
    The cost of logistic regression is convex, so a small enough α always walks downhill; for α at
    most ``1/L`` with ``L = λmax([X 1]ᵀ[X 1]) / 4m`` the cost never rises (Nesterov, Introductory
    Lectures on Convex Optimization, 2004, section 2.1.5).
    """
    if hasattr(step, "step"):  # a plan
        if X is not None or y is not None:
            raise TypeError("X and y are given beside a plan; expected one or the other")
        w = np.zeros(step.features, step.dtype) if w is None else w
        check_weights(w, step.features, step.dtype)
        bias = check_scalar("b", b, step.dtype)
        return _walk(step.step, w, bias, learning_rate, iterations)
    if w is None and isinstance(X, np.ndarray) and X.ndim == 2:
        w = np.zeros(X.shape[1], X.dtype)
    X, y, w, bias = check(X, y, w, b, finite=True)
    return _walk(lambda w, b: step(X, y, w, b), w, bias, learning_rate, iterations)


def _walk(step: Callable[..., Step], w: np.ndarray, b: np.floating, learning_rate: float, iterations: int) -> Descent:
    alpha = _positive_rate(learning_rate, w.dtype)
    iterations = _positive_count(iterations)
    costs = np.empty(iterations + 1, w.dtype)
    w = w.copy()
    for k in range(iterations):
        costs[k], dw, db = step(w, b)
        with np.errstate(over="ignore", invalid="ignore"):  # found out below
            w -= alpha * dw
            b = b - alpha * db
        if not (np.isfinite(costs[k]) and np.isfinite(b) and np.isfinite(w).all()):
            raise _too_large(learning_rate, k + 1)
    costs[iterations] = step(w, b).cost
    return Descent(w, b, costs)


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
    ValueError
        A start that is not finite, or a learning rate or count that is not positive.
    FloatingPointError
        The walk left the finite numbers: the learning rate is too large.
    """
    alpha = float(_positive_rate(learning_rate, np.dtype(np.float64)))
    iterations = _positive_count(iterations)
    if not np.isfinite(w):
        raise ValueError(f"w is {w}; expected a finite start")
    points, heights = np.empty(iterations + 1), np.empty(iterations + 1)
    for k in range(iterations + 1):
        try:
            points[k], heights[k] = w, J(w)
        except OverflowError:  # Python's own powers raise where NumPy's give infinity
            heights[k] = np.inf
        if not (np.isfinite(points[k]) and np.isfinite(heights[k])):
            raise _too_large(learning_rate, k)
        w = w - alpha * dJ_dw(w)
    return Path(points, heights)


def _too_large(learning_rate: float, update: int) -> FloatingPointError:
    return FloatingPointError(
        f"descent left the finite numbers at update {update}; learning_rate {learning_rate} is too large"
    )


def _positive_rate(learning_rate: float, dtype: np.dtype) -> np.floating:
    alpha = check_scalar("learning_rate", learning_rate, dtype)
    if not (0 < alpha < np.inf):
        raise ValueError(f"learning_rate is {learning_rate}; expected a positive finite number")
    return alpha


def _positive_count(iterations: int) -> int:
    if not isinstance(iterations, (int, np.integer)) or isinstance(iterations, bool):
        raise TypeError(f"iterations is {iterations!r}; expected a positive integer")
    if iterations < 1:
        raise ValueError(f"iterations is {iterations}; expected a positive integer")
    return int(iterations)
