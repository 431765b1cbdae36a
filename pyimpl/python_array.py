"""The double loop of the course notes, indexing the NumPy arrays element by element.

The slowest rung: every ``X[i, j]`` makes a NumPy scalar object, and every operation on it goes
through NumPy's dispatch. One pass over X, bound by the interpreter.
"""

from __future__ import annotations

import numpy as np

from .parts.contract import Step, check
from .parts.one_sample import loss_and_dz


def double_loop(X, y, w, b, dw):
    """Loop over samples, and twice over the features of each; add the gradient to `dw`.

    Parameters
    ----------
    X, y, w, b
        As in the contract, already checked.
    dw : numpy.ndarray, shape (n,)
        Zeros on entry, ``X.T @ dz / m`` on return.

    Returns
    -------
    cost, db : float
    """
    m, n = X.shape
    cost = 0.0
    db = 0.0
    for i in range(m):
        z = b
        for j in range(n):
            z += w[j] * X[i, j]
        loss, dz = loss_and_dz(z, y[i])
        cost += loss
        for j in range(n):
            dw[j] += X[i, j] * dz
        db += dz
    for j in range(n):
        dw[j] /= m
    return cost / m, db / m


def step(X, y, w, b):
    """Forward/backward step by the double loop over array elements; see `contract`."""
    X, y, w, b = check(X, y, w, b)
    dw = np.zeros(X.shape[1], X.dtype)
    cost, db = double_loop(X, y, w, b, dw)
    return Step(X.dtype.type(cost), dw, X.dtype.type(db))
