"""Errors name the remedy, and it helps."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from looptax.kernels import fastest, plan
from scipy.sparse import csc_matrix, csr_array

X, Y, W = np.arange(6.0).reshape(3, 2), np.array([0.0, 1.0, 1.0]), np.array([0.5, -0.5])
GOOD = {"X": X, "y": Y, "w": W, "b": 0.1}
SWAPPED = np.dtype(np.float64).newbyteorder()


def of(library, **methods):
    """A value of another library, of which only this is known."""
    return type("Array", (), {"__module__": library, **methods})()


def gives(values):
    return lambda self, *_, **__: values


#: What was given, and the expression at the end of the error, which makes it right.
REMEDIES = {
    "pandas' data": ({"X": pd.DataFrame(X)}, "X.to_numpy()"),
    "pandas' labels": ({"y": pd.Series([0, 1, 1])}, "y.to_numpy()"),
    "pandas' weights": ({"w": pd.Series([0.5, -0.5])}, "w.to_numpy()"),
    "Polars": ({"X": pl.DataFrame(X)}, "X.to_numpy()"),
    "PyTorch": ({"X": of("torch", numpy=gives(X), __array__=gives(X))}, "X.numpy()"),
    "Dask": ({"X": of("dask.array.core", compute=gives(X), __array__=gives(X))}, "X.compute()"),
    "JAX": ({"w": of("jaxlib._jax", __array__=gives(W))}, "np.asarray(w)"),
    "a list": ({"X": X.tolist()}, "np.asarray(X)"),
    "a tuple": ({"y": (0, 1, 1)}, "np.asarray(y)"),
    "a matrix": ({"X": X.view(np.matrix)}, "np.asarray(X)"),
    "a matrix of one row": ({"w": W.view(np.matrix)}, "np.asarray(w)"),
    "a masked array": ({"X": np.ma.masked_less(X, 1)}, "X.filled(0)"),
    "sparse labels": ({"y": csr_array([[0, 1, 1]])}, "y.toarray()"),
    "one feature": ({"X": X[:, 0], "w": np.ones(1)}, "X.reshape(-1, 1)"),
    "float16": ({"X": X.astype(np.float16), "w": np.ones(2, "f4")}, "X.astype(np.float32)"),
    "short integers": ({"X": X.astype(np.int16), "w": np.ones(2, "f4")}, "X.astype(np.float32)"),
    "integers": ({"X": X.astype(np.int64)}, "X.astype(np.float64)"),
    "objects": ({"X": X.astype(object)}, "X.astype(np.float64)"),
    "long double": ({"X": X.astype(np.longdouble)}, "X.astype(np.float64)"),
    "swapped bytes": ({"X": X.astype(SWAPPED)}, 'X.astype(X.dtype.newbyteorder("="))'),
    "swapped bytes of integers": ({"X": X.astype(np.dtype(int).newbyteorder())}, "X.astype(np.float64)"),
    "swapped bytes of labels": ({"y": Y.astype(SWAPPED)}, 'y.astype(y.dtype.newbyteorder("="))'),
    "swapped bytes of w": ({"w": W.astype(SWAPPED)}, "w.astype(X.dtype)"),
    "a column of labels": ({"y": Y[:, None]}, "y.ravel()"),
    "w of another dtype": ({"w": np.ones(2, np.float32)}, "w.astype(X.dtype)"),
    "w a column": ({"w": W[:, None]}, "w.ravel()"),
    "w a row": ({"w": W[None]}, "w.ravel()"),
    "b of one number": ({"b": np.array([0.1])}, "b.item()"),
    "b a matrix of one number": ({"b": np.array([[0.1]])}, "b.item()"),
    "b from pandas": ({"b": pd.Series([0.1])}, "b.item()"),
    "a list of weights": ({"sample_weight": [1, 2, 3]}, "np.asarray(sample_weight)"),
    "a column of weights": ({"sample_weight": np.ones((3, 1))}, "sample_weight.ravel()"),
    "objects as weights": ({"sample_weight": np.ones(3, object)}, "sample_weight.astype(np.float64)"),
    "l2 of one number": ({"l2": np.array([0.5])}, "l2.item()"),
}
ESTIMATOR = "looptax.kernels.sklearn.LogisticRegression"
#: What was given, and how the error ends otherwise: with another entry to take, or what was expected.
TOLD = {
    "labels -1 and 1": ({"y": np.array([-1, 1, 1])}, f"(y + 1) / 2, or {ESTIMATOR}"),
    "labels 1.0 and -1.0": ({"y": np.array([1.0, -1, 1])}, f"(y + 1) / 2, or {ESTIMATOR}"),
    "labels 1 and 2": ({"y": np.array([1, 2, 1])}, f"{ESTIMATOR} takes any two"),
    "labels of text": ({"y": np.array(["no", "yes", "yes"])}, f"{ESTIMATOR} takes any labels"),
    "labels of objects": ({"y": np.array(["no", 1, 1], object)}, f"{ESTIMATOR} takes any labels"),
    "three labels": ({"y": np.array([1, 2, 3])}, "to be 0 or 1"),
    "probabilities": ({"y": np.array([0.5, 1, 1])}, "to be 0 or 1"),
    "a NaN": ({"y": np.array([np.nan, 1, 1])}, "to be 0 or 1"),
    "two labels each": ({"y": np.ones((3, 2))}, "one label per sample"),
    "sparse rows": ({"X": csr_array(X)}, "looptax.kernels.plan(X, y) takes sparse X"),
    "sparse columns": ({"X": csc_matrix(X)}, "looptax.kernels.plan(X, y) takes sparse X"),
    "text": ({"X": "X"}, "samples by features"),
    "a dict": ({"X": {0: X}}, "samples by features"),
    "complex numbers": ({"X": X.astype(complex)}, "in native byte order"),
    "w complex": ({"w": np.ones(2, complex)}, "the dtype of X"),
    "b of two numbers": ({"b": np.ones(2)}, "a real number"),
}


def refused(**arguments):
    """Return the error of a step."""
    with pytest.raises((TypeError, ValueError)) as caught:
        fastest(**arguments)
    return str(caught.value)


@pytest.mark.parametrize("case", REMEDIES)
def test_a_remedy_helps(case):
    change, remedy = REMEDIES[case]
    arguments = {**GOOD, **change}
    error = refused(**arguments)
    assert error.endswith(f": {remedy}")
    assert len(error) < 200
    while remedy:  # one may be followed by another
        (name,) = arguments.keys() & {re.match(r"\w+", error)[0]}
        arguments[name] = eval(remedy, {"np": np, **arguments})
        try:
            assert np.isfinite(fastest(**arguments).cost)
            remedy = None
        except (TypeError, ValueError) as another:
            error, _, remedy = str(another).rpartition(": ")
            assert error


@pytest.mark.parametrize("case", TOLD)
def test_an_error_says_what_else_there_is(case):
    change, told = TOLD[case]
    assert refused(**{**GOOD, **change}).endswith(told)


@pytest.mark.parametrize("X", [csc_matrix(X), csr_array(X).tocoo(), csr_array(X.astype(int))])
def test_a_remedy_helps_plans_of_sparse_x(X):
    with pytest.raises(TypeError, match="X ") as caught:
        plan(X, Y)
    assert np.isfinite(plan(eval(str(caught.value).rpartition(": ")[2]), Y).step(W, 0.1).cost)
