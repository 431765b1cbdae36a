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
    X[7, 1] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        LogisticRegression().fit(plan)


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
