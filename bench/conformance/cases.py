"""The inputs a step must get right: families of cases, the same for every rung.

Each family takes a dtype and the seed of its random numbers: the same seed makes the same cases.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Around the widths of vectors (2 to 16 elements), of unrolled loops and of blocks.
SIZES = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 257)
LONG = 4099  # several blocks and chunks, and a tail of each


class Case(NamedTuple):
    """One input of a step, with a name to report it by."""

    name: str
    X: np.ndarray
    y: np.ndarray
    w: np.ndarray
    b: np.floating

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What the step is called with."""
        return self[1:]

    @property
    def more(self) -> dict[str, Any]:
        """What the oracle and the bound take besides X, y, w and b."""
        return {}


def ordinary(name: str, m: int, n: int, dtype, *, scale: float = 1.0, seed: int = 0) -> Case:
    """Normal features, labels drawn from the model, ``|z|`` around `scale`."""
    rng = np.random.default_rng([seed, m, n])
    X = rng.standard_normal((m, n)).astype(dtype)
    w = (rng.standard_normal(n) * scale / np.sqrt(n)).astype(dtype)
    b = dtype(0.25 * scale)
    y = (rng.random(m) < 0.5 + 0.4 * np.sign(X @ w + b)).astype(dtype)
    return Case(name, X, y, w, b)


def shapes(dtype, seed: int = 0) -> Iterator[Case]:
    """Every pair of sizes, and one of thousands on either side."""
    pairs = [(m, n) for m in SIZES for n in SIZES] + [(LONG, n) for n in (1, 3, 17)] + [(m, LONG) for m in (1, 3, 17)]
    for m, n in pairs:
        yield ordinary(f"{m}x{n}", m, n, dtype, seed=seed)


def margins(dtype, seed: int = 0) -> Iterator[Case]:
    """``|z|`` from tiny to 1e4; samples as they come, all on the right side, all on the wrong one."""
    for scale in (1e-6, 1.0, 5.0, 30.0, 100.0, 800.0, 1e4):
        for m, n in ((1, 1), (65, 3), (300, 17)):
            case = ordinary(f"|z|~{scale:g} {m}x{n}", m, n, dtype, scale=scale, seed=seed)
            z = case.X @ case.w + case.b
            yield case
            yield case._replace(name=case.name + " separated", y=(z > 0).astype(dtype))
            yield case._replace(name=case.name + " all wrong", y=(z <= 0).astype(dtype))


def labels(dtype, seed: int = 0) -> Iterator[Case]:
    """All zeros and all ones."""
    for m, n in ((1, 1), (17, 3), (257, 33)):
        case = ordinary(f"{m}x{n}", m, n, dtype, seed=seed)
        yield case._replace(name=case.name + " all 0", y=np.zeros(m, dtype))
        yield case._replace(name=case.name + " all 1", y=np.ones(m, dtype))


def scales(dtype, seed: int = 0) -> Iterator[Case]:
    """Tiny and huge features, with weights to match, and features of very different scales."""
    power = 150 if dtype is np.float64 else 18
    for m, n in ((1, 1), (65, 9), (257, 33)):
        case = ordinary(f"{m}x{n}", m, n, dtype, seed=seed)
        for k in (-power, power):
            up, down = dtype(10.0**k), dtype(10.0**-k)
            yield case._replace(name=f"{case.name} X*1e{k}", X=case.X * up, w=case.w * down)
        spread = np.logspace(-power / 2, power / 2, n).astype(dtype)
        yield case._replace(name=f"{case.name} mixed", X=case.X * spread, w=case.w / spread)
        yield case._replace(name=f"{case.name} zeros", X=np.zeros_like(case.X), w=np.zeros_like(case.w), b=dtype(0))


def denormals(dtype, seed: int = 0) -> Iterator[Case]:
    """Subnormal features, weights and bias: flushing them to zero would show."""
    tiny = float(np.finfo(dtype).smallest_normal)
    for m, n in ((1, 1), (17, 9), (257, 3)):
        case = ordinary(f"{m}x{n}", m, n, dtype, seed=seed)
        small = (case.X.astype(np.float64) / 64 * tiny).astype(dtype)
        light = (case.w.astype(np.float64) / 64 * tiny).astype(dtype)
        yield case._replace(name=case.name + " X", X=small)
        yield case._replace(name=case.name + " w", w=light)
        yield case._replace(name=case.name + " X, w and b", X=small, w=light, b=dtype(tiny / 3))


def nonfinite(dtype, seed: int = 0) -> Iterator[Case]:
    """NaN and infinity at either end and in the middle of X, w and b, and where they meet zeros."""
    inf, nan = dtype(np.inf), dtype(np.nan)
    for m, n in ((1, 1), (3, 2), (17, 9), (257, 33)):
        case = ordinary(f"{m}x{n}", m, n, dtype, seed=seed)
        for i, j in sorted({(0, 0), (m // 2, n // 2), (m - 1, n - 1)}):
            for value in (nan, inf, -inf):
                for label in (0, 1):
                    X, y = case.X.copy(), case.y.copy()
                    X[i, j], y[i] = value, label
                    yield case._replace(name=f"{case.name} X[{i},{j}]={value} y={label}", X=X, y=y)
        for j in sorted({0, n // 2, n - 1}):
            for value in (nan, inf, -inf):
                w = case.w.copy()
                w[j] = value
                yield case._replace(name=f"{case.name} w[{j}]={value}", w=w)
                X = case.X.copy()
                X[:, j] = 0
                yield case._replace(name=f"{case.name} X[:,{j}]=0 w[{j}]={value}", X=X, w=w)
                X, w = case.X.copy(), case.w.copy()
                X[m // 2, j], w[j] = value, 0
                yield case._replace(name=f"{case.name} X[{m // 2},{j}]={value} w[{j}]=0", X=X, w=w)
        for value in (nan, inf, -inf):
            yield case._replace(name=f"{case.name} b={value}", b=value)
        if n > 1:
            X, w = case.X.copy(), np.abs(case.w)
            X[0, 0], X[0, -1] = inf, -inf
            yield case._replace(name=f"{case.name} inf - inf", X=X, w=w)


FAMILIES: dict[str, Callable[..., Iterator[Case]]] = {
    "shapes": shapes,
    "margins": margins,
    "labels": labels,
    "scales": scales,
    "denormals": denormals,
    "nonfinite": nonfinite,
}

# Layouts: how the same numbers may lie in memory.


def _inside(X, rows: slice, columns: slice):
    """X laid out as a part of a larger array whose other elements are NaN."""
    m, n = X.shape
    larger = np.full((4 * m + 8, 4 * n + 8), np.nan, X.dtype)
    view = larger[rows, columns][:m, :n]
    view[:] = X
    return view


def _misaligned(X, order="C"):
    buffer = np.empty(X.nbytes + 1, np.uint8)
    view = buffer[1:].view(X.dtype).reshape(X.shape, order=order)
    view[...] = X
    return view


def _frozen(X):
    X = X.copy(order="K")
    X.flags.writeable = False
    return X


def _memmap(X):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "X.dat")
        X.tofile(path)
        return np.memmap(path, X.dtype, "r", shape=X.shape)  # the mapping outlives its file's name


MATRIX_LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "padded rows": partial(_inside, rows=slice(None), columns=slice(2, None)),
    "padded columns": lambda X: _inside(X.T, rows=slice(None), columns=slice(2, None)).T,
    "every other row": partial(_inside, rows=slice(1, None, 2), columns=slice(None)),
    "every third column": partial(_inside, rows=slice(None), columns=slice(1, None, 3)),
    "both strided": partial(_inside, rows=slice(None, None, 2), columns=slice(None, None, 2)),
    "reversed rows": lambda X: np.ascontiguousarray(X[::-1])[::-1],
    "reversed columns": lambda X: np.ascontiguousarray(X[:, ::-1])[:, ::-1],
    "reversed both, F": lambda X: np.asfortranarray(X[::-1, ::-1])[::-1, ::-1],
    "misaligned": _misaligned,
    "misaligned F": partial(_misaligned, order="F"),
    "read-only": _frozen,
    "read-only F": lambda X: _frozen(np.asfortranarray(X)),
    "memmap": _memmap,
}

VECTOR_LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "strided": lambda v: np.repeat(v, 3)[::3],
    "reversed": lambda v: v[::-1].copy()[::-1],
    "misaligned": _misaligned,
    "read-only": _frozen,
}


def layouts(dtype, seed: int = 0) -> Iterator[Case]:
    """The same numbers in every layout of X, and of y and w."""
    for m, n in ((1, 1), (1, 9), (9, 1), (67, 5), (5, 67), (600, 33)):
        case = ordinary(f"{m}x{n}", m, n, dtype, seed=seed)
        for name, lay in MATRIX_LAYOUTS.items():
            yield case._replace(name=f"{case.name} X {name}", X=lay(case.X))
        for name, lay in VECTOR_LAYOUTS.items():
            yield case._replace(name=f"{case.name} y and w {name}", y=lay(case.y), w=lay(case.w))
        same = np.broadcast_to(case.X[:1], (m, n))
        yield case._replace(name=f"{case.name} X one row broadcast", X=same)
    rng = np.random.default_rng(seed + 1)
    case = ordinary("67x5", 67, 5, dtype, seed=seed)
    for kind in (np.bool_, np.int8, np.uint64, np.float16, np.float32, np.float64):
        yield case._replace(name=f"y {np.dtype(kind)}", y=(rng.random(67) < 0.5).astype(kind))
