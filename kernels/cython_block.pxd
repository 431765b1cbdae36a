# cython: cdivision=True
"""A block of samples in Cython, in any layout: two reads of its part of X.

First z for all its samples, then the link over z (`cython_link`), then the gradient.
"""

from cython cimport floating
from libc.string cimport memcpy

from cython_link cimport LANES, fold, link


cdef inline floating dot(const floating* x, const floating* w, Py_ssize_t n) noexcept nogil:
    """Inner product of x and w."""
    cdef floating lane[LANES]
    cdef Py_ssize_t j = 0, k
    for k in range(16):
        lane[k] = 0
    while j + LANES <= n:
        for k in range(16):
            lane[k] += x[j + k] * w[j + k]
        j += LANES
    for k in range(n - j):
        lane[k] += x[j + k] * w[j + k]
    return fold(lane)


cdef inline void rows_block(
    const floating* X, Py_ssize_t stride, const floating* y, const floating* w, floating b,
    Py_ssize_t m, Py_ssize_t n, floating* z, double* cost, floating* dw, double* db,
) noexcept nogil:
    """A block of C-order samples, `stride` elements apart: add its sums to cost, dw and db."""
    cdef Py_ssize_t i, j
    cdef const floating* x
    cdef floating dz
    for i in range(m):
        z[i] = dot(X + i * stride, w, n) + b
    link(y, m, z, cost, db)
    for i in range(m):
        x = X + i * stride
        dz = z[i]
        for j in range(n):
            dw[j] += x[j] * dz


cdef inline void columns_block(
    const floating* X, Py_ssize_t stride, const floating* y, const floating* w, floating b,
    Py_ssize_t m, Py_ssize_t n, floating* z, double* cost, floating* dw, double* db,
) noexcept nogil:
    """A block of F-order samples, columns `stride` elements apart: add its sums to cost, dw, db."""
    cdef Py_ssize_t i, j
    cdef const floating* x
    cdef floating weight
    for i in range(m):
        z[i] = b
    for j in range(n):
        x = X + j * stride
        weight = w[j]
        for i in range(m):
            z[i] += x[i] * weight
    link(y, m, z, cost, db)
    for j in range(n):
        dw[j] += dot(X + j * stride, z, m)


cdef struct Samples:
    const char* data
    Py_ssize_t m, n
    Py_ssize_t row_stride, column_stride  # in bytes


cdef enum:
    TILE_BYTES = 1 << 15  # of packed samples: half of a first-level cache, or less


cdef inline bint is_packed(Samples X, Py_ssize_t itemsize) noexcept nogil:
    """Whether the samples must be packed before they are used: neither C nor F order, or misaligned."""
    if (<size_t>X.data | <size_t>X.row_stride | <size_t>X.column_stride) % itemsize:
        return True
    return X.column_stride != itemsize and X.row_stride != itemsize


cdef inline Py_ssize_t tile_rows(Py_ssize_t n, Py_ssize_t itemsize) noexcept nogil:
    """How many samples of n features are packed at a time."""
    return max(TILE_BYTES // (n * itemsize), 1)


cdef inline void block(
    Samples X, const floating* y, const floating* w, floating b,
    floating* z, floating* tile, double* cost, floating* dw, double* db,
) noexcept nogil:
    """A block of samples in any layout; `tile` (tile_rows(n) x n) is used only where is_packed(X)."""
    cdef Py_ssize_t size = sizeof(floating), start, rows, i, j
    cdef const char* x
    if is_packed(X, size):
        start = 0
        while start < X.m:
            rows = min(tile_rows(X.n, size), X.m - start)
            for i in range(rows):
                x = X.data + (start + i) * X.row_stride
                for j in range(X.n):  # memcpy: the element may be misaligned
                    memcpy(tile + i * X.n + j, x + j * X.column_stride, size)
            rows_block(tile, X.n, y + start, w, b, rows, X.n, z + start, cost, dw, db)
            start += rows
    elif X.row_stride == size and (X.column_stride != size or X.n == 1):
        columns_block(
            <const floating*>X.data, X.column_stride // size, y, w, b, X.m, X.n, z, cost, dw, db)
    else:
        rows_block(<const floating*>X.data, X.row_stride // size, y, w, b, X.m, X.n, z, cost, dw, db)
