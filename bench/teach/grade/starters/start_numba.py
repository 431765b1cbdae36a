"""The forward/backward step of logistic regression: two nested loops, compiled by Numba.

X: m samples of n features, float32 or float64. y: m labels, 0 or 1. w: n weights, b: the bias.
Returns the cost, its gradient dw with respect to w, and db, all in the dtype of X.
"""

from math import exp, log1p

import numpy as np
from numba import njit


@njit(error_model="numpy")
def double_loop(X, y, w, b, dw):
    """Add the gradient to dw, and return the sums of the losses and of dz."""
    m, n = X.shape
    cost, db = 0.0, 0.0
    for i in range(m):
        z = b
        for j in range(n):
            z += w[j] * X[i, j]  # gap

        # The signed margin s is positive where the prediction is on the wrong side. The exponent is
        # never positive: e cannot overflow.
        sign = 1.0 - 2.0 * y[i]
        s = sign * z
        e = exp(-abs(s))
        if s > 0:
            cost += s + log1p(e)
            dz = sign / (1 + e)  # gap
        else:
            cost += log1p(e)
            dz = sign * e / (1 + e)  # gap

        for j in range(n):
            dw[j] += X[i, j] * dz  # gap
        db += dz  # gap
    return cost, db


def step(X, y, w, b):
    """Return (cost, dw, db)."""
    m, n = X.shape
    dw = np.zeros(n)  # float64: sums keep their digits; cast to the dtype of X at the end
    X = X.view()
    X.flags.writeable = False  # one type to compile for, whether the caller's X is read-only or not
    cost, db = double_loop(X, y.astype(X.dtype), w.astype(X.dtype), b, dw)
    dtype = X.dtype.type
    return dtype(cost / m), (dw / m).astype(dtype), dtype(db / m)


# What to try next:
# - fastmath={"reassoc", "contract", "nsz"} lets the inner loops vectorise. Never fastmath=True: it takes
#   NaN and infinity for impossible. What does looptax grade say to it?
# - parallel=True and prange over blocks of samples, with a dw for each block.
# - exp and log1p are scalar calls in the middle of it: gather z of a block, then do them in a loop.
