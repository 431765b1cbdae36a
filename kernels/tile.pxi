"""A tile of samples, small enough to stay in cache, read from memory once: z, the link, the gradient.

Included by `tile_f64.pxd` and `tile_f32.pxd`, which say what a `real` is and a `vec` of LANES of them.
Eight sums grow at a time, so that no addition waits for the one before, and a load of w or dz serves
several. Where a length is no multiple of LANES, the last vector overlaps the one before, and the lanes
already counted are masked out, in both factors of a product: 0 times an infinity is not 0. Where a
function takes how many vectors it works on, it gets a constant: inlined, its loops unroll.
Pointers and strides count elements.
"""

from libc.string cimport memcpy

from cython_block cimport GRADIENT, LINK, Part, Samples
from cython_link cimport link


cdef inline vec load(const real* x) noexcept nogil:
    return (<const vec*>x)[0]


include "tile_rows.pxi"
include "tile_columns.pxi"


cdef enum:
    TILE_BYTES = 1 << 17  # half of a second-level cache, or less
    MOST_ROWS = 1024
    FEW_ROWS = 8  # of long rows make a tile
    FEW_PACKED = 16  # a vector of floats; a sixteenth of a block, so that packing never copies more of X
    LEAST_ROWS = 32  # make a block, along rows: the partial gradients stay below 1/32 of X
    FEW_COLUMN = 8 * LANES  # samples make a tile, along columns: their z stays in registers. At 2000 x 10000
    # 30 GB/s, and 41 where every column starts with a cache line, as those of NumPy's arrays do not
    LEAST_COLUMN = 256  # make a block, along columns


cdef inline bint along_rows(Samples X) noexcept nogil:
    """Whether the rows of X are contiguous and aligned, and long enough: pairs are faster packed."""
    cdef Py_ssize_t size = sizeof(real)
    return X.n > 2 and X.column_stride == size and not (<size_t>X.data | <size_t>X.row_stride) % <size_t>size


cdef inline bint along_columns(Samples X) noexcept nogil:
    """Whether the columns of X are contiguous and aligned."""
    cdef Py_ssize_t size = sizeof(real)
    return X.row_stride == size and not (<size_t>X.data | <size_t>X.column_stride) % <size_t>size


cdef inline Py_ssize_t least_rows(Samples X) noexcept nogil:
    """How many samples make the smallest block worth having."""
    return LEAST_ROWS if along_rows(X) else LEAST_COLUMN


cdef inline Py_ssize_t tile_rows(Samples X) noexcept nogil:
    """How many samples make a tile."""
    cdef Py_ssize_t least = FEW_ROWS if along_rows(X) else FEW_COLUMN if along_columns(X) else FEW_PACKED
    return min(max(TILE_BYTES // (X.n * <Py_ssize_t>sizeof(real)) // least * least, least), MOST_ROWS)


cdef inline Py_ssize_t scratch_size(Samples X) noexcept nogil:
    """How many numbers `tiles` needs to work in: z, and a packed tile where X must be packed."""
    cdef Py_ssize_t rows = min(tile_rows(X), X.m)
    return rows if along_rows(X) or along_columns(X) else rows * (X.n + 1)


cdef inline Py_ssize_t bad_labels(const real* y, Py_ssize_t m) noexcept nogil:
    """How many labels are neither 0 nor 1; y (1 - y) is 0 for no other number."""
    cdef Py_ssize_t i, bad = 0
    for i in range(m):
        bad += y[i] * (1 - y[i]) != 0
    return bad


cdef inline Py_ssize_t tiles(
    Samples X, const real* y, const real* w, real b, bint far, real* scratch, double* cost, real* dw, double* db,
    Part last,
) noexcept nogil:
    """Add the sums over all samples of X to cost, dw and db, reading X once; return the bad labels.

    Each tile is worked on up to the part `last`: a rung passes a constant, which leaves no branch behind. A layout
    that is neither C nor F order is packed tile by tile into columns.
    """
    cdef Py_ssize_t size = sizeof(real), most = min(tile_rows(X), X.m), start = 0, m, i, j
    cdef bint rows = along_rows(X), packed = not rows and not along_columns(X)
    cdef Py_ssize_t stride = most if packed else (X.row_stride if rows else X.column_stride) // size
    cdef const char* x
    cdef const real* tile = scratch + most
    cdef Py_ssize_t bad = 0
    while start < X.m:
        m = min(most, X.m - start)
        x = X.data + start * X.row_stride
        bad += bad_labels(y + start, m)
        if packed:
            for j in range(X.n):
                for i in range(m):  # memcpy: the element may be misaligned
                    memcpy(scratch + most + j * most + i, x + i * X.row_stride + j * X.column_stride, size)
        else:
            tile = <const real*>x
        if rows:
            rows_z(tile, stride, w, b, m, X.n, far, scratch)
        else:
            columns_z(tile, stride, w, b, m, X.n, X.n * FEW_COLUMN * size > TILE_BYTES, scratch)
        if last >= LINK:
            link(y + start, m, scratch, cost, db)
        if last >= GRADIENT:
            if not rows:
                columns_gradient(tile, stride, scratch, m, X.n, dw)
            elif far:
                rows_gradient_in_order(tile, stride, scratch, m, X.n, dw)
            else:
                rows_gradient(tile, stride, scratch, m, X.n, dw)
        start += m
    return bad
