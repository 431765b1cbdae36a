# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The packed step of `cython_simd`, its blocks of samples shared among OpenMP threads.

Changed since `cython_simd`: the samples are split into blocks, each with its own partial cost, dw
and db, which are then added up in order. The split depends on the shape alone, so the result has
the same bits whatever the number of threads. No GIL is held. Bound by memory when X is larger than
the caches, by the cost of waking the threads when it is small.
"""

from cython cimport floating
from cython.parallel cimport prange

from parts.block cimport GRADIENT, Samples, block, pack_size
from parts.mean_of_blocks cimport mean_of_blocks

import numpy as np

from ..pyimpl.parts.contract import Step, check
from .choose import thread_limits

cdef enum:
    MAX_BLOCKS = 64  # enough to balance, few enough to add up
    MIN_ROWS = 32  # so that the partial gradients stay below 1/32 of X
    MIN_ELEMENTS = 8192  # a few microseconds of work


cdef Py_ssize_t rows_per_block(Py_ssize_t m, Py_ssize_t n) noexcept nogil:
    return max(MIN_ROWS, (m - 1) // MAX_BLOCKS + 1, MIN_ELEMENTS // n)


cdef _step(const floating[:, :] X, const floating[::1] y, const floating[::1] w, floating b, dtype, int threads):
    cdef Py_ssize_t m = X.shape[0], n = X.shape[1], size = sizeof(floating), k
    cdef Samples samples = Samples(<const char*>&X[0, 0], m, n, X.strides[0], X.strides[1]), part
    cdef Py_ssize_t rows = rows_per_block(m, n), blocks = (m - 1) // rows + 1
    cdef floating[::1] z = np.empty(m, dtype)
    cdef floating[:, ::1] tiles = np.empty((blocks, pack_size(samples, size)), dtype)
    partial = np.zeros((blocks, n), dtype)
    cdef floating[:, ::1] dw = partial
    cdef double[:, ::1] sums = np.zeros((blocks, 8))  # cost and db; 8 keep the threads' cache lines apart
    for k in prange(blocks, nogil=True, schedule="static", num_threads=threads):
        part = samples
        part.data = samples.data + k * rows * samples.row_stride
        part.m = min(rows, m - k * rows)
        block(part, &y[k * rows], &w[0], b, &z[k * rows], &tiles[k, 0],
              &sums[k, 0], &dw[k, 0], &sums[k, 1], GRADIENT)
    mean_of_blocks(sums, dw, m)
    return Step(dtype.type(sums[0, 0]), partial[0].copy(), dtype.type(sums[0, 1]))


def step(X, y, w, b):
    """Forward/backward step in packed instructions, on OpenMP's threads; see `contract`."""
    X, y, w, b = check(X, y, w, b)
    if X.itemsize == 4:
        return _step[float](X, y, w, b, X.dtype, thread_limits.openmp())
    return _step[double](X, y, w, b, X.dtype, thread_limits.openmp())
