# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What bounds every kernel: how fast this CPU reads memory, multiplies and adds, and enters a compiled call.

And the kernels' own loops up to the end of a part of the step, see `part`.
Each function returns a number that depends on all its work, so that none of it is optimised away.
The caller takes the time, of so many repetitions that entering, be it a parallel region, does not count.
"""

from cython cimport floating
from cython.parallel cimport prange

from parts.block cimport GRADIENT, LINK, Z, Part, Samples, block, pack_size

import numpy as np

from ...pyimpl.parts.contract import check

cdef extern from "ceilings.h" nogil:
    double looptax_read(const double* x, Py_ssize_t size, Py_ssize_t repeats)
    double looptax_multiply_add_f64(Py_ssize_t rounds)
    double looptax_multiply_add_f32(Py_ssize_t rounds)

cdef enum:
    GRAIN = 64  # numbers that every build reads in whole rounds


def read(const double[::1] x, int threads, Py_ssize_t repeats):
    """Return the sum of x times `repeats`: each thread reads its own part of x `repeats` times over."""
    cdef Py_ssize_t part = x.shape[0] // threads
    cdef double total = 0
    cdef int t
    if not part or x.shape[0] % (threads * GRAIN):
        raise ValueError(f"x has {x.shape[0]} numbers; expected a multiple of {GRAIN} for each of {threads} threads")
    for t in prange(threads, num_threads=threads, schedule="static", nogil=True):
        total += looptax_read(&x[0] + t * part, part, repeats)
    return total


def multiply_add(dtype, int threads, Py_ssize_t rounds):
    """Do `rounds` rounds of multiply-adds on each thread; return how many of them a round of all threads has."""
    cdef bint single = dtype == "float32"
    cdef double total = 0
    cdef int _
    for _ in prange(threads, num_threads=threads, schedule="static", nogil=True):
        if single:
            total += looptax_multiply_add_f32(rounds)
        else:
            total += looptax_multiply_add_f64(rounds)
    return total  # as many ones


def nothing(X, y, w, b):
    """Take the arguments of a step and do nothing."""


cdef _part(const floating[:, :] X, const floating[::1] y, const floating[::1] w, floating b, Part last, repeats, dtype):
    cdef Py_ssize_t m = X.shape[0], n = X.shape[1], size = sizeof(floating), times = repeats, _
    cdef Samples samples = Samples(<const char*>&X[0, 0], m, n, X.strides[0], X.strides[1])
    cdef double cost = 0, db = 0
    gradient = np.zeros(n, dtype)
    cdef floating[::1] dw = gradient
    cdef floating[::1] work = np.empty(m + pack_size(samples, size), dtype)
    for _ in range(times):
        block(samples, &y[0], &w[0], b, &work[0], &work[0] + m, &cost, &dw[0], &db, last)
    return cost, gradient, db


def part(X, y, w, b, last, repeats):
    """Go through a step of `cython_simd` up to the end of a part, `repeats` times over, on one thread.

    Parameters
    ----------
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
        return _part[float](X, y, w, b, <Part>end, repeats, X.dtype)
    return _part[double](X, y, w, b, <Part>end, repeats, X.dtype)
