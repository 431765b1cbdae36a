"""A tile of samples, small enough to stay in cache, read from memory once: z, the link, the gradient.

Included by `tile_f64.pxd` and `tile_f32.pxd`, which say what a `real` and a `vec` of LANES of them
are. Four rows, or four vectors of a row, are worked on at a time, so that each load of w or dz serves
four multiply-adds and no addition waits for the one before. Pointers count elements; strides too.
"""

from cython_block cimport link


cdef inline vec load(const real* x) noexcept nogil:
    return (<const vec*>x)[0]


cdef inline void rows_z(
    const real* X, Py_ssize_t stride, const real* w, real b, Py_ssize_t m, Py_ssize_t n, real* z,
) noexcept nogil:
    """z = X w + b for m samples along rows; n >= LANES.

    The last vector of a row overlaps the one before; the lanes already counted are masked in both
    factors, since 0 times an infinity is not 0.
    """
    cdef Py_ssize_t whole = n - n % LANES, last = n - LANES, i = 0, j
    cdef const real *x0
    cdef const real *x1
    cdef const real *x2
    cdef const real *x3
    cdef vec s0, s1, s2, s3, v, mask, w_last
    set_mask(&mask, LANES - n % LANES)
    w_last = keep(load(w + last), mask)
    while i < m:
        x0 = X + i * stride
        x1 = x0 + stride if i + 1 < m else x0
        x2 = x1 + stride if i + 2 < m else x0
        x3 = x2 + stride if i + 3 < m else x0
        s0 = keep(load(x0 + last), mask) * w_last
        s1 = keep(load(x1 + last), mask) * w_last
        s2 = keep(load(x2 + last), mask) * w_last
        s3 = keep(load(x3 + last), mask) * w_last
        j = 0
        while j < whole:
            v = load(w + j)
            s0 = s0 + load(x0 + j) * v
            s1 = s1 + load(x1 + j) * v
            s2 = s2 + load(x2 + j) * v
            s3 = s3 + load(x3 + j) * v
            j += LANES
        z[i] = vec_sum(s0) + b
        if i + 1 < m: z[i + 1] = vec_sum(s1) + b
        if i + 2 < m: z[i + 2] = vec_sum(s2) + b
        if i + 3 < m: z[i + 3] = vec_sum(s3) + b
        i += 4


cdef inline void rows_gradient(
    const real* X, Py_ssize_t stride, const real* dz, Py_ssize_t m, Py_ssize_t n, real* dw,
) noexcept nogil:
    """dw += X.T dz for m samples along rows; n >= LANES."""
    cdef Py_ssize_t i, j = 0, k
    cdef const real* x
    cdef vec s0, s1, s2, s3, zero
    cdef real lane[LANES]
    zero = keep(load(X), load(X)) * 0
    while j + 4 * LANES <= n:
        s0 = load(dw + j)
        s1 = load(dw + j + LANES)
        s2 = load(dw + j + 2 * LANES)
        s3 = load(dw + j + 3 * LANES)
        x = X + j
        for i in range(m):
            s0 = s0 + load(x) * dz[i]
            s1 = s1 + load(x + LANES) * dz[i]
            s2 = s2 + load(x + 2 * LANES) * dz[i]
            s3 = s3 + load(x + 3 * LANES) * dz[i]
            x += stride
        (<vec*>(dw + j))[0] = s0
        (<vec*>(dw + j + LANES))[0] = s1
        (<vec*>(dw + j + 2 * LANES))[0] = s2
        (<vec*>(dw + j + 3 * LANES))[0] = s3
        j += 4 * LANES
