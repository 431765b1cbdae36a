"""What the numbers of a failure show by themselves: NaN, infinity, lost digits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ...conformance.bound import largest_z, notes_range
from .trial import listed

if TYPE_CHECKING:
    from .evidence import Evidence
    from .trial import Trial

DIGITS = {4: 7, 8: 16}


def overflow(e: Evidence) -> str | None:
    """NaN or infinity from finite inputs."""
    trial = e.trial
    names = [name for name in trial.wrong if not np.isfinite(getattr(trial.values, name)).all()]
    names = [name for name in names if np.isfinite(getattr(trial.right, name)).all()]
    finite = all(np.isfinite(value).all() for value in trial.case[1:])
    if not names or not finite:
        return None
    z, dtype = largest_z(trial.case.X, trial.case.w, trial.case.b), trial.case.X.dtype
    said = f"{listed(names)} is {_odd(trial, names[0])}, though every input is finite. "
    top = math.log(np.finfo(dtype).max)
    if z > -math.log(np.finfo(dtype).eps):
        return said + (
            f"|z| reaches {z:.4g} here, and the step overflows at saturation: "
            + (f"exp of more than {top:.0f} is inf in {dtype}, " if z > top else "")
            + "a rounds to 0 or 1, log(0) is -inf, and 0 times inf or inf - inf is NaN. Let no exponent be positive: "
            "e = exp(-|z|), and loss = max(s, 0) + log1p(e) with s = (1 - 2y) z."
        )
    return said + "An intermediate result overflows, or is 0/0: look at each in turn."


def nan_swallowed(e: Evidence) -> str | None:
    """A number where NaN or infinity is due."""
    trial = e.trial
    for name in trial.wrong:
        value, right = (np.atleast_1d(getattr(of, name)) for of in (trial.values, trial.right))
        for what, due in (("NaN", np.isnan(right)), ("infinity", np.isinf(right))):
            if (due & np.isfinite(value)).any():
                return (
                    f"{what} is swallowed: {name} should be {what} and is a number. A {what} in X, w or b must reach "
                    "the result, as IEEE 754 says, or broken data goes unnoticed. nan_to_num, nansum, clip, a "
                    "comparison such as max(z, 0), which is false for NaN, and -ffast-math all swallow it."
                )
    return None


def nan_made(e: Evidence) -> str | None:
    """NaN where IEEE arithmetic gives a number or infinity."""
    trial = e.trial
    for name in trial.wrong:
        value, right = (np.atleast_1d(getattr(of, name)) for of in (trial.values, trial.right))
        if (np.isnan(value) & ~np.isnan(right)).any():
            return (
                f"{name} is NaN, though it has a value here: with z = ±inf the loss is 0 or inf and dz is 0 or ±1. "
                "inf - inf and 0 * inf are NaN: in log(1 + e^z) - y z both terms are infinite. The signed margin "
                "s = (1 - 2y) z takes the limit by itself: max(s, 0) + log1p(exp(-|s|))."
            )
    return None


def cancellation(e: Evidence) -> str | None:
    """Within a weaker promise."""
    trial = e.trial
    if trial.values is None:
        return None
    said = f"Digits are lost to cancellation in {listed(trial.wrong)}: "
    if trial.accuracy == "relative" and trial.passes(trial.values, "absolute"):
        return said + (
            "where a sample is classified well, a is close to y, and a - y (or 1 - a) subtracts two nearly equal "
            "numbers: dz and the loss are tiny, and few of their digits are left. Take the signed margin "
            "s = (1 - 2y) z: dz = (1 - 2y) σ(s) and loss = log(1 + e^s) cancel nowhere. Most libraries form a - y; "
            "--accuracy absolute lets you."
        )
    if trial.accuracy != "notes" and _in_notes_range(trial) and trial.passes(trial.values, "notes"):
        return said + (
            "1 - a cancels where a is close to 1, and log(1 - a) loses about e^|z| rounding errors. "
            "log(1 + e^z) - y z, with log1p, does not. The notes' own logarithm within its range is what --accuracy "
            "notes asks for."
        )
    return None


def digits_lost(e: Evidence) -> str | None:
    """Nearly right."""
    trial = e.trial
    errors = []
    for name in trial.wrong:
        value, right = (np.atleast_1d(getattr(of, name)) for of in (trial.values, trial.right))
        with np.errstate(all="ignore"):
            errors.append(float(np.abs(value - right).max() / np.abs(right).max()))
    if not errors or not max(errors) < 1e-2:
        return None
    digits, all_digits = max(int(-math.log10(max(errors))), 0), DIGITS[trial.case.X.itemsize]
    narrow = "a float32 array or scalar among float64, " if all_digits == 16 and 5 <= digits <= 9 else ""
    return (
        f"Accuracy is lost: {listed(trial.wrong)} agrees with the right answer to {digits} of {all_digits} "
        f"digits. Look for {narrow}a lower precision in between, an approximated exp or log, log(1 + e) where log1p(e) "
        "keeps the digits of a small e, or a long sum carried in few digits."
    )


def _odd(trial: Trial, name: str) -> str:
    value = np.atleast_1d(getattr(trial.values, name))
    return "NaN" if np.isnan(value).any() else "infinite"


def _in_notes_range(trial: Trial) -> bool:
    return largest_z(trial.case.X, trial.case.w, trial.case.b) <= notes_range(trial.case.X.dtype)
