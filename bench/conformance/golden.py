"""Golden values: an input that is the same on every machine, and the bits of what is returned for it.

`PUBLISHED` is a line of tests/golden.txt, which holds the top rung to the same bits on every CPU with a fused
multiply-add.
"""

from __future__ import annotations

import hashlib
from typing import SupportsFloat

import numpy as np

PUBLISHED = "600x1040 float64 C ordinary: 0x1.790429f53bb38p-1 0x1.9cd7e45390638p-4 752333c03c1475c1"
SHAPE, SEED = (600, 1040), 51  # of its input


def integers(count: int, seed: int) -> np.ndarray:
    """Return numbers of 24 bits that look random (splitmix64), the same for ever."""
    x = (np.arange(1, count + 1, dtype=np.uint64) + np.uint64(seed << 32)) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(40)).astype(np.int64)


def numbers(count: int, seed: int, dtype: type) -> np.ndarray:
    """Return multiples of 2^-23 in [-1, 1), exact in both dtypes."""
    return ((integers(count, seed) - 2**23) * 2.0**-23).astype(dtype)


def one(m: int, n: int, dtype: type, size: float, seed: int) -> tuple:
    """Return X in C order, y, w, b."""
    X = numbers(m * n, seed, dtype).reshape(m, n) * dtype(size)
    y: np.ndarray = (integers(m, seed + 1) & 1).astype(dtype)
    w = numbers(n, seed + 2, dtype) * dtype(2.0 ** -(n.bit_length() // 2))
    return X, y, w, float(numbers(1, seed + 3, dtype)[0])


def published() -> tuple:
    """Return the input of `PUBLISHED`."""
    return one(*SHAPE, np.float64, 1.0, SEED)


def bits(cost: SupportsFloat, dw: np.ndarray, db: SupportsFloat) -> str:
    """Return cost, db and a digest of dw; a float's hexadecimal form has all its bits."""
    digest = hashlib.sha256(dw.astype(dw.dtype.newbyteorder("<")).tobytes()).hexdigest()[:16]
    return f"{float(cost).hex()} {float(db).hex()} {digest}"
