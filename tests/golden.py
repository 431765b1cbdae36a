"""Golden values: what the top rung returns, bit by bit, on every CPU with a fused multiply-add.

``python tests/golden.py`` writes golden.txt anew, a line for each input: its name, cost, db and a digest of dw. Do so
only where the order of the sums (kernels/parts/sums.h) or the loss was changed on purpose.
"""

from __future__ import annotations

import hashlib
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = Path(__file__).with_name("golden.txt")
SHAPES = """
    1x1 1x7 2x3 3x1 5x2 7x8 9x9 15x16 16x15 17x31 31x17 63x5 64x64 65x33 100x2 255x12 256x4 257x100 300x65 513x129
    1000x10 1025x28 2049x3 70x700 5000x20 600x1040 20000x1 4100x2
"""
LAYOUTS = {
    "C": lambda X: X,
    "F": np.asfortranarray,
    "rows-apart": lambda X: np.repeat(X, 2, axis=0)[::2],
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "strided-F": lambda X: np.asfortranarray(np.repeat(np.repeat(X, 2, axis=0), 3, axis=1))[::2, ::3],
    "reversed": lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
}
#: Powers of two by which X is multiplied: z near 0, z beyond what exp can hold, dw near the end of float32.
SIZES = {"small": 2.0**-30, "ordinary": 1.0, "saturated": 2.0**12, "large": 2.0**100}


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
    y = (integers(m, seed + 1) & 1).astype(dtype)
    w = numbers(n, seed + 2, dtype) * dtype(2.0 ** -(n.bit_length() // 2))
    return X, y, w, float(numbers(1, seed + 3, dtype)[0])


def inputs() -> Iterator[tuple[str, tuple]]:
    """Yield (name, (X, y, w, b)) for a few hundred inputs."""
    ways = [("C", "ordinary"), ("F", "ordinary")]
    more = [("strided", "ordinary"), ("strided-F", "ordinary"), ("rows-apart", "ordinary"), ("reversed", "ordinary")]
    more += [(layout, size) for layout in ("C", "F") for size in ("small", "saturated", "large")]
    shapes = [map(int, shape.split("x")) for shape in SHAPES.split()]
    for k, ((m, n), dtype) in enumerate(product(map(tuple, shapes), (np.float32, np.float64))):
        for layout, size in ways + [more[(k + j) % len(more)] for j in range(3)]:
            X, y, w, b = one(m, n, dtype, SIZES[size], k)
            yield f"{m}x{n} {np.dtype(dtype)} {layout} {size}", (LAYOUTS[layout](X), y, w, b)
    for dtype, value in product((np.float32, np.float64), (np.nan, np.inf, -np.inf)):
        X, y, w, b = one(300, 20, dtype, 1.0, 99)
        X[7, 3] = value
        yield f"300x20 {np.dtype(dtype)} C {value}", (X, y, w, b)


def line(name: str, cost: float, dw: np.ndarray, db: float) -> str:
    """Return the line of one result; a float's hexadecimal form has all its bits."""
    digest = hashlib.sha256(dw.astype(dw.dtype.newbyteorder("<")).tobytes()).hexdigest()[:16]
    return f"{name}: {float(cost).hex()} {float(db).hex()} {digest}"


def expected() -> list[str]:
    """Return the lines of golden.txt."""
    return FILE.read_text("ascii").splitlines()


if __name__ == "__main__":
    from looptax.kernels import fastest

    FILE.write_text("".join(f"{line(name, *fastest(*given))}\n" for name, given in inputs()), "ascii")
