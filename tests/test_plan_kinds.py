"""Plans with weights, a penalty, several classes and sparse X: one interface, safe to share and to keep."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from bits import as_bytes
from looptax.kernels import Plan, fastest, plan, threads

sparse = pytest.importorskip("scipy.sparse")
optimize = pytest.importorskip("scipy.optimize")

RNG = np.random.default_rng(15)
M, N, K = 257, 6, 4
X = RNG.standard_normal((M, N))
X[RNG.random(X.shape) < 0.4] = 0
TWO, MANY = RNG.integers(0, 2, M), RNG.integers(0, K, M)
S = RNG.random(M) + 0.1
KINDS = {
    "dense": lambda **more: plan(X, TWO, sample_weight=S, l2=0.1, **more),
    "dense-F": lambda **more: plan(np.asfortranarray(X), TWO, sample_weight=S, l2=0.1, **more),
    "sparse": lambda **more: plan(sparse.csr_array(X), TWO, sample_weight=S, l2=0.1, **more),
    "classes": lambda **more: plan(X, MANY, sample_weight=S, l2=0.1, classes=K, **more),
    "classes-sparse": lambda **more: plan(sparse.csr_matrix(X), MANY, sample_weight=S, l2=0.1, classes=K, **more),
}
kinds = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


def params_of(p, seed=1):
    return np.random.default_rng(seed).standard_normal((p.features + 1) * (p.classes or 1))


def split(p, params):
    """Return W and b as `step` takes them."""
    table = params.reshape(-1, N + 1)
    return (table[:, :-1].copy(), table[:, -1].copy()) if p.classes else (table[0, :-1].copy(), float(table[0, -1]))


@kinds
class TestEveryKind:
    def test_is_a_plan_that_says_what_it_is(self, make):
        p = make(threads=1)
        assert isinstance(p, Plan)
        assert (p.samples, p.features, p.dtype, p.l2, p.threads) == (M, N, np.float64, 0.1, 1)
        assert str(M) in repr(p)
        assert "1 thread" in p.explain()

    def test_objective_is_step(self, make):
        p = make()
        params = params_of(p)
        step = p.step(*split(p, params))
        cost, grad = p.objective(params)
        assert cost == step.cost
        assert np.array_equal(grad, np.column_stack([np.atleast_2d(step.dw), np.atleast_1d(step.db)]).ravel())

    def test_step_into_is_step(self, make):
        p = make()
        w, b = split(p, params_of(p))
        dw = np.empty_like(w)
        cost, db = p.step_into(w, b, dw)
        assert as_bytes((cost, dw, db)) == as_bytes(p.step(w, b))

    def test_the_gradient_is_the_slope_of_the_cost(self, make):
        p = make()
        params = params_of(p)
        assert (
            optimize.check_grad(lambda t: p.objective(t)[0], lambda t: p.objective(t)[1], params, epsilon=1e-6) < 1e-5
        )

    def test_the_curvature_is_the_slope_of_the_gradient(self, make):
        p = make()
        params, v, h = params_of(p), params_of(p, 2), 1e-5
        slope = (p.objective(params + h * v)[1] - p.objective(params - h * v)[1]) / (2 * h)
        assert np.allclose(p.hessp(params, v), slope, rtol=1e-6, atol=1e-8)

    def test_hessp_is_the_hessian_times_v(self, make):
        p = make()
        params, v = params_of(p), params_of(p, 2)
        H = p.hessian(params)
        assert np.array_equal(H, H.T)
        assert np.allclose(H @ v, p.hessp(params, v), rtol=1e-12, atol=1e-13)
        assert np.linalg.eigvalsh(H).min() > -1e-12

    @pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
    def test_copies_and_pickles(self, make, again):
        p = make(threads=1)
        found, params = again(p), params_of(p)
        assert found is not p
        assert type(found) is type(p)
        assert found.threads == 1
        assert np.array_equal(found.objective(params)[1], p.objective(params)[1])

    def test_scipy_finds_the_optimum_by_every_derivative(self, make):
        p = make()
        start = np.zeros_like(params_of(p))
        first = optimize.minimize(p.objective, start, jac=True, method="L-BFGS-B", options={"gtol": 1e-9, "ftol": 0})
        second = optimize.minimize(p.objective, start, jac=True, hessp=p.hessp, method="trust-ncg", tol=1e-10)
        third = optimize.minimize(p.objective, start, jac=True, hess=p.hessian, method="trust-exact", tol=1e-10)
        assert first.fun == pytest.approx(second.fun, rel=1e-12) == pytest.approx(third.fun, rel=1e-12)

    def test_inputs_are_not_changed(self, make):
        p = make()
        kept = [np.array(one) for one in (p.y, p.sample_weight, p.X.data)]
        params = params_of(p)
        p.objective(params), p.hessp(params, params), p.hessian(params)
        assert np.array_equal(params, params_of(p))
        assert all(np.array_equal(one, was) for one, was in zip((p.y, p.sample_weight, p.X.data), kept, strict=True))

    @pytest.mark.parametrize(
        ("call", "told"),
        [
            (lambda p, t: p.objective(t[:-1]), r"params has shape .*expected"),
            (lambda p, t: p.objective(t.tolist()), r"params is a list"),
            (lambda p, t: p.objective(t + 1j), r"params has dtype complex128"),
            (lambda p, t: p.hessp(t, t[:-1]), r"v has shape"),
            (lambda p, t: p.hessp(t.astype(object), t), r"params has dtype object"),
            (lambda p, t: p.hessian(t.reshape(-1, 1)), r"params has 2 dimensions"),
            (lambda p, t: p.step(split(p, t)[0][..., :-1], split(p, t)[1]), r"[wW] has"),
            (lambda p, t: p.step_into(*split(p, t), np.zeros(3)), r"dw is a ndarray of shape \(3,\)"),
        ],
    )
    def test_refuses(self, make, call, told):
        p = make()
        with pytest.raises((TypeError, ValueError), match=told):
            call(p, params_of(p))

    def test_several_threads_of_python_at_once(self, make):
        p = make()
        params = params_of(p)
        right = p.objective(params)[1].tobytes()
        with ThreadPoolExecutor(4) as pool:
            assert {found[1].tobytes() for found in pool.map(p.objective, [params] * 50)} == {right}


class TestWeights:
    def test_a_weight_of_two_is_the_sample_twice(self):
        twice = np.repeat(X, 2, axis=0), np.repeat(TWO, 2)
        params = params_of(plan(X, TWO))
        one = plan(X, TWO, sample_weight=np.full(M, 2.0), l2=0.3).objective(params)
        other = plan(*twice, l2=0.3).objective(params)
        assert one[0] == pytest.approx(other[0], rel=1e-14)
        assert np.allclose(one[1], other[1], rtol=1e-13)

    @pytest.mark.parametrize("kind", ["dense", "sparse", "classes"])
    def test_a_weight_of_zero_counts_nothing_but_a_nan_stays(self, kind):
        """0 times a number is 0; 0 times a NaN is a NaN, as IEEE 754 has it."""
        y, more = (MANY, {"classes": K}) if kind == "classes" else (TWO, {})
        made = sparse.csr_array if kind == "sparse" else np.asarray
        kept = np.arange(M) % 3 > 0
        zeroed = plan(made(X), y, sample_weight=S * kept, **more)
        params = params_of(zeroed)
        without = plan(made(X[kept]), y[kept], sample_weight=S[kept], **more)
        assert np.allclose(zeroed.objective(params)[1], without.objective(params)[1], rtol=1e-12, atol=1e-15)
        broken = X.copy()
        broken[0, 0] = np.nan  # its weight is 0
        cost, grad = plan(made(broken), y, sample_weight=S * kept, **more).objective(params)
        assert np.isnan(cost)
        assert np.isnan(grad.reshape(-1, N + 1)[:, 0]).all()

    def test_integers_and_halves_are_weights_too(self):
        for dtype in (bool, np.int32, np.float16, np.float32):
            s = np.ones(M, dtype)
            assert fastest(X, TWO, np.ones(N), 0.0, sample_weight=s).cost == fastest(X, TWO, np.ones(N), 0.0).cost

    def test_strided_and_misaligned_weights(self):
        strided = np.repeat(S, 3)[::3]
        odd = np.frombuffer(b"x" + S.tobytes(), np.uint8)[1:].view(np.float64)
        right = as_bytes(fastest(X, TWO, np.ones(N), 0.0, sample_weight=S))
        for s in (strided, odd):
            assert as_bytes(fastest(X, TWO, np.ones(N), 0.0, sample_weight=s)) == right


class TestSparse:
    def test_repeated_and_unsorted_entries_add_up_as_in_scipy(self):
        rows = sparse.csr_array(X)
        order = np.concatenate([RNG.permutation(np.arange(a, b)) for a, b in pairwise(rows.indptr)])
        half = np.repeat(rows.data[order] / 2, 2), np.repeat(rows.indices[order], 2), 2 * rows.indptr
        messy = sparse.csr_array(half, shape=rows.shape)
        params = params_of(plan(rows, TWO))
        assert np.allclose(plan(messy, TWO).objective(params)[1], plan(X, TWO).objective(params)[1], rtol=1e-12)
        assert messy.nnz == 2 * rows.nnz  # and stay as they were

    @pytest.mark.parametrize("classes", [None, K])
    def test_empty_rows_columns_and_matrices(self, classes):
        y = MANY if classes else TWO
        for zeroed in (X * 0, X * (np.arange(N) > 2), X * (np.arange(M) % 2 > 0)[:, None]):
            dense, rows = plan(zeroed, y, classes=classes), plan(sparse.csr_array(zeroed), y, classes=classes)
            params = params_of(dense)
            assert np.allclose(dense.objective(params)[1], rows.objective(params)[1], rtol=1e-12, atol=1e-16)

    def test_a_million_features(self):
        n = 1_000_000
        rows = sparse.csr_array((np.ones(300), (np.arange(300) % 100, RNG.integers(0, n, 300))), shape=(100, n))
        y, params = np.arange(100) % 2, RNG.standard_normal(n + 1)
        cost, grad = plan(rows, y).objective(params)
        z = rows @ params[:-1] + params[-1]
        assert cost == pytest.approx((np.logaddexp(0, z) - y * z).mean(), rel=1e-13)
        assert np.allclose(grad[:-1], rows.T @ (1 / (1 + np.exp(-z)) - y) / 100, rtol=1e-9, atol=1e-17)

    @pytest.mark.parametrize("at", [-1, N, 2**31 - 1])
    def test_an_index_that_is_changed_to_nonsense_is_an_error_and_no_crash(self, at):
        rows = sparse.csr_array(X)
        p = plan(rows, TWO)
        rows.indices[3] = at
        with pytest.raises(ValueError, match="was changed since the plan was made"):
            p.objective(params_of(p))
        with pytest.raises(ValueError, match="was changed since the plan was made"):
            p.hessp(params_of(p), params_of(p))
        with pytest.raises(ValueError, match=r"X.indices\[3\] is"):
            p.hessian(params_of(p))

    @pytest.mark.parametrize("at", [-1, 10**6])
    def test_a_pointer_that_is_changed_to_nonsense_is_an_error_and_no_crash(self, at):
        rows = sparse.csr_array(X)
        p = plan(rows, TWO)
        rows.indptr[3] = at
        with pytest.raises(ValueError, match="was changed since the plan was made"):
            p.objective(params_of(p))
        with pytest.raises(ValueError, match="does not rise"):
            p.hessian(params_of(p))

    def test_arrays_that_x_no_longer_has_stay_alive(self):
        rows = sparse.csr_array(X)
        p = plan(rows, TWO)
        params = params_of(p)
        right = p.objective(params)[0]
        rows.data, rows.indices = rows.data * 2, rows.indices.copy()
        assert p.objective(params)[0] == right


def test_softmax_is_the_plan_of_as_many_classes():
    p = plan(X, MANY, classes=K, l2=0.2, sample_weight=S)
    W, b = split(p, params_of(p))
    assert as_bytes(fastest.softmax(X, MANY, W, b, sample_weight=S, l2=0.2)) == as_bytes(p.step(W, b))


def test_softmax_of_two_classes_is_the_logistic_step():
    W, b = np.zeros((2, N)), np.zeros(2)
    W[1], b[1] = params_of(plan(X, TWO))[:-1], 0.5
    several, two = fastest.softmax(X, TWO, W, b), fastest(X, TWO, W[1], b[1])
    assert several.cost == pytest.approx(two.cost, rel=1e-14)
    assert np.allclose(several.dw[1], two.dw, rtol=1e-12)


@pytest.mark.parametrize("k", [2, 100, 1000])
def test_up_to_a_thousand_classes(k):
    y = np.arange(M) % k
    W, b = RNG.standard_normal((k, N)), RNG.standard_normal(k)
    z = X @ W.T + b
    top = z.max(axis=1)
    cost = (np.log(np.exp(z - top[:, None]).sum(axis=1)) + top - z[np.arange(M), y]).mean()
    found = fastest.softmax(X, y, W, b)
    assert found.cost == pytest.approx(cost, rel=1e-13)
    assert found.dw.shape == (k, N)
    assert abs(found.db.sum()) < 1e-15


def test_limits_of_threads_hold():
    p = KINDS["classes"]()
    with threads(1):
        assert p.threads == 1


def test_a_penalty_is_not_in_the_hessian_twice():
    """Where there are as many classes as parameters of one."""
    X, y = np.array([[1.0], [2.0], [4.0]]), np.array([0, 1, 1])
    with_it, without = (plan(X, y, classes=2, l2=l2).hessian(np.ones(4)) for l2 in (0.5, 0.0))
    np.testing.assert_allclose(with_it - without, np.diag([0.5, 0.0, 0.5, 0.0]))
