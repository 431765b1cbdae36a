"""The step in Numba, in loops LLVM turns into packed instructions.

Changed since `numba_serial`: sums may be reordered (fastmath, but never "no NaNs" or "no infinities"),
the exponential is a polynomial instead of a call (`numba_link`), and C and F order each get their
own loops. Two reads of X, like NumPy's form, but no temporaries beyond z; bound by memory when X is
larger than the caches. Other layouts take the C loops, strided: correct, but not packed.
"""

from __future__ import annotations

import numpy as np

from ..pyimpl.parts.contract import Step, check
from .parts.numba_jit import FASTMATH, compiled, readonly
from .parts.numba_link import loss_and_dz


@compiled(fastmath=FASTMATH)
def link(y, z):
    """Turn z into dz in place; return the sum of the losses and of dz."""
    cost = 0.0
    db = 0.0
    for i in range(z.shape[0]):
        loss, dz = loss_and_dz(z[i], y[i])
        z[i] = dz
        cost += loss
        db += dz
    return cost, db


# Below, samples are sliced and then counted from 0: an index that starts elsewhere could be negative,
# and Numba's wrap-around for it keeps the loop from vectorising (tried: three times slower).


@compiled(fastmath=FASTMATH)
def rows(X, y, w, b, z, dw, start, stop):
    """Samples start to stop along rows: z, the link, then add each row's share to dw."""
    X, y, z = X[start:stop], y[start:stop], z[start:stop]
    m, n = X.shape
    for i in range(m):
        total = b
        for j in range(n):
            total += X[i, j] * w[j]
        z[i] = total
    sums = link(y, z)
    for i in range(m):
        dz = z[i]
        for j in range(n):
            dw[j] += X[i, j] * dz
    return sums


@compiled(fastmath=FASTMATH)
def columns(XT, y, w, b, z, dw, start, stop):
    """Samples start to stop along columns, so rows of X.T: add each feature to z, the link, then dw."""
    y, z = y[start:stop], z[start:stop]
    n, m = XT.shape[0], stop - start
    z[:] = b
    for j in range(n):
        x, weight = XT[j][start:stop], w[j]
        for i in range(m):
            z[i] += x[i] * weight
    sums = link(y, z)
    for j in range(n):
        x, total = XT[j][start:stop], z.dtype.type(0)
        for i in range(m):
            total += x[i] * z[i]
        dw[j] += total
    return sums


def step(X, y, w, b):
    """Forward/backward step in packed instructions, on one thread; see `contract`."""
    X, y, w, b = check(X, y, w, b)
    m, n = X.shape
    z, dw = np.empty(m, X.dtype), np.zeros(n, X.dtype)
    kernel, samples = (columns, X.T) if X.flags.f_contiguous and n > 1 else (rows, X)
    cost, db = kernel(readonly(samples), readonly(y), readonly(w), b, z, dw, 0, m)
    dw /= X.dtype.type(m)
    return Step(X.dtype.type(cost / m), dw, X.dtype.type(db / m))
