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
from scipy.sparse import coo_array, csc_matrix, csr_array

X3 = np.arange(6.0).reshape(3, 2)
GOOD = {"X": X3, "y": np.array([0.0, 1.0, 1.0]), "w": np.array([0.5, -0.5]), "b": 0.1}
SWAPPED = np.dtype(np.float64).newbyteorder()

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
    "b is an array": ({"b": np.array([0.1, 0.2])}, TypeError, "b is a numpy.ndarray; expected a real number$"),
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


def sparse(**parts):
    """Compressed rows, of which a part is changed as no method of SciPy's would."""
    X = csr_array(X3)
    for name, value in parts.items():
        setattr(X, name, value)
    return X


Y, Y3, W3, B3 = GOOD["y"], np.array([0, 1, 2]), np.zeros((3, 2)), np.zeros(3)
WEIGHTS = np.ones(3)


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ([1, 1, 1], TypeError, "sample_weight is a list; expected a 1-D numpy.ndarray, one weight per sample"),
        (1.0, TypeError, "sample_weight is a float"),
        (np.ones((3, 1)), ValueError, r"sample_weight has 2 dimensions, shape \(3, 1\); expected 1-D"),
        (np.ones(3, complex), TypeError, "sample_weight has dtype complex128; expected real numbers in native"),
        (np.ones(3, SWAPPED), TypeError, r"sample_weight has dtype .f8 \(byte-swapped\)"),
        (np.ones(2), ValueError, "sample_weight has 2 weights; expected 3, one for each row of X"),
        (np.array([1, -1, -2]), ValueError, r"sample_weight\[1\] is -1; expected a finite number, 0 or more"),
        (np.array([1, 1, np.nan]), ValueError, r"sample_weight\[2\] is nan"),
        (np.array([np.inf, np.nan, 1], "f4"), ValueError, r"sample_weight\[0\] is inf"),
        (np.zeros(3, int), ValueError, "sample_weight is 0 for all samples; expected at least one that counts"),
    ],
)
def test_weights_of_samples(weights, error, message):
    for call in (
        lambda: fastest(**GOOD, sample_weight=weights),
        lambda: plan(X3, Y, sample_weight=weights),
        lambda: plan(csr_array(X3), Y, sample_weight=weights),
        lambda: fastest.softmax(X3, Y3, W3, B3, sample_weight=weights),
    ):
        with pytest.raises(error, match=message):
            call()


@pytest.mark.parametrize(("weight", "message"), [(1e300, r"sample_weight\[0\] is inf"), (1e-300, "0 for all samples")])
def test_weights_that_float32_cannot_hold(weight, message):
    with pytest.raises(ValueError, match=message):
        fastest(X3.astype("f4"), Y, np.zeros(2, "f4"), 0.0, sample_weight=np.full(3, weight))


@pytest.mark.parametrize(
    ("l2", "error", "message"),
    [
        ("1", TypeError, "l2 is a str; expected a real number"),
        (None, TypeError, "l2 is a NoneType"),
        (True, TypeError, "l2 is a bool"),
        (np.ones(3), TypeError, "l2 is a numpy.ndarray"),
        (-0.5, ValueError, "l2 is -0.5; expected a finite number, 0 or more"),
        (np.inf, ValueError, "l2 is inf"),
        (10**400, ValueError, "l2 is .* overflows float64"),
        (np.nan, ValueError, "l2 is nan"),
    ],
)
def test_penalties(l2, error, message):
    for call in (
        lambda: fastest(**GOOD, l2=l2),
        lambda: plan(X3, Y, l2=l2),
        lambda: fastest.softmax(X3, Y3, W3, B3, l2=l2),
    ):
        with pytest.raises(error, match=message):
            call()


CLASSES = {
    "y is a list": ({"y": [0, 1, 2]}, TypeError, "y is a list; expected a 1-D numpy.ndarray, one label per sample"),
    "y is strings": ({"y": np.array(["a", "b", "c"])}, TypeError, "y has dtype <U1; expected bool, integer or float"),
    "y is short": ({"y": Y3[:2]}, ValueError, "y has 2 labels; expected 3, one for each row of X"),
    "y is 3": ({"y": Y3 + 1}, ValueError, r"y\[2\] is 3; expected a whole number from 0 to 2, of 3 classes"),
    "y is -1": ({"y": Y3 - 1.0}, ValueError, r"y\[0\] is -1.0"),
    "y is 0.5": ({"y": np.array([0, 0.5, 9])}, ValueError, r"y\[1\] is 0.5"),
    "y is NaN": ({"y": np.array([0, 1, np.nan])}, ValueError, r"y\[2\] is nan"),
    "W is a list": ({"W": W3.tolist()}, TypeError, "W is a list; expected a 2-D .* a row of weights for each class"),
    "W is 1-d": ({"W": W3[0]}, ValueError, r"W has 1 dimensions, shape \(2,\); expected 2-D, .* for each class$"),
    "W has one class": ({"W": W3[:1]}, ValueError, "classes is 1; expected 2 or more"),
    "W is float32": (
        {"W": W3.astype("f4")},
        TypeError,
        r"W has dtype float32; expected float64.*: W.astype",
    ),
    "W is turned": ({"W": np.zeros((3, 4))}, ValueError, r"W has shape \(3, 4\); expected \(3, 2\), a row of weights"),
    "b is a number": ({"b": 0.0}, TypeError, "b is a float; expected a 1-D numpy.ndarray, an intercept for each class"),
    "b is a column": ({"b": B3[:, None]}, ValueError, r"b has 2 dimensions, .*: b.ravel\(\)"),
    "b is float32": ({"b": B3.astype("f4")}, TypeError, "b has dtype float32; expected float64, the dtype of X"),
    "b is short": ({"b": B3[:2]}, ValueError, r"b has shape \(2,\); expected \(3,\), an intercept for each class"),
}


@pytest.mark.parametrize("case", CLASSES)
def test_several_classes(case):
    change, error, message = CLASSES[case]
    arguments = {"X": X3, "y": Y3, "W": W3, "b": B3, **change}
    with pytest.raises(error, match=message):
        fastest.softmax(**arguments)


@pytest.mark.parametrize(
    ("classes", "message"),
    [(1, "classes is 1; expected 2 or more"), (0, "classes is 0"), (2.0, "classes is 2.0"), ("2", "classes is '2'")],
)
def test_numbers_of_classes(classes, message):
    with pytest.raises(ValueError, match=message):
        plan(X3, Y3, classes=classes)


SPARSE = {
    "columns": (csc_matrix(X3), TypeError, r"X is a csc_matrix; expected a dense .* compressed rows: X.tocsr\(\)$"),
    "triples": (coo_array(X3), TypeError, r"X is a coo_array; expected .*: X.tocsr\(\)$"),
    "integers": (csr_array(X3.astype(int)), TypeError, r"X has dtype int64; .*: X.astype\(np.float64\)$"),
    "no samples": (csr_array((0, 2)), ValueError, r"X has shape \(0, 2\); expected at least one sample"),
    "2-D values": (sparse(data=np.ones((5, 1))), ValueError, r"X.data is not a plain .*; expected X.copy\(\)$"),
    "strides": (sparse(indices=np.zeros(10, "i4")[::2]), ValueError, "X.indices is not a plain contiguous vector"),
    "swapped": (sparse(indptr=np.zeros(4, ">i4")), ValueError, "X.indptr is not a plain .* native byte order"),
    "two indices": (sparse(indices=np.zeros(5, "i8")), TypeError, "X has indices of int64 and int32; expected both"),
    "short indices": (
        sparse(indices=np.zeros(5, "i2"), indptr=np.zeros(4, "i2")), TypeError, "X has indices of int16 and int16"),
    "few rows": (sparse(indptr=np.array([0, 5], "i4")), ValueError, "X.indptr does not rise from 0 to at most 5, once"),
    "late start": (sparse(indptr=np.array([1, 2, 3, 4], "i4")), ValueError, "X.indptr does not rise from 0"),
    "late end": (sparse(indptr=np.array([0, 2, 3, 6], "i4")), ValueError, "X.indptr does not rise .* at most 5"),
    "falling": (sparse(indptr=np.array([0, 3, 2, 5], "i4")), ValueError, "X.indptr does not rise"),
    "outside": (
        sparse(indices=np.array([0, 1, 2, -1, 1], "i4")), ValueError, r"X.indices\[2\] is 2; expected .* from 0 to 1"),
    "before": (sparse(indices=np.array([0, 1, 0, -1, 9], "i4")), ValueError, r"X.indices\[3\] is -1; expected"),
}  # fmt: skip


@pytest.mark.parametrize("case", SPARSE)
def test_compressed_rows(case):
    X, error, message = SPARSE[case]
    for call in (lambda: plan(X, Y), lambda: fastest.softmax(X, Y3, W3, B3)):
        with pytest.raises(error, match=message):
            call()


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
    assert plan(X, y).step(w, b).cost == plan(X, y).step(w, float(b)).cost


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
