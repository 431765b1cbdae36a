# cython: cdivision=True
"""The link in Cython: from z to loss and dz, in loops a compiler turns into packed instructions.

No calls, unit strides, at most one choice a loop. Sums run in 16 lanes, in an order written down here,
so no flag has to allow the compiler to reorder anything: -fassociative-math was tried, gave the same
speed, and rewrote the range reduction of exp (10 ulp lost).
"""

from cython cimport floating
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy

cdef enum:
    LANES = 16  # partial sums: what breaks a sum's chain of additions, and fixes its order
    CHUNK = 256  # samples whose link is computed at a time: its buffers stay in cache


# e^-t for 0 <= t <= LIMIT, by k = round(t / ln 2), e^-t = 2^-k e^r, and a polynomial for
# (e^r - 1 - r) / r² fitted with mpmath.chebyfit on |r| <= ln(2)/2 (relative error 1.3e-17, in float
# 7.8e-9). Rounding k by adding and subtracting 1.5 * 2^52 does not survive reassociation; through
# int32 it does, and vectorises even with AVX2, which has no conversion to int64.

cdef inline double exp_neg_f64(double t) noexcept nogil:
    cdef int32_t k = <int32_t>(t * 1.4426950408889634 + 0.5)
    cdef double r = (k * 0.6931471805592082 - t) + k * 7.3710025651677990e-13
    cdef double p = 2.51003854955103191e-8
    cdef int64_t bits = <int64_t>(1023 - k) << 52
    cdef double scale
    p = p * r + 2.76200884454097482e-7
    p = p * r + 2.75572684599970648e-6
    p = p * r + 2.48015212959543751e-5
    p = p * r + 1.98412698630536169e-4
    p = p * r + 1.38888889172137169e-3
    p = p * r + 8.33333333333006183e-3
    p = p * r + 4.16666666666241279e-2
    p = p * r + 1.66666666666666675e-1
    p = p * r + 5.00000000000000102e-1
    p = p * (r * r) + r + 1.0
    memcpy(&scale, &bits, sizeof(double))
    return p * scale


cdef inline float exp_neg_f32(float t) noexcept nogil:
    cdef float log2e = 1.44269504, half = 0.5, one = 1.0
    cdef float high = 0.693145751953125, low = 1.42860682e-6
    cdef float c4 = 1.392618359e-3, c3 = 8.363179053e-3, c2 = 4.166655462e-2, c1 = 1.666657699e-1
    cdef int32_t k = <int32_t>(t * log2e + half)
    cdef float r = (k * high - t) + k * low
    cdef int32_t bits = (127 - k) << 23
    cdef float scale, p
    p = (((c4 * r + c3) * r + c2) * r + c1) * r + half
    p = p * (r * r) + r + one
    memcpy(&scale, &bits, sizeof(float))
    return p * scale


# 2 atanh(v) / v as a polynomial in q = v², for v <= 1/3: log1p(e) = v * this at v = e / (2 + e).
# Fitted with mpmath.chebyfit on 0 <= q <= 1/9 (relative error 1.3e-18, in float 4.2e-9).

cdef inline double atanh_ratio_f64(double q) noexcept nogil:
    cdef double p = 0.170441635627813981
    p = p * q + 0.0832450651186082058
    p = p * q + 0.121101687280692177
    p = p * q + 0.133003740326746243
    p = p * q + 0.153866140423040078
    p = p * q + 0.181817408325048045
    p = p * q + 0.222222240807476732
    p = p * q + 0.285714285454541145
    p = p * q + 0.400000000001857475
    p = p * q + 0.666666666666661496
    return p * q + 2.0


cdef inline float atanh_ratio_f32(float q) noexcept nogil:
    cdef float c4 = 0.2815777836, c3 = 0.2796515775, c2 = 0.4002459523, c1 = 0.6666632164, c0 = 2.0
    return (((c4 * q + c3) * q + c2) * q + c1) * q + c0


cdef inline floating fold(floating* lane) noexcept nogil:
    """Sum of the lanes, by halves."""
    cdef Py_ssize_t k
    for k in range(8):
        lane[k] += lane[k + 8]
    for k in range(4):
        lane[k] += lane[k + 4]
    return (lane[0] + lane[2]) + (lane[1] + lane[3])


cdef inline floating total(const floating* x, Py_ssize_t n) noexcept nogil:
    """Sum of x."""
    cdef floating lane[LANES]
    cdef Py_ssize_t j = 0, k
    for k in range(16):
        lane[k] = 0
    while j + LANES <= n:
        for k in range(16):
            lane[k] += x[j + k]
        j += LANES
    for k in range(n - j):
        lane[k] += x[j + k]
    return fold(lane)


cdef inline void link_chunk(
    const floating* y, Py_ssize_t m, floating* z, double* cost, double* db
) noexcept nogil:
    """At most CHUNK samples in the stable form of the contract: one exponential, one division.

    Several short loops over a buffer that stays in cache, with one choice each: GCC turns two
    choices on one condition into a branch, and then vectorises nothing.
    """
    cdef floating e[CHUNK]
    cdef floating q[CHUNK]
    cdef floating loss[CHUNK]
    cdef floating limit = 87.0 if floating is float else 708.0
    cdef floating zero = 0, one = 1, two = 2, t, v
    cdef Py_ssize_t i
    for i in range(m):  # s = (1 - 2y) z
        z[i] = (one - two * y[i]) * z[i]
    for i in range(m):
        t = z[i] if z[i] > zero else -z[i]
        e[i] = t if t < limit else limit
    for i in range(m):
        e[i] = exp_neg_f32(e[i]) if floating is float else exp_neg_f64(e[i])
    for i in range(m):  # beyond the limit e is 0
        t = z[i] if z[i] > zero else -z[i]
        e[i] = zero if t > limit else e[i]
    for i in range(m):  # and a NaN, which the limit hid, is a NaN again
        e[i] = z[i] if z[i] != z[i] else e[i]
    for i in range(m):  # log1p(e) = 2 atanh(v), v = e / (2 + e); q = 1 / (1 + e)
        t = one / ((one + e[i]) * (two + e[i]))
        v = e[i] * (one + e[i]) * t
        q[i] = (two + e[i]) * t
        loss[i] = v * (atanh_ratio_f32(v * v) if floating is float else atanh_ratio_f64(v * v))
    for i in range(m):  # a NaN compares false, and stays
        loss[i] += zero if z[i] <= zero else z[i]
    for i in range(m):
        t = e[i] if z[i] <= zero else one
        q[i] = q[i] * t
    for i in range(m):
        z[i] = (one - two * y[i]) * q[i]
    cost[0] += total(loss, m)
    db[0] += total(z, m)


cdef inline void link(
    const floating* y, Py_ssize_t m, floating* z, double* cost, double* db
) noexcept nogil:
    """Turn z into dz in place, and add the losses to cost and dz to db."""
    cdef Py_ssize_t start = 0
    while start < m:
        link_chunk(y + start, min(m - start, CHUNK), z + start, cost, db)
        start += CHUNK
