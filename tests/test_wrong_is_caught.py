"""The conformance suite is itself tested: deliberately wrong steps must each be caught."""

from itertools import product

import numpy as np
import pytest
import wrong_steps
from answers import FAMILIES, answered
from looptax.bench.conformance.judge import judge
from looptax.pyimpl import numpy_stable
from looptax.pyimpl.parts.contract import Step

right_step = numpy_stable.step


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


def labels_modified(X, y, w, b):
    result = right_step(X, y, w, b)
    if y.flags.writeable:
        y[-1] = 1 - y[-1]
    return result


def lower_precision(X, y, w, b):
    half = {4: np.float16, 8: np.float32}[X.itemsize]
    cost, dw, db = right_step(X.astype(half).astype(X.dtype), y, w, b)
    return Step(cost, dw, db)


def higher_dtype(X, y, w, b):
    return Step(*(np.asarray(v, np.float64)[()] for v in right_step(X, y, w, b)))


def one_column_too_many(X, y, w, b):
    cost, dw, db = right_step(X, y, w, b)
    return Step(cost, np.append(dw, db), db)


MUTANTS = [
    cost_summed,
    dropped_tail_of_samples,
    dropped_last_feature_of_an_odd_number,
    swapped_order,
    labels_modified,
    lower_precision,
    higher_dtype,
    one_column_too_many,
    wrong_steps.dz_reversed,
    wrong_steps.missing_1_m_in_dw,
    wrong_steps.strides_ignored,
    wrong_steps.nan_to_num,
    wrong_steps.clipped_infinity,
    wrong_steps.scales_w,
    wrong_steps.log_of_exp,
    wrong_steps.a_minus_y,
    wrong_steps.flushed,
    wrong_steps.bias_forgotten,
    wrong_steps.labels_swapped,
    wrong_steps.w_itself,
]


def caught(step):
    """The first case the suite fails the step on, or None."""
    for dtype, family in product((np.float64, np.float32), FAMILIES):
        for case, right in answered(family, dtype, up_to=1000):
            for X in (case.X, np.asfortranarray(case.X)) if family != "layouts" else (case.X,):
                tried = case._replace(X=X, y=case.y.copy(), w=case.w.copy())
                verdict = judge(step, tried, right=right)
                if not verdict.ok:
                    return f"{case.name}: {verdict.problem}"
    return None


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda f: f.__name__)
def test_wrong_step_is_caught(mutant):
    assert caught(mutant), f"no case tells {mutant.__name__} from a right step"


def test_right_step_is_not_caught():
    assert caught(right_step) is None


@pytest.mark.parametrize("cost", [0.5, None, "one half"], ids=repr)
def test_a_cost_without_a_dtype_is_not_float64(cost):
    """NumPy takes None, the dtype it does not have, for float64."""
    case, right = next(answered("shapes", np.float64))
    assert judge(lambda *arguments: (cost, *right_step(*arguments)[1:]), case, right=right).problem.startswith(
        f"cost is {type(cost).__name__} of no dtype"
    )


def test_there_are_mutants():
    assert len(MUTANTS) >= 19
