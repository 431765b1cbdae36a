"""A tile of samples in Numba: z and the gradient, where each load of the rest serves several rows or columns.

Slices take the offset and are counted from 0, so that the inner loops are packed instructions (see
`numba_simd`). How many rows or columns go together was measured on Zen 5, float64, one thread.
"""

from __future__ import annotations

from .numba_jit import FASTMATH, compiled


@compiled(fastmath=FASTMATH)
def rows_z(X, w, b, z):
    """Set z to X w + b along rows, two at a time."""
    m, n = X.shape
    for i in range((m + 1) // 2):  # four at a time: the same in cache, 13.6 ms instead of 10.4 from memory
        second = min(2 * i + 1, m - 1)  # an odd last row is taken twice
        x0, x1, z0, z1 = X[2 * i], X[second], b, b
        for j in range(n):
            z0 += x0[j] * w[j]
            z1 += x1[j] * w[j]
        z[2 * i], z[second] = z0, z1


@compiled(fastmath=FASTMATH)
def rows_z_in_order(X, w, b, z):
    """Set z to X w + b along rows, one after the other."""
    m, n = X.shape
    for i in range(m):
        x0, z0 = X[i], b
        for j in range(n):
            z0 += x0[j] * w[j]
        z[i] = z0


@compiled(fastmath=FASTMATH)
def rows_gradient(X, dz, dw):
    """Add X.T dz to dw along rows, four at a time."""
    m, n = X.shape
    for i in range(m // 4):  # one at a time: half as fast; eight: no faster
        x0, x1, x2, x3 = X[4 * i], X[4 * i + 1], X[4 * i + 2], X[4 * i + 3]
        d0, d1, d2, d3 = dz[4 * i], dz[4 * i + 1], dz[4 * i + 2], dz[4 * i + 3]
        for j in range(n):
            dw[j] += (x0[j] * d0 + x1[j] * d1) + (x2[j] * d2 + x3[j] * d3)
    for i in range(m // 4 * 4, m):
        x0, d0 = X[i], dz[i]
        for j in range(n):
            dw[j] += x0[j] * d0


@compiled(fastmath=FASTMATH)
def columns_z(XT, start, w, b, z):
    """Set z to X w + b along columns, two at a time, for the samples from start on."""
    n, stop = XT.shape[0], start + z.size  # bounds, not slices: a slice of columns loses its unit stride
    z[:] = b
    for j in range(n // 2):  # four at a time: 7 % faster on a million rows, 14 % slower on 500 columns
        x0, x1, w0, w1 = XT[2 * j][start:stop], XT[2 * j + 1][start:stop], w[2 * j], w[2 * j + 1]
        for i in range(z.size):
            z[i] += x0[i] * w0 + x1[i] * w1
    if n % 2:
        x0, w0 = XT[n - 1][start:stop], w[n - 1]
        for i in range(z.size):
            z[i] += x0[i] * w0


@compiled(fastmath=FASTMATH)
def columns_gradient(XT, start, dz, dw):
    """Add X.T dz to dw along columns, two at a time, for the samples from start on."""
    n, stop = XT.shape[0], start + dz.size
    for j in range((n + 1) // 2):  # four at a time: up to a tenth slower
        second = min(2 * j + 1, n - 1)  # an odd last column is taken twice
        x0, x1, d0, d1 = XT[2 * j][start:stop], XT[second][start:stop], dw[2 * j], dw[second]
        for i in range(dz.size):
            d0 += x0[i] * dz[i]
            d1 += x1[i] * dz[i]
        dw[2 * j], dw[second] = d0, d1
