"""Golden values of several classes, curvature and compressed rows, as golden.py has those of the step.

``python tests/golden_several.py`` writes golden_several.txt anew.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import golden
import numpy as np
from looptax.bench.conformance.golden import integers, numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FILE = Path(__file__).with_name("golden_several.txt")
SHAPES = [(1, 1, 3), (7, 8, 2), (17, 31, 4), (300, 65, 3), (1025, 28, 10), (2600, 3, 5), (70, 700, 17)]
LAYOUTS = ("C", "F", "sparse", "sparse-wide")
L2 = 0.25


class Rows(NamedTuple):
    """Compressed rows, as `Bound` takes them: what it needs of a SciPy array, which takes ten times as long to make."""

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    shape: tuple[int, int]
    dtype: np.dtype


class Case(NamedTuple):
    """What goes into one call: w holds as many vectors as `what` takes."""

    what: str
    X: np.ndarray | Rows
    y: np.ndarray
    s: np.ndarray | None
    w: np.ndarray
    classes: int
    column: int


def rows_of(X: np.ndarray, index: type) -> Rows:
    """Return compressed rows without every fourth number, the last column first and one entry in two halves."""
    keep = (integers(X.size, 5) & 3 != 0).reshape(X.shape)
    columns = [np.flatnonzero(row)[::-1] for row in keep]
    columns = [np.append(found, found[:1]) for found in columns]
    data = [np.where(found == found[:1], row[found] / 2, row[found]) for row, found in zip(X, columns, strict=True)]
    indptr = np.cumsum([0, *map(len, columns)])
    numbers, columns = np.concatenate(data).astype(X.dtype), np.concatenate(columns).astype(index)
    return Rows(numbers, columns, indptr.astype(index), X.shape, X.dtype)


def cases() -> Iterator[tuple[str, Case]]:
    """Yield (name, case)."""
    for seed, ((m, n, k), dtype, layout) in enumerate(product(SHAPES, (np.float32, np.float64), LAYOUTS)):
        X = numbers(m * n, seed, dtype).reshape(m, n)
        given = np.asfortranarray(X) if layout == "F" else X
        if layout.startswith("sparse"):
            given = rows_of(X, np.int64 if layout == "sparse-wide" else np.int32)
        weights = abs(numbers(m, seed + 1, dtype))
        for classes, what in product((1, k), ("step", "hessp", "hessian")):
            if what == "hessian" and isinstance(given, Rows):
                continue  # SciPy's
            y = (integers(m, seed + 2) % max(classes, 2)).astype(dtype)
            count = 2 * classes if what == "hessp" else classes
            w = numbers(count * (n + 1), seed + 3, dtype).reshape(count, n + 1)
            for s in (None, weights):
                name = f"{what} {m}x{n} {classes} {np.dtype(dtype)} {layout}{' weighted' if s is not None else ''}"
                yield name, Case(what, given, y, s, w, classes, classes - 1)


def line(name: str, what: str, cost: float, out: np.ndarray) -> str:
    """Return the line of one result: of a Hessian, what is on and above the diagonal."""
    return golden.line(name, cost, np.triu(out) if what == "hessian" else out, 0.0)


def found(Bound: Callable) -> Iterator[str]:
    """Yield the lines of a build."""
    for name, case in cases():
        bound = Bound(case.X, case.y, case.s, L2, case.classes, 1)
        if case.what == "step":
            cost, out = bound.step(case.w)
        else:
            more = (0, case.column) if case.what == "hessian" else ()
            cost, out = 0.0, getattr(bound, case.what)(case.w, *more)
        yield line(name, case.what, cost, out)


if __name__ == "__main__":
    from looptax.kernels.choose import isa

    FILE.write_text("".join(f"{text}\n" for text in found(isa.load("variants.several").Bound)), "ascii")
