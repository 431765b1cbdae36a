"""NumPy arrays seen from C: without a Python call, and without a memoryview's microsecond."""

cimport numpy as cnp
from cpython.float cimport PyFloat_AsDouble, PyFloat_Check
from libc.math cimport isinf

from cython_block cimport Samples


cdef inline bint plain_vector(object v, int kind, Py_ssize_t length) noexcept:
    """Whether v is a plain array of that type and length: contiguous, aligned, native."""
    return (cnp.PyArray_CheckExact(v) and cnp.PyArray_TYPE(v) == kind and cnp.PyArray_ISCARRAY_RO(v)
            and cnp.PyArray_NDIM(v) == 1 and cnp.PyArray_DIM(v, 0) == length)


cdef inline Samples samples_of(object X) noexcept:
    """Where the matrix X lies."""
    return Samples(
        <const char*>cnp.PyArray_DATA(X), cnp.PyArray_DIM(X, 0), cnp.PyArray_DIM(X, 1),
        cnp.PyArray_STRIDE(X, 0), cnp.PyArray_STRIDE(X, 1),
    )


cdef inline bint plain_scalar(object b, int kind, object float32) noexcept:
    """Whether b is a Python or NumPy float that fits the type `kind`; an infinity is left to the checker."""
    if not (PyFloat_Check(b) or type(b) is float32):
        return False
    return kind != cnp.NPY_FLOAT or not isinf(<float>PyFloat_AsDouble(b))
