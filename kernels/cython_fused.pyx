# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The step that reads X once, on one thread or several.

Changed since `cython_parallel`: each block of samples is gone through a tile at a time (`tile.pxi`),
and a tile is small enough to be still in cache when its gradient is taken. Vectors are explicit, four
at a time. The blocks are shared with a team of threads that is not waited for (`team.h`), in place of
OpenMP's. Good arguments are recognised through NumPy's C API in a tenth of a microsecond; only others
meet the contract's checker. Bound by one read of X at the memory's bandwidth when X is larger than the
caches, by the link when rows are short, by the call itself when X is tiny.
"""

cimport numpy as cnp
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from cython cimport floating

from cython_arrays cimport new_step, plain_scalar, plain_vector, release_gil, samples_of, scalar_value, take_gil
from cython_block cimport Samples
from team_api cimport Api, team_api
from tile_share cimport compute, shareable as is_shareable, work_bytes

import numpy as np

from ..pyimpl.contract import Step, check
from . import team

cnp.import_array()

cdef object float32 = np.float32
cdef const Api* crew = team_api(team.api)


cdef inline bint as_contracted(object X, object y, object w, object b) noexcept:
    """Whether the arguments need neither an error nor a conversion; the labels are looked at later."""
    if not (cnp.PyArray_CheckExact(X) and cnp.PyArray_NDIM(X) == 2):
        return False
    cdef int kind = cnp.PyArray_TYPE(X)
    if (kind != cnp.NPY_DOUBLE and kind != cnp.NPY_FLOAT) or cnp.PyArray_ISBYTESWAPPED(X) or not cnp.PyArray_SIZE(X):
        return False
    return (plain_vector(y, kind, cnp.PyArray_DIM(X, 0)) and plain_vector(w, kind, cnp.PyArray_DIM(X, 1))
            and plain_scalar(b, kind, float32))


cdef _step(object X, object y, object w, floating b):
    cdef Samples samples = samples_of(X)
    cdef int threads = crew.at_most() if is_shareable(samples, sizeof(floating)) else 1
    cdef cnp.npy_intp n = samples.n
    cdef double cost, db
    cdef Py_ssize_t bad
    cdef object dw = cnp.PyArray_EMPTY(1, &n, cnp.PyArray_TYPE(X), 0)
    cdef const floating* labels = <const floating*>cnp.PyArray_DATA(y)
    cdef const floating* weights = <const floating*>cnp.PyArray_DATA(w)
    cdef floating* gradient = <floating*>cnp.PyArray_DATA(dw)
    cdef floating* work = <floating*>PyMem_RawMalloc(work_bytes(samples, sizeof(floating)))
    if work == NULL:
        raise MemoryError()
    cdef void* state = release_gil(samples)
    bad = compute(samples, labels, weights, b, crew, threads, work, gradient, &cost, &db)
    take_gil(state)
    PyMem_RawFree(work)
    if threads > 1:
        crew.complain()
    if bad:
        check(X, y, w, 0.0)  # says which label
    return new_step(Step, cost, dw, db)


def step(X, y, w, b):
    """Forward/backward step with one read of X, on this thread and those of the team; see `contract`."""
    if not as_contracted(X, y, w, b):
        X, y, w, b = check(X, y, w, b)
    if cnp.PyArray_ITEMSIZE(X) == 4:
        return _step[float](X, y, w, <float>scalar_value(b, float32))
    return _step[double](X, y, w, scalar_value(b, float32))


def shareable(X):
    """Whether a step on X is shared with helpers, if there are any."""
    return is_shareable(samples_of(X), cnp.PyArray_ITEMSIZE(X))
