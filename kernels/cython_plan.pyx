# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What a `Plan` calls again and again: the kernel of `cython_fused`, bound to one X and y."""

cimport numpy as cnp
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc

from cython_arrays cimport (
    new_step, plain_scalar, plain_vector, release_gil, samples_of, scalar_like, scalar_value, take_gil,
)
from cython_block cimport Samples
from team_api cimport Api, team_api
from tile_share cimport compute, shareable, work_bytes

import numpy as np

from ..pyimpl.contract import Step, check_scalar, check_weights
from . import team

cnp.import_array()

cdef object float32 = np.float32
cdef const Api* crew = team_api(team.api)


cdef class Bound:
    """X and y checked once, with a work space that is kept: what a `Plan` calls again and again.

    Calls from several threads at once are safe: while one has the work space, others get their own.
    """

    cdef object X, y
    cdef Samples samples
    cdef int at_most, itemsize
    cdef void* work
    cdef bint busy
    cdef int forks

    def __cinit__(self, X, y, int at_most):
        """Keep X and y, which `planner` has checked: y plain, of the dtype of X, each 0 or 1.

        A call has at most so many threads.
        """
        self.X, self.y = X, y
        self.samples = samples_of(X)
        self.forks = crew.forks[0]
        self.at_most, self.itemsize = at_most, X.dtype.itemsize
        self.work = PyMem_RawMalloc(work_bytes(self.samples, self.itemsize))
        if self.work == NULL:
            raise MemoryError()

    def __dealloc__(self):
        PyMem_RawFree(self.work)

    cdef tuple run(self, object w, object b, object dw):
        """Write the gradient to dw, which is checked already; return cost and db as doubles."""
        cdef int kind = cnp.PyArray_TYPE(self.X)
        if not (plain_vector(w, kind, self.samples.n) and plain_scalar(b, kind, float32)):
            check_weights(w, self.samples.n, self.X.dtype)
            w, b = np.ascontiguousarray(np.require(w, requirements="A")), check_scalar("b", b, self.X.dtype)
        cdef bint shared = self.at_most > 1 and shareable(self.samples, self.itemsize)
        cdef int threads = min(self.at_most, crew.at_most()) if shared else 1
        if self.forks != crew.forks[0]:  # whoever had the work space before a fork may not be here
            self.forks, self.busy = crew.forks[0], False
        cdef bint mine = not self.busy  # the GIL is held: nobody comes between
        self.busy = True
        cdef void* work = self.work if mine else PyMem_RawMalloc(work_bytes(self.samples, self.itemsize))
        if work == NULL:
            raise MemoryError()
        cdef const void* y = cnp.PyArray_DATA(self.y)
        cdef const void* weights = cnp.PyArray_DATA(w)
        cdef void* gradient = cnp.PyArray_DATA(dw)
        cdef double bias = scalar_value(b, float32), cost, db
        cdef void* state = release_gil(self.samples)
        if self.itemsize == 4:
            compute(self.samples, <const float*>y, <const float*>weights, <float>bias, crew, threads,
                    <float*>work, <float*>gradient, &cost, &db)
        else:
            compute(self.samples, <const double*>y, <const double*>weights, bias, crew, threads,
                    <double*>work, <double*>gradient, &cost, &db)
        take_gil(state)
        if mine:
            self.busy = False
        else:
            PyMem_RawFree(work)
        if threads > 1:
            crew.complain()
        return cost, db

    def step(self, w, b):
        """Return the step at (w, b)."""
        cdef cnp.npy_intp n = self.samples.n
        dw = cnp.PyArray_EMPTY(1, &n, cnp.PyArray_TYPE(self.X), 0)
        cost, db = self.run(w, b, dw)
        return new_step(Step, cost, dw, db)

    def step_into(self, w, b, dw):
        """Write the gradient to dw and return (cost, db)."""
        if not (plain_vector(dw, cnp.PyArray_TYPE(self.X), self.samples.n) and cnp.PyArray_ISWRITEABLE(dw)):
            raise ValueError(
                f"dw is a {type(dw).__name__} of shape {np.shape(dw)}, {getattr(dw, 'dtype', 'no dtype')}; expected a "
                f"writeable, contiguous {self.X.dtype} array of {self.samples.n} numbers")
        cost, db = self.run(w, b, dw)
        return scalar_like(dw, cost), scalar_like(dw, db)
