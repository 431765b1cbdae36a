"""The oracle itself: hand-computed values, independence, and its two forms against each other."""

import ast
import math
from pathlib import Path

import mpmath
import numpy as np
import pytest
from answers import answered
from looptax.bench.conformance import cases, oracle
from looptax.bench.conformance.bound import bound, notes_range


def test_hand_computed_values():
    X, w = np.array([[1.0, 2.0], [-3.0, 0.5]]), np.array([0.5, -0.25])
    y, b = np.array([1.0, 0.0]), 0.0
    # z = [0, -1.625]; σ(0) = 1/2, σ(-1.625) = 0.16451646289...; dz = [-1/2, σ]
    sigma = 1 / (1 + math.exp(1.625))
    found = oracle.exact(X, y, w, b)
    assert float(found.cost) == pytest.approx((math.log(2) + math.log1p(math.exp(-1.625))) / 2, rel=1e-15)
    assert float(found.db) == pytest.approx((-0.5 + sigma) / 2, rel=1e-15)
    np.testing.assert_allclose(found.dw.astype(float), [(-0.5 - 3 * sigma) / 2, (-1 + 0.5 * sigma) / 2], rtol=1e-15)


def test_known_constants():
    """z = ln 3 is a = 3/4 exactly; zero weights cost ln 2."""
    one = np.ones((1, 1))
    found = oracle.exact(one, np.array([0.0]), np.array([0.0]), math.log(3))
    assert float(found.cost) == pytest.approx(math.log(4), rel=1e-15)
    assert float(found.db) == pytest.approx(0.75, rel=1e-15)
    assert float(oracle.exact(one, np.array([1.0]), np.array([0.0]), 0.0).cost) == pytest.approx(math.log(2), rel=1e-15)


def test_gradient_is_the_slope_of_the_cost_to_twenty_digits():
    """Differences of the definition's cost in mpmath, which the oracle's gradient never touches."""
    case = cases.ordinary("", 5, 3, np.float64, scale=3.0)
    found = oracle.exact(*case[1:])
    with mpmath.workdps(60):

        def cost(*parameters):
            *w, b = parameters
            total = mpmath.mpf(0)
            for x, label in zip(case.X, case.y, strict=True):
                z = mpmath.fsum(mpmath.mpf(float(p)) * q for p, q in zip(x, w, strict=True)) + b
                a = 1 / (1 + mpmath.exp(-z))
                total -= mpmath.log(a) if label else mpmath.log(1 - a)
            return total / len(case.y)

        at = [mpmath.mpf(float(v)) for v in (*case.w, case.b)]
        assert float(cost(*at)) == pytest.approx(float(found.cost), rel=1e-15)
        for k, right in enumerate((*found.dw, found.db)):
            orders = tuple(int(i == k) for i in range(len(at)))
            assert float(mpmath.diff(cost, tuple(at), orders)) == pytest.approx(float(right), rel=1e-15)


def test_infinities_follow_ieee():
    inf = np.inf
    X, w = np.array([[inf, 1.0]]), np.array([1.0, 1.0])
    right_side = oracle.exact(X, np.array([1.0]), w, 0.0)
    assert right_side.cost == 0
    assert right_side.db == 0
    assert np.isnan(right_side.dw[0])  # inf * 0
    assert right_side.dw[1] == 0
    wrong_side = oracle.exact(X, np.array([0.0]), w, 0.0)
    assert wrong_side.cost == inf
    assert wrong_side.db == 1
    assert wrong_side.dw.tolist() == [inf, 1]
    assert np.isnan(oracle.exact(np.array([[inf, -inf]]), np.array([0.0]), w, 0.0).cost)
    assert np.isnan(oracle.exact(np.zeros((1, 2)), np.array([0.0]), np.array([inf, 1.0]), 0.0).cost)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("family", ["margins", "scales", pytest.param("nonfinite", marks=pytest.mark.long)])
def test_extended_agrees_with_exact(family, dtype):
    """Within a hundredth of what float64 is allowed, where long double is wider."""
    if np.finfo(np.longdouble).eps >= np.finfo(np.float64).eps:
        pytest.skip("long double is float64 here: the extended oracle is no better than the rungs")
    for case, right in answered(family, dtype):
        assert case.X.size <= oracle.EXACT_UP_TO
        with np.errstate(all="ignore"):
            allowed = bound(*case[1:])
            found = oracle.extended(*case[1:])
            for one, other, limit in zip(found, right, allowed, strict=True):
                close = np.abs(one - other) <= limit / 100
                assert np.all(close | (one == other) | (np.isnan(one) & np.isnan(other))), case.name


def test_large_data_goes_to_the_extended_oracle(monkeypatch):
    called = []
    monkeypatch.setattr(oracle, "extended", lambda *args: called.append("extended"))
    monkeypatch.setattr(oracle, "exact", lambda *args: called.append("exact"))
    oracle.reference(np.zeros((3, 3)), None, None, None)
    oracle.reference(np.zeros((300, 300)), None, None, None)
    assert called == ["exact", "extended"]


def test_imports_nothing_of_ours():
    tree = ast.parse(Path(oracle.__file__).read_text(encoding="utf-8"))
    imported = {
        node.module if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert imported == {"__future__", "collections.abc", "itertools", "math", "typing", "mpmath", "numpy"}


def test_bound_is_tight():
    """For an ordinary case in float64 it stays within a hundred roundoffs of the result."""
    case = cases.ordinary("", 65, 9, np.float64)
    right, allowed = oracle.exact(*case[1:]), bound(*case[1:])
    assert allowed.cost < 100 * 2**-53 * right.cost
    assert (allowed.dw < 100 * 2**-53 * np.abs(case.X).max()).all()


@pytest.mark.parametrize("apart", [700.0, 5000.0, 30000.0])  # the least e to minus which no number can hold
@pytest.mark.parametrize("several", [False, True])
def test_bound_knows_a_tie_of_what_rounding_hides(apart, several):
    """z of two classes are of size 2^38, whose neighbours are 2^15 apart: which of them is larger cannot be told."""
    X, y = np.array([[2.0**38, -(2.0**38)]], np.float32), np.ones(1, np.float32)
    w, b = np.ones(2, np.float32), np.float32(apart)
    if several:
        X, w, b = X[:, :1], np.ones((2, 1), np.float32), np.array([0, apart], np.float32)
    more = {"v": np.ones_like(w), "v0": np.zeros_like(b)}
    assert np.all(bound(X, y, w, b).dw >= 0.5 * 2.0**38)
    assert np.all(bound(X, y, w, b, **more).db >= 0.2 * 2.0**15)
    far = bound(X, y, 2.0**-30 * w if not several else np.array([[-1.0], [1.0]], np.float32), b)
    assert np.all(far.dw < 1e-6), "and that it can be told"


def test_bound_of_a_huge_loss_has_the_error_of_its_z():
    X, w = np.full((2, 15), 1e304), np.resize([1.0, -0.9], 15)
    assert bound(X, np.zeros(2), w, 0.0).cost >= 15 * 2.0**-53 * 1e304 * 14


def test_bound_is_relative_on_separated_data():
    """Small costs are held to their own size, not to 1."""
    X = np.full((3, 1), 40.0)
    found = bound(X, np.ones(3), np.ones(1), 0.0)
    assert found.cost < 1e-13 * np.exp(-40)


def test_notes_range():
    assert notes_range(np.float64) == pytest.approx(18.02, abs=0.01)
    assert notes_range(np.float32) == pytest.approx(7.97, abs=0.01)
