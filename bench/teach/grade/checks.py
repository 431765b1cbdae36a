"""What a failure shows without a formula: an exception, another form, kept state, no number, lost digits.

A check returns its explanation, or None where it does not apply. Its name is the kind of the mistake.
"""

from __future__ import annotations

import math
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from ...conformance.bound import largest_z, notes_range
from .suite import AS_MADE
from .trial import OUTPUTS, agree, numbers
from .words import listed, say

if TYPE_CHECKING:
    from .trial import Trial

FORMS = "a step returns (cost, dw, db): a scalar, an array of shape (n,) and a scalar"
SATURATED = (
    ". Where |z| is larger still, a is rounded to 0 or 1, np.log(a) is log(0), and the cost is inf or NaN: the stable "
    "form has no such place."
)
CLOSE = (
    "Digits are lost to cancellation in {0}: where a sample is classified well, a is close to y, and a - y (or 1 - a) "
    "subtracts two nearly equal numbers: dz and the loss are tiny, and few of their digits are left. Take the signed "
    "margin s = (1 - 2y) z: dz = (1 - 2y) σ(s) and loss = log(1 + e^s) cancel nowhere"
    f"{SATURATED} Most libraries form a - y; --accuracy absolute lets you."
)
NOTES = (
    "Digits are lost to cancellation in {0}: 1 - a cancels where a is close to 1, and log(1 - a) loses about e^|z| "
    f"rounding errors. log(1 + e^z) - y z, with log1p, does not{SATURATED} The notes' own logarithm within its range "
    "is what --accuracy notes asks for."
)
DIGITS = {4: 7, 8: 16}  # of a float32 and a float64


def out_of_memory(trial: Trial) -> str | None:
    """It raised a MemoryError."""
    said = say(
        "The step ran out of memory with X of {0} x {1} numbers. A step needs a few arrays of m or n numbers: does "
        "something grow without end, or is an (m, m) array made, as by y[:, None] - a?",
        *trial.case.X.shape,
    )
    return said if isinstance(trial.error, MemoryError) else None


def labels_dtype(trial: Trial) -> str | None:
    """It is right once y has the dtype of X."""
    case, kind = trial.case, trial.case.y.dtype
    converted = case._replace(y=case.y.astype(trial.dtype))
    if kind == trial.dtype or not trial.again(converted, trial.layout).verdict.ok:
        return None
    return say(
        "The step is right once y is converted to the dtype of X, and wrong with y of dtype {kind}: in unsigned "
        "arithmetic -y and 1 - 2y wrap around, a bool has no minus, and labels of a wider dtype widen every result. "
        "Begin with y = y.astype(X.dtype).",
        kind=kind,
    )


def memory_layout(trial: Trial) -> str | None:
    """It is right once the arrays are contiguous, writeable and aligned in C order."""
    if trial.layout in ("C", AS_MADE):
        return None
    same = trial.wrong and trial.values and agree(trial.values, trial.right, trial.dtype)
    if same or not trial.again(trial.case).verdict.ok:  # the same: another order of the sums, no other numbers
        return None
    where = "X F" if trial.layout == "F" else trial.layout
    return say(
        'The memory layout is ignored: the step is right on the same numbers in C order, and wrong in "{where}". '
        "Index X as X[i, j] and let its strides decide where that is; do not read the raw buffer (ravel, reshape, a "
        "pointer) as if its rows lay one after the other.",
        where=where,
    )


def raised(trial: Trial) -> str | None:
    """It raised another exception."""
    error = trial.error
    return say("The step raised {0}: {1}", type(error).__name__, error) if error else None


def input_modified(trial: Trial) -> str | None:
    """X, y or w is no longer what it was."""
    said = (
        "The input {0} is modified: an operation works in place ({0} -= …, {0}[…] = …, out={0}), and the caller's "
        "array changes. Write {0} = {0} - …, or work on a copy."
    )
    before, _, name = (trial.verdict.problem or "").partition("modified ")
    return say(said, name) if name and not before else None


def nothing_returned(trial: Trial) -> str | None:
    """It returned None."""
    said = "The step returned None: is the return forgotten? {forms}."
    return say(said, forms=say(FORMS)) if trial.result is None else None


def number_of_results(trial: Trial) -> str | None:
    """It returned another number of results than three, or a dict of them."""
    try:
        count = len(tuple(trial.result))
    except Exception:  # what is no result may be anything
        return say("The step returned a {kind}; {forms}.", kind=type(trial.result).__name__, forms=say(FORMS))
    named = say("; of a dict only the names would be read") if isinstance(trial.result, dict) else ""
    said = say("The step returned {count} results; {forms}{named}.", count=count, forms=say(FORMS), named=named)
    return said if named or count != 3 else None


def order_of_results(trial: Trial) -> str | None:
    """What it returned is right in another order."""
    for order in permutations(range(3)):
        results = trial.read([trial.result[k] for k in order])
        if order != (0, 1, 2) and results and agree(results, trial.right, trial.dtype):
            names = [OUTPUTS[order.index(k)] for k in range(3)]
            said = "The results are in the order ({names}); {forms}, in this order."
            return say(said, names=", ".join(names), forms=say(FORMS))
    return None


def shape(trial: Trial) -> str | None:
    """Something that was returned has another shape."""
    m, n = trial.case.X.shape
    try:
        cost, dw, db = (numbers(value).shape for value in trial.result)
    except (TypeError, ValueError):  # of no shape, but of another type
        return None
    if dw == (n,):
        name, found = ("cost", cost) if cost else ("db", db)
        said = say("{0} has shape {1}, expected (): sum or take the mean over all samples.", name, found)
        return said if found else None
    known = (
        ((n, 1), "a column; z or dz is kept as a column (m, 1): keep it as (m,), or return dw.ravel()"),
        ((1, n), "a row; z or dz is kept as a row (1, m): keep it as (m,), or return dw.ravel()"),
        ((m,), "one number per sample: it is X @ something, where Xᵀ dz sums over the samples"),
        ((m, n), "one row per sample: the sum over the samples is missing"),
        ((), "a single number: the sum goes over the features too; it should run over the samples, axis 0"),
    )
    why = [text for shape, text in known if shape == dw]
    said = why[0] if len(why) == 1 else "Xᵀ dz / m has that of w"  # with one sample or feature they look alike
    return say("dw has shape {found}, expected {expected}: {why}.", found=dw, expected=(n,), why=say(said))


def dtype(trial: Trial) -> str | None:
    """Something that was returned has another dtype than X, or none; where the numbers are wrong, that comes first."""
    if trial.wrong and not digits_lost(trial):
        return None
    for name, value in zip(OUTPUTS, trial.result, strict=True):
        found, kind = getattr(value, "dtype", None), type(value).__name__
        if name == "dw" and not isinstance(value, np.ndarray):
            return say("dw is a {0}, expected an array of {1}: say np.array(dw, X.dtype).", kind, trial.dtype)
        if found is None:
            said = "{0} is a {1}, expected a NumPy scalar of {2}: say X.dtype.type({0})."
            return say(said, name, kind, trial.dtype)
        if found != trial.dtype:
            wider = found == np.float64 and trial.dtype == np.float32
            how = "float32 is silently widened where np.zeros(n) or an np.float64 scalar takes part. "
            said = "{0} has dtype {1}, expected {2}, the dtype of X. {3}Make buffers with it, np.zeros(n, X.dtype)."
            return say(said, name, found, trial.dtype, say(how) if wider else "")
    return None


def shared_memory(trial: Trial) -> str | None:
    """The dw is a view of an input."""
    said = say("dw shares memory with an input: a caller who updates one changes the other. Return a fresh array.")
    return said if "shares memory" in (trial.verdict.problem or "") else None


def state_kept(trial: Trial) -> str | None:
    """It returns another result when called again."""
    first, second, third = (trial.again(trial.case, trial.layout).values for _ in range(3))
    if first is None or second is None or third is None:
        return None
    if agree(first, second, trial.dtype) and agree(second, third, trial.dtype):
        return None
    calls = [np.array([*each.dw, each.cost, each.db]) for each in (first, second, third)]
    grows = np.allclose(calls[2] - calls[1], calls[1] - calls[0], rtol=1e-3)
    return say("The same input gives another result when the step is called again: ") + say(
        "it grows by the same amount each time. The gradient of the call before is kept: start dw, db and the cost "
        "from 0 inside the function (a default argument or a global array is made once only)."
        if grows
        else "something is kept between calls, in a global, a default argument or a buffer, or drawn at random."
    )


def overflow(trial: Trial) -> str | None:
    """It returned NaN or infinity for finite inputs that have an answer."""
    odd = {
        name: "NaN" if np.isnan(value).any() else "infinite"
        for name, (value, right) in trial.wrong.items()
        if np.isfinite(right).all() and not np.isfinite(value).all()
    }
    if not odd or not all(np.isfinite(value).all() for value in trial.case[1:]):
        return None
    one = len(odd) == 1
    said = say("{0} {are} {1}, though every input is finite.", listed([*odd]), say(next(iter(odd.values()))),
               are="is" if one else "are")  # fmt: skip
    z, info = largest_z(trial.case.X, trial.case.w, trial.case.b), np.finfo(trial.dtype)
    if z <= -math.log(info.eps):
        return say("{0} An intermediate result overflows, or is 0/0: look at each in turn.", said)
    top = math.log(info.max)
    beyond = say("exp of more than {0:.0f} is inf in {1}, ", top, trial.dtype) if z > top else ""
    return say(
        "{0} |z| reaches {1:.4g} here, and the step overflows at saturation: {2}a rounds to 0 or 1, log(0) is -inf, "
        "and 0 times inf or inf - inf is NaN. Let no exponent be positive: e = exp(-|z|), and loss = max(s, 0) + "
        "log1p(e) with s = (1 - 2y) z.",
        said, z, beyond,
    )  # fmt: skip


def NaN_swallowed(trial: Trial) -> str | None:
    """It returned a number where NaN or infinity is due."""
    said = (
        "{0} is swallowed: {1} should be {0} and is a number. A {0} in X, w or b must reach the result, as IEEE 754 "
        "says, or broken data goes unnoticed. nan_to_num, nansum, clip, a comparison such as max(z, 0), which is false "
        "for NaN, and -ffast-math all swallow it."
    )
    for name, (value, right) in trial.wrong.items():
        for what, due in (("NaN", np.isnan(right)), ("infinity", np.isinf(right))):
            if (due & np.isfinite(value)).any():
                return say(said, say(what), name)
    return None


def NaN_made(trial: Trial) -> str | None:
    """It returned NaN where IEEE arithmetic gives a number or infinity."""
    said = (
        "{} is NaN, though it has a value here: with z = ±inf the loss is 0 or inf and dz is 0 or ±1. inf - inf and "
        "0 * inf are NaN: in log(1 + e^z) - y z both terms are infinite. The signed margin s = (1 - 2y) z takes the "
        "limit by itself: max(s, 0) + log1p(exp(-|s|))."
    )
    made = [name for name, (value, right) in trial.wrong.items() if (np.isnan(value) & ~np.isnan(right)).any()]
    return say(said, made[0]) if made else None


def cancellation(trial: Trial) -> str | None:
    """It keeps a weaker promise."""
    outputs = listed([*trial.wrong])
    if trial.values and trial.accuracy == "relative" and trial.passes(trial.values, "absolute"):
        return say(CLOSE, outputs)
    in_range = largest_z(trial.case.X, trial.case.w, trial.case.b) <= notes_range(trial.dtype)
    if trial.values and trial.accuracy != "notes" and in_range and trial.passes(trial.values, "notes"):
        return say(NOTES, outputs)
    return None


def digits_lost(trial: Trial) -> str | None:
    """It is nearly right."""
    with np.errstate(all="ignore"):
        errors = [float(np.abs(value - right).max() / np.abs(right).max()) for value, right in trial.wrong.values()]
    if not errors or not max(errors) < 1e-2:
        return None
    digits, all_digits = max(int(-math.log10(max(errors))), 0), DIGITS[trial.dtype.itemsize]
    narrow = "a float32 array or scalar among float64, "
    return say(
        "Accuracy is lost: {0} {agree} with the right answer to {1} of {2} digits. Look for {3}a lower precision in "
        "between, an approximated exp or log, log(1 + e) where log1p(e) keeps the digits of a small e, or a long sum "
        "carried in few digits.",
        listed([*trial.wrong]), digits, all_digits, say(narrow) if all_digits == 16 and 5 <= digits <= 9 else "",
        agree="agrees" if len(trial.wrong) == 1 else "agree",
    )  # fmt: skip


OF_THE_FORM = (
    out_of_memory, labels_dtype, memory_layout, raised, input_modified, nothing_returned, number_of_results,
    order_of_results, shape, dtype, shared_memory, state_kept,
)  # fmt: skip
OF_THE_NUMBERS = (overflow, NaN_swallowed, NaN_made, cancellation, digits_lost)
