"""The step where most of X is 0: only the entries there are, row after row, are multiplied and added.

X is in SciPy's compressed rows: row i has the entries `indptr[i]` to `indptr[i + 1]` of `data`, in the columns that
`indices` says, in any order; repeated ones add up.
"""

from __future__ import annotations

import numpy as np

from ..parts.contract import Step, check_labels, check_scalar, check_weights, plain
from ..parts.one_sample import loss_and_dz


def _checked(X, y, w, b):
    check_labels(y, X.shape[0])
    check_weights(w, X.shape[1], X.dtype)
    return plain(y, X.dtype), w, check_scalar("b", b, X.dtype)


def loops(X, y, w, b):
    """Return the step by a loop over the entries of each row, twice."""
    y, w, b = _checked(X, y, w, b)
    (m, n), real = X.shape, X.dtype.type
    cost = db = 0.0
    dw = [0.0] * n
    for i in range(m):
        entries = range(X.indptr[i], X.indptr[i + 1])
        z = float(b)
        for k in entries:
            z += float(w[X.indices[k]]) * float(X.data[k])
        loss, dz = loss_and_dz(z, float(y[i]))
        cost += loss
        db += dz
        for k in entries:
            dw[X.indices[k]] += float(X.data[k]) * dz
    return Step(real(cost / m), np.array(dw, X.dtype) / real(m), real(db / m))


def products(X, y, w, b):
    """Return the step by two of SciPy's products."""
    y, w, b = _checked(X, y, w, b)
    m, real = X.shape[0], X.dtype.type
    sign = 1 - 2 * y
    margin = sign * (X @ w + b)
    e = np.exp(-np.abs(margin))
    dz = sign * np.where(margin > 0, 1, e) / (1 + e)
    cost = (np.maximum(margin, 0) + np.log1p(e)).sum() / m
    return Step(real(cost), X.T @ dz / real(m), real(dz.sum() / m))
