"""One suite: every rung, in every build, on every case."""

import numpy as np
import pytest
from answers import answered
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from looptax.bench.conformance import cases
from looptax.bench.conformance.judge import judge
from looptax.bench.conformance.oracle import exact
from looptax.kernels.choose import isa
from looptax.kernels.ladder import LADDER

DTYPES = [np.float64, np.float32]


def assert_conforms(candidate, family, dtype, record_worst, arrange=None):
    rung, step, name = candidate
    wrong = []
    for case, right in answered(family, dtype):
        tried = case._replace(X=arrange(case.X)) if arrange else case
        verdict = judge(step, tried, accuracy=rung.accuracy, skips_zeros=rung.skips_zeros, right=right)
        if verdict.ok:
            record_worst(name, dtype, family, verdict.used, case.name)
        else:
            wrong.append(f"{case.name}: {verdict.problem}")
    assert not wrong, f"{len(wrong)} cases of {family} fail:\n" + "\n".join(wrong[:10])


@pytest.mark.parametrize(
    ("dtype", "order"),
    [
        (np.float64, "C"),
        (np.float32, "F"),
        pytest.param(np.float64, "F", marks=pytest.mark.long),
        pytest.param(np.float32, "C", marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("family", cases.FAMILIES)
def test_values(candidate, family, dtype, order, record_worst):
    assert_conforms(candidate, family, dtype, record_worst, lambda X: np.asarray(X, order=order))


@pytest.mark.parametrize(("dtype", "order"), [(np.float64, "C"), pytest.param(np.float32, "F", marks=pytest.mark.long)])
def test_shapes_in_lesser_builds(lesser_candidate, dtype, order, record_worst):
    """The long run has all the rest of them."""
    assert_conforms(lesser_candidate, "shapes", dtype, record_worst, lambda X: np.asarray(X, order=order))


@pytest.mark.parametrize("dtype", DTYPES)
def test_layouts(candidate, dtype, record_worst):
    assert_conforms(candidate, "layouts", dtype, record_worst)


def test_cases_cover_what_they_claim():
    shapes = {case.X.shape for case in cases.shapes(np.float64)}
    assert {(m, n) for m in cases.SIZES for n in cases.SIZES} < shapes
    chunks = [m / isa.load("cython_tuned").chunk_samples(n, 8, order) for m, n in shapes for order in "CF"]
    assert max(chunks) > 8  # the sums of as many chunks, and of a tail, are combined
    assert max(n for _, n in shapes) > 8 * max(cases.SIZES)
    reached = {case.name: np.abs(case.X @ case.w + case.b).max() for case in cases.margins(np.float64)}
    assert max(reached.values()) > 1e4
    layouts = [case.X for case in cases.layouts(np.float64)]
    assert any(X.strides[0] < 0 for X in layouts)
    assert any(X.strides[1] < 0 for X in layouts)
    assert any(not X.flags.aligned for X in layouts)
    assert any(not X.flags.writeable for X in layouts)
    assert any(isinstance(X, np.memmap) for X in layouts)
    assert any(not X.flags.c_contiguous and not X.flags.f_contiguous for X in layouts)
    assert all(
        np.abs(case.X[case.X != 0]).max() < np.finfo(np.float32).smallest_normal
        for case in cases.denormals(np.float32)
        if case.name.endswith(" X")
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("label", [0, 1])
def test_a_z_that_overflows_is_infinite(step, rung, dtype, label):
    """Loss and dz take their limits: the cost is infinite, but for a sample on its own side; dw and db are numbers."""
    case = cases.ordinary("", 18, 35, dtype)
    case.X[7], case.w[:], case.y[7] = np.finfo(dtype).max / 8, 1, label
    with np.errstate(all="ignore"):
        cost, dw, db = step(*case[1:])
    right = exact(*case[1:])
    np.testing.assert_allclose(dw, right.dw, rtol=1e-5)
    np.testing.assert_allclose(db, right.db, rtol=1e-5)
    wider = rung.name == "python-floats" and dtype is np.float32  # it works in double precision
    if rung.accuracy != "notes":
        assert cost == (np.inf if label == 0 and not wider else pytest.approx(float(right.cost), rel=1e-5))


def test_gradient_is_the_slope_of_the_cost(step, rung):
    """Central differences of the rung's own cost, along the axes and for b."""
    case = cases.ordinary("", 40, 6, np.float64, scale=2.0)
    right = step(*case[1:])
    h = 1e-5
    for j in range(6):
        move = np.zeros(6)
        move[j] = h
        up, down = step(case.X, case.y, case.w + move, case.b), step(case.X, case.y, case.w - move, case.b)
        assert (up.cost - down.cost) / (2 * h) == pytest.approx(right.dw[j], abs=1e-9)
    up, down = step(case.X, case.y, case.w, case.b + h), step(case.X, case.y, case.w, case.b - h)
    assert (up.cost - down.cost) / (2 * h) == pytest.approx(right.db, abs=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_agrees(step):
    """A second opinion, from code with another history."""
    from sklearn._loss import HalfBinomialLoss
    from sklearn.linear_model._linear_loss import LinearModelLoss

    for m, n in ((1, 1), (65, 9), (300, 33)):
        case = cases.ordinary("", m, n, np.float64)
        loss = LinearModelLoss(base_loss=HalfBinomialLoss(), fit_intercept=True)
        cost, gradient = loss.loss_gradient(np.append(case.w, case.b), case.X, case.y, l2_reg_strength=0.0)
        result = step(*case[1:])
        np.testing.assert_allclose(result.cost, cost, rtol=1e-12)
        np.testing.assert_allclose(np.append(result.dw, result.db), gradient, rtol=1e-10, atol=1e-13)


def test_same_bits_from_call_to_call(step):
    case = cases.ordinary("", 3000, 17, np.float32)
    first, second = step(*case[1:]), step(*case[1:])
    assert first.cost == second.cost
    assert first.db == second.db
    assert first.dw.tobytes() == second.dw.tobytes()
    assert not np.shares_memory(first.dw, second.dw)


# Random shapes, layouts and values on top of the written cases.

FINITE = st.floats(-1e6, 1e6, width=32) | st.sampled_from([0.0, -0.0, 1e-6, -1e-40])
SPECIAL = st.sampled_from([np.nan, np.inf, -np.inf])


@st.composite
def inputs(draw):
    dtype = draw(st.sampled_from(DTYPES))
    m, n = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    values = draw(st.sampled_from([FINITE, FINITE | SPECIAL]))
    fill = st.floats(-2, 2, width=32)
    X = draw(hnp.arrays(dtype, (m, n), elements=values, fill=fill))
    w = draw(hnp.arrays(dtype, n, elements=values, fill=fill))
    y = draw(hnp.arrays(dtype, m, elements=st.sampled_from([0.0, 1.0])))
    layout = draw(st.sampled_from(sorted(cases.MATRIX_LAYOUTS)))
    laid = cases.MATRIX_LAYOUTS[layout](X)
    return cases.Case(f"{layout} {m}x{n} {dtype.__name__}", laid, y, w, dtype(draw(values)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(case=inputs())
def test_random_inputs(case):
    """Every rung on the same random input."""
    right = exact(case.X, case.y, case.w, case.b)
    for rung in LADDER:
        try:
            step = rung.load()
        except ImportError:
            continue  # test_values says so
        verdict = judge(step, case, accuracy=rung.accuracy, skips_zeros=rung.skips_zeros, right=right)
        assert verdict.ok, f"{rung.name}, {case.name}: {verdict.problem}"


@pytest.mark.long
@settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=inputs())
def test_many_random_inputs(case):
    test_random_inputs.hypothesis.inner_test(case)
