"""First floor: the step as you run it.

``fastest(X, y, w, b)`` is the step to import, and ``fastest.which(X)`` says what it will do and why.
``fastest.softmax`` is the step for several classes. ``plan(X, y)`` pays for the checks once and then steps many times;
it takes sparse X too, and has the curvature. ``with threads(n):`` bounds how many threads they use.
`looptax.kernels.ladder` lists every rung; `looptax.kernels.sklearn` has the estimator.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..pyimpl.parts.contract import Step
from .choose.public import compiled
from .choose.thread_limits import threads

if TYPE_CHECKING:
    from .choose.planner import plan
    from .choose.plans import Plan

__all__ = ["Plan", "fastest", "plan", "threads"]


@compiled
def fastest(
    X: np.ndarray,
    y: np.ndarray,
    w: np.ndarray,
    b: float | np.floating,
    *,
    sample_weight: np.ndarray | None = None,
    l2: float = 0.0,
) -> Step:
    """Return the mean loss of logistic regression over all samples, and its gradients.

    With ``z = X @ w + b``, the loss of a sample is ``log(1 + exp(z)) - y z``; weighted, the mean is the sum of weight
    times loss over the sum of the weights, and ``l2 / 2 * w @ w`` is added. One read of X, on this thread and those of
    the team; the same bits on any number of threads.

    Parameters
    ----------
    X : numpy.ndarray, shape (m, n)
        Samples by features, float32 or float64, any strides; never copied.
    y : numpy.ndarray, shape (m,)
        Labels, each 0 or 1.
    w : numpy.ndarray, shape (n,)
        Weights, in the dtype of X.
    b : float
        The intercept, which is not penalised.
    sample_weight : numpy.ndarray, shape (m,), optional
        What each sample counts: finite, 0 or more, not all 0. Weight 0 times a loss that is infinite or a NaN is a NaN.
    l2 : float
        The strength of the penalty, 0 or more.

    Returns
    -------
    Step
        cost, dw (a fresh array of n numbers) and db, in the dtype of X. NaN and infinity propagate as in IEEE 754.

    Raises
    ------
    TypeError, ValueError
        An argument is not as above; the message says which, and what is expected.

    Examples
    --------
    >>> X, y = np.array([[1.0], [2.0], [4.0]]), np.array([0, 1, 1])
    >>> cost, dw, db = fastest(X, y, np.zeros(1), 0.0)
    >>> round(float(cost), 6), float(db)
    (0.693147, -0.16666666666666666)
    """
    raise NotImplementedError


if not TYPE_CHECKING:  # which would take every name for one that is here

    def __getattr__(name: str) -> Any:
        """Import `plan` and `Plan` when they are first asked for: they bring more than `fastest` needs."""
        if name not in ("Plan", "plan"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from .choose import planner, plans

        globals().update(plan=planner.plan, Plan=plans.Plan)
        return globals()[name]
