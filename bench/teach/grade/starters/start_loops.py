"""The forward/backward step of logistic regression as two nested loops.

X: m samples of n features, float32 or float64. y: m labels, 0 or 1. w: n weights, b: the bias.
Returns the cost, its gradient dw with respect to w, and db, all in the dtype of X.
"""

from math import exp, log1p

import numpy as np


def step(X, y, w, b):
    """Return (cost, dw, db)."""
    m, n = X.shape
    cost, db = 0.0, 0.0
    dw = [0.0] * n
    for i in range(m):
        z = float(b)
        for j in range(n):
            z += float(w[j]) * float(X[i, j])  # gap

        # The signed margin s is positive where the prediction is on the wrong side. The exponent is
        # never positive: e cannot overflow. The textbook's log(a) and a - y come to the same, but
        # lose digits where the prediction is good, and break where z is large.
        sign = 1 - 2 * int(y[i])
        s = sign * z
        e = exp(-abs(s))
        cost += max(s, 0) + log1p(e) if s == s else s  # max(nan, 0) could lose the NaN
        dz = sign * (1 if s > 0 else e) / (1 + e)  # gap

        for j in range(n):
            dw[j] += float(X[i, j]) * dz  # gap
        db += dz  # gap

    dtype = X.dtype.type
    return dtype(cost / m), np.array(dw, dtype) / dtype(m), dtype(db / m)


# What to try next:
# - X.tolist() once, in place of float(X[i, j]) for every element: how much of the time was NumPy's?
# - Is it the outer loop or the inner one that costs? Replace the inner loops by np.dot.
# - Then replace the outer one too: looptax grade --new numpy my_step.py
