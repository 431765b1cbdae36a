"""About the inverse of the curvature: what turns a gradient into a step of the right length and direction.

Columns of X that differ in scale, or that go together, are what makes L-BFGS and conjugate gradients slow. A few
samples for each feature are enough to know the curvature within a small factor in all directions, however long or short
it is there: how far a sample's moments are off does not depend on the columns' scale. So its Cholesky factor is taken
of evenly spread samples. They say little of columns that are the same in all but a few samples; where a step shows
that, the mean squares that they lack are added. Where a factor is too dear (many features), only the diagonal is taken:
it cures the scales.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import lapack

from ..blocks import BlockPlan
from ..blocks.sums import sums_of_squares
from ..choose.compressed import is_sparse
from ..choose.planner import plan
from .choose import REGISTERS

if TYPE_CHECKING:
    from ..choose.plans import Plan

MIN_SAMPLES = 10  # for each feature: what they say of the curvature is within a factor of 2 or so
MAX_FEATURES = 1000  # of a whole factor: beyond, it takes longer than the steps it saves
SAMPLED = 1 << 24  # bytes
CHEAP = 10_000_000  # multiply-adds: about a millisecond


class Metric:
    """About the inverse of the curvature of a plan's cost, a block for each class.

    Parameters
    ----------
    bound : Plan
    columns : int
        How many weights of a class are variables: with the intercept, one more than features.

    Attributes
    ----------
    whole : bool
        Whether it may be more than a diagonal.
    cheap : bool
        Whether a whole one costs no more than a gradient.
    """

    def __init__(self, bound: Plan, columns: int) -> None:
        self.bound, self.columns = bound, columns
        m, n, k = bound.samples, bound.features, bound.classes or 1
        self.penalty = np.where(np.arange(columns) < n, bound.l2, 0.0)
        self.whole = n <= MAX_FEATURES
        affordable = min(REGISTERS * 4 * m // n, m // 8)  # for the time of a gradient
        # Of blocks, no more than fits; else all of X is at hand.
        size = bound.dtype.itemsize
        self.least = -(-m * n * size // sampled_bytes(n, size)) if isinstance(bound, BlockPlan) else 1
        self.stride = max(self.least, m // max(MIN_SAMPLES * n, affordable), 1)
        self.few = _few(bound, self.stride)
        self.squares: np.ndarray | None = None  # of all samples, where it is known that the few do not do
        self.cheap = self.whole and self.few.samples * n**2 * k / 2 <= max(CHEAP, REGISTERS * 2 * m * n * k)

    def more(self) -> None:
        """Take twice as many samples from now on: those there were did not do."""
        self.stride = max(self.least, self.stride // 2)
        del self.few  # of blocks there is not memory for both
        self.few = _few(self.bound, self.stride)

    def learn(self, weights: np.ndarray, whole: bool) -> None:
        """Take the curvature at these weights, (classes or 1, columns), or its diagonal where they are 0."""
        self.diagonal, self.curvatures = None, []
        if not whole:
            a = 1 / max(2, len(weights))  # the probability of each class
            found = _squares(self.bound if is_sparse(self.bound.X) else self.few)[: self.columns]
            self.diagonal = a * (1 - a) * np.where(found > 0, found, found.mean() / self.few.samples) + self.penalty
            return
        params = np.zeros((len(weights), self.bound.features + 1))
        params[:, : self.columns] = weights
        params = params.ravel().astype(self.bound.dtype)
        self.curvatures = [self.few._curvature(params, row, row) for row in range(len(weights))]
        self._divide()

    def complete(self) -> bool:
        """Add what columns lack in the few samples; return whether that was still to be done."""
        if self.squares is not None or self.few is self.bound or self.diagonal is not None:
            return False
        self.squares = _squares(self.bound)
        self._divide()
        return True

    def _divide(self) -> None:
        """Take the factors of the curvatures."""
        lacking = np.zeros(1) if self.squares is None else (self.squares - _squares(self.few)).clip(0)[: self.columns]
        self.factors = []
        for found in self.curvatures:
            curvature = found[: self.columns, : self.columns].copy()
            diagonal = np.einsum("ii->i", curvature)
            unseen = diagonal.mean() / self.few.samples  # of a column that is 0 in all these samples
            precision = len(diagonal) * np.finfo(self.bound.dtype).eps
            diagonal += self.penalty + precision * diagonal + np.where(diagonal > 0, 0.0, unseen) + 1e-300
            diagonal += found[-1, -1] * lacking
            factor, failed = lapack.dpotrf(curvature)
            self.factors.append(np.diag(np.sqrt(diagonal)) if failed else factor)

    def __call__(self, gradient: np.ndarray) -> np.ndarray:
        """Return the step that a gradient asks for, (classes or 1, columns).

        Of several classes the steps add up to 0, as the gradients do: a common part changes the penalty alone, has
        hardly any curvature, and would take long to get rid of.
        """
        if self.diagonal is not None:
            step = gradient / self.diagonal
        else:
            step = np.array([lapack.dpotrs(*pair)[0] for pair in zip(self.factors, gradient, strict=True)])
        return step - step.mean(axis=0) if len(step) > 1 else step


def sampled_bytes(n: int, size: int) -> int:
    """Return how many bytes samples of n numbers of such a size, which are taken from blocks, have at most."""
    return max(SAMPLED, MIN_SAMPLES * n**2 * size)


def _few(bound: Plan, stride: int) -> Plan:
    """Return a plan for evenly spread samples."""
    if isinstance(bound, BlockPlan):
        X, y, s = bound.sampled(stride)
        return plan(X, y, sample_weight=s if s is None or s.any() else None, classes=bound.classes)
    s = bound.sample_weight
    if stride == 1 or (s is not None and not s[::stride].any()):
        return bound
    return plan(
        bound.X[::stride], bound.y[::stride], sample_weight=None if s is None else s[::stride], classes=bound.classes
    )


def _squares(bound: Plan) -> np.ndarray:
    """Return the mean square of each column and of 1."""
    if isinstance(bound, BlockPlan):
        return np.append(bound.mean_squares(), 1.0)
    X, s, m = bound.X, bound.sample_weight, bound.samples
    found = np.ones(bound.features + 1)
    if is_sparse(X):
        squares = np.square(X.data, dtype=np.float64)
        if s is not None:
            squares *= np.repeat(s, np.diff(X.indptr))
        found[:-1] = np.bincount(X.indices, squares, bound.features)
    else:
        found[:-1] = sums_of_squares(X, s)
    found[:-1] /= m if s is None else s.sum(dtype=np.float64)
    return found
