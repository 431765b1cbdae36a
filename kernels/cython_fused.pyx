# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The packed step that reads X once: tiles of samples that stay in cache, blocks of them on OpenMP threads.

Changed since `cython_parallel`: a block is gone through a tile at a time, and a tile is still in cache when its
gradient is taken. The loops are the same, and the compiler's to vectorise. The split into blocks and tiles depends
on the shape alone, so the result has the same bits whatever the number of threads. Bound by one read of X where it
is larger than the caches, by the loss where rows are short, by the cost of waking the threads where X is small.
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
    MIN_ELEMENTS = 8192  # make a block: a few microseconds of work
    TILE_BYTES = 1 << 17  # half of a second-level cache, or less
    MIN_ROWS = 32  # make a tile, along rows
    MIN_COLUMN = 256  # along columns, whose pieces lie on pages of their own
    MAX_ROWS = 1024


cdef Py_ssize_t rows_per_tile(Samples X, Py_ssize_t itemsize) noexcept nogil:
    cdef Py_ssize_t least = MIN_ROWS if X.column_stride == itemsize else MIN_COLUMN
    return min(max(least, TILE_BYTES // (X.n * itemsize)), MAX_ROWS)


cdef void fused_block(
    Samples X, const floating* y, const floating* w, floating b, Py_ssize_t rows,
    floating* z, floating* pack, double* cost, floating* dw, double* db,
) noexcept nogil:
    """Add the sums of a block to cost, dw and db, a tile of so many rows at a time."""
    cdef Samples tile = X
    cdef Py_ssize_t start = 0
    while start < X.m:
        tile.data = X.data + start * X.row_stride
        tile.m = min(rows, X.m - start)
        block(tile, y + start, w, b, z, pack, cost, dw, db, GRADIENT)
        start += rows


cdef _step(const floating[:, :] X, const floating[::1] y, const floating[::1] w, floating b, dtype, int threads):
    cdef Py_ssize_t m = X.shape[0], n = X.shape[1], size = sizeof(floating), k
    cdef Samples samples = Samples(<const char*>&X[0, 0], m, n, X.strides[0], X.strides[1]), part
    cdef Py_ssize_t tile = rows_per_tile(samples, size)
    cdef Py_ssize_t rows = max(min(tile, MIN_COLUMN), (m - 1) // MAX_BLOCKS + 1, MIN_ELEMENTS // n)
    cdef Py_ssize_t blocks = (m - 1) // rows + 1
    cdef floating[:, ::1] z = np.empty((blocks, tile), dtype)
    cdef floating[:, ::1] pack = np.empty((blocks, pack_size(samples, size)), dtype)
    partial = np.zeros((blocks, n), dtype)
    cdef floating[:, ::1] dw = partial
    cdef double[:, ::1] sums = np.zeros((blocks, 8))  # cost and db; 8 keep the threads' cache lines apart
    for k in prange(blocks, nogil=True, schedule="static", num_threads=threads):
        part = samples
        part.data = samples.data + k * rows * samples.row_stride
        part.m = min(rows, m - k * rows)
        fused_block(part, &y[k * rows], &w[0], b, tile, &z[k, 0], &pack[k, 0], &sums[k, 0], &dw[k, 0], &sums[k, 1])
    mean_of_blocks(sums, dw, m)
    return Step(dtype.type(sums[0, 0]), partial[0].copy(), dtype.type(sums[0, 1]))


def step(X, y, w, b):
    """Forward/backward step with one read of X, on OpenMP's threads; see `contract`."""
    X, y, w, b = check(X, y, w, b)
    if X.itemsize == 4:
        return _step[float](X, y, w, b, X.dtype, thread_limits.openmp())
    return _step[double](X, y, w, b, X.dtype, thread_limits.openmp())
