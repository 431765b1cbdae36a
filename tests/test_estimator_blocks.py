"""The estimator fits a plan over blocks: from files and iterators, to the optimum of memory."""

import numpy as np
import pytest
from looptax.kernels import blocks
from needed import lacking
from test_estimator import drawn

try:
    from looptax.kernels.sklearn import LogisticRegression
    from sklearn.exceptions import ConvergenceWarning
except ImportError as error:
    lacking(str(error))

SOLVERS = ["auto", "lbfgs", "newton-cg"]
TIGHT = {"tol": 1e-9, "max_iter": 1000}


def cut(X, y, s=None, size=700):
    given = [one for one in (X, y, s) if one is not None]
    return [tuple(one[k : k + size] for one in given) for k in range(0, len(X), size)]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_has_the_optimum_of_memory(solver, classes, fit_intercept, weighted):
    X, y = drawn(3000, classes=classes)
    s = np.random.default_rng(1).random(len(y)) if weighted else None
    how = {"C": 0.7, "fit_intercept": fit_intercept, "solver": solver, **TIGHT}
    right = LogisticRegression(**how).fit(X, y, s)
    plan = blocks.plan(cut(X, y, s), classes=classes if classes > 2 else None)
    found = LogisticRegression(**how).fit(plan)
    np.testing.assert_allclose(found.coef_, right.coef_, atol=1e-6, rtol=1e-6)
    np.testing.assert_allclose(found.intercept_, right.intercept_, atol=1e-6)
    assert (found.predict(X) == right.predict(X)).all()
    assert found.n_features_in_ == X.shape[1]
    assert plan.l2 == 0


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("weighted", [True, False])
def test_the_bits_are_the_same_wherever_blocks_are_from(solver, weighted, tmp_path):
    """With a column that few samples have, so that the metric has to be completed."""
    X, y = drawn(20000)
    X[:, 0] = (np.arange(len(X)) % 5000 == 3) * 30.0
    s = np.random.default_rng(1).random(len(y)) if weighted else None
    given = [X, y] if s is None else [X, y, s]
    for name, array in zip("Xys", given, strict=False):
        np.save(tmp_path / f"{name}.npy", array)
    weights = tmp_path / "s.npy" if weighted else None
    plans = (
        blocks.plan(X, y, sample_weight=s),
        blocks.plan(tmp_path / "X.npy", tmp_path / "y.npy", sample_weight=weights, memory="500 kB", threads=1),
        blocks.plan(cut(X, y, s), memory="200 kB"),
    )
    found = [LogisticRegression(solver=solver).fit(plan).coef_.tobytes() for plan in plans]
    assert len({plan.block for plan in plans}) > 1
    assert found[0] == found[1] == found[2]


def test_what_a_plan_over_blocks_does_not_go_with():
    X, y = drawn()
    plan = blocks.plan([(X, y)])
    for more, given, told in (
        ({}, (y,), "y does not go with"),
        ({}, (None, np.ones(len(y))), "sample_weight does not go with"),
        ({"class_weight": "balanced"}, (), "class_weight does not go with"),
        ({"solver": "newton-cholesky"}, (), "no whole Hessian"),
    ):
        with pytest.raises(ValueError, match=told):
            LogisticRegression(**more).fit(plan, *given)
    with pytest.raises(ValueError, match=r"l2=0\.5; expected 0"):
        LogisticRegression().fit(blocks.plan([(X, y)], l2=0.5))
    with pytest.raises(ValueError, match=r"samples of one class only count, 1; expected samples of at least 2"):
        LogisticRegression().fit(blocks.plan([(X, y, y.astype(float))]))
    with pytest.raises(ValueError, match="sample_weight is 0 for all samples"):
        LogisticRegression().fit(blocks.plan([(X, y, np.zeros(len(y)))]))


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_what_is_not_finite_is_found_in_its_row(value):
    X, y = drawn(3000)
    X[2345, 1] = value
    with pytest.raises(ValueError, match=rf"block 3, row 245: X\[2345\] is {value} in column 1; expected a finite"):
        LogisticRegression().fit(blocks.plan(cut(X, y)))


def test_a_cost_that_overflows_at_the_start_is_told():
    X, y = drawn(3000)
    model = LogisticRegression(warm_start=True).fit(X, y)
    model.coef_[0, 1] = 10.0
    X[2345, 1] = 1e308 if not y[2345] else -1e308
    with pytest.raises(ValueError, match="the iterator of blocks holds numbers so large that the cost overflows"):
        model.fit(blocks.plan(cut(X, y)))


def test_a_fit_forgets_the_names_of_features_of_another():
    pandas = pytest.importorskip("pandas")
    X, y = drawn()
    model = LogisticRegression().fit(pandas.DataFrame(X, columns=list("abcdefghij")[: X.shape[1]]), y)
    assert hasattr(model, "feature_names_in_")
    assert not hasattr(model.fit(blocks.plan([(X, y)])), "feature_names_in_")


def test_separable_classes_are_told():
    X = np.arange(4000.0).reshape(-1, 1) - 1999.5
    with pytest.warns(ConvergenceWarning, match="finite C"):
        LogisticRegression(C=np.inf).fit(blocks.plan(cut(X, (X[:, 0] > 0).astype(float)), memory="50 kB"))


def test_ctrl_c_keeps_the_best_point():
    X, y = drawn(3000)
    calls = []

    def given():
        calls.append(1)
        if len(calls) > 6:
            raise KeyboardInterrupt
        yield from cut(X, y)

    model = LogisticRegression(tol=1e-12, solver="lbfgs")
    with pytest.raises(KeyboardInterrupt):
        model.fit(blocks.plan(given))
    assert model.coef_.any()
    assert model.score(X, y) > 0.6
