# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What bounds every kernel: how fast this CPU reads memory, multiplies and adds, and enters a compiled call.

And the kernels' own loops up to the end of a part of the step, see `part`.
Each function returns a number that depends on all its work, so that none of it is optimised away.
The caller takes the time, of so many repetitions that entering, be it a parallel region, does not count.
"""

from cython cimport floating
from cython.parallel cimport prange

from cython_block cimport GRADIENT, LINK, Z, Part, Samples, block, is_packed, tile_rows
from tile_share cimport FAR_BYTES

cimport tile_f32
cimport tile_f64

import numpy as np

from ..pyimpl.contract import check

cdef extern from "simd.h" nogil:
    ctypedef double vec64 "looptax_f64"
    ctypedef float vec32 "looptax_f32"
    enum: LANES "looptax_f64_lanes"
    vec64 splat64 "looptax_f64_splat"(double x)
    vec32 splat32 "looptax_f32_splat"(float x)
    double sum64 "looptax_f64_sum"(vec64 x)
    float sum32 "looptax_f32_sum"(vec32 x)

ctypedef fused vec:
    vec64
    vec32

cdef enum:
    STREAMS = 4  # places memory is read at in turn: from DRAM 5 to 15 % faster than one, in cache as fast
    SUMS = 8  # vectors added to in turn: an addition's latency on two units
    GRAIN = 64  # numbers that every build reads in whole rounds
    CHAINS = 12  # vectors multiplied in turn, the same; with the constant they fit sixteen registers


cdef double read_part(const double* x, Py_ssize_t size, Py_ssize_t repeats) noexcept nogil:
    """Sum `size` numbers `repeats` times over.

    Prefetching was tried: 2 % faster from DRAM, a quarter slower from the first-level cache.
    """
    cdef Py_ssize_t piece = size // STREAMS, i, _
    cdef vec64 s[SUMS]
    cdef int k
    for k in range(SUMS):
        s[k] = splat64(0)
    for _ in range(repeats):
        i = 0
        while i < piece:
            for k in range(SUMS):
                s[k] = s[k] + (<const vec64*>(x + k % STREAMS * piece + k // STREAMS * LANES + i))[0]
            i += SUMS // STREAMS * LANES
    for k in range(1, SUMS):
        s[0] = s[0] + s[k]
    return sum64(s[0])


cdef vec chains(vec half, Py_ssize_t rounds) noexcept nogil:
    """Multiply and add `CHAINS` vectors `rounds` times; each lane tends to 1, and the result is their sum."""
    cdef vec s[CHAINS]
    cdef Py_ssize_t _
    cdef int k
    s[0] = half
    for k in range(1, CHAINS):
        s[k] = s[k - 1] + half  # each from its own number: equal chains would be computed once
    for _ in range(rounds):
        for k in range(CHAINS):
            s[k] = s[k] * half + half
    for k in range(1, CHAINS):
        s[0] = s[0] + s[k]
    return s[0]


def read(const double[::1] x, int threads, Py_ssize_t repeats):
    """Return the sum of x times `repeats`: each thread reads its own part of x `repeats` times over."""
    cdef Py_ssize_t part = x.shape[0] // threads
    cdef double total = 0
    cdef int t
    if not part or x.shape[0] % (threads * GRAIN):
        raise ValueError(f"x has {x.shape[0]} numbers; expected a multiple of {GRAIN} for each of {threads} threads")
    for t in prange(threads, num_threads=threads, schedule="static", nogil=True):
        total += read_part(&x[0] + t * part, part, repeats)
    return total


def multiply_add(dtype, int threads, Py_ssize_t rounds):
    """Do `rounds` rounds of multiply-adds on each thread; return how many of them a round of all threads has."""
    cdef bint single = dtype == "float32"
    cdef double total = 0
    cdef int _
    for _ in prange(threads, num_threads=threads, schedule="static", nogil=True):
        if single:
            total += sum32(chains(splat32(0.5), rounds))
        else:
            total += sum64(chains(splat64(0.5), rounds))
    return total  # as many ones


def nothing(X, y, w, b):
    """Take the arguments of a step and do nothing."""


cdef _part(
    bint once, const floating[:, :] X, const floating[::1] y, const floating[::1] w, floating b,
    Part last, Py_ssize_t repeats, dtype,
):
    cdef Py_ssize_t m = X.shape[0], n = X.shape[1], size = sizeof(floating), need, _
    cdef Samples samples = Samples(<const char*>&X[0, 0], m, n, X.strides[0], X.strides[1])
    cdef bint far = m * n * size > FAR_BYTES
    cdef double cost = 0, db = 0
    gradient = np.zeros(n, dtype)
    cdef floating[::1] dw = gradient
    if once:
        need = tile_f32.scratch_size(samples) if floating is float else tile_f64.scratch_size(samples)
    else:
        need = m + (tile_rows(n, size) * n if is_packed(samples, size) else 0)
    cdef floating[::1] work = np.empty(need, dtype)
    for _ in range(repeats):
        if not once:
            block(samples, &y[0], &w[0], b, &work[0], &work[0] + m, &cost, &dw[0], &db, last)
        elif floating is float:
            tile_f32.tiles(samples, &y[0], &w[0], b, far, &work[0], &cost, &dw[0], &db, last)
        else:
            tile_f64.tiles(samples, &y[0], &w[0], b, far, &work[0], &cost, &dw[0], &db, last)
    return cost, gradient, db


def part(int passes, X, y, w, b, last, Py_ssize_t repeats):
    """Go through a step up to the end of a part, `repeats` times over, on one thread.

    Parameters
    ----------
    passes : int
        How often X is read: 2 in the loops of `cython_simd`, 1 in those of `cython_fused`.
    X, y, w, b
        See `contract`.
    last : str
        "Xw", "link" (the loss and dz) or "gradient", which is all of the step.
    repeats : int
        So many that checking the arguments and first touching memory to work in do not count.

    Returns
    -------
    tuple
        The loss, the gradient and dz, summed over all samples and repeats; 0 where their part is left out.
    """
    cdef int end = {"Xw": Z, "link": LINK, "gradient": GRADIENT}[last]
    X, y, w, b = check(X, y, w, b)
    if X.itemsize == 4:
        return _part[float](passes == 1, X, y, w, b, <Part>end, repeats, X.dtype)
    return _part[double](passes == 1, X, y, w, b, <Part>end, repeats, X.dtype)
