"""A plan: the same answers as `fastest`, checked once, safe to share, ready for SciPy."""

import inspect
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from answers import answered
from bits import as_bytes
from looptax.bench.conformance import cases
from looptax.bench.conformance.judge import judge
from looptax.kernels import Plan, fastest, plan
from looptax.kernels.choose import planner, schedule, team, which
from looptax.kernels.choose.schedule import Schedule
from looptax.pyimpl.course.descent import descend

CASE = cases.ordinary("", 700, 23, np.float64)
_, X, y, w, b = CASE


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("family", ["margins", "scales", "nonfinite", "layouts"])
def test_conforms(family, dtype):
    """The conformance suite through a plan."""

    def step(X, y, w, b):
        return plan(X, y).step(w, b)

    verdicts = [(case, judge(step, case, right=right)) for case, right in answered(family, dtype)]
    assert not [f"{case.name}: {verdict.problem}" for case, verdict in verdicts if not verdict.ok]


@pytest.mark.parametrize("order", ["C", "F"])
def test_every_candidate_gives_the_same_bits_as_fastest(order):
    matrix = np.asarray(X, order=order)
    right = as_bytes(fastest(matrix, y, w, b))
    for made in (
        plan(matrix, y),
        plan(matrix, y, effort="measure"),
        *(plan(matrix, y, threads=t) for t in (1, 2, 3, 8)),
    ):
        assert as_bytes(made.step(w, b)) == right
        assert as_bytes(made.step(w, b)) == right


def test_step_into_writes_without_allocating():
    made, dw = plan(X, y), np.empty(23)
    cost, db = made.step_into(w, b, dw)
    assert as_bytes((cost, dw, db)) == as_bytes(made.step(w, b))
    assert type(cost) is type(db) is np.float64


@pytest.mark.parametrize("first", [0, 2])
def test_step_into_may_write_over_the_weights(first, samples):
    """The penalty is on what they were."""
    X, y, w, b = samples
    made = plan(X, y, l2=0.5)
    right = made.step(w, b)
    memory = np.zeros(len(w) + 2)
    given, dw = memory[: len(w)], memory[first : first + len(w)]
    given[:] = w
    assert as_bytes((*made.step_into(given, b, dw), dw)) == as_bytes((right.cost, right.db, right.dw))


def test_objective_is_what_scipy_wants():
    scipy_optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((400, 5)), rng.random(400) < 0.3
    found = scipy_optimize.minimize(plan(X, y).objective, np.zeros(6), jac=True, method="L-BFGS-B", tol=1e-12)
    assert np.abs(found.jac).max() < 1e-6
    from sklearn.linear_model import LogisticRegression

    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(found.x, [*theirs.coef_[0], *theirs.intercept_], atol=1e-4)


def test_objective_of_float32_data_returns_float64():
    made = plan(X.astype("f4"), y)
    cost, first = made.objective(np.zeros(24))
    _, second = made.objective(np.ones(24))
    assert isinstance(cost, float)
    assert first.dtype == np.float64
    assert not np.shares_memory(first, second)


def test_descent_with_a_plan_is_descent_with_its_step():
    one = descend(fastest, X, y, learning_rate=0.5, iterations=20)
    other = descend(plan(X, y), learning_rate=0.5, iterations=20)
    assert as_bytes(one) == as_bytes(other)
    with pytest.raises(TypeError, match="X and y are given beside a plan"):
        descend(plan(X, y), X, y, learning_rate=0.5, iterations=20)
    with pytest.raises(ValueError, match="w has 2 weights; expected 23"):
        descend(plan(X, y), w=np.zeros(2), learning_rate=0.5, iterations=20)


def test_descent_checks_what_a_plan_holds():
    matrix, labels = X.copy(), y.copy()
    made = plan(matrix, labels)
    labels[3] = 2
    with pytest.raises(ValueError, match=r"y\[3\] is 2.0; expected every label to be 0 or 1"):
        descend(made, learning_rate=0.5, iterations=1)
    labels[3], matrix[5, 1] = 1, np.nan
    with pytest.raises(ValueError, match="X holds NaN or infinity"):
        descend(made, learning_rate=0.5, iterations=1)
    with pytest.raises(ValueError, match="b holds NaN or infinity"):
        descend(plan(X, y), b=np.inf, learning_rate=0.5, iterations=1)


def test_eight_python_threads_share_one_plan():
    made = plan(X, y)
    weights = [w * k for k in range(4)]
    right = [as_bytes(made.step(v, b)) for v in weights]

    def work(worker):
        return all(as_bytes(made.step(weights[(worker + k) % 4], b)) == right[(worker + k) % 4] for k in range(1000))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_sees_changes_of_X_and_not_of_converted_labels():
    matrix, labels = X.copy(), y.astype(int)
    made = plan(matrix, labels)
    before = made.step(w, b).cost
    matrix *= 2
    labels[:] = 1 - labels
    assert made.step(w, b).cost == fastest(2 * X, y, w, b).cost != before


def test_what_it_sees_of_later_changes_is_said_where_it_is_made():
    """Labels of the dtype of X are not copied, and what is written to them is not checked."""
    labels = y.copy()
    made = plan(X, labels)
    labels[:] = 1 - labels
    assert as_bytes(made.step(w, b)) == as_bytes(fastest(X, 1 - y, w, b))
    labels[0] = 0.5
    assert np.isfinite(made.step(w, b).cost)
    for told in (plan.__doc__, Plan.__doc__):
        assert "X is not copied" in told
        assert "labels" in told


def test_measure_takes_the_fastest(monkeypatch):
    fast, slow = Schedule(1 << 16), Schedule(1 << 20)

    def race(plans):
        times = {fast: 1.0, slow: 1.2}
        return {how: times[how] * abs(made._at_most - 4.2) for how, made in plans.items()}

    monkeypatch.setattr(team, "available", lambda: 6)
    monkeypatch.setattr(schedule, "candidates", lambda columns: [slow, fast])  # for rows of 23: two tiles
    monkeypatch.setattr(planner, "race", race)
    made = plan(np.tile(X, (10, 1)), np.tile(y, 10), effort="measure")  # enough to share
    assert made.threads == 4
    assert made.explain().startswith("4 threads and tile=65536, measured to be as fast as any (1: ")
    assert planner.best({slow: {1: 2.0, 2: 1.5}, fast: {1: 1.0, 2: 0.97, 4: 0.99}}) == (fast, 1)  # noise is no reason
    assert planner._counts(6) == [1, 2, 4, 6]
    assert planner._counts(1) == [1]


def test_who_falls_behind_leaves_the_race(monkeypatch):
    calls = []

    def seconds(plan, number):
        calls.append(plan)
        return {"a": 1.0, "b": 1.2, "c": 1.3, "d": 9.0}[plan]

    monkeypatch.setattr(planner, "_seconds", seconds)
    assert planner.race(dict(zip("abcd", "abcd", strict=True)), keep="d") == {"a": 1.0, "b": 1.2, "d": 9.0}
    assert calls.count("c") == 2
    assert calls.count("a") == calls.count("d") == 1 + planner.ROUNDS


def test_estimate_is_what_fastest_does():
    made = plan(X, y)
    assert made.threads == which.shared(X)
    assert made.explain() == fastest.which(X)
    assert repr(made) == f"<Plan: 700 x 23 float64, threads={made.threads}>"
    assert isinstance(made, Plan)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: plan([[1.0]], y), TypeError, "X is a list"),
        (lambda p: plan(X.astype(int), y), TypeError, "X has dtype int64"),
        (lambda p: plan(X, y[:-1]), ValueError, "y has 699 labels; expected 700"),
        (lambda p: plan(X, y + 1), ValueError, "expected every label to be 0 or 1"),
        (lambda p: plan(X, y, threads=0), ValueError, "threads is 0; expected a positive integer"),
        (lambda p: plan(X, y, threads=1.5), ValueError, "threads is 1.5"),
        (lambda p: plan(X, y, threads=True), ValueError, "threads is True"),
        (lambda p: plan(X, y, effort="guess"), ValueError, "effort is 'guess'; expected 'estimate' or 'measure'"),
        (lambda p: p.step(w[:-1], b), ValueError, "w has 22 weights; expected 23"),
        (lambda p: p.step(w.astype("f4"), b), TypeError, "w has dtype float32; expected float64"),
        (lambda p: p.step(list(w), b), TypeError, "w is a list"),
        (lambda p: p.step(w, "0"), TypeError, "b is a str"),
        (lambda p: p.step_into(w, b, np.empty(22)), ValueError, r"dw is a ndarray of shape \(22,\), float64; expected"),
        (lambda p: p.step_into(w, b, np.empty(46)[::2]), ValueError, "dw is"),
        (lambda p: p.step_into(w, b, np.empty(23, "f4")), ValueError, "dw is"),
        (lambda p: p.step_into(w, b, [0.0] * 23), ValueError, "dw is"),
        (lambda p: p.step(w * 1j, b), TypeError, "w has dtype complex128; expected float64"),
        (lambda p: p.step(w, 1j), TypeError, "b is a complex; expected a real number"),
        (lambda p: p.step(w, np.complex64(1)), TypeError, "b is a numpy.complex64; expected a real number"),
        (lambda p: p.step_into(w, b, w * 1j), ValueError, "dw is a ndarray of shape .*, complex128; expected"),
        (lambda p: p.objective(np.zeros(23)), ValueError, r"params has shape \(23,\); expected \(24,\)"),
        (lambda p: p.objective(np.zeros((24, 1))), ValueError, "params has 2 dimensions"),
        (lambda p: p.objective(np.zeros(24) + 1e-30j), TypeError, "params has dtype complex128; expected real numbers"),
        (lambda p: p.objective(np.full(24, "1")), TypeError, "params has dtype <U1; expected real numbers"),
        (lambda p: p.objective(np.zeros(24, bool)), TypeError, "params has dtype bool; expected real numbers"),
        (lambda p: p.objective(np.ma.zeros(24)), TypeError, "params is a numpy.ma.*MaskedArray"),
        (lambda p: p.objective([0.0] * 24), TypeError, "params is a list; expected a 1-D numpy.ndarray"),
    ],
)  # fmt: skip
def test_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call(plan(X, y))


def test_a_bias_too_large_for_float32_is_refused_and_an_infinite_one_is_not():
    made = plan(X.astype("f4"), y)
    with pytest.raises(ValueError, match=r"b is 1e\+300, which overflows float32"):
        made.step(w.astype("f4"), 1e300)
    assert made.step(w.astype("f4"), np.inf).cost == np.inf


def test_refuses_a_read_only_gradient():
    dw = np.empty(23)
    dw.flags.writeable = False
    with pytest.raises(ValueError, match="writeable"):
        plan(X, y).step_into(w, b, dw)


def test_weights_may_be_strided_and_b_any_real():
    made = plan(X, y)
    right = as_bytes(made.step(w, 1.0))
    assert as_bytes(made.step(np.repeat(w, 2)[::2], 1)) == right
    assert as_bytes(made.step(w, np.float32(1))) == right


def test_signatures():
    assert str(inspect.signature(Plan.objective)).startswith("(self, params")
    names = ["X", "y", "sample_weight", "l2", "classes", "threads", "effort"]
    assert list(inspect.signature(plan).parameters) == names
