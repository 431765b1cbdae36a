"""A tile of samples along columns (F order): z and the gradient. See `tile.pxi`."""

cdef inline void columns_z(
    const real* X, Py_ssize_t stride, const real* w, real b, Py_ssize_t m, Py_ssize_t n, real* z,
) noexcept nogil:
    """z = X w + b, samples along columns. Four vectors of z stay in registers."""
    cdef Py_ssize_t i = 0, j, i1, i2, i3, last = m - LANES
    cdef const real* x
    cdef vec s0, s1, s2, s3, v
    while i < m and last >= 0:
        i = min(i, last)
        i1 = min(i + LANES, last)
        i2 = min(i + 2 * LANES, last)
        i3 = min(i + 3 * LANES, last)
        s0 = s1 = s2 = s3 = splat(b)
        x = X
        for j in range(n):
            v = splat(w[j])
            s0 = s0 + load(x + i) * v
            s1 = s1 + load(x + i1) * v
            s2 = s2 + load(x + i2) * v
            s3 = s3 + load(x + i3) * v
            x = x + stride
        (<vec*>(z + i3))[0] = s3
        (<vec*>(z + i2))[0] = s2
        (<vec*>(z + i1))[0] = s1
        (<vec*>(z + i))[0] = s0
        i = i + 4 * LANES
    while i < m:  # fewer samples than lanes
        z[i] = b
        for j in range(n):
            z[i] += X[j * stride + i] * w[j]
        i += 1


cdef inline void columns_gradient(
    const real* X, Py_ssize_t stride, const real* dz, Py_ssize_t m, Py_ssize_t n, real* dw,
) noexcept nogil:
    """dw += X.T dz, samples along columns. Four columns at a time share each load of dz."""
    cdef Py_ssize_t last = m - LANES, i, j = 0, c1, c2, c3
    cdef const real* x
    cdef vec s0, s1, s2, s3, d, mask
    cdef real sums[4]
    if last < 0:  # fewer samples than lanes
        for j in range(n):
            for i in range(m):
                dw[j] += X[j * stride + i] * dz[i]
        return
    set_mask(&mask, LANES - m % LANES)
    while j < n:
        c1 = stride * min(1, n - 1 - j)
        c2 = stride * min(2, n - 1 - j)
        c3 = stride * min(3, n - 1 - j)
        x = X + j * stride
        d = keep(load(dz + last), mask)
        s0 = keep(load(x + last), mask) * d
        s1 = keep(load(x + c1 + last), mask) * d
        s2 = keep(load(x + c2 + last), mask) * d
        s3 = keep(load(x + c3 + last), mask) * d
        i = 0
        while i <= last:
            d = load(dz + i)
            s0 = s0 + load(x + i) * d
            s1 = s1 + load(x + c1 + i) * d
            s2 = s2 + load(x + c2 + i) * d
            s3 = s3 + load(x + c3 + i) * d
            i += LANES
        vec_sum4(s0, s1, s2, s3, sums)
        for i in range(min(4, n - j)):
            dw[j + i] += sums[i]
        j += 4
