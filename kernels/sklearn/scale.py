"""Variables that suit the data: in them the curvature of the cost at the start is near that of a ball.

Columns of X that differ in scale, or that go together, are what makes L-BFGS and conjugate gradients slow. Both are
seen in the second moments of the columns, so the weights are written as w = T u, with T the inverse of their Cholesky
factor: a few samples for each feature are enough to know it well. Where that is too dear (many features, sparse X), T
is diagonal, and cures the scales alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cholesky, lapack

from ..choose.compressed import is_sparse
from ..choose.planner import plan

if TYPE_CHECKING:
    from ..choose.plans import Plan

SAMPLES = 10  # for each feature: the moments of so many are within a factor of about 2 of those of all
MAX_FEATURES = 1000  # of a full T: beyond, its products take longer than the steps they save


class Scale:
    """The change of variables w = T u, the same for each class.

    Parameters
    ----------
    T : numpy.ndarray, shape (columns,) or (columns, columns)
        A diagonal, or an upper triangle.
    inverse : numpy.ndarray
        Of T, of the same shape.
    """

    def __init__(self, T: np.ndarray, inverse: np.ndarray) -> None:
        self.T, self.inverse = T, inverse

    def weights(self, u: np.ndarray) -> np.ndarray:
        """Return the weights for variables; each (classes, columns)."""
        return u * self.T if self.T.ndim == 1 else u @ self.T.T

    def variables(self, w: np.ndarray) -> np.ndarray:
        """Return the variables for weights; each (classes, columns)."""
        return w * self.inverse if self.T.ndim == 1 else w @ self.inverse.T

    def gradient(self, dw: np.ndarray) -> np.ndarray:
        """Return the gradient by the variables from that by the weights; each (classes, columns)."""
        return dw * self.T if self.T.ndim == 1 else dw @ self.T


def scale_of(bound: Plan, columns: int, curvature: float) -> Scale:
    """Return variables for the cost of a plan.

    Parameters
    ----------
    bound : Plan
    columns : int
        How many weights of a class are variables: with the intercept, one more than features.
    curvature : float
        The second derivative of a typical loss by z, at the start.
    """
    if is_sparse(bound.X) or bound.features > MAX_FEATURES:
        return _diagonal(_squares(bound)[:columns] * curvature + _penalty(bound, columns))
    moments = _moments(bound)[:columns, :columns] * curvature
    shrunk = np.diag(moments) * (columns * np.finfo(bound.dtype).eps + 1 / SAMPLES**2) + 1e-12
    moments[np.diag_indices(columns)] += shrunk + _penalty(bound, columns)
    try:
        factor = cholesky(moments, overwrite_a=True, check_finite=False)
    except np.linalg.LinAlgError:
        return _diagonal(np.diag(moments).clip(1e-12))
    T, _ = lapack.dtrtri(factor)
    return Scale(T, factor)


def _diagonal(squares: np.ndarray) -> Scale:
    root = np.sqrt(np.where(squares > 0, squares, 1.0))
    return Scale(1 / root, root)


def _penalty(bound: Plan, columns: int) -> np.ndarray:
    """Return the penalty's own curvature by each weight."""
    return np.where(np.arange(columns) < bound.features, bound.l2, 0.0)


def _moments(bound: Plan) -> np.ndarray:
    """Return the second moments of the columns and 1, of evenly spread samples."""
    stride = max(1, bound.samples // max(1, SAMPLES * bound.features))
    s = bound.sample_weight
    if stride > 1 and s is not None and not s[::stride].any():
        stride = 1
    X = bound.X[::stride]
    few = plan(X, np.zeros(len(X)), sample_weight=None if s is None else s[::stride])
    return 4 * few.hessian(np.zeros(few.features + 1))  # at 0, where a loss has the second derivative 1/4


def _squares(bound: Plan) -> np.ndarray:
    """Return the mean square of each column and of 1."""
    X, s = bound.X, np.ones(bound.samples) if bound.sample_weight is None else bound.sample_weight
    total = float(s.sum(dtype=np.float64))
    found = np.ones(bound.features + 1)
    if is_sparse(X):
        weights = np.square(X.data, dtype=np.float64) * np.repeat(s, np.diff(X.indptr))
        found[:-1] = np.bincount(X.indices, weights, bound.features) / total
    else:
        found[:-1] = sum(s[i : i + 256] @ np.square(X[i : i + 256]) for i in range(0, bound.samples, 256)) / total
    return found
