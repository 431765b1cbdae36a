"""How the time of a step follows m and n, and what X in columns costs in two passes and in one: part of chapter 8."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .....kernels.choose.planner import settle
from .....kernels.ladder import rung
from ....measure import limits, machine, threads
from ....measure.stopwatch import side_by_side
from ..pictures import Growth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .parts import Sizes, Tell

RUNGS = ("numpy-stable", "cython-simd", "cython-fused", "cython-tuned")
BUDGET = 0.05  # seconds for all rounds of a rung on a shape
LARGE = 0.2  # and on the large X in columns
BLOCK = 1 << 20  # numbers that are drawn; the rest repeats them, since a step takes as long on any

Shape = tuple[int, int]


def measure(sizes: Sizes, tell: Tell) -> Growth:
    """Time the rungs on every shape of the grid, in C order and on one thread, in five seconds or so."""
    samples, features = sizes.grid
    numbers = drawn(samples[-1] * features[-1])
    seconds: dict[str, list[list[float]]] = {name: [[] for _ in samples] for name in RUNGS}
    settle()
    with threads.limited(1):
        for i, m in enumerate(samples):
            tell(i / len(samples))
            for n in features:
                found = side_by_side(calls(RUNGS, numbers[: m * n].reshape(m, n)), budget=BUDGET)
                for name, rows in seconds.items():
                    rows[i].append(found[name])
    return Growth(samples, features, seconds, limits.here().rates(1), machine.caches() or {})


def in_columns(names: Iterable[str], shape: Shape) -> dict[str, float]:
    """Return the seconds of a step of each rung on an X of that shape in F order, one thread."""
    m, n = shape
    X = drawn(m * n).reshape(n, m).T
    settle()
    with threads.limited(1):
        return side_by_side(calls(names, X), budget=LARGE)


def drawn(number: int) -> np.ndarray:
    """Return so many normal numbers."""
    return np.resize(np.random.default_rng(0).standard_normal(min(number, BLOCK)), number)


def calls(names: Iterable[str], X: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Return what is timed: the step of each rung, with weights so small that the notes' formula holds."""
    m, n = X.shape
    arguments = X, (np.arange(m) % 2).astype(float), np.full(n, 1 / n), 0.1
    return {name: partial(rung(name).load(), *arguments) for name in names}
