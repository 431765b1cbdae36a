"""The step that reads X once: tiles of samples that stay in cache, blocks of them on Numba's threads.

Changed since `numba_parallel`: a block is gone through a tile at a time (`numba_tile`), and a tile is
still in cache when its gradient is taken. C and F order are read as they lie; any other X, and rows too
short for vectors, are packed a tile at a time. Bound by one read of X where it is larger than the
caches, by the link where rows are short, by the cost of waking the threads where X is small.
"""

from __future__ import annotations

import numba
import numpy as np

from ..pyimpl.contract import Step, check
from .numba_parallel import rows_per_block
from .numba_simd import link
from .parts.numba_jit import TEAM, compiled, readonly
from .parts.numba_tile import columns_gradient, columns_z, pack, rows_gradient, rows_z

TILE_BYTES = 1 << 17  # half of a second-level cache, or less
LEAST_ROWS = 32  # along rows
LEAST_COLUMN = 128  # along columns, whose pieces lie on pages of their own: 32 are up to half slower
MOST_ROWS = 1024
SHORT_ROW = 40  # bytes; shorter rows are packed into columns: 2 features three to five tenths faster


@compiled()
def one_block(X, along_rows, first, end, y, w, b, dw, sums, most):
    """Add the share of the samples from first to end to dw and sums, a tile at a time."""
    z, buffer = np.empty(most, w.dtype), np.empty(most * w.size * (X.ndim - 2), w.dtype)
    for start in range(first, end, most):
        stop = min(start + most, end)
        dz = z[: stop - start]  # once the link has been there
        if X.ndim == 3:  # records to pack; decided when this is compiled
            tile, at = pack(X[0][start:stop] if along_rows else X[0][:, start:stop], buffer), 0
        else:
            tile, at = X, start
        if along_rows:
            rows_z(tile[at : at + dz.size], w, b, dz)
        else:
            columns_z(tile, at, w, b, dz)
        cost, db = link(y[start:stop], dz)
        if along_rows:
            rows_gradient(tile[at : at + dz.size], dz, dw)
        else:
            columns_gradient(tile, at, dz, dw)
        sums[0] += cost
        sums[1] += db


@compiled(parallel=True)
def blocks(X, along_rows, y, w, b, dw, sums, size, most):
    """Fill row k of dw and sums with the share of block k."""
    for k in numba.prange(dw.shape[0]):
        one_block(X, along_rows, k * size, min((k + 1) * size, y.size), y, w, b, dw[k], sums[k], most)


def step(X, y, w, b):
    """Forward/backward step with one read of X, on Numba's threads; see `contract`."""
    X, y, w, b = check(X, y, w, b)
    m, n = X.shape
    along_rows = n * X.itemsize >= SHORT_ROW and abs(X.strides[0]) >= abs(X.strides[1])
    least = LEAST_ROWS if along_rows else LEAST_COLUMN
    size = max(least, rows_per_block(m, n))
    most = min(max(least, TILE_BYTES // (n * X.itemsize)), MOST_ROWS, size)
    dw, sums = np.zeros(((m - 1) // size + 1, n), X.dtype), np.zeros(((m - 1) // size + 1, 2))
    samples = X if along_rows else X.T
    if not (samples.flags.c_contiguous and samples.flags.aligned):
        # The third dimension gives all these one type for Numba: no array that repeats is contiguous.
        samples = np.broadcast_to(samples.view([("value", X.dtype)]), (2, *samples.shape))
    with TEAM:
        blocks(readonly(samples), along_rows, readonly(y), readonly(w), b, dw, sums, size, most)
    cost, db = sums.sum(axis=0) / m
    return Step(X.dtype.type(cost), dw.sum(axis=0) / X.dtype.type(m), X.dtype.type(db))
