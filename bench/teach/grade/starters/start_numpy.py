"""The forward/backward step of logistic regression in NumPy: no loop is left.

X: m samples of n features, float32 or float64. y: m labels, 0 or 1. w: n weights, b: the bias.
Returns the cost, its gradient dw with respect to w, and db, all in the dtype of X.
"""

import numpy as np


def step(X, y, w, b):
    """Return (cost, dw, db)."""
    m = X.shape[0]
    sign = 1 - 2 * y.astype(X.dtype)  # labels may be bool or unsigned: convert before subtracting
    z = X @ w + b  # gap

    # The signed margin s is positive where the prediction is on the wrong side. The exponent is never
    # positive: e cannot overflow. The textbook's log(a) and a - y come to the same, but lose digits
    # where the prediction is good, and break where z is large.
    s = sign * z
    e = np.exp(-np.abs(s))
    cost = np.sum(np.maximum(s, 0) + np.log1p(e)) / m  # gap
    dz = sign * np.where(s > 0, 1, e) / (1 + e)  # gap

    dw = X.T @ dz / m  # gap
    db = np.sum(dz) / m  # gap
    return cost, dw, db


# What to try next:
# - Every line makes an array of m numbers. Write into arrays made once: np.exp(z, out=z), s *= sign.
# - X is read twice, by X @ w and by X.T @ dz. Go through it in blocks of rows that stay in the cache:
#   does reading it once pay? Mind the last block, which may be shorter.
# - Put a single exp and no log1p into it: log(1 + e) of a thousand samples is the log of one product.
