# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The step in explicit vectors: what `fastest` and `plan` call.

Changed since `cython_fused`: vectors are explicit, several at a time (`parts/tile.h`), so that no addition waits for
the one before; the order of the sums is written down (`parts/sums.h`) and is the same on every CPU that has a fused
multiply-add; and how X is gone through is a schedule, chosen for this CPU, the shape and the layout
(`choose/schedule.py`). The work is shared with a team of threads that is not waited for (`choose/team.h`), in place
of OpenMP's. Good arguments are recognised through NumPy's C API in a tenth of a microsecond. Bound by one read of X
where X is larger than the caches, by the loss where rows are short, by the call itself where X is tiny.
"""

cimport numpy as cnp

from choose.schedule cimport Rules, alone_ns, chosen, is_shareable
from choose.team_api cimport Api, team_api
from parts.arrays cimport (
    apart, data_of, new_step, plain_scalar, plain_vector, release_gil, samples_of, scalar_like, scalar_value, take_gil,
)
from parts.tuned cimport (
    GRADIENT, LAYOUT_COLUMNS, LOSS, Part, Samples, Schedule, Sums, Z, chunk, effective, give, layout, mean,
    sums as tuned_sums, take, work_bytes,
)

import numpy as np

from ..pyimpl.parts.contract import Step, check, check_l2, check_sample_weight, check_scalar, check_weights, plain
from .choose import schedule, team

cnp.import_array()

cdef object float32 = np.float32, zero = 0.0
cdef const Api* crew = team_api(team.api)
cdef Rules rules = schedule.rules()


cdef inline bint as_contracted(object X, object y, object w, object b) noexcept:
    """Whether the arguments need neither an error nor a conversion; the labels are looked at later."""
    if not (cnp.PyArray_CheckExact(X) and cnp.PyArray_NDIM(X) == 2):
        return False
    cdef int kind = cnp.PyArray_TYPE(X)
    if (kind != cnp.NPY_DOUBLE and kind != cnp.NPY_FLOAT) or cnp.PyArray_ISBYTESWAPPED(X) or not cnp.PyArray_SIZE(X):
        return False
    return (plain_vector(y, kind, cnp.PyArray_DIM(X, 0)) and plain_vector(w, kind, cnp.PyArray_DIM(X, 1))
            and plain_scalar(b, kind, float32))


cdef Sums total(Samples* X, Schedule* how, int at_most, y, s, w, b, dw, Part last) except *:
    """Set dw to the sum over all samples, and return the others; s has their weights, or is None."""
    cdef int size = cnp.PyArray_ITEMSIZE(dw), threads = 1
    if at_most > 1 and is_shareable(X, how, size):
        threads = min(at_most, crew.at_most())
    cdef size_t room = work_bytes(X, how, threads, size)
    cdef void* work = take(&room)
    if work == NULL:
        raise MemoryError()
    cdef double bias = scalar_value(b, float32)
    cdef void* state = release_gil(X)
    cdef Sums found = tuned_sums(X, data_of(y), data_of(s), data_of(w), bias, how, crew.run, threads, alone_ns(X, size),
                                 last, work, cnp.PyArray_DATA(dw), size)
    take_gil(state)
    give(work, room)
    if threads > 1:
        crew.complain()
    return found


cdef Sums penalised(Sums found, double l2, w, dw) noexcept:
    """Return the means of what `total` found, of dw in place, with the penalty on w."""
    return mean(found, l2, data_of(w), cnp.PyArray_SIZE(dw), cnp.PyArray_DATA(dw), cnp.PyArray_ITEMSIZE(dw))


def step(X, y, w, b, *, sample_weight=None, l2=zero):
    """Forward/backward step with one read of X, on this thread and those of the team; see `kernels/__init__.py`."""
    cdef double penalty = 0 if l2 is zero else check_l2(l2)
    if not as_contracted(X, y, w, b):
        X, y, w, b = check(X, y, w, b)
    cdef Samples samples = samples_of(X)
    cdef int at_most = crew.at_most(), kind = cnp.PyArray_TYPE(X)
    s = sample_weight
    if not (s is None or plain_vector(s, kind, samples.m)):
        check_sample_weight(s, samples.m)
        s = plain(s, X.dtype)
    cdef Schedule how = chosen(&rules, &samples, cnp.PyArray_ITEMSIZE(X), at_most)
    cdef cnp.npy_intp n = samples.n
    cdef object dw = cnp.PyArray_EMPTY(1, &n, kind, 0)
    cdef Sums found = total(&samples, &how, at_most, y, s, w, b, dw, GRADIENT)
    if found.bad or found.weight == 0:
        check(X, y, w, 0.0)  # says which label
        check_sample_weight(s, samples.m)  # or which weight
    found = penalised(found, penalty, w, dw)
    return new_step(Step, found.cost, dw, found.db)


def sums(X, y, s, w, b, order, int at_most):
    """Return (cost, dw, db, weight, bad) summed over X; `bad` tells of labels and weights, all else is checked.

    `order` is "C" or "F", that of the whole of which X is a block; s has the weights of samples, or is None.
    """
    cdef Samples samples = samples_of(X)
    samples.order = ord(order)
    at_most = min(at_most, crew.at_most())
    cdef Schedule how = chosen(&rules, &samples, X.itemsize, at_most)
    cdef object dw = np.empty_like(w)
    cdef Sums found = total(&samples, &how, at_most, y, s, w, b, dw, GRADIENT)
    return found.cost, dw, found.db, found.weight, bool(found.bad)


def step_of(cost, dw, db, weight, w, double l2):
    """Return the step whose sums these are; w has the dtype of dw, and is contiguous."""
    dw = dw.copy()
    cdef Sums found = penalised(Sums(cost, db, weight, False), l2, w, dw)
    return new_step(Step, found.cost, dw, found.db)


def schedule_of(X, int threads):
    """Return the schedule for X, and whether a step on it is shared, if there are so many threads."""
    cdef Samples samples = samples_of(X)
    cdef Schedule how = chosen(&rules, &samples, X.itemsize, threads)
    return schedule.Schedule(**how), is_shareable(&samples, &how, X.itemsize)


def comes_to(X, one):
    """Return what a schedule comes to for X: its tile in samples, and only what has a meaning there."""
    cdef Samples samples = samples_of(X)
    cdef Schedule how = one._asdict()
    return schedule.Schedule(**effective(&samples, &how, X.itemsize))


def candidates(X):
    """Return the schedules that are worth trying for X, and differ there."""
    cdef Samples samples = samples_of(X)
    found = {}
    for one in schedule.candidates(layout(&samples, X.itemsize) & LAYOUT_COLUMNS != 0):
        found.setdefault(comes_to(X, one), one)
    return list(found.values())


def chunk_samples(Py_ssize_t n, itemsize, order):
    """Return how many samples of n features a chunk has."""
    cdef Samples samples = Samples(NULL, 2, n, 0, 0, ord(order))
    return chunk(&samples, itemsize)


cdef class Bound:
    """X and y checked once: what a `Plan` calls again and again, from any number of threads at once."""

    cdef object X, y, s
    cdef double l2
    cdef Samples samples
    cdef Schedule how
    cdef int at_most, kind

    def __cinit__(self, X, y, int at_most, how, s=None, double l2=0):
        """Keep X, y and the weights of its samples, or None: checked and plain, of the dtype of X.

        A call has at most so many threads; `how` is a schedule, or None for the one `fastest` would take.
        """
        self.X, self.y, self.s, self.l2, self.at_most, self.kind = X, y, s, l2, at_most, cnp.PyArray_TYPE(X)
        self.samples = samples_of(X)
        if how is None:
            self.how = chosen(&rules, &self.samples, X.itemsize, min(at_most, crew.at_most()))
        else:
            self.how = how._asdict()

    cdef Sums run(self, object w, object b, object dw) except *:
        """Write the gradient to dw, which is checked already."""
        if not (plain_vector(w, self.kind, self.samples.n) and plain_scalar(b, self.kind, float32)):
            check_weights(w, self.samples.n, self.X.dtype)
            w, b = np.ascontiguousarray(np.require(w, requirements="A")), check_scalar("b", b, self.X.dtype)
        w = apart(w, dw)  # the penalty is taken after the gradient is written
        cdef Sums found = total(&self.samples, &self.how, self.at_most, self.y, self.s, w, b, dw, GRADIENT)
        return penalised(found, self.l2, w, dw)

    def part(self, w, b, last, Py_ssize_t repeats):
        """Go through the step up to the end of a part, `repeats` times over; see `parts.probe.part`."""
        cdef int end = {"Xw": Z, "link": LOSS, "gradient": GRADIENT}[last]
        w, b = check(self.X, self.y, w, b)[2:]
        dw = np.zeros_like(w)
        cdef Sums found
        cdef Py_ssize_t _
        for _ in range(repeats):
            found = total(&self.samples, &self.how, self.at_most, self.y, self.s, w, b, dw, <Part>end)
        return ((found.cost if end >= LOSS else 0) * repeats, dw * (repeats if end == GRADIENT else 0),
                (found.db if end >= LOSS else 0) * repeats)

    def step(self, w, b):
        """Return the step at (w, b)."""
        cdef cnp.npy_intp n = self.samples.n
        dw = cnp.PyArray_EMPTY(1, &n, self.kind, 0)
        cdef Sums found = self.run(w, b, dw)
        return new_step(Step, found.cost, dw, found.db)

    def step_into(self, w, b, dw):
        """Write the gradient to dw and return (cost, db)."""
        if not (plain_vector(dw, self.kind, self.samples.n) and cnp.PyArray_ISWRITEABLE(dw)):
            raise ValueError(
                f"dw is a {type(dw).__name__} of shape {np.shape(dw)}, {getattr(dw, 'dtype', 'no dtype')}; expected a "
                f"writeable, contiguous {self.X.dtype} array of {self.samples.n} numbers")
        cdef Sums found = self.run(w, b, dw)
        return scalar_like(dw, found.cost), scalar_like(dw, found.db)
