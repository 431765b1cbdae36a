"""Whole fits: all reach the same gradient, which is judged independently; who does not is named and has no time."""

import json

import numpy as np
import pytest
from looptax.bench import cli
from looptax.bench.measure import fits
from looptax.bench.measure.fits import Fitted, Solver
from looptax.bench.show import fits as shown
from scipy import sparse
from typer.testing import CliRunner

RNG = np.random.default_rng(5)
X = RNG.standard_normal((200, 3)) * [1e-3, 1, 1e3]
Y = (RNG.random(200) < 1 / (1 + np.exp(-X[:, 1]))).astype(int)
ZERO = Fitted(np.zeros((1, 3)), np.zeros(1), 0)


def optimum(_, __, tol=1e-10):
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(solver="newton-cholesky", tol=tol).fit(X, Y)
    return Fitted(model.coef_, model.intercept_, int(model.n_iter_[0]))


def near(X, y, tol):
    """Stops further from the optimum the larger the tolerance is."""
    best = optimum(X, y)
    return Fitted(best.coef * (1 + 100 * tol), best.intercept, 7)


@pytest.fixture
def small(monkeypatch):
    """Two small inputs, and solvers that do what solvers do."""

    def missing(*_):
        raise ImportError("No module named 'missing'")

    found = (
        Solver(fits.OURS, near),
        Solver("good", optimum),
        Solver("lazy", lambda *_: ZERO),
        Solver("missing", missing),
        Solver("broken", lambda *_: 1 / 0),
        Solver("dense", near, sparse=False),
    )
    monkeypatch.setattr(fits, "SOLVERS", found)
    monkeypatch.setattr(fits, "INPUTS", {"dense": lambda: (X, Y), "sparse": lambda: (sparse.csr_array(X), Y)})


def all_of(**more):
    told = {"sweeps": 2, "budget": 9.0, "seed": 0, "told": lambda text: None} | more
    return [fit for found in fits.measured(["dense", "sparse"], ["float64"], **told) for fit in found]


@pytest.mark.parametrize("made", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("k", [1, 3])
def test_the_gradient_is_judged_rightly(made, k):
    """By finite differences of the objective, which is scikit-learn's over C m."""
    y = Y if k == 1 else RNG.integers(0, 3, 200)
    coef, intercept = RNG.standard_normal((k, 3)) / [1e-3, 1, 1e3], RNG.standard_normal(k)
    found, size, h = fits.judged(made(X), y, Fitted(coef, intercept, 0))[0], np.sqrt((X**2).mean(axis=0)), 1e-5

    def cost(c, j, by):
        moved = coef.copy()
        moved[c, j] += by / size[j]
        return fits.judged(X, y, Fitted(moved, intercept, 0))[1]

    slopes = [(cost(c, j, h) - cost(c, j, -h)) / (2 * h) for c in range(k) for j in range(3)]
    assert found >= max(map(abs, slopes)) * (1 - 1e-6)
    best = optimum(X, Y)
    assert fits.judged(made(X), Y, best)[0] < 1e-8


def test_each_gets_the_loosest_tolerance_that_is_good_enough(small):
    found = {fit.solver: fit for fit in all_of() if fit.source == "dense"}
    ours, good = found[fits.OURS], found["good"]
    assert good.tol == fits.TOLERANCES[0]
    assert ours.tol < good.tol
    assert ours.gradient <= fits.LEVEL
    assert fits.judged(X, Y, near(X, Y, ours.tol * 10))[0] > fits.LEVEL
    assert len(ours.seconds) == len(good.seconds) == 2


def test_who_has_no_time_says_why(small):
    problems = {(fit.source, fit.solver): fit.problem for fit in all_of()}
    assert "came no further than a gradient of" in problems["dense", "lazy"]
    assert "No module named" in problems["dense", "missing"]
    assert "ZeroDivisionError" in problems["dense", "broken"]
    assert "dense" in problems["sparse", "dense"]
    assert not problems["dense", "dense"]
    assert "over budget" in {fit.solver: fit.problem for fit in all_of(budget=0.0)}["lazy"]


def test_what_does_not_suit_is_refused_before_it_is_tried():
    three = Solver("two", near, several=False, most=5)
    with pytest.raises(fits.UnfitError, match="two classes"):
        three.refuse(X, 3)
    with pytest.raises(fits.UnfitError, match="more than 5 parameters"):
        Solver("few", near, most=5).refuse(X, 3)
    three.refuse(X, 2)


def test_the_answer_compares_with_the_best_of_the_others(small):
    found = all_of(sweeps=1)
    for fit in found:
        fit.seconds = [{fits.OURS: 1.0, "good": 3.0, "dense": 2.0}.get(fit.solver, 9.0)] if not fit.problem else []
    assert "~2.45× our time (geometric mean of 2 inputs), 2.00× on dense float64" in shown.answer(found)
    titles = [table.title for table in shown.tables(found)]
    assert titles == ["dense, float64", "sparse, float64"]
    assert "no input" in shown.answer([])


class TestCommand:
    def run(self, *arguments):
        return CliRunner().invoke(cli.app, ["run", "--preset", "estimators", *arguments], env={"COLUMNS": "200"})

    def test_shows_and_writes(self, small, tmp_path):
        done = self.run("--data", "dense", "--dtypes", "float64", "--sweeps", "1", "--json", str(tmp_path / "f.json"))
        assert done.exit_code == 0, done.output
        assert "came no further" in done.output
        written = json.loads((tmp_path / "f.json").read_text())
        assert {fit["solver"] for fit in written["fits"]} >= {fits.OURS, "good", "missing"}
        assert written["machine"]["cpu"]

    @pytest.mark.parametrize("option", [("--shapes", "10x2"), ("--rungs", "numpy"), ("--peers",), ("--study",)])
    def test_what_has_no_meaning_is_refused(self, option):
        done = self.run(*option)
        assert done.exit_code == 2
        assert "no meaning for whole fits" in done.output

    def test_an_unknown_input_is_named(self):
        done = self.run("--data", "mnist")
        assert done.exit_code == 2
        assert "'mnist' is not one of breast-cancer" in done.output


def test_the_inputs_are_what_they_are_called():
    X, y = fits._ill(500, 10)
    assert np.ptp(np.log10((X**2).mean(axis=0))) > 11
    rows, labels = fits._sparse(50, 1000, 5)
    assert rows.shape == (50, 1000)
    assert 200 < rows.nnz <= 250
    assert set(np.unique(y)) == set(np.unique(labels)) == {0, 1}
