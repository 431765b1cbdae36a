# cython: cdivision=True
"""How the samples are shared out among threads: by the shape alone, so that the bits are always the same."""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memset

from cython_block cimport GRADIENT, Samples

cimport tile_f32
cimport tile_f64

cdef enum:
    MOST_BLOCKS = 64  # enough to balance, few enough to add up
    LEAST_ELEMENTS = 16384  # some microseconds of work: so many make one block
    FAR_BYTES = 1 << 25  # more than most caches hold
    SUMS = 8  # of a block: cost, db, bad labels; eight numbers keep the threads apart


cdef inline Py_ssize_t block_rows(Samples X, int itemsize) noexcept nogil:
    """How many samples make a block: at least as many as make the least tile."""
    cdef Py_ssize_t least = tile_f32.least_rows(X) if itemsize == 4 else tile_f64.least_rows(X)
    cdef Py_ssize_t rows = max(least, (X.m - 1) // MOST_BLOCKS + 1, LEAST_ELEMENTS // X.n)
    return (rows + least - 1) // least * least


cdef inline Py_ssize_t slot_size(Samples X, int itemsize) noexcept nogil:
    """How many numbers a block needs: its gradient and what it works in, in whole cache lines."""
    cdef Py_ssize_t need = tile_f32.scratch_size(X) if itemsize == 4 else tile_f64.scratch_size(X)
    return (X.n + need + 15) // 16 * 16


cdef inline Py_ssize_t work_bytes(Samples X, int itemsize) noexcept nogil:
    """How much memory `compute` works in."""
    return ((X.m - 1) // block_rows(X, itemsize) + 1) * slot_size(X, itemsize) * itemsize


cdef inline void one_block(
    Samples X, Py_ssize_t k, const floating* y, const floating* w, floating b, floating* work, bint far, double* sums,
) noexcept nogil:
    """Block k: its gradient at its slot of `work`, its cost, db and number of bad labels at sums."""
    cdef Py_ssize_t rows = block_rows(X, sizeof(floating)), n = X.n
    cdef floating* dw = work + k * slot_size(X, sizeof(floating))
    cdef double* own = sums + k * SUMS
    X.data = X.data + k * rows * X.row_stride
    X.m = min(rows, X.m - k * rows)
    memset(dw, 0, n * sizeof(floating))
    own[0] = own[1] = own[2] = 0
    if floating is float:
        own[2] = tile_f32.tiles(X, y + k * rows, w, b, far, dw + n, &own[0], dw, &own[1], GRADIENT)
    else:
        own[2] = tile_f64.tiles(X, y + k * rows, w, b, far, dw + n, &own[0], dw, &own[1], GRADIENT)


cdef inline Py_ssize_t compute(
    Samples X, const floating* y, const floating* w, floating b, int threads,
    floating* work, floating* dw, double* cost, double* db,
) noexcept nogil:
    """Set dw, cost and db; return how many labels are neither 0 nor 1."""
    cdef Py_ssize_t blocks = (X.m - 1) // block_rows(X, sizeof(floating)) + 1
    cdef Py_ssize_t slot = slot_size(X, sizeof(floating)), j, k
    cdef double sums[MOST_BLOCKS * SUMS]
    cdef floating scale = <floating>X.m
    cdef bint far = X.m * X.n * <Py_ssize_t>sizeof(floating) > FAR_BYTES
    if threads > 1 and blocks > 1:
        for k in prange(blocks, schedule="static", num_threads=min(threads, blocks)):
            one_block(X, k, y, w, b, work, far, &sums[0])
    else:
        for k in range(blocks):
            one_block(X, k, y, w, b, work, far, &sums[0])
    for k in range(1, blocks):
        sums[0] += sums[k * SUMS]
        sums[1] += sums[k * SUMS + 1]
        sums[2] += sums[k * SUMS + 2]
        for j in range(X.n):
            work[j] += work[k * slot + j]
    for j in range(X.n):
        dw[j] = work[j] / scale
    cost[0] = sums[0] / X.m
    db[0] = sums[1] / X.m
    return <Py_ssize_t>sums[2]
