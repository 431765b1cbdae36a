"""The double loop of the course notes over Python floats.

Changed since `python_array`: the arrays become lists first, so that an element is a plain Python
float and costs no NumPy dispatch. The conversion is part of the step. One pass over X, bound by
the interpreter. Sums are carried in double precision whatever the dtype.
"""

from __future__ import annotations

import numpy as np

from .parts.contract import Step, check
from .parts.one_sample import loss_and_dz


def step(X, y, w, b):
    """Forward/backward step by the double loop over Python floats; see `contract`."""
    X, y, w, b = check(X, y, w, b)
    m, n = X.shape
    dtype = X.dtype.type
    weights, bias = w.tolist(), float(b)
    rows = X.tolist()
    cost = 0.0
    dw = [0.0] * n
    db = 0.0
    for x, label in zip(rows, y.tolist(), strict=True):
        z = bias
        for j in range(n):
            z += weights[j] * x[j]
        loss, dz = loss_and_dz(z, label)
        cost += loss
        for j in range(n):
            dw[j] += x[j] * dz
        db += dz
    return Step(dtype(cost / m), np.array([g / m for g in dw], dtype), dtype(db / m))
