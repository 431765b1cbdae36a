"""Try a step on an input and say what is wrong with it, if anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .bound import bound, largest_z, notes_range
from .oracle import Curvature, Reference, reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from .cases import Case
    from .variants import VariantCase


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
    step: Callable[..., Any],
    case: Case | VariantCase,
    *,
    accuracy: str = "relative",
    skips_zeros: bool = False,
    right: Reference | Curvature | None = None,
    allowed: tuple | None = None,
) -> Verdict:
    """Call `step` on a case and compare all it promises: values, dtypes, shapes, inputs untouched.

    Parameters
    ----------
    step : callable
        Of a case with a direction it returns how dw and db change, else cost, dw and db.
    case : Case or VariantCase
    accuracy : str
        The bound the rung promises; see `bound`.
    skips_zeros : bool
        Whether the rung may leave out the products with a weight or dz of 0, and the NaN that
        0 times an infinity or a NaN is.
    right, allowed : Reference and tuple, optional
        The right answer and its bound, where the caller has them already: both take longer than the step.
    """
    _, X, y, w, b, *_ = case
    inputs = _arrays(case)
    before = {name: array.tobytes() for name, array in inputs.items()}
    try:
        with np.errstate(all="ignore"):
            result = step(*case.arguments)
        parts = (Curvature if "v" in case.more else Reference)(*result)
    except Exception as error:  # a reader's step may raise anything
        return Verdict(f"raised {type(error).__name__}: {error}", np.nan)
    for name, array in inputs.items():
        if array.tobytes() != before[name]:
            return Verdict(f"modified {name}", np.nan)
    if problem := _misshapen(parts, X.dtype, w.shape, np.shape(b)):
        return Verdict(problem, np.nan)
    if any(np.shares_memory(parts.dw, array) for array in inputs.values()):
        return Verdict("dw shares memory with an input", np.nan)
    if accuracy == "notes" and not largest_z(X, w, b) <= notes_range(X.dtype):
        return Verdict(None, np.nan)  # beyond its stated range it promises no number
    if skips_zeros and _zero_meets_nonfinite(X, y, w, b):
        return Verdict(None, np.nan)
    with np.errstate(all="ignore"):
        right = right or reference(X, y, w, b, **case.more)
        allowed = allowed or bound(X, y, w, b, accuracy, **case.more)
        return _compare(parts, right, allowed)


def judge_matrix(hessian: Callable[..., np.ndarray], case: VariantCase, accuracy: str = "relative") -> Verdict:
    """Call `hessian` on a case and compare: column after column it is the Hessian times a unit vector.

    The order of its rows is that of a plan's parameters: the weights of a class, then its intercept.
    """
    _, X, y, w, b, *_ = case
    found = hessian(*case.arguments)
    size = w.size + np.size(b)
    if found.shape != (size, size) or not np.array_equal(found, found.T, equal_nan=True):
        return Verdict(f"it has shape {found.shape} and should be symmetric, {(size, size)}", np.nan)
    used = 0.0
    for column, unit in zip(found.T, np.eye(size, dtype=X.dtype), strict=True):
        v, v0 = (part.reshape(np.shape(like)) for part, like in zip(_split(unit, w), (w, b), strict=True))
        more = {**case.more, "v": v, "v0": v0}
        with np.errstate(all="ignore"):
            right, allowed = reference(X, y, w, b, **more), bound(X, y, w, b, accuracy, **more)
            parts = (part.reshape(np.shape(like)) for part, like in zip(_split(column, w), (w, b), strict=True))
            verdict = _compare(Curvature(*parts), right, allowed)
        if not verdict.ok:
            return verdict
        used = max(used, verdict.used)
    return Verdict(None, used)


def _split(params: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights and the intercepts of a plan's parameters."""
    table = params.reshape(len(np.atleast_2d(w)), -1)
    return table[:, :-1], table[:, -1]


def _arrays(case: Case | VariantCase) -> dict[str, np.ndarray]:
    """Return the arrays that a step is given, by their names."""
    given = {**dict(zip(("X", "y", "w", "b"), case[1:5], strict=True)), **case.more}
    for part in ("data", "indices", "indptr") if hasattr(case.X, "indptr") else ():
        given[f"X.{part}"] = getattr(case.X, part)
    return {name: value for name, value in given.items() if isinstance(value, np.ndarray)}


def _misshapen(parts: Reference | Curvature, dtype: np.dtype, of_w: tuple[int, ...], of_b: tuple[int, ...]) -> str:
    """Return which part is no array or number of its shape and dtype; nothing where all are."""
    is_array = isinstance(parts.dw, np.ndarray)
    if not is_array or parts.dw.shape != of_w:
        found = (
            f"has shape {parts.dw.shape}, not {of_w}"
            if is_array
            else f"is of type {type(parts.dw).__name__}, not an array"
        )
        return f"dw {found}"
    for name, value in parts._asdict().items():
        own = getattr(value, "dtype", None)  # None would be equal to float64
        if own is None or own != dtype or np.shape(value) != {"cost": (), "dw": of_w, "db": of_b}[name]:
            return f"{name} is {type(value).__name__} of {own or 'no dtype'}, not {dtype}"
    return ""


def _compare(result: Reference | Curvature, right: Any, allowed: Any) -> Verdict:
    used = 0.0
    for name, computed, expected, limit in zip(right._fields, result, right, allowed, strict=True):
        computed, expected, limit = (np.atleast_1d(np.asarray(v, np.longdouble)) for v in (computed, expected, limit))
        same = np.where(np.isfinite(expected), np.isfinite(computed), _same_nonfinite(computed, expected))
        finite = same & np.isfinite(expected)
        share = np.zeros_like(limit)
        np.divide(np.abs(computed - expected), limit, out=share, where=finite)
        share[~same] = np.inf
        worst = np.unravel_index(np.argmax(share), share.shape)
        if not share[worst] <= 1:
            place = ", ".join(map(str, worst)) if np.ndim(right.dw) == 2 or name == "dw" else ""
            where = f"{name}[{place}]" if place and name != "cost" else name
            return Verdict(
                f"{where} is {computed[worst]:.17g}, expected {expected[worst]:.17g} within {limit[worst]:.2g}",
                float(share[worst]),
            )
        used = max(used, float(share[worst]))
    return Verdict(None, used)


def _zero_meets_nonfinite(X, y, w, b) -> bool:
    """Whether a NaN or infinity in X is multiplied by a weight or a dz of 0."""
    nonfinite = ~np.isfinite(X if isinstance(X, np.ndarray) else X.data)
    if not nonfinite.any():
        return False
    if np.ndim(w) == 2 or not isinstance(X, np.ndarray):
        return True  # or may be
    with np.errstate(all="ignore"):
        s = (1 - 2 * y.astype(X.dtype)) * ((X * w).sum(axis=1) + b)
        return bool(nonfinite[:, w == 0].any() or nonfinite[np.exp(s) == 0].any())


def _same_nonfinite(computed, expected):
    return (np.isnan(computed) & np.isnan(expected)) | (computed == expected)
