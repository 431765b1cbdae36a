# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The double loop of the course notes in Cython, over typed memoryviews.

Changed since the double loops of `pyimpl`: types. The same lines compile to C, with no Python object
inside the loops. One pass over X in any layout; bound by the latency of one addition after the
other, and by the C library's exp and log1p, while X is in cache.
"""

from cython cimport floating
from libc.math cimport exp, fabs, log1p

import numpy as np

from ..pyimpl.parts.contract import Step, check


cdef inline double loss_and_dz(double z, double y, double* dz) noexcept nogil:
    """One sample in the stable form of the contract: return its loss, set its dz."""
    cdef double sign = 1 - 2 * y
    cdef double s = sign * z
    cdef double e = exp(-fabs(s))
    if s > 0:
        dz[0] = sign / (1 + e)
        return s + log1p(e)
    dz[0] = sign * e / (1 + e)
    return log1p(e)


cdef double double_loop(
    const floating[:, :] X, const floating[:] y, const floating[:] w, floating b,
    floating[:] dw, double* db,
) noexcept nogil:
    """Add the gradient to dw and db, not yet divided by m; return the sum of the losses."""
    cdef Py_ssize_t m = X.shape[0], n = X.shape[1], i, j
    cdef floating z, gradient
    cdef double dz, cost = 0
    for i in range(m):
        z = b
        for j in range(n):
            z += w[j] * X[i, j]
        cost += loss_and_dz(z, y[i], &dz)
        gradient = <floating>dz
        for j in range(n):
            dw[j] += X[i, j] * gradient
        db[0] += dz
    return cost


cdef _step(const floating[:, :] X, const floating[:] y, const floating[:] w, floating b, dtype):
    cdef Py_ssize_t m = X.shape[0], j
    cdef double cost, db = 0
    gradient = np.zeros(X.shape[1], dtype)
    cdef floating[:] dw = gradient
    with nogil:
        cost = double_loop(X, y, w, b, dw, &db)
        for j in range(X.shape[1]):
            dw[j] /= m
    return Step(dtype.type(cost / m), gradient, dtype.type(db / m))


def step(X, y, w, b):
    """Forward/backward step by the double loop over typed memoryviews; see `contract`."""
    X, y, w, b = check(X, y, w, b)
    return _step[float](X, y, w, b, X.dtype) if X.itemsize == 4 else _step[double](X, y, w, b, X.dtype)
