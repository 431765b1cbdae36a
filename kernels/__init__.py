"""First floor: the step as you run it.

``fastest(X, y, w, b)`` is the step to import, and ``fastest.which(X)`` says what it will do and why.
``fastest.softmax`` is the step for several classes. ``plan(X, y)`` pays for the checks once and then steps many times;
it takes sparse X too, and has the curvature. ``with threads(n):`` bounds how many threads they use.
`looptax.kernels.ladder` lists every rung; `looptax.kernels.sklearn` has the estimator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from .choose import isa
from .choose.thread_limits import threads
from .choose.which import which
from .variants.softmax import softmax

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from ..pyimpl.parts.contract import Step
    from .choose.planner import plan
    from .choose.plans import Plan

__all__ = ["Plan", "fastest", "plan", "threads"]


class Fastest(Protocol):
    """The type of `fastest`."""

    which: Callable[[np.ndarray], str]
    softmax: Callable[..., Step]

    def __call__(
        self, X: np.ndarray, y: np.ndarray, w: np.ndarray, b: Any, *,
        sample_weight: np.ndarray | None = None, l2: float = 0.0,
    ) -> Step: ...  # fmt: skip


_step: Any = isa.step("cython_tuned")
_step.which, _step.softmax = which, softmax
_step.__annotations__ = Fastest.__call__.__annotations__
_step.__name__ = _step.__qualname__ = "fastest"
_step.__doc__ = """Return the mean loss of logistic regression over all samples, and its gradients.

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
b : real number
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
_step.__module__, _step.__reduce_ex__ = __name__, lambda protocol: "fastest"  # the name it is pickled by
fastest: Fastest = _step


def __getattr__(name: str) -> Any:
    """Import `plan` and `Plan` when they are first asked for: they bring more than `fastest` needs."""
    if name not in ("Plan", "plan"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .choose import planner, plans

    globals().update(plan=planner.plan, Plan=plans.Plan)
    return globals()[name]
