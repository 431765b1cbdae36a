"""A tile of samples along rows (C order), at least one vector long: z and the gradient. See `tile.pxi`."""

cdef inline void rows_z(
    const real* X, Py_ssize_t stride, const real* w, real b, Py_ssize_t m, Py_ssize_t n, real* z,
) noexcept nogil:
    """z = X w + b, samples along rows; n >= LANES. Four rows at a time share each load of w."""
    cdef Py_ssize_t last = n - LANES, i = 0, j, r1, r2, r3
    cdef const real* x
    cdef vec s0, s1, s2, s3, v, mask, w_last
    cdef real sums[4]
    set_mask(&mask, LANES - n % LANES)
    w_last = keep(load(w + last), mask)
    while i < m:
        r1 = stride * min(1, m - 1 - i)  # beyond the end, the last row again
        r2 = stride * min(2, m - 1 - i)
        r3 = stride * min(3, m - 1 - i)
        x = X + i * stride
        s0 = keep(load(x + last), mask) * w_last
        s1 = keep(load(x + r1 + last), mask) * w_last
        s2 = keep(load(x + r2 + last), mask) * w_last
        s3 = keep(load(x + r3 + last), mask) * w_last
        j = 0
        while j <= last:
            v = load(w + j)
            s0 = s0 + load(x + j) * v
            s1 = s1 + load(x + r1 + j) * v
            s2 = s2 + load(x + r2 + j) * v
            s3 = s3 + load(x + r3 + j) * v
            j += LANES
        vec_sum4(s0, s1, s2, s3, sums)
        for j in range(min(4, m - i)):
            z[i + j] = sums[j] + b
        i += 4


cdef inline void rows_gradient(
    const real* X, Py_ssize_t stride, const real* dz, Py_ssize_t m, Py_ssize_t n, real* dw,
) noexcept nogil:
    """dw += X.T dz, samples along rows; n >= LANES. Four vectors of dw stay in registers."""
    cdef Py_ssize_t last = n - LANES, j = 0, i, j1, j2, j3
    cdef const real* x
    cdef vec s0, s1, s2, s3, d
    while j < n:
        j1 = min(j + LANES, last)
        j2 = min(j + 2 * LANES, last)
        j3 = min(j + 3 * LANES, last)
        x = X
        s0 = s1 = s2 = s3 = splat(0)
        for i in range(m):
            d = splat(dz[i])
            s0 = s0 + load(x + min(j, last)) * d
            s1 = s1 + load(x + j1) * d
            s2 = s2 + load(x + j2) * d
            s3 = s3 + load(x + j3) * d
            x = x + stride
        add_new(dw, j, last, s0)
        add_new(dw, j + LANES, last, s1)
        add_new(dw, j + 2 * LANES, last, s2)
        add_new(dw, j + 3 * LANES, last, s3)
        j += 4 * LANES


cdef inline void add_new(real* dw, Py_ssize_t j, Py_ssize_t last, vec s) noexcept nogil:
    """Add s, the sums from min(j, last) on, to dw from j on."""
    cdef vec mask
    if j <= last:
        add(dw + j, s)
    elif j - last < LANES:
        set_mask(&mask, j - last)
        add(dw + last, keep(s, mask))
