"""The estimator works wherever one of scikit-learn's does: pipelines, searches, processes, pickles, callbacks."""

import io
import pickle

import numpy as np
import pytest
from needed import lacking
from test_estimator import drawn

try:
    import joblib
    import sklearn
    from looptax.kernels.choose import team
    from looptax.kernels.sklearn import LogisticRegression
    from sklearn.base import clone
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
except ImportError as error:
    lacking(str(error))

X, y = drawn()


@pytest.mark.parametrize("library", ["default", "pandas", "polars"])
def test_in_a_pipeline(library):
    if library != "default":
        try:
            __import__(library)
        except ImportError as error:
            lacking(str(error))
    steps = make_pipeline(StandardScaler(), LogisticRegression()).set_output(transform=library)
    assert steps.fit(X, y).score(X, y) > 0.6
    assert hasattr(steps[-1], "feature_names_in_") == (library != "default")


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_in_a_search(backend):
    search = GridSearchCV(LogisticRegression(), {"C": [0.01, 1.0, np.inf], "solver": ["auto", "lbfgs"]}, n_jobs=2, cv=3)
    with joblib.parallel_config(backend):
        search.fit(X, y)
    alone = GridSearchCV(LogisticRegression(), search.param_grid, cv=3).fit(X, y)
    assert search.best_params_ == alone.best_params_
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(search.best_estimator_.coef_, alone.best_estimator_.coef_)


def test_processes_share_the_cpus():
    count = joblib.cpu_count()
    found = joblib.Parallel(n_jobs=count, backend="loky")(joblib.delayed(team.available)() for _ in range(count))
    assert found == [1] * count


def test_threads_share_one_team():
    before = team.helpers()
    joblib.Parallel(n_jobs=4, backend="threading")(
        joblib.delayed(LogisticRegression(solver="lbfgs").fit)(X, y) for _ in range(8)
    )
    assert team.helpers() <= max(before, team.available() - 1)


def test_in_cross_validation():
    assert len(cross_val_score(LogisticRegression(), X, y, cv=4)) == 4


def test_in_calibration():
    assert CalibratedClassifierCV(LogisticRegression(), cv=3).fit(X, y).predict_proba(X).shape == (len(y), 2)


@pytest.mark.parametrize("how", [pickle, joblib])
def test_is_pickled(how):
    model = LogisticRegression().fit(X, y)
    kept = io.BytesIO()
    how.dump(model, kept)
    kept.seek(0)
    back = how.load(kept)
    assert back.solver_ == model.solver_
    np.testing.assert_array_equal(back.predict_proba(X), model.predict_proba(X))


def test_is_cloned():
    model = LogisticRegression(C=3.0, solver="newton-cg").fit(X, y)
    made = clone(model)
    assert made.get_params() == model.get_params()
    assert not hasattr(made, "coef_")


def test_weights_of_samples_are_routed():
    s = np.random.default_rng(0).random(len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        model = LogisticRegression().set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        routed = make_pipeline(scaler, model).fit(X, y, sample_weight=s)
    scaled = StandardScaler().fit_transform(X)
    np.testing.assert_array_equal(routed[-1].coef_, LogisticRegression().fit(scaled, y, s).coef_)


def test_sparse_coefficients():
    model = LogisticRegression().fit(X, y)
    before = model.decision_function(X)
    np.testing.assert_allclose(model.sparsify().decision_function(X), before)
    np.testing.assert_array_equal(model.densify().decision_function(X), before)


class Listens:
    """A callback that keeps what it is told, and ends the fit after some iterations."""

    def __init__(self, most=np.inf):
        self.most, self.told, self.scores = most, [], []

    def setup(self, estimator, context):
        self.told.append("setup")

    def teardown(self, estimator, context):
        self.told.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.told.append(f"{context.task_name} begins")

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        self.told.append(f"{context.task_name} ends")
        self.scores.append(fitted_estimator.score(X, y))
        return self.told.count("iteration ends") >= self.most


@pytest.mark.skipif(not hasattr(LogisticRegression, "set_callbacks"), reason="scikit-learn has callbacks from 1.9")
@pytest.mark.parametrize("solver", ["auto", "lbfgs", "newton-cg", "newton-cholesky"])
def test_callbacks_hear_of_each_iteration(solver):
    hears = Listens()
    model = LogisticRegression(solver=solver).set_callbacks(hears).fit(X, y)
    each = ["iteration begins", "iteration ends"] * model.n_iter_[0]
    assert hears.told == ["setup", "fit begins", *each, "fit ends", "teardown"]
    assert hears.scores[-1] == model.score(X, y)
    model.set_callbacks(Listens(2)).fit(X, y)
    assert model.n_iter_ == [2]
