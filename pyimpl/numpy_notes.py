"""The NumPy form of the course notes, formula by formula, with its unstable logarithm.

Changed since `numpy_rowwise`: no Python loop is left. X is read twice (by each ``np.dot``), and
every line makes a temporary of m values.

Stated range: ``log(1 - a)`` loses the digits that ``1 - a`` cancels, about e^|z| rounding errors.
At |z| = 18 in float64 (8 in float32) half of the digits are gone, and that is where the stated
range ends. Beyond |z| = 37 (17) ``a`` rounds to 1, the logarithm is of 0 and the cost becomes
infinite or ``0 * -inf = NaN``. `numpy_stable` is the same step without this flaw.
"""

from __future__ import annotations

import numpy as np

from .parts.contract import Step, check


def step(X, y, w, b):
    """Forward/backward step exactly as the notes vectorize it; see `contract` and the range above."""
    X, y, w, b = check(X, y, w, b)
    m = X.shape[0]
    Z = np.dot(X, w) + b
    A = 1 / (1 + np.exp(-Z))
    cost = -np.sum(y * np.log(A) + (1 - y) * np.log(1 - A)) / m
    dZ = A - y
    dw = np.dot(X.T, dZ) / m
    db = np.sum(dZ) / m
    return Step(cost, dw, db)
