"""A tile of samples along columns (F order): z and the gradient. See `tile.pxi`."""

cdef enum:
    AHEAD = 8  # columns that are fetched in advance where a tile is wider than the cache: 7 % at 2000 x 10000


cdef inline void columns_z_of(
    const real* X, Py_ssize_t stride, const real* w, real b, Py_ssize_t n, bint far, real* z,
) noexcept nogil:
    """z of eight vectors of samples, which stay in registers: each column is read once, from one end on."""
    cdef vec s[8]
    cdef vec v
    cdef Py_ssize_t j
    cdef int k
    for k in range(8):
        s[k] = splat(b)
    for j in range(n):
        v = splat(w[j])
        if far:
            for k in range(9):  # columns do not start with a cache line
                prefetch(X + (j + AHEAD) * stride + k * LANES)
        for k in range(8):
            s[k] = s[k] + load(X + j * stride + k * LANES) * v
    for k in range(8):
        (<vec*>(z + k * LANES))[0] = s[k]


cdef inline void columns_z(
    const real* X, Py_ssize_t stride, const real* w, real b, Py_ssize_t m, Py_ssize_t n, bint far, real* z,
) noexcept nogil:
    """z = X w + b, samples along columns; the last vectors overlap those before."""
    cdef Py_ssize_t i = 0
    if m < 8 * LANES:  # a sum of few long rows, as the gradient is when rows and columns change places
        for i in range(m):
            z[i] = b
        rows_gradient(X, stride, w, n, m, z)
        return
    while i < m:
        i = min(i, m - 8 * LANES)
        columns_z_of(X + i, stride, w, b, n, far, z + i)
        i += 8 * LANES


cdef inline void columns_gradient_of(
    int count, const real* X, Py_ssize_t stride, const real* dz, Py_ssize_t m, vec mask, real* dw,
) noexcept nogil:
    """dw += X.T dz for `count` columns, one or four, which share each load of dz; two vectors of each at a time."""
    cdef vec s[8]
    cdef vec d
    cdef real sums[4]
    cdef Py_ssize_t last = m - LANES, i = 0
    cdef int k
    d = some(dz + last, mask)
    for k in range(count):
        s[k] = some(X + k * stride + last, mask) * d
        s[4 + k] = splat(0)
    while i <= last - LANES:
        d = load(dz + i)
        for k in range(count):
            s[k] = s[k] + load(X + k * stride + i) * d
        d = load(dz + i + LANES)
        for k in range(count):
            s[4 + k] = s[4 + k] + load(X + k * stride + i + LANES) * d
        i += 2 * LANES
    if i <= last:
        d = load(dz + i)
        for k in range(count):
            s[k] = s[k] + load(X + k * stride + i) * d
    for k in range(4 - count):  # so that there are four to sum
        s[1 + k] = s[5 + k] = splat(0)
    vec_sum4(s[0] + s[4], s[1] + s[5], s[2] + s[6], s[3] + s[7], sums)
    for k in range(count):
        dw[k] += sums[k]


cdef inline void columns_gradient(
    const real* X, Py_ssize_t stride, const real* dz, Py_ssize_t m, Py_ssize_t n, real* dw,
) noexcept nogil:
    """dw += X.T dz, samples along columns."""
    cdef Py_ssize_t j = 0
    cdef vec mask
    set_mask(&mask, LANES - m % LANES)
    while j + 4 <= n:
        columns_gradient_of(4, X + j * stride, stride, dz, m, mask, dw + j)
        j += 4
    while j < n:
        columns_gradient_of(1, X + j * stride, stride, dz, m, mask, dw + j)
        j += 1
