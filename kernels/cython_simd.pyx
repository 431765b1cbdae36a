# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The step in Cython, in loops the compiler can turn into packed instructions.

Changed since `cython_serial`: the exponential is a polynomial instead of a call, sums run in 16
lanes, and C and F order each get their own loops (`parts/block.pxd`, `parts/link.pxd`). Two reads of X, like NumPy's
form, but no temporaries beyond z; bound by memory when X is larger than the caches. Other layouts
are packed a small tile at a time.
"""

from cython cimport floating

from parts.block cimport GRADIENT, Samples, block, pack_size

import numpy as np

from ..pyimpl.parts.contract import Step, check


cdef _step(const floating[:, :] X, const floating[::1] y, const floating[::1] w, floating b, dtype):
    cdef Py_ssize_t m = X.shape[0], n = X.shape[1], size = sizeof(floating), j
    cdef Samples samples = Samples(<const char*>&X[0, 0], m, n, X.strides[0], X.strides[1])
    cdef double cost = 0, db = 0
    gradient = np.zeros(n, dtype)
    cdef floating[::1] dw = gradient
    cdef floating[::1] z = np.empty(m, dtype)
    cdef floating[::1] tile = np.empty(pack_size(samples, size), dtype)
    with nogil:
        block(samples, &y[0], &w[0], b, &z[0], &tile[0], &cost, &dw[0], &db, GRADIENT)
        for j in range(n):
            dw[j] /= m
    return Step(dtype.type(cost / m), gradient, dtype.type(db / m))


def step(X, y, w, b):
    """Forward/backward step in packed instructions, on one thread; see `contract`."""
    X, y, w, b = check(X, y, w, b)
    return _step[float](X, y, w, b, X.dtype) if X.itemsize == 4 else _step[double](X, y, w, b, X.dtype)
