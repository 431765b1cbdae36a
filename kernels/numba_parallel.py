"""The packed step of `numba_simd`, its blocks of samples shared among Numba's threads.

Changed since `numba_simd`: the samples are split into blocks, each with its own partial cost, dw and
db, which are then added up in order. The split depends on the shape alone, so the result has the
same bits whatever the number of threads. Bound by memory when X is larger than the caches, by the
cost of waking the threads when it is small.
"""

from __future__ import annotations

import numba
import numpy as np

from ..pyimpl.parts.contract import Step, check
from .numba_simd import columns, rows
from .parts.numba_jit import FASTMATH, TEAM, compiled, readonly

MAX_BLOCKS = 64  # enough to balance, few enough to add up
MIN_ROWS = 32  # so that the partial gradients stay below 1/32 of X
MIN_ELEMENTS = 8192  # a few microseconds of work


def rows_per_block(m: int, n: int) -> int:
    """How many samples make a block."""
    return max(MIN_ROWS, (m - 1) // MAX_BLOCKS + 1, MIN_ELEMENTS // n)


@compiled(parallel=True, fastmath=FASTMATH)
def row_blocks(X, y, w, b, z, dw, sums, size):
    """Fill row k of dw and sums with block k's share, samples along rows."""
    for k in numba.prange(dw.shape[0]):
        stop = min((k + 1) * size, y.size)
        sums[k, 0], sums[k, 1] = rows(X, y, w, b, z, dw[k], k * size, stop)


@compiled(parallel=True, fastmath=FASTMATH)
def column_blocks(XT, y, w, b, z, dw, sums, size):
    """Fill row k of dw and sums with block k's share, samples along columns."""
    for k in numba.prange(dw.shape[0]):
        stop = min((k + 1) * size, y.size)  # bounds, not slices: a slice of columns loses its unit stride
        sums[k, 0], sums[k, 1] = columns(XT, y, w, b, z, dw[k], k * size, stop)


def step(X, y, w, b):
    """Forward/backward step in packed instructions, on Numba's threads; see `contract`."""
    X, y, w, b = check(X, y, w, b)
    m, n = X.shape
    size = rows_per_block(m, n)
    blocks = (m - 1) // size + 1
    z, dw, sums = np.empty(m, X.dtype), np.zeros((blocks, n), X.dtype), np.zeros((blocks, 2))
    kernel, samples = (column_blocks, X.T) if X.flags.f_contiguous and n > 1 else (row_blocks, X)
    with TEAM:
        kernel(readonly(samples), readonly(y), readonly(w), b, z, dw, sums, size)
    cost, db = sums.sum(axis=0) / m
    return Step(X.dtype.type(cost), dw.sum(axis=0) / X.dtype.type(m), X.dtype.type(db))
