"""The contract every rung keeps: what goes into a step, what comes out, what is refused.

Legend (the course notes write X transposed, features × samples; their X is our ``X.T``):

======  ==========  ==========================================================
symbol  shape       meaning
======  ==========  ==========================================================
X       (m, n)      m samples of n features, float32 or float64, any strides
y       (m,)        labels, each 0 or 1
w, b    (n,), ()    weights and bias
z       (m,)        ``X @ w + b``
a       (m,)        ``σ(z) = 1 / (1 + e^-z)``, the predicted probability of 1
dz      (m,)        ``a - y``, the derivative of a sample's loss with respect to z
cost    ()          mean over samples of the loss ``log(1 + e^z) - y z``
dw, db  (n,), ()    ``X.T @ dz / m`` and ``mean(dz)``
======  ==========  ==========================================================

The stable form all rungs but one compute takes the signed margin ``s = (1 - 2y) z``, which is
positive where the prediction is on the wrong side, and one exponential ``e = exp(-|s|)``:
``loss = max(s, 0) + log(1 + e)`` and ``dz = (1 - 2y) σ(s)``. It equals the formulas above,
never overflows, and cancels nowhere: small losses and gradients keep their relative accuracy.
At ``z = ±inf`` it takes the limit (loss 0 or inf, dz 0 or ±1); a NaN stays a NaN.

Sums are taken in the dtype of X or a wider one, and divided by m at the end. One that is too large is infinite, as IEEE
754 says, even where the mean would have been a number: a single z beyond the dtype makes the cost infinite if its
sample is on the wrong side, while dz, dw and db take their limits.
"""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    StepFunction = Callable[[np.ndarray, np.ndarray, np.ndarray, Any], "Step"]

DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
MAX_SHOWN = 60  # characters of a value, in an error
#: What makes an array of what is none, by a method that its type has; no library is imported to find out.
MADE_ARRAY = {
    "to_numpy": "{}.to_numpy()",  # pandas, Polars
    "filled": "{}.filled(0)",  # a masked array, whose hidden values would count
    "toarray": "{}.toarray()",  # sparse
    "compute": "{}.compute()",  # Dask
    "numpy": "{}.numpy()",  # PyTorch
    "__array__": "np.asarray({})",
}
ESTIMATOR = "looptax.kernels.sklearn.LogisticRegression"  # takes labels of any kind


class Step(NamedTuple):
    """What one forward/backward step returns, all in the dtype of X.

    Attributes
    ----------
    cost : numpy.floating
        Mean loss over the samples.
    dw : numpy.ndarray, shape (n,)
        Gradient of the cost with respect to the weights; always a fresh array.
    db : numpy.floating
        Derivative of the cost with respect to the bias.
    """

    cost: np.floating
    dw: np.ndarray
    db: np.floating


def check(
    X: Any, y: Any, w: Any, b: Any, *, finite: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.floating]:
    """Accept the arguments of a step, or say which one is wrong, how, and what is expected.

    X is never copied or cast. y may be of any real dtype and is converted to that of X; y and w
    are made contiguous if they are not; b is rounded to the dtype of X. Nothing else is converted.

    Parameters
    ----------
    X : numpy.ndarray, shape (m, n)
        float32 or float64 in native byte order, any strides; m and n at least 1.
    y : numpy.ndarray, shape (m,)
        Labels 0 or 1; bool, integer or floating.
    w : numpy.ndarray, shape (n,)
        Weights, in the dtype of X.
    b : real number
        Bias; also as an array without dimensions.
    finite : bool
        Also refuse NaN and infinity in X, w and b, which a step itself propagates.

    Returns
    -------
    X, y, w, b
        X as it was given; y and w contiguous, aligned and in the dtype of X; b a scalar of it.

    Raises
    ------
    TypeError
        An argument is not a plain NumPy array (or b not a real number), or has another dtype.
    ValueError
        Wrong number of dimensions, empty, mismatched lengths, labels other than 0 and 1, a b
        that overflows the dtype, or (with ``finite``) a value that is not finite.
    """
    check_samples(X)
    check_labels(y, X.shape[0])
    check_weights(w, X.shape[1], X.dtype)
    b = check_scalar("b", b, X.dtype)
    if finite:
        for name, values in (("X", X), ("w", w), ("b", b)):
            if not np.isfinite(values).all():
                raise ValueError(f"{name} holds NaN or infinity; expected finite values")
    return X, plain(y, X.dtype), plain(w, X.dtype), b


def check_samples(X: Any) -> None:
    """Raise TypeError or ValueError unless X is a matrix of samples as the contract asks for."""
    check_array("X", X, 2, "samples by features")
    check_floats(X)
    if X.size == 0:
        raise ValueError(f"X has shape {X.shape}; expected at least one sample and one feature")


def check_floats(X: Any) -> None:
    """Raise TypeError unless the numbers of X, dense or sparse, have a dtype of the contract."""
    if X.dtype not in DTYPES:
        remedy = _converted("X", X.dtype)
        raise TypeError(f"X has dtype {described(X.dtype)}; expected float32 or float64 in native byte order{remedy}")


def check_labels(y: Any, m: int) -> None:
    """Raise TypeError or ValueError unless y is a vector of m labels, each 0 or 1."""
    _check_label_array(y, m)
    if fault := label_fault(y):
        raise ValueError("y[{}] {}".format(*fault))


def label_fault(y: np.ndarray, classes: int | None = None) -> tuple[int, str] | None:
    """Return which label is none, and what is wrong with it; None where all are labels."""
    if classes:
        is_label = (y >= 0) & (y < classes) & (y == np.floor(y) if y.dtype.kind == "f" else True)
    else:
        is_label = (y == 0) | (y == 1)
    if is_label.all():
        return None
    first = int(np.argmin(is_label))
    if classes:
        return first, f"is {y[first]}; expected a whole number from 0 to {classes - 1}, of {classes} classes"
    return first, f"is {y[first]}; expected every label to be 0 or 1{_relabelled(y)}"


def _check_label_array(y: Any, m: int) -> None:
    """Raise TypeError or ValueError unless y is a vector of m numbers."""
    check_array("y", y, 1, "one label per sample")
    if y.dtype.kind not in "biuf" or not y.dtype.isnative:
        remedy = f": {ESTIMATOR} takes any labels" if y.dtype.kind in "OSTU" else _converted("y", y.dtype)
        raise TypeError(
            f"y has dtype {described(y.dtype)}; expected bool, integer or float in native byte order{remedy}"
        )
    if y.shape[0] != m:
        raise ValueError(f"y has {y.shape[0]} labels; expected {m}, one for each row of X")


def _relabelled(y: np.ndarray) -> str:
    """Return how labels become 0 and 1, where they are two whole numbers: ready to be put behind an error."""
    values = {float(value) for value in np.unique(y)}
    if values <= {-1, 1}:
        return f": (y + 1) / 2, or {ESTIMATOR}"
    return f": {ESTIMATOR} takes any two" if len(values) == 2 and all(map(float.is_integer, values)) else ""


def check_weights(w: Any, n: int, dtype: np.dtype) -> None:
    """Raise TypeError or ValueError unless w is a vector of n weights of `dtype`."""
    check_array("w", w, 1, "one weight per feature")
    if w.dtype != dtype:
        raise TypeError(_not_of_X("w", w, dtype))
    if w.shape[0] != n:
        raise ValueError(f"w has {w.shape[0]} weights; expected {n}, one for each column of X")


def check_sample_weight(sample_weight: Any, m: int, *, all_zero: bool = False) -> None:
    """Raise TypeError or ValueError unless these are the weights of m samples.

    Parameters
    ----------
    sample_weight : numpy.ndarray, shape (m,)
        Finite and 0 or more; of any real dtype.
    m : int
    all_zero : bool
        Whether all may be 0, as in a block of samples.
    """
    check_array("sample_weight", sample_weight, 1, "one weight per sample")
    if sample_weight.dtype.kind not in "biuf" or not sample_weight.dtype.isnative:
        raise TypeError(
            f"sample_weight has dtype {described(sample_weight.dtype)}; expected real numbers in native byte order"
            + _converted("sample_weight", sample_weight.dtype)
        )
    if sample_weight.shape[0] != m:
        raise ValueError(f"sample_weight has {sample_weight.shape[0]} weights; expected {m}, one for each row of X")
    if fault := weight_fault(sample_weight):
        raise ValueError("sample_weight[{}] {}".format(*fault))
    if not (all_zero or sample_weight.any()):
        raise ValueError("sample_weight is 0 for all samples; expected at least one that counts")


def weight_fault(sample_weight: np.ndarray) -> tuple[int, str] | None:
    """Return which weight is none, and what is wrong with it; None where all are weights."""
    is_weight = (sample_weight >= 0) & (sample_weight < np.inf)
    if is_weight.all():
        return None
    first = int(np.argmin(is_weight))
    return first, f"is {sample_weight[first]}; expected a finite number, 0 or more"


def check_l2(l2: Any) -> float:
    """Return the strength of the penalty; TypeError or ValueError unless it is a finite number, 0 or more."""
    value = float(check_scalar("l2", l2, np.dtype(np.float64)))
    if not 0 <= value < np.inf:
        raise ValueError(f"l2 is {shown(l2)}; expected a finite number, 0 or more")
    return value


def check_class_labels(y: Any, m: int, classes: int) -> None:
    """Raise TypeError or ValueError unless y is a vector of m labels, whole numbers from 0 to classes - 1."""
    if classes < 2:
        raise ValueError(f"classes is {shown(classes)}; expected 2 or more")
    _check_label_array(y, m)
    if fault := label_fault(y, classes):
        raise ValueError("y[{}] {}".format(*fault))


def check_class_weights(W: Any, b: Any, n: int, classes: int, dtype: np.dtype) -> None:
    """Raise TypeError or ValueError unless W and b are the weights of several classes, of `dtype`."""
    for name, value, shape, meaning in (
        ("W", W, (classes, n), "a row of weights for each class"),
        ("b", b, (classes,), "an intercept for each class"),
    ):
        check_array(name, value, len(shape), meaning)
        if value.dtype != dtype:
            raise TypeError(_not_of_X(name, value, dtype))
        if value.shape != shape:
            raise ValueError(f"{name} has shape {value.shape}; expected {shape}, {meaning}")


def check_scalar(name: str, value: Any, dtype: np.dtype) -> np.floating:
    """Return a real number as a scalar of `dtype`; TypeError if it is none, ValueError if it overflows."""
    value = _number(name, value)
    try:
        with np.errstate(over="ignore"):
            rounded = dtype.type(value)
    except OverflowError:  # an integer beyond any float
        rounded = dtype.type(np.inf)
    if np.isinf(rounded) and abs(value) != np.inf:
        raise ValueError(f"{name} is {shown(value)}, which overflows {dtype}; expected a value within its range")
    return rounded


def _number(name: str, value: Any) -> Any:
    """Return a real number, also that of an array without dimensions; TypeError if it is none."""
    number = value[()] if isinstance(value, np.ndarray) and not value.ndim else value
    if not isinstance(number, Real) or isinstance(number, bool):
        remedy = f": {name}.item()" if getattr(value, "shape", None) and value.size == 1 else ""
        raise TypeError(f"{name} is {_kind(number)}; expected a real number{remedy}")
    return number


def check_array(name: str, value: Any, ndim: int, meaning: str) -> None:
    """Raise TypeError unless the value is a plain NumPy array, ValueError unless it has so many dimensions."""
    if type(value) is np.ndarray and value.ndim == ndim:
        return
    # A matrix multiplies differently and a masked array hides values: both would give wrong numbers.
    if not isinstance(value, np.ndarray) or isinstance(value, (np.matrix, np.ma.MaskedArray)):
        raise TypeError(f"{name} is {_kind(value)}; expected a {ndim}-D numpy.ndarray, {meaning}{_made(name, value)}")
    if value.ndim != ndim:
        raise ValueError(
            f"{name} has {value.ndim} dimensions, shape {value.shape}; expected {ndim}-D, {meaning}"
            + _reshaped(name, value, ndim)
        )


def plain(vector: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return the vector itself where it is contiguous, aligned and of `dtype`; a copy where it is not."""
    if vector.dtype == dtype and vector.flags.c_contiguous and vector.flags.aligned:
        return vector
    with np.errstate(over="ignore"):  # a weight that becomes infinite is refused afterwards
        return np.require(vector, dtype, ("C", "A"))


# The remedies: each is ready to be put behind an error, and empty where there is none.


def _made(name: str, value: Any) -> str:
    """Return how a value becomes an array."""
    if name == "X" and hasattr(type(value), "tocsr"):
        return ": looptax.kernels.plan(X, y) takes sparse X"
    if isinstance(value, (list, tuple)):
        return f": np.asarray({name})"
    return next((f": {way.format(name)}" for method, way in MADE_ARRAY.items() if hasattr(type(value), method)), "")


def _reshaped(name: str, value: np.ndarray, ndim: int) -> str:
    """Return how an array gets its dimensions: one row or column, or one feature."""
    if ndim == 1 and value.ndim and value.size == max(value.shape):
        return f": {name}.ravel()"
    return ": X.reshape(-1, 1)" if name == "X" and value.ndim == 1 else ""


def _converted(name: str, dtype: np.dtype) -> str:
    """Return how numbers of another dtype become floats."""
    native = dtype.newbyteorder("=")
    if native in DTYPES:
        return f': {name}.astype({name}.dtype.newbyteorder("="))'
    if native.kind not in "biufO":
        return ""
    wide = np.result_type(native, np.float32)  # float64 where float32 would round
    return f": {name}.astype(np.{wide if wide in DTYPES else 'float64'})"


def _not_of_X(name: str, value: np.ndarray, dtype: np.dtype) -> str:
    remedy = f": {name}.astype(X.dtype)" if value.dtype.kind in "biufO" else ""
    return f"{name} has dtype {described(value.dtype)}; expected {dtype}, the dtype of X{remedy}"


def _kind(value: Any) -> str:
    kind = type(value)
    return f"a {kind.__qualname__}" if kind.__module__ == "builtins" else f"a {kind.__module__}.{kind.__qualname__}"


def shown(value: Any) -> str:
    """Return a value as errors show it: its repr, cut where it is long."""
    try:
        return _cut(repr(value))
    except Exception:  # an integer of more digits than Python writes, a class whose repr fails
        return f"{_kind(value)} that cannot be shown"


def described(dtype: np.dtype) -> str:
    """Return a dtype as errors show it."""
    return _cut(str(dtype)) if dtype.isnative else f"{_cut(str(dtype))} (byte-swapped)"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN // 2]}... ({len(text)} characters)"
