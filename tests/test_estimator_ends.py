"""A fit ends at the optimum, or says why not: without one, out of iterations, or interrupted."""

import numpy as np
import pytest
from needed import lacking
from test_estimator import ALL, SOLVERS, drawn

try:
    from looptax.kernels.sklearn import LogisticRegression, problem
    from scipy.linalg import LinAlgWarning
    from sklearn.exceptions import ConvergenceWarning
except ImportError as error:
    lacking(str(error))


@pytest.mark.parametrize("solver", ALL)
@pytest.mark.parametrize("classes", [2, 3])
def test_separable_classes_without_a_penalty_are_told(solver, classes):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 2)) + 20 * np.eye(3, 2)[np.arange(60) % classes]
    with pytest.warns(ConvergenceWarning, match="finite C"):
        model = LogisticRegression(C=np.inf, solver=solver).fit(X, np.arange(60) % classes)
    assert np.abs(model.coef_).max() < 1000
    LogisticRegression(solver=solver).fit(X, np.arange(60) % classes)


@pytest.mark.parametrize("solver", SOLVERS)
def test_too_few_iterations_are_told(solver):
    X, y = drawn()
    with pytest.warns(ConvergenceWarning, match="max_iter") as told:
        model = LogisticRegression(solver=solver, max_iter=1, tol=1e-9).fit(X, y)
    assert model.n_iter_ == [1]
    assert told[0].filename == __file__
    with pytest.warns(ConvergenceWarning):
        model.set_params(max_iter=0).fit(X, y)
    assert model.n_iter_ == [0]


def test_a_singular_curvature_is_told_and_lbfgs_goes_on():
    X, y = drawn(n=3)
    X = np.column_stack([X, X])
    with pytest.warns(LinAlgWarning, match="singular"):
        found = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8).fit(X, y)
    right = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8).fit(X[:, :3], y)
    np.testing.assert_allclose(found.predict_proba(X), right.predict_proba(X[:, :3]), atol=1e-6)
    LogisticRegression(C=np.inf).fit(X, y)  # not asked for, nothing to tell


@pytest.mark.parametrize("solver", SOLVERS)
def test_ctrl_c_keeps_the_best_point(solver, monkeypatch):
    X, y = drawn()
    calls, original = [], problem.Problem.evaluate

    def evaluate(self, weights):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return original(self, weights)

    monkeypatch.setattr(problem.Problem, "evaluate", evaluate)
    model = LogisticRegression(solver=solver, tol=1e-12)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert 1 <= model.n_iter_[0] < 4
    assert model.coef_.any()
    assert model.score(X, y) > 0.6


@pytest.mark.parametrize("solver", ALL)
def test_verbose_tells_of_each_iteration(solver, capsys):
    model = LogisticRegression(solver=solver, verbose=1).fit(*drawn())
    choice, *lines = capsys.readouterr().out.splitlines()
    assert choice == f"{model.solver_.name}: {model.solver_.why}"
    assert len(lines) == 1 + model.n_iter_[0]
    assert all("cost" in line and "gradient" in line for line in lines)
    model.set_params(verbose=0).fit(*drawn())
    assert capsys.readouterr().out == ""


def test_auto_takes_newton_for_few_features_and_lbfgs_for_many():
    assert LogisticRegression().fit(*drawn()).solver_.name == "newton-cholesky"
    many = LogisticRegression().fit(*drawn(2000, 100, 5))
    assert many.solver_.name == "lbfgs"
    assert "2,000 samples of 100 features, 5 classes" in many.solver_.why


@pytest.mark.parametrize("classes", [2, 3])
def test_a_warm_start_has_little_left_to_do(classes):
    X, y = drawn(classes=classes)
    model = LogisticRegression(warm_start=True, solver="lbfgs").fit(X, y)
    first = model.n_iter_[0]
    assert model.fit(X, y).n_iter_[0] == 0 < first
    with pytest.raises(ValueError, match="warm_start"):
        model.fit(X[:, :3], y)


def test_column_scales_cost_few_iterations():
    X, y = drawn(3000, 40)
    mixed = X @ np.random.default_rng(0).standard_normal((40, 40)) * np.logspace(-3, 3, 40)
    assert LogisticRegression(solver="lbfgs", C=np.inf, tol=1e-6).fit(mixed, y).n_iter_[0] < 40
