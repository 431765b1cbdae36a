"""Bad input: every public entry refuses it by name; what is converted is what the contract says."""

import inspect
from fractions import Fraction

import numpy as np
import pytest
from looptax.kernels import fastest, ladder, plan, threads
from looptax.kernels.choose import isa, schedule
from looptax.kernels.parts import partial
from looptax.pyimpl.course.descent import descend, descend_curve
from looptax.pyimpl.parts.contract import Step, check

X3 = np.arange(6.0).reshape(3, 2)
GOOD = {"X": X3, "y": np.array([0.0, 1.0, 1.0]), "w": np.array([0.5, -0.5]), "b": 0.1}

BAD = {
    "X is a list": ({"X": [[1.0, 2.0]] * 3}, TypeError, "X is a list; expected a 2-D numpy.ndarray"),
    "X is None": ({"X": None}, TypeError, "X is a NoneType"),
    "X is a matrix": ({"X": X3.view(np.matrix)}, TypeError, "X is a numpy.*matrix"),
    "X is masked": ({"X": np.ma.masked_less(X3, 1)}, TypeError, "X is a numpy.ma.*MaskedArray"),
    "X is 0-d": ({"X": np.array(1.0)}, ValueError, r"X has 0 dimensions, shape \(\); expected 2-D"),
    "X is 1-d": ({"X": np.ones(3)}, ValueError, "X has 1 dimensions"),
    "X is 3-d": ({"X": np.ones((3, 2, 1))}, ValueError, "X has 3 dimensions"),
    "X has no samples": ({"X": np.ones((0, 2)), "y": np.ones(0)}, ValueError, "at least one sample and one feature"),
    "X has no features": ({"X": np.ones((3, 0)), "w": np.ones(0)}, ValueError, "at least one sample and one feature"),
    "X is integer": ({"X": np.ones((3, 2), int)}, TypeError, "X has dtype int64; expected float32 or float64"),
    "X is bool": ({"X": np.ones((3, 2), bool)}, TypeError, "X has dtype bool"),
    "X is float16": ({"X": np.ones((3, 2), np.float16)}, TypeError, "X has dtype float16"),
    "X is long double": ({"X": np.ones((3, 2), np.longdouble)}, TypeError, "X has dtype (float128|longdouble|float96)"),
    "X is complex": ({"X": np.ones((3, 2), complex)}, TypeError, "X has dtype complex128"),
    "X is object": ({"X": np.ones((3, 2), object)}, TypeError, "X has dtype object"),
    "X is strings": ({"X": np.full((3, 2), "1")}, TypeError, "X has dtype <U1"),
    "X is byte-swapped": ({"X": X3.astype(">f8")}, TypeError, r"X has dtype >f8 \(byte-swapped\); expected .* native"),
    "y is a list": ({"y": [0.0, 1.0, 1.0]}, TypeError, "y is a list; expected a 1-D numpy.ndarray, one label"),
    "y is a column": ({"y": np.ones((3, 1))}, ValueError, "y has 2 dimensions"),
    "y is 0-d": ({"y": np.array(1.0)}, ValueError, "y has 0 dimensions"),
    "y is too short": ({"y": np.ones(2)}, ValueError, "y has 2 labels; expected 3, one for each row of X"),
    "y is too long": ({"y": np.ones(4)}, ValueError, "y has 4 labels"),
    "y has a 2": ({"y": np.array([0.0, 1.0, 2.0])}, ValueError, r"y\[2\] is 2.0; expected every label to be 0 or 1"),
    "y has -1": ({"y": np.array([0, -1, 1])}, ValueError, r"y\[1\] is -1"),
    "y has NaN": ({"y": np.array([np.nan, 1, 1])}, ValueError, r"y\[0\] is nan"),
    "y is a probability": ({"y": np.array([0.5, 1, 1])}, ValueError, r"y\[0\] is 0.5"),
    "y is complex": ({"y": np.ones(3, complex)}, TypeError, "y has dtype complex128; expected bool, integer or float"),
    "y is object": ({"y": np.ones(3, object)}, TypeError, "y has dtype object"),
    "y is strings": ({"y": np.array(["0", "1", "1"])}, TypeError, "y has dtype <U1"),
    "y is byte-swapped": ({"y": np.ones(3, ">f8")}, TypeError, "y has dtype >f8"),
    "w is a list": ({"w": [0.5, -0.5]}, TypeError, "w is a list; expected a 1-D numpy.ndarray, one weight"),
    "w is a column": ({"w": np.ones((2, 1))}, ValueError, "w has 2 dimensions"),
    "w is too short": ({"w": np.ones(1)}, ValueError, "w has 1 weights; expected 2, one for each column of X"),
    "w is too long": ({"w": np.ones(3)}, ValueError, "w has 3 weights"),
    "w is float32": ({"w": np.ones(2, np.float32)}, TypeError, "w has dtype float32; expected float64, the dtype of X"),
    "w is integer": ({"w": np.ones(2, int)}, TypeError, "w has dtype int64"),
    "w is byte-swapped": ({"w": np.ones(2, ">f8")}, TypeError, "w has dtype >f8"),
    "b is a string": ({"b": "0"}, TypeError, "b is a str; expected a real number"),
    "b is None": ({"b": None}, TypeError, "b is a NoneType"),
    "b is an array": ({"b": np.array([0.1])}, TypeError, r"b is a numpy.ndarray of shape \(1,\).*real number: b.item"),
    "b is 0-d bool": ({"b": np.array(True)}, TypeError, "b is a numpy.bool"),
    "b is 0-d complex": ({"b": np.array(1j)}, TypeError, "b is a numpy.complex128"),
    "b is complex": ({"b": 1j}, TypeError, "b is a complex"),
    "b is bool": ({"b": True}, TypeError, "b is a bool"),
    "b is too large": ({"b": 10**400}, ValueError, "b is .* overflows float64"),
    "b overflows float32": (
        {"X": X3.astype("f4"), "w": np.ones(2, "f4"), "b": 1e300}, ValueError, "b is .* overflows float32"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=str)
def test_every_rung_refuses(step, case):
    change, error, message = BAD[case]
    with pytest.raises(error, match=message):
        step(**{**GOOD, **change})


@pytest.mark.parametrize("case", BAD, ids=str)
def test_other_entries_refuse(case):
    change, error, message = BAD[case]
    arguments = {**GOOD, **change}
    with pytest.raises(error, match=message):
        fastest(**arguments)
    with pytest.raises(error, match=message):
        descend(fastest, **arguments, learning_rate=0.1, iterations=1)


class Shy:
    """A value that cannot be shown."""

    def __repr__(self):
        raise RuntimeError


LONG, DIGITS, BEYOND = "long " * 9999, 10**400, 10**9999  # of the last, Python writes no digits
FIELDS = np.zeros((3, 2), [(f"field {k}", float) for k in range(999)])


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: check(**{**GOOD, "b": DIGITS}), r"b is 10{29}\.\.\. \(401 characters\), which overflows float64"),
        (lambda: check(**{**GOOD, "b": BEYOND}), "b is a int that cannot be shown, which overflows float64"),
        (lambda: check(**{**GOOD, "X": FIELDS}), "X has dtype .*; expected float32"),
        (lambda: check(**{**GOOD, "y": FIELDS["field 1"].astype(FIELDS.dtype)[:, 0]}), "y has dtype .*; expected bool"),
        (lambda: descend(fastest, **GOOD, learning_rate=-DIGITS, iterations=1), "learning_rate is -1000"),
        (lambda: descend(fastest, **GOOD, learning_rate=Fraction(-DIGITS, DIGITS - 1), iterations=1), "rate is Fract"),
        (lambda: descend(fastest, **GOOD, learning_rate=0.1, iterations=-DIGITS), "iterations is -1000"),
        (lambda: descend(fastest, **GOOD, learning_rate=0.1, iterations=-BEYOND), "iterations is a int that cannot"),
        (lambda: descend(fastest, **GOOD, learning_rate=0.1, iterations=LONG), "iterations is 'long"),
        (lambda: descend(fastest, **GOOD, learning_rate=0.1, iterations=Shy()), "iterations is a .*Shy that cannot"),
        (lambda: descend(lambda *_: LONG, **GOOD, learning_rate=0.1, iterations=1), "step returned 'long"),
        (lambda: descend_curve(abs, abs, DIGITS, learning_rate=0.1, iterations=1), "w is 1000"),
        (lambda: threads(-BEYOND).__enter__(), "n is a int that cannot be shown; expected a positive integer"),
        (lambda: plan(X3, GOOD["y"], threads=LONG), "threads is 'long"),
        (lambda: plan(X3, GOOD["y"], effort=LONG), "effort is 'long"),
        (lambda: ladder.rung(LONG), "no rung is named .long"),
        (lambda: schedule.Schedule.parse(LONG), "schedule 'long .* begins with 'long"),
        (lambda: schedule.Schedule.parse("tile=9," + LONG), "schedule 'tile=9,long .* has 'long"),
        (lambda: partial.sums(**GOOD, order=LONG), "order is 'long"),
        (lambda: isa.chosen("cython_tuned"), "LOOPTAX_ISA is 'long"),
    ],
)
def test_an_error_is_short_whatever_it_was_given(call, told, monkeypatch):
    monkeypatch.setenv(isa.VARIABLE, LONG[:9999])
    with pytest.raises((TypeError, ValueError, KeyError, ImportError), match=told) as caught:
        call()
    assert len(str(caught.value)) < 500


def test_every_rung_has_the_same_signature(step, rung):
    assert [*inspect.signature(step).parameters][:4] == ["X", "y", "w", "b"]
    assert step.__doc__


def test_result(step, samples):
    for dtype in (np.float32, np.float64):
        X, y, w, b = samples
        result = step(X.astype(dtype), y, w.astype(dtype), b)
        assert isinstance(result, Step)
        assert type(result.cost) is type(result.db) is dtype
        assert result.dw.dtype == dtype
        assert result.dw.flags.owndata
        assert result.dw.flags.writeable


@pytest.mark.parametrize(
    "b", [0, -1, 0.5, np.float32(0.5), np.float64(0.5), np.int8(2), np.array(0.5), np.array(2, "f4")]
)
def test_b_may_be_any_real_number(step, samples, b):
    X, y, w, _ = samples
    assert step(X, y, w, b).cost == step(X, y, w, float(b)).cost


def test_X_is_never_copied():
    X = np.asfortranarray(np.arange(12.0).reshape(4, 3))[::2, ::-1]
    checked, *_ = check(X, np.array([0, 1]), np.ones(3), 0.0)
    assert checked is X


def test_small_vectors_are_made_plain():
    _, y, w, b = check(X3.astype("f4"), np.array([True, False, True]), np.ones(4, "f4")[::2], 0.25)
    assert y.dtype == w.dtype == b.dtype == np.float32
    assert w.flags.c_contiguous
    same = np.array([0.5, 0.5])
    assert check(X3, GOOD["y"], same, 0.0)[2] is same


def test_finite_is_checked_where_asked():
    for name, value in (("X", np.full((3, 2), np.inf)), ("w", np.array([0.0, np.nan])), ("b", np.inf)):
        arguments = {**GOOD, name: value}
        check(**arguments)
        with pytest.raises(ValueError, match=f"{name} holds NaN or infinity"):
            check(**arguments, finite=True)
