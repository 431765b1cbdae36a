# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Several weight vectors at once, X dense or sparse: the softmax step, and the curvature of the cost.

One read of X serves all weight vectors: a tile of samples times them is a small matrix product (`parts/products.h`),
its results become losses and derivatives (`parts/links.h`), and a second product, of the same tile in a cache, makes
all gradients. What goes in and comes out are vectors of n + 1 numbers, b and db the last. The order of the sums is
fixed as in `cython_tuned`, so any number of threads returns the same bits.
"""

cimport numpy as cnp
from libc.stdint cimport int64_t

from choose.team_api cimport Api, team_api
from parts.arrays cimport data_of, samples_of
from parts.several cimport (
    LOGISTIC, LOGISTIC_HESSIAN, LOGISTIC_HESSP, SOFTMAX, SOFTMAX_HESSIAN, SOFTMAX_HESSP, Link, Several, Sparse, chunk,
)
from parts.several cimport mean
from parts.several cimport sums as several_sums
from parts.several cimport work_bytes
from parts.tuned cimport Samples, Sums, give, take

import numpy as np

from ...pyimpl.parts.contract import plain
from ..choose import schedule, team

cnp.import_array()

cdef const Api* crew = team_api(team.api)
cdef Py_ssize_t cache = schedule.this_cpu().second_level // 2

cdef enum:
    SHARED = 8000  # ns: less is done before a helper that is awake has seen it


cdef Link link_of(what, Py_ssize_t classes) except *:
    """Return the link of "step" or "hessp"."""
    if what == "step":
        return LOGISTIC if classes == 1 else SOFTMAX
    return LOGISTIC_HESSP if classes == 1 else SOFTMAX_HESSP


cdef inline Py_ssize_t inputs_of(Link link, Py_ssize_t classes) noexcept:
    """How many weight vectors go in."""
    return 2 * classes if link == LOGISTIC_HESSP or link == SOFTMAX_HESSP else classes


cdef inline bint is_square(Link link) noexcept:
    """Whether a curvature comes out."""
    return link == LOGISTIC_HESSIAN or link == SOFTMAX_HESSIAN


cdef inline Py_ssize_t outputs_of(Link link, Py_ssize_t classes, Py_ssize_t n) noexcept:
    """How many vectors come out."""
    return n + 1 if is_square(link) else classes


def mean_of(double cost, out, double weight, double l2, w):
    """Return (cost, out) whose sums these are, `out` in place; the penalty is on the last vectors of w.

    Raises
    ------
    ValueError
        All samples have the weight 0.
    """
    if weight == 0:
        raise ValueError("sample_weight is 0 for all samples; expected at least one that counts")
    w = plain(w, out.dtype)
    cdef Py_ssize_t outputs = cnp.PyArray_DIM(out, 0), size = cnp.PyArray_DIM(out, 1)
    cdef const char* penalised = <const char*>cnp.PyArray_DATA(w)
    if l2:
        penalised += cnp.PyArray_NBYTES(w) - cnp.PyArray_NBYTES(out)
    cdef Sums found = mean(Sums(cost, 0, weight, False), l2, penalised, outputs, size - 1, cnp.PyArray_DATA(out),
                           cnp.PyArray_ITEMSIZE(out))
    return found.cost, out


def chunk_samples(Py_ssize_t n, int size, order, Py_ssize_t classes, what):
    """Return how many samples are summed one after the other, of n features of so many bytes, in "C" or "F" order."""
    cdef Samples X = Samples(NULL, 1, n, n * size, size, ord(order))
    cdef Several of = Several(NULL, NULL, NULL, link_of(what, classes), classes, 0, 0, cache)
    return chunk(&X, &of, size)


cdef class Bound:
    """X, y and the weights of the samples, checked once: what plans of variants call, from any number of threads.

    Parameters
    ----------
    X : numpy.ndarray, or a SciPy CSR array
        float32 or float64; of CSR, plain arrays.
    y : numpy.ndarray, shape (m,)
        Plain, of the dtype of X: 0 and 1, or whole numbers from 0 to classes - 1.
    s : numpy.ndarray, shape (m,), or None
        Weights of the samples; plain, of the dtype of X.
    l2 : float
    classes : int
        1 for the two classes of a single weight vector.
    at_most : int
        Threads of a call.
    tile : int
        Bytes of X and z that are read again from a cache; 0 for what suits this CPU. Changes no bit.
    """

    cdef object X, y, s, kept
    cdef Samples samples
    cdef Sparse sparse
    cdef bint dense
    cdef double l2
    cdef Py_ssize_t m, n, classes, tile
    cdef int at_most, size

    def __cinit__(self, X, y, s, double l2, Py_ssize_t classes, int at_most, Py_ssize_t tile=0):
        self.X, self.y, self.s, self.l2, self.classes, self.at_most = X, y, s, l2, classes, at_most
        self.m, self.n = X.shape
        self.size, self.dense, self.tile = X.dtype.itemsize, isinstance(X, np.ndarray), tile or cache
        if self.dense:
            self.samples = samples_of(X)
        else:
            data, indices, pointers = self.kept = X.data, X.indices, X.indptr  # also where X gets others later
            self.sparse = Sparse(data_of(data), data_of(indices), data_of(pointers), self.m, self.n,
                                 min(data.size, indices.size), indices.itemsize == 8)

    cdef int64_t alone_ns(self, Py_ssize_t inputs, Py_ssize_t outputs) noexcept:
        """About how long one thread needs."""
        cdef Py_ssize_t numbers = self.m * self.n if self.dense else 8 * self.sparse.count
        return (3 * self.m * inputs + numbers * (inputs + outputs) // 8) * self.size // 8

    cdef tuple total(self, Link link, object w, Py_ssize_t row, Py_ssize_t column):
        """Return (cost, out, weight) at w, summed over the samples."""
        cdef Py_ssize_t inputs = inputs_of(link, self.classes), outputs = outputs_of(link, self.classes, self.n)
        w = plain(w, self.X.dtype)
        if w.size != inputs * (self.n + 1):
            raise ValueError(f"w has {w.size} numbers; expected {inputs} x {self.n + 1}")
        out = np.empty((outputs, self.n + 1), self.X.dtype)
        cdef Several of = Several(
            data_of(self.y), data_of(self.s), data_of(w), link, self.classes, row, column, self.tile)
        cdef int64_t ns = self.alone_ns(inputs, outputs)
        cdef int threads = min(self.at_most, crew.at_most()) if ns > SHARED else 1
        cdef const Samples* X = &self.samples if self.dense else NULL
        cdef size_t room = work_bytes(X, &self.sparse, &of, threads, self.size)
        cdef void* work = take(&room)
        if work == NULL:
            raise MemoryError()
        cdef void* to = cnp.PyArray_DATA(out)
        cdef Sums found
        with nogil:
            found = several_sums(X, &self.sparse, &of, crew.run, threads, ns, work, to, self.size)
        give(work, room)
        if threads > 1:
            crew.complain()
        if found.bad:
            raise ValueError("X, y or sample_weight holds what `plan` refuses: it was changed since the plan was made")
        return found.cost, out, found.weight

    cdef tuple run(self, Link link, object w, Py_ssize_t row, Py_ssize_t column):
        """Return (cost, out) at w."""
        cost, out, weight = self.total(link, w, row, column)
        return mean_of(cost, out, weight, 0 if is_square(link) else self.l2, w)

    def sums(self, what, w, order):
        """Return (cost, out, weight) of "step" or "hessp", summed; `order` is that of the whole, X is a block of it."""
        self.samples.order = ord(order)
        return self.total(link_of(what, self.classes), w, 0, 0)

    def step(self, w):
        """Return the cost, and the gradients (classes, n + 1), at as many weights."""
        return self.run(LOGISTIC if self.classes == 1 else SOFTMAX, w, 0, 0)

    def hessp(self, w):
        """Return the curvature times v, (classes, n + 1); w holds the weights and then v."""
        return self.run(LOGISTIC_HESSP if self.classes == 1 else SOFTMAX_HESSP, w, 0, 0)[1]

    def hessian(self, w, row=0, column=0):
        """Return the curvature between two classes, (n + 1, n + 1), without the penalty: on and above the diagonal."""
        return self.run(LOGISTIC_HESSIAN if self.classes == 1 else SOFTMAX_HESSIAN, w, row, column)[1]
