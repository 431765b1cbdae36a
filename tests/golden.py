"""Golden values: what the top rung returns, bit by bit, on every CPU with a fused multiply-add.

``python tests/golden.py`` writes golden.txt anew, a line for each input: its name, cost, db and a digest of dw. Do so
only where the order of the sums (kernels/parts/sums.h) or the loss was changed on purpose.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from looptax.bench.conformance.golden import bits, one

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
    """Return the line of one result."""
    return f"{name}: {bits(cost, dw, db)}"


def expected() -> list[str]:
    """Return the lines of golden.txt."""
    return FILE.read_text("ascii").splitlines()


if __name__ == "__main__":
    from looptax.kernels import fastest

    FILE.write_text("".join(f"{line(name, *fastest(*given))}\n" for name, given in inputs()), "ascii")
