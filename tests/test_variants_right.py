"""Weights, a penalty, several classes, sparse X and curvature: right to a derived bound, and by a second opinion.

The oracle is mpmath, for all of them one: two classes that share a weight vector are softmax with a class of zeros. The
bound allows any order of summation. With δ the error of z (n products and sums) and u one rounding, a probability has
the relative error 4δ + 16u at most, a loss the absolute error 2δ + 8u (1 + loss), and sums over m samples add m
roundings of the sum of absolute values.
"""

from dataclasses import dataclass

import mpmath as mp
import numpy as np
import pytest
from looptax.kernels import fastest, plan
from looptax.kernels.variants.ladder import VARIANTS
from scipy import sparse

K = 3


@dataclass
class Right:
    """What is right, (value, bound) of each: cost, gradient (k, n + 1) and Hessian times v."""

    cost: tuple
    grad: tuple
    hessp: tuple


def right(X, y, s, l2, params, v):
    """Return what is right at `params`, (k, n + 1), or (1, n + 1) for two classes."""
    unit = 2.0 ** -(24 if X.dtype == np.float32 else 53)
    (m, n), k = X.shape, len(params)
    W, V = ([np.zeros(n + 1), *rows] if k == 1 else list(rows) for rows in (params, v))
    total, cost, loose = mp.mpf(0), mp.mpf(0), 0.0
    grad, hessp = np.full((2, len(W), n + 1), mp.mpf(0), object)
    wide, wide_hessp = np.zeros((2, len(W), n + 1))
    for i in range(m):
        x = [mp.mpf(float(value)) for value in (*X[i], 1.0)]
        size = np.abs([*X[i].astype(float), 1.0])
        z = [mp.fdot(x, [mp.mpf(float(w)) for w in row]) for row in W]
        r = [mp.fdot(x, [mp.mpf(float(w)) for w in row]) for row in V]
        delta = (n + 4) * unit * max(float(size @ np.abs(row.astype(float))) for row in W)
        delta_r = (n + 4) * unit * max(float(size @ np.abs(row.astype(float))) for row in V)
        top = max(z)
        e = [mp.exp(one - top) for one in z]
        a = [one / mp.fsum(e) for one in e]
        loss = top - z[int(y[i])] + mp.log(mp.fsum(e))
        mean = mp.fdot(a, r)
        weight, share = mp.mpf(float(s[i])), float(s[i])
        total, cost = total + weight, cost + weight * loss
        loose += share * (2 * delta + (8 + m) * unit * (1 + float(loss)))
        relative = 4 * delta + (16 + len(W) + m) * unit
        for c in range(len(W)):
            dz = -mp.fsum(a[q] for q in range(len(W)) if q != c) if c == int(y[i]) else a[c]
            d = a[c] * (r[c] - mean)
            spread = float(a[c]) * (
                (abs(float(r[c])) + float(mp.fdot(a, [abs(q) for q in r]))) * relative + 2 * delta_r
            )
            grad[c] += [weight * dz * q for q in x]
            hessp[c] += [weight * d * q for q in x]
            wide[c] += share * size * abs(float(dz)) * relative
            wide_hessp[c] += share * size * spread
    penalised = np.arange(n + 1) < n
    tables = [np.array(rows, dtype=float) for rows in (W, V)]
    cost = cost / total + mp.mpf(l2) / 2 * mp.fsum(mp.mpf(w) ** 2 for w in tables[0][:, :-1].ravel())
    found = [
        (
            np.array([[float(q / total + mp.mpf(l2) * mp.mpf(w) * int(p)) for q, w, p in zip(*rows, strict=True)]
                      for rows in zip(one, table, [penalised] * len(W), strict=True)])[-k:],
            (bound / float(total) + 4 * unit * (l2 * np.abs(table) + np.abs(one / total).astype(float)))[-k:],
        )
        for one, table, bound in ((grad, tables[0], wide), (hessp, tables[1], wide_hessp))
    ]  # fmt: skip
    return Right((float(cost), loose / float(total) + (8 + n) * unit * float(cost)), *found)


def case(seed, m, n, k, dtype, size=1.0):
    rng = np.random.default_rng([seed, m, n, k])
    X = (rng.standard_normal((m, n)) * size).astype(dtype)
    X[rng.random((m, n)) < 0.3] = 0
    s = rng.random(m).astype(dtype)
    s[rng.random(m) < 0.2] = 0
    s[0] = 1
    params, v = rng.standard_normal((2, k, n + 1)).astype(dtype)
    return X, rng.integers(0, max(k, 2), m), s, 0.25, params, v


def problem(X, y, s, l2, params, v, truth):
    """Return what is wrong with a plan's answers, or None."""
    p = plan(X, y, sample_weight=s, l2=l2, classes=len(params) if len(params) > 1 else None)
    cost, grad = p.objective(params.ravel())
    return beyond(truth, cost, grad.reshape(params.shape), p.hessp(params.ravel(), v.ravel()).reshape(params.shape))


def beyond(truth, cost, grad, hessp):
    for name, found, (value, bound) in (
        ("cost", cost, truth.cost), ("grad", grad, truth.grad), ("hessp", hessp, truth.hessp)
    ):  # fmt: skip
        if not (np.abs(found - value) <= bound).all():
            return f"{name}: {np.max(np.abs(found - value) / bound):.3g} times the bound"
    return None


LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "sparse": sparse.csr_array,
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 2, 3, 9])
@pytest.mark.parametrize(("m", "n"), [(1, 1), (7, 2), (9, 3), (17, 8), (33, 17)])
def test_within_the_bound_in_every_layout(m, n, k, dtype):
    X, *rest = case(1, m, n, k, dtype)
    truth = right(X, *rest)
    for name, lay in LAYOUTS.items():
        assert problem(lay(X), *rest, truth) is None, name


@pytest.mark.parametrize("k", [1, 3])
def test_across_chunks(k):
    X, *rest = case(2, 700, 3, k, np.float64)
    truth = right(X, *rest)
    for name, lay in LAYOUTS.items():
        assert problem(lay(X), *rest, truth) is None, name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 2, 5])
def test_small_probabilities_keep_their_accuracy(k, dtype):
    """Margins up to 50: losses and gradients of 1e-20, which 1 - a would lose."""
    X, y, s, _, params, v = case(3, 20, 4, k, dtype, size=8)
    truth = right(X, y, s, 0.0, params, v)
    for name, lay in LAYOUTS.items():
        assert problem(lay(X), y, s, 0.0, params, v, truth) is None, name


def test_an_infinite_z_has_the_limit():
    X, y = np.array([[np.inf], [1.0], [-np.inf]]), np.array([1, 0, 0])
    W, b = np.array([[0.0], [1.0], [-1.0]]), np.zeros(3)
    assert np.isnan(fastest.softmax(X, y, W, b).cost)  # inf times 0
    W[0] = 0.5
    found = fastest.softmax(X[:1], y[:1], W, b)  # z is inf, inf and -inf
    assert np.isnan(found.cost)
    found = fastest.softmax(np.array([[1.0], [1.0]]), np.array([1, 0]), W, np.array([0.0, np.inf, 0.0]))
    assert found.cost == np.inf
    assert found.db.tolist() == [-0.5, 0.5, 0.0]


MUTANTS = (
    "divides by m",
    "forgets the weights",
    "penalises b",
    "does not halve l2",
    "takes the next class",
    "forgets the intercept's curvature",
    "keeps half of repeated entries",
)


def mutated(mutant, X, y, s, l2, params, v):
    """Return cost, gradient and Hessian times v, one of them wrong."""
    if mutant == "keeps half of repeated entries":
        X = X * np.where(np.arange(X.shape[1]) == 0, 0.5, 1)
    if mutant == "takes the next class":
        y = (y + 1) % K
    if mutant == "forgets the intercept's curvature":
        v = v * np.append(np.ones(X.shape[1]), 0)
    p = plan(X, y, classes=K, l2=l2, sample_weight=None if mutant == "forgets the weights" else s)
    cost, grad = p.objective(params.ravel())
    grad, hessp = grad.reshape(params.shape), p.hessp(params.ravel(), v.ravel()).reshape(params.shape)
    if mutant == "divides by m":
        grad *= s.mean()
    if mutant == "penalises b":
        grad[:, -1] += l2 * params[:, -1]
    if mutant == "does not halve l2":
        cost += l2 / 2 * (params[:, :-1] ** 2).sum()
    return cost, grad, hessp


@pytest.mark.parametrize("mutant", MUTANTS)
def test_what_is_wrong_is_caught(mutant):
    given = case(4, 33, 5, K, np.float64)
    truth = right(*given)
    assert problem(*given, truth) is None
    assert beyond(truth, *mutated(mutant, *given))


@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_scikit_learn_says_so_too(k, layout):
    losses = pytest.importorskip("sklearn._loss")
    from sklearn.linear_model._linear_loss import LinearModelLoss

    X, y, s, l2, params, v = case(5, 400, 12, k, np.float64)
    theirs = LinearModelLoss(losses.HalfBinomialLoss() if k == 1 else losses.HalfMultinomialLoss(n_classes=k), True)
    at, v = (params[0], v[0]) if k == 1 else (params, v)
    cost, grad = theirs.loss_gradient(at, X, y.astype(float), sample_weight=s, l2_reg_strength=l2)
    hessp = theirs.gradient_hessian_product(at, X, y.astype(float), sample_weight=s, l2_reg_strength=l2)[1](v)
    p = plan(LAYOUTS[layout](X), y, sample_weight=s, l2=l2, classes=None if k == 1 else k)
    found = p.objective(at.ravel())
    assert found[0] == pytest.approx(cost, rel=1e-13)
    assert np.allclose(found[1], np.reshape(grad, (k, -1)).ravel(), rtol=1e-11, atol=1e-14)
    assert np.allclose(p.hessp(at.ravel(), v.ravel()), np.reshape(hessp, (k, -1)).ravel(), rtol=1e-11, atol=1e-14)


def rung_of(rung, dtype, m, n):
    """Return what a rung of `VARIANTS` makes of a case, and the (value, bound) of each part of it."""
    k = K if rung.variant == "softmax" else 1
    X, y, s, l2, params, v = case(6, m, n, k, dtype)
    (w, b), (r, r0) = (params[0, :-1].copy(), params[0, -1]), (v[0, :-1].copy(), v[0, -1])
    if rung.variant != "weighted":
        s, l2 = np.ones(m, dtype), 0.0
    truth = right(X, y, s, l2, params, v)
    if rung.variant == "curvature":
        (value, bound), found = truth.hessp, rung.load()(X, y, w, b, r, r0)
        return found, [(value[0, :-1], bound[0, :-1]), (value[0, -1], bound[0, -1])]
    arguments = {
        "weighted": (X, y, w, b, s, l2),
        "softmax": (X, y, params[:, :-1].copy(), params[:, -1].copy()),
        "sparse": (sparse.csr_array(X), y, w, b),
    }[rung.variant]
    value, bound = truth.grad if k > 1 else (part[0] for part in truth.grad)
    parts = [(value[..., :-1], bound[..., :-1]), (value[..., -1], bound[..., -1])]
    return rung.load()(*arguments), [truth.cost, *parts]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rung", VARIANTS, ids=lambda rung: rung.name)
@pytest.mark.parametrize(("m", "n"), [(1, 1), (7, 2), (17, 9)])
def test_every_rung_of_every_variant(rung, m, n, dtype):
    found, wanted = rung_of(rung, dtype, m, n)
    assert len(found) == len(wanted)
    for part, (value, bound) in zip(found, wanted, strict=True):
        assert part.dtype == dtype
        assert np.shape(part) == np.shape(value)
        assert (np.abs(part - value) <= bound).all()
