"""Errors that know the remedy say it; and the remedy works."""

import numpy as np
import pytest
from looptax.kernels import fastest, plan

X = np.arange(6.0).reshape(3, 2) / 7
Y, W, K = np.array([0.0, 1.0, 1.0]), np.array([0.5, -0.5]), 3
GOOD = {"X": X, "y": Y, "w": W, "b": 0.1}


def table(package):
    """Return the names of what a package calls a table and a column."""
    found = pytest.importorskip(package)
    return found.DataFrame(X) if package == "pandas" else found.DataFrame(X, schema=["a", "b"])


#: What is wrong → (the change, the remedy as the error ends).
REMEDIES = {
    "a list": (lambda: {"X": X.tolist()}, "np.asarray(X)"),
    "a tuple": (lambda: {"y": tuple(Y)}, "np.asarray(y)"),
    "a matrix": (lambda: {"X": X.view(np.matrix)}, "np.asarray(X)"),
    "pandas": (lambda: {"X": table("pandas")}, "X.to_numpy()"),
    "polars": (lambda: {"X": table("polars")}, "X.to_numpy()"),
    "a series": (lambda: {"y": table("pandas")[0] * 0}, "y.to_numpy()"),
    "float16": (lambda: {"X": X.astype(np.float16)}, "X.astype(np.float32)"),
    "integers": (lambda: {"X": X.astype(int)}, "X.astype(np.float32)"),
    "objects": (lambda: {"X": X.astype(object)}, "X.astype(np.float64)"),
    "byte-swapped": (lambda: {"X": X.astype(">f8")}, "X.astype(np.float64)"),
    "a vector": (lambda: {"X": X[:, 0], "w": W[:1]}, "X.reshape(-1, 1)"),
    "a column": (lambda: {"y": Y[:, None]}, "y.ravel()"),
    "a row of weights": (lambda: {"w": W[None]}, "w.ravel()"),
    "weights of another dtype": (lambda: {"w": W.astype(np.float32)}, "w.astype(X.dtype)"),
    "labels -1 and 1": (lambda: {"y": 2 * Y - 1}, "(y + 1) / 2"),
    "labels 1 and 2": (lambda: {"y": Y + 1}, "(y == 2.0).astype(X.dtype)"),
    "an array of one number": (lambda: {"b": np.array([0.1])}, "b.item()"),
}


@pytest.mark.parametrize("make", REMEDIES.values(), ids=REMEDIES)
def test_the_remedy_is_told_and_works(make):
    change, remedy = make
    arguments = {**GOOD, **change()}
    with pytest.raises((TypeError, ValueError)) as caught:
        fastest(**arguments)
    told = str(caught.value)
    assert f": {remedy}" in told
    name = next(iter(change()))
    arguments[name] = eval(remedy, {"np": np, **arguments})
    if name == "X" and arguments["X"].dtype != arguments["w"].dtype:
        arguments["w"] = arguments["w"].astype(arguments["X"].dtype)
    assert np.isfinite(fastest(**arguments).cost)


@pytest.mark.parametrize("y", [np.array(["no", "yes", "yes"]), np.array([None, 1, 1]), 3 * Y - 7])
def test_labels_of_any_type_are_the_estimators_business(y):
    with pytest.raises((TypeError, ValueError), match=r"looptax\.kernels\.sklearn\.LogisticRegression"):
        fastest(X, y, W, 0.0)


def test_sparse_x_is_for_a_plan():
    sparse = pytest.importorskip("scipy.sparse")
    for made in (sparse.csr_array, sparse.csc_matrix):
        with pytest.raises(TypeError, match=r"expected a 2-D .*: looptax.kernels.plan\(X, y\) takes compressed rows"):
            fastest(made(X), Y, W, 0.0)
    with pytest.raises(TypeError, match=r"X is a csc_matrix; expected .* compressed rows: X.tocsr\(\)"):
        plan(sparse.csc_matrix(X), Y)
    assert np.isfinite(plan(sparse.csc_matrix(X).tocsr(), Y).step(W, 0.0).cost)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sample_weight": [1.0, 1, 1]}, r"sample_weight is a list; expected a 1-D .*: np.asarray\(sample_weight\)"),
        ({"sample_weight": np.ones(2)}, "sample_weight has 2 weights; expected 3, one for each row of X"),
        (
            {"sample_weight": np.array([1, -1.5, -2])},
            r"sample_weight\[1\] is -1.5; expected a finite number, 0 or more",
        ),
        ({"sample_weight": np.array([1, 1, np.nan])}, r"sample_weight\[2\] is nan"),
        ({"sample_weight": np.array([np.inf, 1, 1])}, r"sample_weight\[0\] is inf"),
        ({"sample_weight": np.zeros(3)}, "sample_weight is 0 for all samples; expected at least one that counts"),
        ({"sample_weight": np.ones(3, complex)}, "sample_weight has dtype complex128; expected real numbers"),
        ({"l2": -1.0}, "l2 is -1.0; expected a finite number, 0 or more"),
        ({"l2": np.nan}, "l2 is nan"),
        ({"l2": "1"}, "l2 is a str; expected a real number"),
        ({"l2": True}, "l2 is a bool"),
    ],
)
def test_weights_and_penalty(change, told):
    for call in (lambda: fastest(**GOOD, **change), lambda: plan(X, Y, **change)):
        with pytest.raises((TypeError, ValueError), match=told):
            call()


def test_a_weight_that_float32_cannot_hold_is_named():
    small = X.astype(np.float32)
    for s, told in ((np.full(3, 1e300), r"sample_weight\[0\] is inf"), (np.full(3, 1e-300), "0 for all samples")):
        with pytest.raises(ValueError, match=told):
            fastest(small, Y, W.astype(np.float32), 0.0, sample_weight=s)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: plan(X, np.array([0, 1, 3]), classes=3), r"y\[2\] is 3; expected a whole number from 0 to 2"),
        (lambda: plan(X, np.array([0, 1, 0.5]), classes=3), r"y\[2\] is 0.5"),
        (lambda: plan(X, np.array([0, -1, np.nan]), classes=3), r"y\[1\] is -1"),
        (lambda: plan(X, Y, classes=1), "classes is 1; expected 2 or more"),
        (lambda: plan(X, Y, classes=2.5), "classes is 2.5; expected a positive integer"),
        (lambda: fastest.softmax(X, Y, np.zeros(2), np.zeros(2)), "W has 1 dimensions"),
        (lambda: fastest.softmax(X, Y, np.zeros((2, 3)), np.zeros(2)), r"W has shape \(2, 3\); expected \(2, 2\)"),
        (lambda: fastest.softmax(X, Y, np.zeros((2, 2)), np.zeros(3)), r"b has shape \(3,\); expected \(2,\)"),
        (
            lambda: fastest.softmax(X, Y, np.zeros((2, 2), "f4"), np.zeros(2)),
            r"W has dtype float32; .*: W.astype\(X.dty",
        ),
        (lambda: fastest.softmax(X, Y, np.zeros((2, 2)), 0.0), "b is a float; expected a 1-D numpy.ndarray"),
    ],
)
def test_classes(call, told):
    with pytest.raises((TypeError, ValueError), match=told):
        call()


def _changed(change):
    sparse = pytest.importorskip("scipy.sparse")
    rows = sparse.csr_array(X + 1)
    change(rows)
    return rows


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rows: setattr(rows, "data", rows.data.astype(int)), "X has dtype int64; expected float32 or float64"),
        (lambda rows: rows.indices.__setitem__(1, 2), r"X.indices\[1\] is 2; expected a column from 0 to 1"),
        (lambda rows: rows.indices.__setitem__(0, -1), r"X.indices\[0\] is -1"),
        (lambda rows: rows.indptr.__setitem__(1, 9), "X.indptr does not rise from 0 to at most 6"),
        (lambda rows: rows.indptr.__setitem__(0, 1), "X.indptr does not rise"),
        (lambda rows: setattr(rows, "indptr", rows.indptr.astype(np.int64)), "X has indices of int32 and int64"),
        (lambda rows: setattr(rows, "data", np.repeat(rows.data, 2)[::2]), "X.data is not a plain contiguous vector"),
    ],
)
def test_compressed_rows(change, told):
    with pytest.raises((TypeError, ValueError), match=told):
        plan(_changed(change), Y)


def test_an_empty_sparse_x():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(ValueError, match=r"X has shape \(0, 2\); expected at least one sample"):
        plan(sparse.csr_array((0, 2)), np.zeros(0))
