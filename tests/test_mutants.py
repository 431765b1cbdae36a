"""The conformance suite is itself tested: deliberately wrong steps must each be caught."""

import numpy as np
import pytest
from looptax.bench.conformance import cases
from looptax.bench.conformance.gate import judge
from looptax.bench.conformance.oracle import reference
from looptax.pyimpl import numpy_stable
from looptax.pyimpl.parts.contract import Step

right_step = numpy_stable.step


def sign_flip(X, y, w, b):
    cost, dw, db = right_step(X, y, w, b)
    return Step(cost, -dw, -db)


def missing_division_by_m(X, y, w, b):
    cost, dw, db = right_step(X, y, w, b)
    return Step(cost, dw * X.dtype.type(len(y)), db)


def cost_summed(X, y, w, b):
    cost, dw, db = right_step(X, y, w, b)
    return Step(cost * X.dtype.type(len(y)), dw, db)


def dropped_tail_of_samples(X, y, w, b):
    kept = len(y) - len(y) % 8 or len(y)
    cost, dw, db = right_step(X[:kept], y[:kept], w, b)
    return Step(cost, dw, db)


def dropped_last_feature_of_an_odd_number(X, y, w, b):
    n = len(w)
    if n % 2 and n > 8:
        w = np.append(w[:-1], w.dtype.type(0))
    return right_step(X, y, w, b)


def swapped_order(X, y, w, b):
    """Reads F-order memory as if it were C."""
    if X.flags.f_contiguous and not X.flags.c_contiguous:
        X = X.T.reshape(X.shape)
    return right_step(X, y, w, b)


def strides_ignored(X, y, w, b):
    if not (X.flags.c_contiguous or X.flags.f_contiguous) and X.strides[0] > 0 and X.base is not None:
        flat = np.lib.stride_tricks.as_strided(X, (X.size,), (X.itemsize,))
        X = np.array(flat).reshape(X.shape)
    return right_step(X, y, w, b)


def lost_nan(X, y, w, b):
    return right_step(np.where(np.isnan(X), X.dtype.type(0), X), y, w, b)


def lost_infinity(X, y, w, b):
    return right_step(np.clip(X, np.finfo(X.dtype).min, np.finfo(X.dtype).max), y, w, b)


def input_modified(X, y, w, b):
    result = right_step(X, y, w, b)
    w *= 2
    return result


def labels_modified(X, y, w, b):
    result = right_step(X, y, w, b)
    if y.flags.writeable:
        y[-1] = 1 - y[-1]
    return result


def overflow_at_saturation(X, y, w, b):
    _, dw, db = right_step(X, y, w, b)
    z = X @ w + b
    return Step(np.mean(np.log1p(np.exp(z)) - y.astype(X.dtype) * z), dw, db)


def cancelling_dz(X, y, w, b):
    cost, _, _ = right_step(X, y, w, b)
    dz = 1 / (1 + np.exp(-(X @ w + b))) - y.astype(X.dtype)
    return Step(cost, X.T @ dz / X.dtype.type(len(y)), dz.mean(dtype=X.dtype))


def flushed_denormals(X, y, w, b):
    small = np.abs(X) < np.finfo(X.dtype).smallest_normal
    return right_step(np.where(small, X.dtype.type(0), X), y, w, b)


def lower_precision(X, y, w, b):
    half = {4: np.float16, 8: np.float32}[X.itemsize]
    cost, dw, db = right_step(X.astype(half).astype(X.dtype), y, w, b)
    return Step(cost, dw, db)


def higher_dtype(X, y, w, b):
    return Step(*(np.asarray(v, np.float64)[()] for v in right_step(X, y, w, b)))


def bias_forgotten(X, y, w, b):
    return right_step(X, y, w, type(b)(0))


def labels_swapped(X, y, w, b):
    return right_step(X, 1 - y.astype(X.dtype), w, b)


def gradient_in_weights(X, y, w, b):
    cost, _, db = right_step(X, y, w, b)
    return Step(cost, w, db)


def one_column_too_many(X, y, w, b):
    cost, dw, db = right_step(X, y, w, b)
    return Step(cost, np.append(dw, db), db)


MUTANTS = [
    value
    for name, value in list(globals().items())
    if callable(value) and getattr(value, "__module__", None) == __name__
]


def caught(step):
    """The first case the suite fails the step on, or None."""
    for dtype in (np.float64, np.float32):
        for family in [*cases.FAMILIES.values(), cases.layouts]:
            for case in family(dtype):
                if case.X.size > 1000:
                    continue
                for X in (case.X, np.asfortranarray(case.X)) if family is not cases.layouts else (case.X,):
                    tried = case._replace(X=X, y=case.y.copy(), w=case.w.copy())
                    verdict = judge(step, tried, right=reference(X, case.y, case.w, case.b))
                    if not verdict.ok:
                        return f"{case.name}: {verdict.problem}"
    return None


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda f: f.__name__)
def test_wrong_step_is_caught(mutant):
    assert caught(mutant), f"no case tells {mutant.__name__} from a right step"


def test_right_step_is_not_caught():
    assert caught(right_step) is None


def test_there_are_mutants():
    assert len(MUTANTS) >= 19
