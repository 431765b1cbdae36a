"""The cases in the order they are tried: what is learnt first comes first, and small before large."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...conformance import cases
from ...measure.data import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ...conformance.cases import Case

ORDER = ("shapes", "labels", "margins", "scales", "layouts", "denormals", "nonfinite")
REPEAT, TIMING = "repeat", "timing"  # the families of what is called several times, and of what is timed
DTYPES = (np.float64, np.float32)
AS_MADE = "as made"  # neither C nor F, or of no interest


class Entry(NamedTuple):
    """A case, and the memory layouts it is tried in: its right answer is the same in all."""

    family: str
    case: Case
    layouts: tuple[str, ...]


def repeated(dtype, seed: int) -> Iterator[Case]:
    """Two cases for a step to be called on several times."""
    for m, n in ((9, 4), (33, 5)):
        yield cases.ordinary(f"{m}x{n}", m, n, dtype, seed=seed)


def entries(seed: int, families: Sequence[str] = ORDER) -> list[Entry]:
    """Return all cases of the families, float64 first."""
    made = {**cases.FAMILIES, "layouts": cases.layouts, REPEAT: repeated}
    return [
        Entry(family, case, _orders(family, case))
        for dtype in DTYPES
        for family in families
        for case in sorted(made[family](dtype, seed), key=lambda case: case.X.size)
    ]


def _orders(family: str, case: Case) -> tuple[str, ...]:
    if family == "layouts":
        return (next((layout for layout in _NAMED if case.name.endswith(f" {layout}")), AS_MADE),)
    both = case.X.flags.c_contiguous and case.X.flags.f_contiguous  # one row or one column
    return ("C",) if both or family == REPEAT else ("C", "F")


def find(family: str, name: str, dtype: str, layout: str = "C", seed: int = 0) -> Case:
    """Return a case by what a failure says of it."""
    if family == TIMING:
        return load(name, dtype, "C")
    made = entries(seed, [family])
    return laid(next(e.case for e in made if (e.case.name, e.case.X.dtype) == (name, np.dtype(dtype))), layout)


def laid(case: Case, layout: str) -> Case:
    """Return the same numbers in a layout: "C", "F", "X " or "y and w " and one of `cases`, or as they are."""
    if layout in ("C", "F"):
        return case._replace(X=cases.MATRIX_LAYOUTS[layout](case.X))
    if layout == AS_MADE:
        return case
    lay = _NAMED[layout]
    return case._replace(X=lay(case.X)) if layout.startswith("X ") else case._replace(y=lay(case.y), w=lay(case.w))


_NAMED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    **{f"X {name}": lay for name, lay in cases.MATRIX_LAYOUTS.items()},
    **{f"y and w {name}": lay for name, lay in cases.VECTOR_LAYOUTS.items()},
}
