"""NumPy arrays seen from C: without a Python call, and without a memoryview's microsecond."""

cimport numpy as cnp
from cpython cimport Py_INCREF, PyTuple_SET_ITEM
from cpython.float cimport PyFloat_AsDouble, PyFloat_Check
from cpython.object cimport PyTypeObject
from libc.math cimport isinf

from parts.tuned cimport Samples

cdef extern from "Python.h":
    void* PyEval_SaveThread() noexcept
    void PyEval_RestoreThread(void* state) noexcept
    object PyType_GenericAlloc(PyTypeObject* type, Py_ssize_t items)  # Cython's own says what GCC 14 refuses

cdef enum:
    BRIEF = 4096  # elements: a microsecond of work, in which no second thread could help


cdef inline void* release_gil(const Samples* X) noexcept:
    """Let other Python threads run, unless it is for a moment only; `take_gil` wants what this returns."""
    return NULL if X.m * X.n <= BRIEF else PyEval_SaveThread()


cdef inline void take_gil(void* state) noexcept:
    """Wait until it is this thread's turn again."""
    if state != NULL:
        PyEval_RestoreThread(state)


cdef inline bint plain_vector(object v, int kind, Py_ssize_t length) noexcept:
    """Whether v is a plain array of that type and length: contiguous, aligned, native."""
    return (cnp.PyArray_CheckExact(v) and cnp.PyArray_TYPE(v) == kind and cnp.PyArray_ISCARRAY_RO(v)
            and cnp.PyArray_NDIM(v) == 1 and cnp.PyArray_DIM(v, 0) == length)


cdef inline const void* data_of(object array) noexcept:
    """Where an array lies; NULL for None."""
    return NULL if array is None else cnp.PyArray_DATA(array)


cdef inline object apart(object a, object b):
    """Return a, or a copy of it where b shares its memory; both are contiguous."""
    cdef const char* x = <const char*>cnp.PyArray_DATA(a)
    cdef const char* y = <const char*>cnp.PyArray_DATA(b)
    return a.copy() if x < y + cnp.PyArray_NBYTES(b) and y < x + cnp.PyArray_NBYTES(a) else a


cdef inline Samples samples_of(object X) noexcept:
    """Where the matrix X lies."""
    return Samples(
        <const char*>cnp.PyArray_DATA(X), cnp.PyArray_DIM(X, 0), cnp.PyArray_DIM(X, 1),
        cnp.PyArray_STRIDE(X, 0), cnp.PyArray_STRIDE(X, 1), 0,
    )


cdef inline bint plain_scalar(object b, int kind, object float32) noexcept:
    """Whether b is a Python or NumPy float that fits the type `kind`; an infinity is left to the checker."""
    if type(b) is float32:
        return True
    return PyFloat_Check(b) and (kind != cnp.NPY_FLOAT or not isinf(<float>PyFloat_AsDouble(b)))


cdef inline double scalar_value(object b, object float32) noexcept:
    """Return the value of a plain scalar; that of a float32 without a Python call."""
    cdef float value
    if type(b) is float32:
        cnp.PyArray_ScalarAsCtype(b, &value)
        return value
    return PyFloat_AsDouble(b)


cdef inline object scalar_like(object array, double value):
    """Return value as a NumPy scalar of the dtype of a float32 or float64 array; their types take twice as long."""
    cdef float rounded = <float>value
    return cnp.PyArray_ToScalar(&rounded if cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT else <void*>&value, array)


cdef inline object new_step(type Step, double cost, object dw, double db):
    """Return Step(cost, dw, db), without the call of Python's that would take as long as ten samples."""
    fields = (scalar_like(dw, cost), dw, scalar_like(dw, db))
    # The garbage collector sees it from now on: it is filled at once.
    cdef object step = PyType_GenericAlloc(<PyTypeObject*>Step, 3)
    for k in range(3):
        Py_INCREF(fields[k])
        PyTuple_SET_ITEM(step, k, fields[k])
    return step
