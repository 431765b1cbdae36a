"""The polynomials of exp and log have the same coefficients in C, in Numba and in Cython, number by number."""

import re
from functools import reduce
from inspect import getclosurevars
from pathlib import Path

import mpmath
import numpy as np
import pytest
from looptax import kernels

PARTS = Path(kernels.__file__).parent / "parts"
NUMBER = r"-?\d[\d.]*(?:e-?\d+)?"
DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def numbers(text, dtype, before=""):
    """The numbers of a text, or those behind what stands before them, as they are in a dtype."""
    return [dtype(number) for number in re.findall(before + f"({NUMBER})", text)]


def in_c(dtype):
    """Of loss.h: both polynomials, the highest power first, then ln 2 in two parts and the limit of exp."""
    both = (PARTS / "loss.h").read_text("utf-8").partition("#if REAL == 64")[2].partition("#endif")[0]
    text = both.split("#else")[dtype is np.float32]
    exp, atanh = (numbers(re.search(rf" {name}\[\] = {{(.*?)}}", text, re.S)[1], dtype) for name in ("EXP", "ATANH"))
    rest = [numbers(text, dtype, f"{name} ")[0] for name in ("LN2_HIGH", "LN2_LOW", "LIMIT")]
    return exp[::-1], atanh[::-1], rest


def in_numba(dtype):
    """The same of what `numba_link` compiles."""
    link = pytest.importorskip("looptax.kernels.parts.numba_link")
    has = getclosurevars(link._f32 if dtype is np.float32 else link._f64).nonlocals
    exp, atanh = ([has[f"{name}_first"], *has[f"{name}_rest"]] for name in ("exp", "atanh"))
    return exp, atanh, [has[name] for name in ("ln2_high", "ln2_low", "limit")]


def in_cython(dtype):
    """The same of link.pxd."""
    text = (PARTS / "link.pxd").read_text("utf-8")
    bodies = re.findall(r"cdef inline \w+ (\w+)_f(\d+)\(.*?\n(.*?)\n\n", text, re.S)
    code = {(name, int(bits)): body for name, bits, body in bodies}
    exp, atanh = (code[name, np.finfo(dtype).bits] for name in ("exp_neg", "atanh_ratio"))
    limits = dict(zip((np.float32, np.float64), numbers(re.search("limit = .*", text)[0], dtype), strict=True))
    if dtype is np.float32:
        return (
            numbers(exp, dtype, r"c\d = ") + numbers(exp, dtype, "half = "),
            numbers(atanh, dtype, r"c\d = "),
            [*numbers(exp, dtype, "high = "), *numbers(exp, dtype, "low = "), limits[dtype]],
        )
    term = r"p(?: = p)?(?: \* [rq] \+| =) "
    return numbers(exp, dtype, term), numbers(atanh, dtype, term), [*numbers(exp, dtype, r"k \* "), limits[dtype]]


def horner(coefficients, x):
    """The polynomial's value; the coefficient of the highest power is the first."""
    return reduce(lambda value, coefficient: value * x + coefficient, coefficients)


@DTYPES
@pytest.mark.parametrize("other", [in_numba, in_cython])
def test_are_those_of_c(dtype, other):
    exp, atanh, rest = in_c(dtype)
    assert other(dtype) == (exp, atanh, rest)
    assert {type(number) for number in (*exp, *atanh, *rest)} == {dtype}


@DTYPES
def test_fit_what_they_are_for(dtype):
    """(e^r - 1 - r) / r² for |r| <= ln(2)/2, and 2 atanh(v) / v for v <= 1/3, to two units in the last place."""
    exp, atanh, _ = ([mpmath.mpf(float(number)) for number in part] for part in in_c(dtype))
    with mpmath.workdps(40):
        for k in range(1, 51):
            r, v = mpmath.log(2) / 2 * k / 50, mpmath.mpf(k) / 150
            for found, right in (
                (horner(exp, r), (mpmath.exp(r) - 1 - r) / r**2),
                (horner(exp, -r), (mpmath.exp(-r) - 1 + r) / r**2),
                (horner(atanh, v * v), 2 * mpmath.atanh(v) / v),
            ):
                assert abs(found / right - 1) < 2 * np.finfo(dtype).eps
