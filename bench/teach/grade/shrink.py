"""The smallest input that still fails in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...measure.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...conformance.cases import Case

SECONDS = 3.0
FEW = 32  # samples or features are left out one by one, numbers simplified one by one


def shrink(case: Case, fails: Callable[[Case], bool], seconds: float = SECONDS) -> Case:
    """Return the simplest case found in the time for which `fails` still holds.

    Fewer samples and features come first, then simpler numbers: the first simplification that still
    fails is taken, and the search starts again from there. Each makes the case simpler, so it ends.
    """
    watch = Stopwatch(seconds)
    while True:
        for simpler in _simpler(case):
            if watch.left < 0:
                return case
            if fails(simpler):
                case = simpler
                break
        else:
            return case


def _simpler(case: Case) -> Iterator[Case]:
    m, n = case.X.shape
    for kept in _subsets(m):
        yield case._replace(X=case.X[kept], y=case.y[kept])
    for kept in _subsets(n):
        yield case._replace(X=case.X[:, kept], w=case.w[kept])
    for name in ("b", "w", "X", "y"):
        value = np.asarray(getattr(case, name))
        for simple in _numbers(value):
            if _digits(simple) < _digits(value):
                change: dict[str, Any] = {name: simple[()]}
                yield case._replace(**change)


def _subsets(count: int) -> Iterator[slice | np.ndarray]:
    """Halves, then all but one."""
    if count > 1:
        yield slice(0, count // 2)
        yield slice(count // 2, None)
    if 2 < count <= FEW:
        for left_out in range(count):
            yield np.delete(np.arange(count), left_out)


def _numbers(value: np.ndarray) -> Iterator[np.ndarray]:
    """Simpler numbers in all places, then in one."""
    yield np.ones_like(value)
    yield np.zeros_like(value)
    for digits in (1, 2, 3):
        yield _rounded(value, digits)
    for place in np.ndindex(value.shape) if 1 < value.size <= FEW else ():
        for simple in (1, 0, _rounded(value[place], 1), _rounded(value[place], 2)):
            changed = value.copy()
            changed[place] = simple
            yield changed


def _rounded(value: np.ndarray, digits: int) -> np.ndarray:
    return np.array([float(f"{x:.{digits - 1}e}") for x in value.ravel()], value.dtype).reshape(value.shape)


def _digits(value: np.ndarray) -> int:
    """How long the numbers are when written down."""
    return sum(len(f"{x:.17g}") for x in value.ravel().tolist())
