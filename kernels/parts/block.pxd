# cython: cdivision=True
"""A block of samples in Cython, in any layout: z for all, the link over z (`link.pxd`), and the gradient: two reads."""

from cython cimport floating
from libc.string cimport memcpy

from parts.link cimport LANES, fold, link

cdef enum Part:  # of a step, in the order they run; a rung's last is GRADIENT, the probe's any
    Z  # z = X w + b
    LINK  # the loss, and dz in place of z
    GRADIENT  # dw


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


cdef inline void rows_z(
    const floating* X, Py_ssize_t stride, const floating* w, floating b, Py_ssize_t m, Py_ssize_t n, floating* z,
) noexcept nogil:
    """z = X w + b of C-order samples, `stride` elements apart."""
    cdef Py_ssize_t i
    for i in range(m):
        z[i] = dot(X + i * stride, w, n) + b


cdef inline void rows_gradient(
    const floating* X, Py_ssize_t stride, const floating* dz, Py_ssize_t m, Py_ssize_t n, floating* dw,
) noexcept nogil:
    """dw += X.T dz of C-order samples."""
    cdef Py_ssize_t i, j
    cdef const floating* x
    cdef floating weight
    for i in range(m):
        x = X + i * stride
        weight = dz[i]
        for j in range(n):
            dw[j] += x[j] * weight


cdef inline void columns_z(
    const floating* X, Py_ssize_t stride, const floating* w, floating b, Py_ssize_t m, Py_ssize_t n, floating* z,
) noexcept nogil:
    """z = X w + b of F-order samples, columns `stride` elements apart."""
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


cdef inline void columns_gradient(
    const floating* X, Py_ssize_t stride, const floating* dz, Py_ssize_t m, Py_ssize_t n, floating* dw,
) noexcept nogil:
    """dw += X.T dz of F-order samples."""
    cdef Py_ssize_t j
    for j in range(n):
        dw[j] += dot(X + j * stride, dz, m)


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


cdef inline Py_ssize_t pack_size(Samples X, Py_ssize_t itemsize) noexcept nogil:
    """How many numbers `block` packs into; one where nothing is packed, for a memoryview to point at."""
    return tile_rows(X.n, itemsize) * X.n if is_packed(X, itemsize) else 1


cdef inline void block(
    Samples X, const floating* y, const floating* w, floating b,
    floating* z, floating* tile, double* cost, floating* dw, double* db, Part last,
) noexcept nogil:
    """A block of samples in any layout, up to the part `last`: add its sums to cost, dw and db.

    Where is_packed(X), that is done tile by tile, each copied to `tile` (pack_size(X) numbers), which else is not used.
    """
    cdef Py_ssize_t size = sizeof(floating), most = X.m, stride = X.row_stride // size, start = 0, m, i, j
    cdef bint packed = is_packed(X, size)
    cdef bint columns = not packed and X.row_stride == size and (X.column_stride != size or X.n == 1)
    cdef const floating* samples = <const floating*>X.data
    cdef const char* x
    if packed:
        most, stride, samples = tile_rows(X.n, size), X.n, tile
    elif columns:
        stride = X.column_stride // size
    while start < X.m:
        m = min(most, X.m - start)
        if packed:
            for i in range(m):
                x = X.data + (start + i) * X.row_stride
                for j in range(X.n):  # memcpy: the element may be misaligned
                    memcpy(tile + i * X.n + j, x + j * X.column_stride, size)
        if columns:
            columns_z(samples, stride, w, b, m, X.n, z + start)
        else:
            rows_z(samples, stride, w, b, m, X.n, z + start)
        if last >= LINK:
            link(y + start, m, z + start, cost, db)
        if last >= GRADIENT:
            if columns:
                columns_gradient(samples, stride, z + start, m, X.n, dw)
            else:
                rows_gradient(samples, stride, z + start, m, X.n, dw)
        start += m
