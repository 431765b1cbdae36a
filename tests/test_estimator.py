"""The estimator is scikit-learn's in all that can be seen: its checks, its optimum, what it takes and keeps."""

import numpy as np
import pytest
from needed import lacking
from scipy.special import logsumexp

try:
    from looptax.kernels import threads
    from looptax.kernels.sklearn import LogisticRegression
    from sklearn.linear_model import LogisticRegression as Theirs
    from sklearn.utils.estimator_checks import parametrize_with_checks
except ImportError as error:
    lacking(str(error))
from scipy import sparse

SOLVERS = ["lbfgs", "newton-cg", "newton-cholesky"]
ALL = ["auto", *SOLVERS]


def drawn(m=300, n=6, classes=2, seed=0):
    """Samples, badly scaled, and labels drawn from a model."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, n)) * np.logspace(-1, 1.5, n) + 1
    z = X @ (rng.standard_normal((n, classes)) / np.abs(X).mean(axis=0)[:, None])
    return X, (z + rng.gumbel(size=z.shape)).argmax(axis=1)


def objective(model, X, y, C=1.0, s=1.0):
    """What is minimised, of a fitted model."""
    z = X @ model.coef_.T.astype(float) + model.intercept_
    z = np.column_stack([np.zeros(len(z)), z]) if z.shape[1] == 1 else z
    loss = logsumexp(z, axis=1) - z[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    return C * (s * loss).sum() + (model.coef_.astype(float) ** 2).sum() / 2


@pytest.mark.filterwarnings("ignore")  # the checks' own
@parametrize_with_checks([LogisticRegression(solver=solver) for solver in ALL])
def test_passes_all_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("solver", ALL)
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_has_the_optimum_of_scikit_learn(solver, classes, fit_intercept, weighted, form):
    X, y = drawn(classes=classes)
    s = np.random.default_rng(1).random(len(y)) if weighted else None
    how = {"C": 0.7, "fit_intercept": fit_intercept, "class_weight": {0: 2.0} if weighted else None}
    ours = LogisticRegression(solver=solver, tol=1e-10, max_iter=1000, **how).fit(form(X), y, s)
    theirs = Theirs(solver="newton-cholesky", tol=1e-12, **how).fit(X, y, s)
    counted = (s * np.where(y == 0, 2, 1)) if weighted else 1.0
    least = objective(theirs, X, y, 0.7, counted)
    assert abs(objective(ours, X, y, 0.7, counted) / least - 1) < 1e-10
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-6, rtol=1e-6)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-7)
    assert (ours.predict(X) == theirs.predict(X)).all()
    assert ours.score(X, y) == theirs.score(X, y)
    assert ours.intercept_.shape == theirs.intercept_.shape
    assert ours.n_iter_.shape == theirs.n_iter_.shape
    assert ours.n_iter_.dtype == theirs.n_iter_.dtype


@pytest.mark.parametrize("solver", ALL)
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("C", [0.01, 100.0])
def test_has_the_optimum_for_any_penalty(solver, classes, C):
    X, y = drawn(classes=classes)
    ours = LogisticRegression(C=C, solver=solver, tol=1e-10, max_iter=1000).fit(X, y)
    theirs = Theirs(C=C, solver="newton-cholesky", tol=1e-12).fit(X, y)
    assert abs(objective(ours, X, y, C) / objective(theirs, X, y, C) - 1) < 1e-10


@pytest.mark.parametrize("solver", ALL)
@pytest.mark.parametrize("classes", [2, 3])
def test_without_a_penalty(solver, classes):
    X, y = drawn(classes=classes)
    model = LogisticRegression(C=np.inf, solver=solver, tol=1e-9, max_iter=1000).fit(X, y)
    wrong = model.predict_proba(X) - np.eye(classes)[y]
    assert np.abs(wrong.T @ X).max() / len(y) < 1e-8
    assert np.abs(wrong.mean(axis=0)).max() < 1e-8


def test_balanced_classes_count_the_same():
    X, y = drawn(classes=3)
    s = np.random.default_rng(1).random(len(y))
    sums = np.bincount(y, s)
    balanced = LogisticRegression(class_weight="balanced", tol=1e-9).fit(X, y, s)
    by_hand = LogisticRegression(tol=1e-9).fit(X, y, s * (sums.sum() / 3 / sums)[y])
    np.testing.assert_allclose(balanced.coef_, by_hand.coef_, rtol=1e-6)


@pytest.mark.parametrize("solver", ALL)
@pytest.mark.parametrize("classes", [2, 3])
def test_float32_ends_where_its_precision_does(solver, classes):
    X, y = drawn(2000, 10, classes)
    single = LogisticRegression(solver=solver, tol=0.0, max_iter=1000).fit(
        X.astype(np.float32), y
    )  # no warning: warnings are errors
    double = LogisticRegression(solver=solver, tol=1e-10, max_iter=1000).fit(X, y)
    assert single.coef_.dtype == single.intercept_.dtype == single.predict_proba(X.astype(np.float32)).dtype
    assert single.coef_.dtype == np.float32
    assert double.coef_.dtype == np.float64
    assert objective(single, X, y) / objective(double, X, y) - 1 < 1e-6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_x_is_not_copied(dtype, order, monkeypatch):
    from looptax.kernels import sklearn as module

    seen = []
    original = module.plan
    monkeypatch.setattr(module, "plan", lambda X, *rest, **how: seen.append(X) or original(X, *rest, **how))
    X, y = drawn()
    X = np.asarray(X, dtype, order=order)
    LogisticRegression().fit(X, y)
    compressed = sparse.csr_array(X)
    LogisticRegression().fit(compressed, y)
    assert np.shares_memory(seen[0], X)
    assert seen[0].strides == X.strides
    assert np.shares_memory(seen[1].data, compressed.data)


@pytest.mark.parametrize("form", [sparse.csc_array, sparse.coo_array, sparse.csr_matrix, sparse.lil_array])
def test_other_sparse_forms_are_converted(form):
    X, y = drawn()
    found = LogisticRegression(tol=1e-8).fit(form(X), y)
    np.testing.assert_allclose(found.coef_, LogisticRegression(tol=1e-8).fit(X, y).coef_, rtol=1e-5)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames_are_taken(library):
    try:
        frames = __import__(library)
    except ImportError as error:
        lacking(str(error))
    X, y = drawn(n=3)
    names = np.array(["no", "yes"])[y]
    model = LogisticRegression().fit(frames.DataFrame({c: X[:, i] for i, c in enumerate("abc")}), frames.Series(names))
    np.testing.assert_allclose(model.coef_, LogisticRegression().fit(X, y).coef_)
    assert list(model.feature_names_in_) == list("abc")
    assert list(model.classes_) == ["no", "yes"]
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frames.DataFrame({c: X[:, i] for i, c in enumerate("abd")}))


@pytest.mark.parametrize(
    "labels",
    [
        np.array([-128, 127], np.int8), np.array([3, 1, 2], np.uint64), np.array([False, True]), np.array([0.0, 7.0]),
        np.array([10**12, -5, 3]), np.array(["b", "a", "c"]), np.array([2.0, 1.0, 4.0]),
        np.array([3, "x"], object).astype(str),
    ],
)  # fmt: skip
def test_labels_of_any_kind_are_kept(labels):
    X, y = drawn(classes=len(labels))
    model = LogisticRegression().fit(X, labels[y])
    right, number = np.unique(labels[y], return_inverse=True)
    assert (model.classes_ == right).all()
    assert model.classes_.dtype == right.dtype
    np.testing.assert_allclose(model.coef_, LogisticRegression().fit(X, number).coef_)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("classes", [2, 3])
def test_what_is_not_finite_is_refused(value, form, classes):
    X, y = drawn(classes=classes)
    X[17, 2] = value
    with pytest.raises(ValueError, match="Input X contains"):
        LogisticRegression().fit(form(X), y)


def test_probabilities_are_as_exact_as_small():
    X, y = drawn(n=1)
    model = LogisticRegression().fit(X, y)
    model.coef_[:], model.intercept_[:] = 1.0, 0.0
    far = np.array([[-700.0], [40.0], [1000.0]])
    np.testing.assert_allclose(model.predict_proba(far)[0, 1], np.exp(-700.0))
    np.testing.assert_allclose(model.predict_proba(far)[1, 0], np.exp(-40.0))
    np.testing.assert_allclose(model.predict_log_proba(far)[2], [-1000.0, 0.0])


@pytest.mark.parametrize("wrong", [{"C": 0}, {"solver": "saga"}, {"tol": -1}, {"max_iter": 1.5}, {"l1_ratio": 0.5}])
def test_wrong_parameters_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LogisticRegression(**wrong).fit(*drawn())


@pytest.mark.parametrize("name", ["penalty", "n_jobs", "multi_class"])
def test_what_scikit_learn_gives_up_is_not_there(name):
    with pytest.raises(TypeError, match=name):
        LogisticRegression(**{name: None})


@pytest.mark.usefixtures("eight_cpus")
@pytest.mark.parametrize("solver", ALL)
def test_any_number_of_threads_fits_the_same_bits(solver):
    found, (X, y) = set(), drawn(9000, 20, 3)
    for count in (1, 2, 5):
        with threads(count):
            found.add(LogisticRegression(solver=solver).fit(X, y).coef_.tobytes())
    assert len(found) == 1
