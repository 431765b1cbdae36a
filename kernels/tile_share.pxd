# cython: cdivision=True
"""How the samples are shared out among threads: by the shape alone, so that the bits are always the same."""

from cython cimport floating
from libc.stdint cimport int64_t
from libc.string cimport memset

from cython_block cimport GRADIENT, Samples
from team_api cimport Api

cimport tile_f32
cimport tile_f64

cdef enum:
    MOST_BLOCKS = 64  # enough to balance, few enough to add up
    LEAST_ELEMENTS = 16384  # some microseconds of work: so many make one block
    FAR_BYTES = 1 << 25  # more than most caches hold
    SUMS = 8  # of a block: cost, db, bad labels; eight numbers keep the threads apart
    LOSS = 8  # ns, about, of a sample beside its elements
    SHARED = 8000  # ns: less is done before a helper that is awake has seen it


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


cdef inline int64_t alone_ns(Samples X) noexcept nogil:
    """About how long one thread needs: within a factor of two, on CPUs of these years and data in their caches."""
    return LOSS * X.m + X.m * X.n // 4


cdef inline bint shareable(Samples X, int itemsize) noexcept nogil:
    """Whether a step on X is shared: it has several blocks, and helpers that are awake can do some of the work."""
    return X.m > block_rows(X, itemsize) and alone_ns(X) > SHARED


cdef struct Job:
    Samples X
    const void* y
    const void* w
    double b
    void* work  # a slot for each block
    double* sums  # SUMS for each block


cdef inline void one_block(Job* job, Py_ssize_t k, floating _) noexcept nogil:
    """Block k: its gradient at its slot of `work`, its cost, db and number of bad labels at `sums`."""
    cdef Samples X = job.X
    cdef Py_ssize_t rows = block_rows(X, sizeof(floating)), n = X.n
    cdef bint far = X.m * n * <Py_ssize_t>sizeof(floating) > FAR_BYTES
    cdef const floating* y = <const floating*>job.y + k * rows
    cdef const floating* w = <const floating*>job.w
    cdef floating* dw = <floating*>job.work + k * slot_size(X, sizeof(floating))
    cdef double* own = job.sums + k * SUMS
    X.data = X.data + k * rows * X.row_stride
    X.m = min(rows, X.m - k * rows)
    memset(dw, 0, n * sizeof(floating))
    own[0] = own[1] = 0
    if floating is float:
        own[2] = tile_f32.tiles(X, y, w, <float>job.b, far, dw + n, &own[0], dw, &own[1], GRADIENT)
    else:
        own[2] = tile_f64.tiles(X, y, w, job.b, far, dw + n, &own[0], dw, &own[1], GRADIENT)


cdef inline void block_f32(void* job, int k) noexcept nogil:
    one_block[float](<Job*>job, k, 0)


cdef inline void block_f64(void* job, int k) noexcept nogil:
    one_block[double](<Job*>job, k, 0)


cdef inline Py_ssize_t compute(
    Samples X, const floating* y, const floating* w, floating b, const Api* team, int threads,
    floating* work, floating* dw, double* cost, double* db,
) noexcept nogil:
    """Set dw, cost and db, on up to so many threads; return how many labels are neither 0 nor 1."""
    cdef Py_ssize_t blocks = (X.m - 1) // block_rows(X, sizeof(floating)) + 1
    cdef Py_ssize_t slot = slot_size(X, sizeof(floating)), j, k
    cdef double sums[MOST_BLOCKS * SUMS]
    cdef floating scale = <floating>X.m
    cdef Job job = Job(X, y, w, b, work, &sums[0])
    cdef int64_t ns = alone_ns(X)
    if floating is float:
        team.run(block_f32, &job, <int>blocks, threads, ns)
    else:
        team.run(block_f64, &job, <int>blocks, threads, ns)
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
