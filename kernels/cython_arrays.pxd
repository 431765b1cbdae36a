"""NumPy arrays seen from C: without a Python call, and without a memoryview's microsecond."""

cimport numpy as cnp

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
