# cython: boundscheck=False, wraparound=False, cdivision=True
"""The forward/backward step of logistic regression: two nested loops, compiled by Cython.

X: m samples of n features, float32 or float64. y: m labels, 0 or 1. w: n weights, b: the bias.
Returns the cost, its gradient dw with respect to w, and db, all in the dtype of X.
"""

from cython cimport floating
from libc.math cimport exp, fabs, log1p

import numpy as np


cdef double double_loop(
    const floating[:, :] X, const floating[:] y, const floating[:] w, double b, double[:] dw, double* db,
) noexcept nogil:
    """Add the gradient to dw and the sum of dz to db, and return the sum of the losses."""
    cdef Py_ssize_t m = X.shape[0], n = X.shape[1], i, j
    cdef double cost = 0, z, sign, s, e, dz
    for i in range(m):
        z = b
        for j in range(n):
            z += <double>w[j] * X[i, j]  # gap

        # The signed margin s is positive where the prediction is on the wrong side. The exponent is
        # never positive: e cannot overflow.
        sign = 1 - 2 * y[i]
        s = sign * z
        e = exp(-fabs(s))
        cost += s + log1p(e) if s > 0 else log1p(e)
        dz = sign * (1 if s > 0 else e) / (1 + e)  # gap

        for j in range(n):
            dw[j] += X[i, j] * dz  # gap
        db[0] += dz  # gap
    return cost


def sums(const floating[:, :] X, const floating[:] y, const floating[:] w, double b, double[:] dw):
    """Return the sums of the losses and of dz; the dtype of X decides which of the two builds runs."""
    cdef double cost, db = 0
    with nogil:
        cost = double_loop(X, y, w, b, dw, &db)
    return cost, db


def step(X, y, w, b):
    """Return (cost, dw, db)."""
    m, n = X.shape
    dtype = X.dtype.type
    dw = np.zeros(n)  # float64: sums keep their digits; cast to the dtype of X at the end
    cost, db = sums(X, y.astype(X.dtype), np.array(w), b, dw)
    return dtype(cost / m), (dw / m).astype(dtype), dtype(db / m)


# What to try next:
# - X[i, ::1] would promise that a row's numbers lie side by side, which vectorises; but X may come in any
#   layout: take another way where it does not.
# - A sum is a chain of additions, each waiting for the one before: carry four sums, and mind the tail.
# - Threads: "# distutils: extra_compile_args=-fopenmp" (and extra_link_args) at the top, then prange.
