"""Try a step on an input and say what is wrong with it, if anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .bound import bound, largest_z, notes_range
from .oracle import Reference, reference

if TYPE_CHECKING:
    from ...pyimpl.parts.contract import StepFunction
    from .cases import Case


class Verdict(NamedTuple):
    """What trying a step found.

    Attributes
    ----------
    problem : str or None
        What is wrong, in one line; None where the step is right.
    used : float
        The largest error as a share of what the bound allows; NaN where no number was compared.
    """

    problem: str | None
    used: float

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.problem is None


def judge(
    step: StepFunction,
    case: Case,
    *,
    accuracy: str = "relative",
    skips_zeros: bool = False,
    right: Reference | None = None,
    allowed: tuple | None = None,
) -> Verdict:
    """Call `step` on a case and compare all it promises: values, dtypes, shapes, inputs untouched.

    Parameters
    ----------
    step : callable
    case : Case
    accuracy : str
        The bound the rung promises; see `bound`.
    skips_zeros : bool
        Whether the rung may leave out the products with a weight or dz of 0, and the NaN that
        0 times an infinity or a NaN is.
    right, allowed : Reference and tuple, optional
        The right answer and its bound, where the caller has them already: both take longer than the step.
    """
    _, X, y, w, b = case
    before = [array.tobytes() for array in (X, y, w)]
    try:
        with np.errstate(all="ignore"):
            result = step(X, y, w, b)
        cost, dw, db = result
    except Exception as error:  # a reader's step may raise anything
        return Verdict(f"raised {type(error).__name__}: {error}", np.nan)
    for name, array, bytes_before in zip("Xyw", (X, y, w), before, strict=True):
        if array.tobytes() != bytes_before:
            return Verdict(f"modified {name}", np.nan)
    is_array = isinstance(dw, np.ndarray)
    if not is_array or dw.shape != w.shape:
        found = f"has shape {dw.shape}, not {w.shape}" if is_array else f"is of type {type(dw).__name__}, not an array"
        return Verdict(f"dw {found}", np.nan)
    for name, value in (("cost", cost), ("dw", dw), ("db", db)):
        dtype = getattr(value, "dtype", None)  # None would be equal to float64
        if dtype is None or dtype != X.dtype or (name != "dw" and np.shape(value) != ()):
            return Verdict(f"{name} is {type(value).__name__} of {dtype or 'no dtype'}, not {X.dtype}", np.nan)
    if np.shares_memory(dw, X) or np.shares_memory(dw, w):
        return Verdict("dw shares memory with an input", np.nan)
    if accuracy == "notes" and not largest_z(X, w, b) <= notes_range(X.dtype):
        return Verdict(None, np.nan)  # beyond its stated range it promises no number
    if skips_zeros and _zero_meets_nonfinite(X, y, w, b):
        return Verdict(None, np.nan)
    with np.errstate(all="ignore"):
        right, allowed = right or reference(X, y, w, b), allowed or bound(X, y, w, b, accuracy)
        return _compare((cost, dw, db), right, allowed)


def _compare(result, right: Reference, allowed) -> Verdict:
    used = 0.0
    for name, computed, expected, limit in zip(Reference._fields, result, right, allowed, strict=True):
        computed, expected, limit = (np.atleast_1d(np.asarray(v, np.longdouble)) for v in (computed, expected, limit))
        same = np.where(np.isfinite(expected), np.isfinite(computed), _same_nonfinite(computed, expected))
        finite = same & np.isfinite(expected)
        share = np.zeros_like(limit)
        np.divide(np.abs(computed - expected), limit, out=share, where=finite)
        share[~same] = np.inf
        worst = int(np.argmax(share))
        if not share[worst] <= 1:
            where = f"{name}[{worst}]" if name == "dw" else name
            return Verdict(
                f"{where} is {computed[worst]:.17g}, expected {expected[worst]:.17g} within {limit[worst]:.2g}",
                float(share[worst]),
            )
        used = max(used, float(share[worst]))
    return Verdict(None, used)


def _zero_meets_nonfinite(X, y, w, b) -> bool:
    """Whether a NaN or infinity in X is multiplied by a weight or a dz of 0."""
    nonfinite = ~np.isfinite(X)
    if not nonfinite.any():
        return False
    with np.errstate(all="ignore"):
        s = (1 - 2 * y.astype(X.dtype)) * ((X * w).sum(axis=1) + b)
        return bool(nonfinite[:, w == 0].any() or nonfinite[np.exp(s) == 0].any())


def _same_nonfinite(computed, expected):
    return (np.isnan(computed) & np.isnan(expected)) | (computed == expected)
