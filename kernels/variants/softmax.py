"""The step for several classes, as `fastest.softmax` calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...pyimpl.parts.contract import Step, check_array

if TYPE_CHECKING:
    import numpy as np


def softmax(
    X: Any,
    y: np.ndarray,
    W: np.ndarray,
    b: np.ndarray,
    *,
    sample_weight: np.ndarray | None = None,
    l2: float = 0.0,
) -> Step:
    """Return the mean loss of softmax regression and its gradients, with one read of X for all classes.

    With ``z = X @ W.T + b``, the loss of a sample is ``log(sum(exp(z))) - z[y]``, and dz is the softmax of z, less 1
    for the class y; both in a form in which nothing overflows and nothing cancels (`kernels/parts/links.h`).

    Parameters
    ----------
    X : numpy.ndarray, shape (m, n)
        float32 or float64, any strides; never copied. Or SciPy's compressed rows.
    y : numpy.ndarray, shape (m,)
        Whole numbers from 0 to k - 1.
    W, b : numpy.ndarray, shapes (k, n) and (k,)
        Weights and intercepts, a row for each class, in the dtype of X.
    sample_weight, l2
        As `looptax.kernels.plan` takes them.

    Returns
    -------
    Step
        cost; dw (k, n) and db (k,), the gradients for W and b.

    Raises
    ------
    TypeError, ValueError
        An argument is not as above; the message says which, and what is expected.

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([0, 1, 2])
    >>> round(float(softmax(X, y, np.zeros((3, 1)), np.zeros(3)).cost), 6)
    1.098612
    """
    from ..choose.planner import plan  # when it is first asked for: it brings more than `fastest` needs

    check_array("W", W, 2, "a row of weights for each class")
    return plan(X, y, sample_weight=sample_weight, l2=l2, classes=len(W)).step(W, b)
