"""The estimator: scikit-learn's in all but speed."""

import io
import pickle
import warnings

import joblib
import numpy as np
import pytest
import sklearn
from looptax.kernels import fit, threads
from looptax.kernels.sklearn import LogisticRegression
from scipy import sparse
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression as Theirs
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

CANCER, SICK = load_breast_cancer(return_X_y=True)
CANCER = (CANCER - CANCER.mean(axis=0)) / CANCER.std(axis=0)
DIGITS, DIGIT = (part[:400] for part in load_digits(return_X_y=True))
SOLVERS = ["auto", *fit.SOLVERS]
TIGHT = {"tol": 1e-9, "max_iter": 10_000}


@parametrize_with_checks([LogisticRegression(solver=solver) for solver in SOLVERS])
def test_is_an_estimator_to_scikit_learn(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of theirs, and of checks that want a fit which does not converge
        check(estimator)


def objective(model, X, y, C=1.0, sample_weight=None):
    """Return what scikit-learn minimises, over C times the number of samples; in plain NumPy."""
    z = X @ model.coef_.T.astype(np.float64) + model.intercept_
    if z.shape[1] == 1:
        z = np.column_stack([np.zeros(len(z)), z])
    losses = -log_softmax(z, axis=1)[np.arange(len(z)), np.searchsorted(model.classes_, y)]
    s = np.ones(len(z)) if sample_weight is None else sample_weight
    return (s @ losses + (model.coef_.astype(np.float64) ** 2).sum() / (2 * C)) / s.sum()


@pytest.mark.parametrize("solver", SOLVERS)
class TestSameOptimum:
    @pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_two_classes(self, solver, C, fit_intercept):
        ours = LogisticRegression(C=C, fit_intercept=fit_intercept, solver=solver, **TIGHT).fit(CANCER, SICK)
        theirs = Theirs(C=C, fit_intercept=fit_intercept, solver="newton-cholesky", **TIGHT).fit(CANCER, SICK)
        assert objective(ours, CANCER, SICK, C) == pytest.approx(objective(theirs, CANCER, SICK, C), rel=1e-10)
        assert np.allclose(ours.coef_, theirs.coef_, atol=1e-5)
        assert np.allclose(ours.intercept_, theirs.intercept_, atol=1e-5)
        assert ours.n_iter_.shape == theirs.n_iter_.shape

    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_several_classes(self, solver, fit_intercept):
        ours = LogisticRegression(C=0.1, fit_intercept=fit_intercept, solver=solver, **TIGHT).fit(DIGITS, DIGIT)
        theirs = Theirs(C=0.1, fit_intercept=fit_intercept, solver="newton-cg", **TIGHT).fit(DIGITS, DIGIT)
        assert objective(ours, DIGITS, DIGIT, 0.1) == pytest.approx(objective(theirs, DIGITS, DIGIT, 0.1), rel=1e-10)
        assert np.allclose(ours.predict_proba(DIGITS), theirs.predict_proba(DIGITS), atol=1e-5)

    def test_weights_and_weights_of_classes(self, solver):
        s = np.random.default_rng(0).random(len(SICK))
        for class_weight in (None, {0: 2.0, 1: 0.5}):
            ours = LogisticRegression(class_weight=class_weight, solver=solver, **TIGHT).fit(CANCER, SICK, s)
            theirs = Theirs(class_weight=class_weight, solver="newton-cholesky", **TIGHT).fit(CANCER, SICK, s)
            assert np.allclose(ours.coef_, theirs.coef_, atol=1e-5)

    def test_balanced_is_a_weight_for_each_class(self, solver):
        share = len(SICK) / (2 * np.bincount(SICK))
        ours = LogisticRegression(class_weight="balanced", solver=solver, **TIGHT).fit(CANCER, SICK)
        told = LogisticRegression(class_weight=dict(enumerate(share)), solver=solver, **TIGHT).fit(CANCER, SICK)
        assert np.allclose(ours.coef_, told.coef_, atol=1e-8)

    def test_sparse_is_dense(self, solver):
        dense = LogisticRegression(solver=solver, **TIGHT).fit(DIGITS, DIGIT % 2)
        for made in (sparse.csr_matrix, sparse.csr_array, sparse.csc_array):
            rows = LogisticRegression(solver=solver, **TIGHT).fit(made(DIGITS), DIGIT % 2)
            assert objective(rows, DIGITS, DIGIT % 2) == pytest.approx(objective(dense, DIGITS, DIGIT % 2), rel=1e-10)

    def test_no_penalty(self, solver):
        rng = np.random.default_rng(3)
        X = rng.standard_normal((300, 4))
        y = rng.random(300) < 1 / (1 + np.exp(-X[:, 0]))
        ours = LogisticRegression(C=np.inf, solver=solver, **TIGHT).fit(X, y)
        theirs = Theirs(C=np.inf, solver="newton-cholesky", **TIGHT).fit(X, y)
        assert np.allclose(ours.coef_, theirs.coef_, atol=1e-6)

    def test_columns_of_very_different_units(self, solver):
        units = np.logspace(-3, 3, CANCER.shape[1])
        ours = LogisticRegression(C=np.inf, tol=1e-4, max_iter=10_000, solver=solver)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the classes can be separated
            ours.fit(CANCER[:, :10] * units[:10], SICK)
        z = CANCER[:, :10] * units[:10] @ ours.coef_[0] + ours.intercept_
        dz = 1 / (1 + np.exp(-z)) - SICK
        assert np.abs(dz @ (CANCER[:, :10] * units[:10]) / len(z)).max() <= 1e-4


class TestKeepsX:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_no_copy_of_x(self, dtype, order, monkeypatch):
        X = np.asarray(CANCER, dtype, order=order)
        seen = []
        monkeypatch.setattr(
            "looptax.kernels.sklearn.Walk", lambda plan, *more: seen.append(plan) or fit.Walk(plan, *more)
        )
        model = LogisticRegression().fit(X, SICK)
        assert seen[0].X is X
        assert model.coef_.dtype == model.predict_proba(X).dtype == dtype

    @pytest.mark.parametrize("package", ["pandas", "polars"])
    def test_names_of_columns(self, package):
        names = [f"c{j}" for j in range(CANCER.shape[1])]
        table = pytest.importorskip(package).DataFrame(dict(zip(names, CANCER.T, strict=True)))
        model = LogisticRegression().fit(table, SICK)
        assert list(model.feature_names_in_) == names
        assert np.allclose(model.coef_, LogisticRegression().fit(CANCER, SICK).coef_, rtol=1e-9)
        assert np.allclose(model.predict_proba(table).sum(axis=1), 1)


class TestInPrograms:
    def test_in_a_pipeline_with_a_grid_search(self):
        model = make_pipeline(StandardScaler().set_output(transform="default"), LogisticRegression())
        search = GridSearchCV(model, {"logisticregression__C": [0.1, 1, 10]}, cv=3).fit(CANCER, SICK)
        assert search.best_score_ > 0.95

    @pytest.mark.parametrize("backend", ["loky", "threading"])
    def test_in_workers(self, backend):
        alone = cross_val_score(LogisticRegression(), CANCER, SICK, cv=4)
        with joblib.parallel_backend(backend, n_jobs=2):
            assert np.array_equal(cross_val_score(LogisticRegression(), CANCER, SICK, cv=4), alone)

    def test_calibrated(self):
        model = CalibratedClassifierCV(LogisticRegression(), cv=3).fit(CANCER, SICK)
        assert np.allclose(model.predict_proba(CANCER).sum(axis=1), 1)

    def test_cloned_pickled_and_dumped(self):
        model = LogisticRegression(C=3.0).fit(CANCER, SICK)
        assert clone(model).get_params() == model.get_params()
        file = io.BytesIO()
        joblib.dump(model, file)
        file.seek(0)
        for again in (pickle.loads(pickle.dumps(model)), joblib.load(file)):
            assert np.array_equal(again.predict_proba(CANCER), model.predict_proba(CANCER))

    def test_metadata_is_routed(self):
        with sklearn.config_context(enable_metadata_routing=True):
            model = LogisticRegression().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
            search = GridSearchCV(model, {"C": [1.0]}, cv=3).fit(CANCER, SICK, sample_weight=np.ones(len(SICK)))
        assert search.best_score_ > 0.9

    def test_callbacks_see_every_iteration(self):
        callback = pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9")
        assert callback
        seen = []

        class Watch:
            def setup(self, estimator, context):
                seen.append("begin")

            def on_fit_task_begin(self, estimator, context, **more):
                pass

            def on_fit_task_end(self, estimator, context, **more):
                seen.append(more.get("reconstruction_attributes"))

            def teardown(self, estimator, context):
                seen.append("end")

        model = LogisticRegression().set_callbacks(Watch()).fit(CANCER, SICK)
        assert seen[0] == "begin"
        assert seen[-1] == "end"
        assert len(seen) >= 2 + model.n_iter_[0]


class TestEnds:
    def test_separable_without_a_penalty_is_a_warning_and_no_large_weight(self):
        X, y = np.arange(20.0).reshape(-1, 1), np.arange(20) > 9
        for solver in SOLVERS:
            with pytest.warns(ConvergenceWarning, match="separated perfectly.*finite C"):
                model = LogisticRegression(C=np.inf, solver=solver).fit(X, y)
            assert np.abs(model.coef_).max() < 1000

    def test_too_few_iterations_is_a_warning(self):
        with pytest.warns(ConvergenceWarning, match=r"gradient is .* after 2 iterations.*max_iter"):
            model = LogisticRegression(max_iter=2, solver="lbfgs").fit(CANCER, SICK)
        assert model.n_iter_[0] == 2

    def test_columns_that_depend_on_each_other_fall_back(self):
        X = np.column_stack([CANCER[:, :2], CANCER[:, 0] + CANCER[:, 1]])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = LogisticRegression(C=np.inf, solver="newton-cholesky").fit(X, SICK)
        assert model.score(X, SICK) > 0.8

    def test_ctrl_c_keeps_the_best_point(self, monkeypatch):
        real = fit.Walk.moved

        def moved(self, to):
            if self.iterations == 3:
                raise KeyboardInterrupt
            return real(self, to)

        monkeypatch.setattr(fit.Walk, "moved", moved)
        model = LogisticRegression(solver="lbfgs")
        with pytest.raises(KeyboardInterrupt):
            model.fit(CANCER, SICK)
        assert model.n_iter_[0] == 3
        assert model.score(CANCER, SICK) > 0.9

    def test_warm_start_begins_where_it_ended(self):
        model = LogisticRegression(warm_start=True).fit(CANCER, SICK)
        assert model.fit(CANCER, SICK).n_iter_[0] == 0
        assert model.solver_.startswith("none")

    def test_verbose_says_what_it_does(self, capsys):
        LogisticRegression(verbose=1).fit(CANCER, SICK)
        told = capsys.readouterr().out
        assert "newton-cholesky: Newton's method is worth" in told
        assert "iteration    1  cost " in told

    @pytest.mark.parametrize(
        ("params", "told"),
        [
            ({"C": -1}, "'C'"),
            ({"l1_ratio": 0.5}, "'l1_ratio'"),
            ({"solver": "saga"}, "'solver'"),
            ({"tol": -1}, "'tol'"),
        ],
    )
    def test_refuses(self, params, told):
        with pytest.raises(ValueError, match=told):
            LogisticRegression(**params).fit(CANCER, SICK)


def test_probabilities_keep_their_relative_accuracy():
    model = LogisticRegression().fit(CANCER, SICK)
    model.coef_ *= 100
    proba, log_proba = model.predict_proba(CANCER), model.predict_log_proba(CANCER)
    assert np.isfinite(log_proba).all()
    assert np.allclose(np.log(proba[proba > 0]), log_proba[proba > 0], rtol=1e-12, atol=1e-15)


@pytest.mark.usefixtures("eight_cpus")
def test_any_number_of_threads_fits_the_same_bits():
    found = set()
    X = np.tile(DIGITS, (20, 1))
    for count in (1, 2, 5):
        with threads(count):
            found.add(LogisticRegression(tol=0.01, solver="lbfgs").fit(X, np.tile(DIGIT, 20)).coef_.tobytes())
    assert len(found) == 1
