"""What a failure shows before any number is looked at: an exception, another form, a layout, kept state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .evidence import near
from .suite import AS_MADE
from .trial import OUTPUTS, copied

if TYPE_CHECKING:
    from ...conformance.oracle import Reference
    from .evidence import Evidence

FORMS = "a step returns (cost, dw, db): a scalar, an array of shape (n,) and a scalar"


def labels_dtype(e: Evidence) -> str | None:
    """Right once y has the dtype of X."""
    case = e.trial.case
    if case.y.dtype == case.X.dtype or not e.trial.repeat(case._replace(y=case.y.astype(case.X.dtype))).verdict.ok:
        return None
    return (
        f"The step is right once y is converted to the dtype of X, and wrong with y of dtype {case.y.dtype}: "
        "in unsigned arithmetic -y and 1 - 2y wrap around, a bool has no minus, and labels of a wider dtype widen "
        "every result. Begin with y = y.astype(X.dtype)."
    )


def memory_layout(e: Evidence) -> str | None:
    """Right once the arrays are contiguous, writeable and aligned in C order."""
    case, values = e.trial.case, e.trial.values
    if e.layout in ("C", AS_MADE):
        return None
    if e.trial.wrong and values and _near(values, e.trial.right, case.X.dtype):
        return None  # another order of the sums, no other numbers
    plain = case._replace(X=np.array(case.X, order="C"), y=case.y.copy(), w=case.w.copy())
    if not e.trial.repeat(plain, e.trial.right).verdict.ok:
        return None
    where = "X F" if e.layout == "F" else e.layout
    return (
        f"The memory layout is ignored: the step is right on the same numbers in C order, and wrong in the layout "
        f'"{where}". '
        "Index X as X[i, j] and let its strides decide where that is; do not read the raw buffer (ravel, reshape, a "
        "pointer) as if its rows lay one after the other."
    )


def out_of_memory(e: Evidence) -> str | None:
    """A MemoryError."""
    if not isinstance(e.trial.error, MemoryError):
        return None
    m, n = e.trial.case.X.shape
    return (
        f"The step ran out of memory with X of {m} x {n} numbers. A step needs a few arrays of m or n numbers: "
        "does something grow without end, or is an (m, m) array made, as by y[:, None] - a?"
    )


def raised(e: Evidence) -> str | None:
    """Any other exception."""
    error = e.trial.error
    return f"The step raised {type(error).__name__}: {error}" if error else None


def modified(e: Evidence) -> str | None:
    """X, y or w is no longer what it was."""
    said = e.trial.verdict.problem or ""
    name = said.removeprefix("modified ")
    if name == said:
        return None
    return (
        f"The input {name} is modified: an operation works in place ({name} -= …, {name}[…] = …, out={name}), and the "
        f"caller's array changes. Write {name} = {name} - …, or work on a copy."
    )


def nothing_returned(e: Evidence) -> str | None:
    """None was returned."""
    return f"The step returned None: is the return forgotten? {FORMS}." if e.trial.result is None else None


def other_results(e: Evidence) -> str | None:
    """Not three results."""
    result = e.trial.result
    try:
        count = len(tuple(result))
    except Exception:  # what is no result may be anything
        return f"The step returned a {type(result).__name__}; {FORMS}."
    named = isinstance(result, dict) and "; of a dict only the names would be read"
    return f"The step returned {count} results; {FORMS}{named or ''}." if count != 3 or named else None


def shapes(e: Evidence) -> str | None:
    """dw, cost or db of another shape."""
    (m, n), found = e.trial.case.X.shape, _shapes(e.trial.result)
    right = {"cost": (), "dw": (n,), "db": ()}
    name = next((name for name in ("dw", "cost", "db") if found[name] != right[name]), None)
    if name is None:
        return None
    known = (
        ((n, 1), "a column; z or dz is kept as a column (m, 1): keep it as (m,), or return dw.ravel()"),
        ((1, n), "a row; z or dz is kept as a row (1, m): keep it as (m,), or return dw.ravel()"),
        ((m,), "one number per sample: it is X @ something, where Xᵀ dz sums over the samples"),
        ((m, n), "one row per sample: the sum over the samples is missing"),
        ((), "a single number: the sum goes over the features too; it should run over the samples, axis 0"),
    )
    why = [text for shape, text in known if shape == found[name]]
    if name == "dw":
        said = why[0] if len(why) == 1 else "Xᵀ dz / m has that of w"  # with one sample or feature they look alike
        return f"dw has shape {found[name]}, expected {right[name]}: {said}."
    return f"{name} has shape {found[name]}, expected (), a scalar: sum or take the mean over all samples."


def dtypes(e: Evidence) -> str | None:
    """A result of another dtype than X, or none at all."""
    expected = e.trial.case.X.dtype
    for name, value in zip(OUTPUTS, e.trial.result, strict=True):
        found = getattr(value, "dtype", None)
        if found is None or (name == "dw" and not isinstance(value, np.ndarray)):
            return (
                f"{name} is a Python {type(value).__name__}, expected "
                f"{'an array' if name == 'dw' else 'a NumPy scalar'} of {expected}, the dtype of X: say "
                + ("np.array(dw, X.dtype)." if name == "dw" else f"X.dtype.type({name}).")
            )
        if found != expected:
            wider = expected == np.float32 and found == np.float64
            return (
                f"{name} has dtype {found}, expected {expected}, the dtype of X. "
                + ("Somewhere float32 is silently widened: np.zeros(n) and np.float64 scalars do so; " if wider else "")
                + "make buffers with the dtype of X, np.zeros(n, X.dtype)."
            )
    return None


def shares_memory(e: Evidence) -> str | None:
    """The dw is a view of an input."""
    if "shares memory" not in (e.trial.verdict.problem or ""):
        return None
    return "dw shares memory with an input: a caller who updates one changes the other. Return a fresh array."


def kept_state(e: Evidence) -> str | None:
    """Another result when called again."""
    again = [e.trial.repeat(copied(e.trial.case), e.trial.right) for _ in range(3)]
    first, second, third = (trial.values for trial in again)
    if first is None or second is None or third is None:
        return None
    dtype = e.trial.case.X.dtype
    if _near(first, second, dtype) and _near(second, third, dtype):
        return None
    grows = all(_evenly(*values, dtype) for values in zip(first, second, third, strict=True))
    return "The same input gives another result when the step is called again: " + (
        "it grows by the same amount each time. The gradient of the call before is kept: start dw, db and the cost "
        "from 0 inside the function (a default argument or a global array is made once only)."
        if grows
        else "something is kept between calls, in a global, a default argument or a buffer, or drawn at random."
    )


def _shapes(result: Any) -> dict[str, tuple[int, ...]]:
    return {name: np.shape(value) for name, value in zip(OUTPUTS, result, strict=True)}


def _near(one: Reference, other: Reference, dtype: np.dtype) -> bool:
    return all(near(a, b, dtype) for a, b in zip(one, other, strict=True))


def _evenly(first: Any, second: Any, third: Any, dtype: np.dtype) -> bool:
    """Whether it grows by the same amount twice."""
    return near(third - second, second - first, dtype)
