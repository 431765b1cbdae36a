"""A tile of samples along rows (C order): z and the gradient. See `tile.pxi`."""

cdef inline void rows_z_of(
    int count, const real* X, Py_ssize_t stride, const real* w, real b, Py_ssize_t n, vec mask, real* z,
) noexcept nogil:
    """z of `count` rows, one, four or eight, which share each load of w."""
    cdef vec s[8]
    cdef vec v
    cdef real sums[8]
    cdef Py_ssize_t last = n - LANES, j = 0
    cdef int k
    for k in range(count):
        s[k] = splat(0)
    while j <= last:
        v = load(w + j)
        for k in range(count):
            s[k] = s[k] + load(X + k * stride + j) * v
        j += LANES
    v = some(w + last, mask)
    for k in range(count):
        s[k] = s[k] + some(X + k * stride + last, mask) * v
    for k in range(4 - count):  # so that there are four to sum
        s[1 + k] = splat(0)
    for k in range(0, count, 4):
        vec_sum4(s[k], s[k + 1], s[k + 2], s[k + 3], sums + k)
    for k in range(count):
        z[k] = sums[k] + b


cdef inline void rows_z(
    const real* X, Py_ssize_t stride, const real* w, real b, Py_ssize_t m, Py_ssize_t n, bint in_order, real* z,
) noexcept nogil:
    """z = X w + b, samples along rows; the last rows overlap those before.

    `in_order` reads one row after the other, as X comes from memory fastest: a processor fetches ahead what
    follows, and eight rows at a time are eight things to follow (Zen 4, 300000 x 100: 10 GB/s, and 22 in order).
    """
    cdef Py_ssize_t i = 0
    cdef vec mask
    set_mask(&mask, LANES - n % LANES)
    while i < m and m >= 8 and not in_order:
        i = min(i, m - 8)
        rows_z_of(8, X + i * stride, stride, w, b, n, mask, z + i)
        i += 8
    while i < m and m >= 4 and not in_order:
        i = min(i, m - 4)
        rows_z_of(4, X + i * stride, stride, w, b, n, mask, z + i)
        i += 4
    while i < m:
        rows_z_of(1, X + i * stride, stride, w, b, n, mask, z + i)
        i += 1


cdef inline void add_from(real* x, Py_ssize_t first, vec v) noexcept nogil:
    """Add the lanes of v from `first` on, which may be none of them, to those at x."""
    cdef real lane[LANES]
    if first == 0:
        (<vec*>x)[0] = load(x) + v
        return
    (<vec*>lane)[0] = v
    while first < LANES:
        x[first] += lane[first]
        first += 1


cdef inline void rows_gradient_of(
    int vectors, int rows, const real* X, Py_ssize_t stride, const real* dz, Py_ssize_t m, Py_ssize_t n,
    Py_ssize_t j, vec mask, real* dw,
) noexcept nogil:
    """dw += X.T dz from feature j on: `vectors` of dw stay in registers, for each of `rows` at a time."""
    cdef vec s[8]
    cdef vec d, v
    cdef const real* x
    cdef Py_ssize_t at[4]
    cdef Py_ssize_t i
    cdef int k, r
    for k in range(vectors):
        at[k] = min(j + k * LANES, n - LANES)
    for k in range(vectors * rows):
        s[k] = splat(0)
    for i in range(m // rows):
        for r in range(rows):
            x = X + (rows * i + r) * stride
            d = splat(dz[rows * i + r])
            for k in range(vectors):
                v = some(x + at[k], mask) if vectors == 1 else load(x + at[k])
                s[r * vectors + k] = s[r * vectors + k] + v * d
    for i in range(m // rows * rows, m):
        x = X + i * stride
        d = splat(dz[i])
        for k in range(vectors):
            v = some(x + at[k], mask) if vectors == 1 else load(x + at[k])
            s[k] = s[k] + v * d
    for r in range(1, rows):
        for k in range(vectors):
            s[k] = s[k] + s[r * vectors + k]
    for k in range(vectors):
        add_from(dw + at[k], j + k * LANES - at[k], s[k])


cdef inline void rows_gradient(
    const real* X, Py_ssize_t stride, const real* dz, Py_ssize_t m, Py_ssize_t n, real* dw,
) noexcept nogil:
    """dw += X.T dz, samples along rows."""
    cdef Py_ssize_t j = 0
    cdef vec mask
    set_mask(&mask, max(LANES - n, 0))
    while n - j > 2 * LANES:
        rows_gradient_of(4, 2, X, stride, dz, m, n, j, mask, dw)
        j += 4 * LANES
    if n - j > LANES:
        rows_gradient_of(2, 4, X, stride, dz, m, n, j, mask, dw)
    elif n > j:
        rows_gradient_of(1, 8, X, stride, dz, m, n, j, mask, dw)


cdef inline void add_rows(
    int rows, const real* X, Py_ssize_t stride, const real* dz, Py_ssize_t n, vec mask, vec* rest, real* dw,
) noexcept nogil:
    """Add the share of `rows` to dw, and that of the last features, less than a vector, to `rest`."""
    cdef vec d[4]
    cdef vec v
    cdef Py_ssize_t j = 0
    cdef int r
    for r in range(rows):
        d[r] = splat(dz[r])
    while j + LANES <= n:
        v = load(dw + j)
        for r in range(rows):
            v = v + load(X + r * stride + j) * d[r]
        (<vec*>(dw + j))[0] = v
        j += LANES
    if j < n:
        for r in range(rows):
            rest[0] = rest[0] + some(X + r * stride + n - LANES, mask) * d[r]


cdef inline void rows_gradient_in_order(
    const real* X, Py_ssize_t stride, const real* dz, Py_ssize_t m, Py_ssize_t n, real* dw,
) noexcept nogil:
    """dw += X.T dz, samples along rows, four after the other from end to end; dw comes and goes.

    In caches a quarter slower than `rows_gradient`. Where X comes from memory that one goes through a tile once
    for every 32 features, which takes twice as long behind a tile just fetched (Zen 4). Fetching the next tile
    meanwhile was tried: a third slower here, where on Zen 5 it helped `rows_gradient`.
    """
    cdef Py_ssize_t i = 0, whole = n // LANES * LANES
    cdef vec mask, rest = splat(0)
    set_mask(&mask, max(LANES - n, 0))
    while i + 4 <= m:
        add_rows(4, X + i * stride, stride, dz + i, n, mask, &rest, dw)
        i += 4
    while i < m:
        add_rows(1, X + i * stride, stride, dz + i, n, mask, &rest, dw)
        i += 1
    if whole < n:
        add_from(dw + n - LANES, whole - (n - LANES), rest)
