"""The step that reads X once: tiles of samples that stay in cache, blocks of them on Numba's threads.

Changed since `numba_parallel`: a block is gone through a tile at a time (`parts/numba_tile.py`), and a tile is still
in cache when its gradient is taken. C and F order are read as they lie; any other X, and rows too short for vectors,
are packed a few blocks at a time. Bound by one read of X where it is larger than the caches, by the loss where rows
are short, by the cost of waking the threads where X is small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from ..pyimpl.parts.contract import Step, check
from .numba_parallel import rows_per_block
from .numba_simd import link
from .parts.numba_jit import TEAM, compiled, readonly
from .parts.numba_tile import columns_gradient, columns_z, rows_gradient, rows_z, rows_z_in_order

if TYPE_CHECKING:
    from collections.abc import Iterator

TILE_BYTES = 1 << 17  # half of a second-level cache, or less
FAR_BYTES = 1 << 25  # more than most caches hold: from memory, rows are read one after the other
PACKED_BYTES = 1 << 18  # are packed at a time, or one block
MIN_ROWS = 32  # make a tile, along rows
MIN_COLUMN = 128  # along columns, whose pieces lie on pages of their own: 32 are up to half slower
MAX_ROWS = 1024
SHORT_ROW = 40  # bytes; shorter rows are packed into columns: 2 features three to five tenths faster


@compiled()
def one_block(X, along_rows, far, first, end, y, w, b, dw, sums, most):
    """Add the share of the samples from first to end to dw and sums, a tile at a time."""
    z = np.empty(most, w.dtype)
    for start in range(first, end, most):
        stop = min(start + most, end)
        dz = z[: stop - start]  # once the link has been there
        if not along_rows:
            columns_z(X, start, w, b, dz)
        elif far:
            rows_z_in_order(X[start:stop], w, b, dz)
        else:
            rows_z(X[start:stop], w, b, dz)
        cost, db = link(y[start:stop], dz)
        if along_rows:
            rows_gradient(X[start:stop], dz, dw)
        else:
            columns_gradient(X, start, dz, dw)
        sums[0] += cost
        sums[1] += db


@compiled(parallel=True)
def blocks(X, along_rows, far, y, w, b, dw, sums, size, most):
    """Fill row k of dw and sums with the share of block k."""
    for k in numba.prange(dw.shape[0]):
        one_block(X, along_rows, far, k * size, min((k + 1) * size, y.size), y, w, b, dw[k], sums[k], most)


def contiguous(X: np.ndarray, along_rows: bool, size: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield X, or its transpose, whole where it is contiguous that way; else packed copies of some blocks of it."""
    lay = np.ascontiguousarray if along_rows else np.asfortranarray
    if (X.flags.c_contiguous if along_rows else X.flags.f_contiguous) and X.flags.aligned:
        yield 0, X if along_rows else X.T
        return
    step = max(PACKED_BYTES // (X.shape[1] * X.itemsize) // size, 1) * size
    for start in range(0, len(X), step):
        packed = lay(np.require(X[start : start + step], requirements="A"))
        yield start, packed if along_rows else packed.T


def step(X, y, w, b):
    """Forward/backward step with one read of X, on Numba's threads; see `contract`."""
    X, y, w, b = check(X, y, w, b)
    m, n = X.shape
    along_rows = n * X.itemsize >= SHORT_ROW and abs(X.strides[0]) >= abs(X.strides[1])
    least = MIN_ROWS if along_rows else MIN_COLUMN
    size = max(least, rows_per_block(m, n))
    most = min(max(least, TILE_BYTES // (n * X.itemsize)), MAX_ROWS, size)
    dw, sums = np.zeros(((m - 1) // size + 1, n), X.dtype), np.zeros(((m - 1) // size + 1, 2))
    far = X.nbytes > FAR_BYTES
    with TEAM:
        for start, samples in contiguous(X, along_rows, size):
            labels = y[start : start + samples.shape[0 if along_rows else 1]]
            here = slice(start // size, (start + labels.size - 1) // size + 1)
            blocks(
                readonly(samples), along_rows, far, readonly(labels), readonly(w), b, dw[here], sums[here], size, most
            )
    cost, db = sums.sum(axis=0) / m
    return Step(X.dtype.type(cost), dw.sum(axis=0) / X.dtype.type(m), X.dtype.type(db))
