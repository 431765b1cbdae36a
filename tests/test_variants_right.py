"""Weights, a penalty, several classes, sparse X and curvature: every rung, and plans of all at once, on every case."""

import copy
from itertools import product
from pathlib import Path

import mpmath
import numpy as np
import pytest
import wrong_variants
from answers import answered
from looptax.bench.conformance import cases, variants
from looptax.bench.conformance.bound import bound
from looptax.bench.conformance.judge import judge, judge_matrix
from looptax.bench.conformance.oracle import exact, extended, reference
from looptax.kernels import fastest, plan
from looptax.kernels.ladder import UnavailableError
from looptax.kernels.variants.ladder import VARIANTS
from looptax.pyimpl.variants import curvature
from needed import lacking
from scipy import sparse

DTYPES = [np.float64, pytest.param(np.float32, marks=pytest.mark.long)]
FAMILIES = [(variant, family) for variant, families in variants.FAMILIES.items() for family in families]
SLOW = 20_000  # elements of X: loops take a while


@pytest.fixture(params=VARIANTS, ids=lambda rung: rung.name)
def variant_rung(request):
    """A rung of a variant, and its function; where it is missing, skip at home and fail in CI."""
    try:
        return request.param, request.param.load()
    except UnavailableError as error:
        return lacking(str(error))


def own(case):
    """Return the case with an X that the step may spoil."""
    return case._replace(X=copy.deepcopy(case.X)) if sparse.issparse(case.X) else case


# Every rung on every case of its variant.


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values(variant_rung, dtype, record_worst):
    rung, function = variant_rung
    wrong = []
    for family in variants.FAMILIES[rung.variant]:
        if dtype is np.float32 and family in ("layouts", "labels"):
            continue  # the dtype changes nothing there
        for case, right in answered((rung.variant, family), dtype):
            if rung.kind == "loops" and np.prod(case.X.shape) > SLOW:
                continue
            verdict = judge(function, own(case), skips_zeros=rung.kind == "products", right=right)
            if verdict.ok:
                record_worst(rung.name, dtype, family, verdict.used, case.name)
            else:
                wrong.append(f"{family}, {case.name}: {verdict.problem}")
    assert not wrong, f"{len(wrong)} cases fail:\n" + "\n".join(wrong[:10])


def test_every_variant_has_loops_products_and_one_fused_rung():
    assert [(rung.variant, rung.kind) for rung in VARIANTS] == [
        *product(variants.FAMILIES, ("loops", "products", "tuned"))
    ]


def test_cases_cover_what_they_claim():
    weighted = [case for family in variants.FAMILIES["weighted"].values() for case in family(np.float64)]
    assert any((case.sample_weight == 0).any() and np.isnan(case.X).any() for case in weighted)
    assert {case.sample_weight.dtype.kind for case in weighted} == set("buif")
    assert {case.l2 > 0 for case in weighted} == {True, False}
    assert {case.X.shape[0] for case in weighted} > {*variants.SIZES, 300, cases.LONG}
    classes = [case for family in variants.FAMILIES["softmax"].values() for case in family(np.float64)]
    assert {len(case.b) for case in classes} > set(variants.CLASSES)
    compressed = [case.X for family in variants.FAMILIES["sparse"].values() for case in family(np.float64)]
    assert {X.indices.dtype for X in compressed} == {np.dtype(np.int32), np.dtype(np.int64)}
    assert any((np.diff(X.indptr) == 0).any() for X in compressed)
    assert any(len(X.data) > X.indptr[-1] for X in compressed)
    assert any(X.nnz and (X.data == 0).any() for X in compressed)
    repeated = next(
        case.X for case in variants.sparse_forms(np.float64) if case.name.endswith("17x9 csr_array of int64 repeated")
    )
    assert repeated.nnz > repeated.shape[0] * repeated.shape[1]


# Plans take all at once.


def bound_to(X, y, w, s, l2):
    return plan(X, y, sample_weight=s, l2=l2, classes=len(w) if w.ndim == 2 else None)


def packed(w, b):
    return np.column_stack([np.atleast_2d(w), np.atleast_1d(b)]).ravel()


def unpacked(params, w, dtype):
    table = params.astype(dtype).reshape(-1, w.shape[-1] + 1)
    weights, intercepts = table[:, :-1].copy(), table[:, -1].copy()
    return (weights, intercepts) if w.ndim == 2 else (weights[0], intercepts[0])


def step(X, y, w, b, s=None, l2=0.0):
    return bound_to(X, y, w, s, l2).step(w, b)


def objective(X, y, w, b, s=None, l2=0.0):
    cost, grad = bound_to(X, y, w, s, l2).objective(packed(w, b))
    return X.dtype.type(cost), *unpacked(grad, w, X.dtype)


def plain(X, y, w, b, s=None, l2=0.0):
    """Without a plan; of sparse X there is no such call, but for several classes."""
    if w.ndim == 2:
        return fastest.softmax(X, y, w, b, sample_weight=s, l2=l2)
    return step(X, y, w, b, s, l2) if sparse.issparse(X) else fastest(X, y, w, b, sample_weight=s, l2=l2)


def hessp(X, y, w, b, v, v0, s=None, l2=0.0):
    return unpacked(bound_to(X, y, w, s, l2).hessp(packed(w, b), packed(v, v0)), w, X.dtype)


def hessian(X, y, w, b, s=None, l2=0.0):
    return bound_to(X, y, w, s, l2).hessian(packed(w, b))


@pytest.mark.parametrize("dtype", DTYPES)
def test_plans_of_all_at_once(dtype):
    for case in variants.together(dtype):
        right, allowed = reference(*case[1:5], **case.more), bound(*case[1:5], **case.more)
        for function in (step, objective, plain):
            verdict = judge(function, case, right=right, allowed=allowed)
            assert verdict.problem is None, f"{function.__name__}, {case.name}"


@pytest.mark.parametrize("dtype", DTYPES)
def test_curvature_of_all_at_once(dtype):
    for case in variants.together(dtype):
        if case.X.shape[0] < 300 or case.l2:
            found = judge(hessp, variants.along(case))
            assert found.problem is None, case.name
        if case.X.shape[0] == 9:
            found = judge_matrix(hessian, case)
            assert found.problem is None, case.name


@pytest.mark.parametrize("dtype", DTYPES)
def test_curvature_of_several_classes_far_apart(dtype):
    """Where one class is all but certain, only subtracting its u first keeps the relative accuracy."""
    lost = 0
    for case in variants.softmax_margins(dtype):
        along = variants.along(case)
        for function in (hessp, curvature.of_classes):
            assert judge(function, along).problem is None, f"{function.__name__}, {case.name}"
        lost = max(lost, judge(mean_subtracted, along).used)
    assert lost > 100


def mean_subtracted(X, y, W, b, V, v0):
    z, u = X @ W.T + b, X @ V.T + v0
    e = np.exp(z - z.max(axis=1, keepdims=True))
    a = e / e.sum(axis=1, keepdims=True)
    d = a * (u - (a * u).sum(axis=1, keepdims=True)) / X.dtype.type(len(X))
    return d.T @ X, d.sum(axis=0)


def test_sparse_plans_in_every_form():
    for case, _ in answered(("sparse", "forms"), np.float64):
        for s, l2 in ((None, 0.0), (variants.weights(len(case.y), np.float64), 0.5)):
            tried = own(case)._replace(sample_weight=s, l2=l2)
            assert judge(hessp, variants.along(tried)).problem is None, case.name
            if case.X.shape[0] == 17:
                assert judge_matrix(hessian, tried).problem is None, case.name


# The judge, and the two oracles behind it.


@pytest.mark.parametrize(("variant", "mutant"), [
    pytest.param(variant, mutant, id=f"{variant}-{mutant.__name__}")
    for variant, mutants in wrong_variants.MUTANTS.items() for mutant in mutants
])  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_what_is_wrong_is_caught(variant, mutant):
    assert caught(variant, mutant), f"no case tells {mutant.__name__} from what is right"


def caught(variant, function):
    """The first case that the function fails on, or None."""
    for dtype, family in product((np.float64, np.float32), variants.FAMILIES[variant]):
        for case, right in answered((variant, family), dtype, up_to=700):
            verdict = judge(function, own(case), right=right)
            if not verdict.ok:
                return f"{case.name}: {verdict.problem}"
    return None


def test_mutants_are_of_every_variant():
    assert wrong_variants.MUTANTS.keys() == variants.FAMILIES.keys()
    assert sum(map(len, wrong_variants.MUTANTS.values())) >= 50
    unused = {
        line.split("def ")[1].partition("(")[0]
        for line in Path(wrong_variants.__file__).read_text(encoding="utf-8").splitlines()
        if line.startswith("def ")
    } - {mutant.__name__ for mutants in wrong_variants.MUTANTS.values() for mutant in mutants}
    assert unused == {"margins", "of_entries", "product"}


@pytest.mark.parametrize(("variant", "family"), FAMILIES)
def test_extended_agrees_with_exact(variant, family):
    """Within a hundredth of what float64 is allowed, where long double is wider."""
    if np.finfo(np.longdouble).eps >= np.finfo(np.float64).eps:
        pytest.skip("long double is float64 here: the extended oracle is no better than the rungs")
    for case, right in answered((variant, family), np.float64):
        with np.errstate(all="ignore"):
            given = case[1:5]
            allowed, found = bound(*given, **case.more), extended(*given, **case.more)
            for one, other, limit in zip(found, right, allowed, strict=True):
                close = np.abs(one - other) <= limit / 100 + np.finfo(np.float64).smallest_subnormal
                assert np.all(close | (one == other) | (np.isnan(one) & np.isnan(other))), case.name


def test_two_classes_are_softmax_with_a_class_of_zeros():
    """To the oracle, the bound and the kernels."""
    case = variants.along(cases.ordinary("", 33, 5, np.float64, scale=3.0))
    several = case._replace(
        w=np.stack([np.zeros(5), case.w]), b=np.array([0, case.b]), v=np.stack([np.zeros(5), case.v]),
        v0=np.array([0, case.v0]),
    )  # fmt: skip
    for more in ({}, case.more):
        one, two = (exact(*of[1:5], **{key: getattr(of, key) for key in more}) for of in (case, several))
        assert one.dw.tolist() == two.dw[1].tolist() == (-two.dw[0]).tolist()
        assert one.db == two.db[1] == -two.db[0]


def test_weights_are_repeated_samples():
    """A sample that counts three times is there three times, and one that counts 0 times is not there."""
    case = cases.ordinary("", 20, 4, np.float64)
    times = np.arange(20) % 4
    X, y = np.repeat(case.X, times, axis=0), np.repeat(case.y, times)
    one, other = exact(*case[1:], sample_weight=times), exact(X, y, case.w, case.b)
    np.testing.assert_allclose(one.dw.astype(float), other.dw.astype(float), rtol=1e-15)
    assert float(one.cost) == pytest.approx(float(other.cost), rel=1e-15)


def test_bound_is_tight():
    """For ordinary cases in float64 it stays within some hundred roundoffs of the result."""
    weighted = variants.of(cases.ordinary("", 65, 9, np.float64), sample_weight=variants.weights(65, float), l2=0.1)
    for case in (weighted, variants.classes("", 65, 9, 5, np.float64), variants.along(weighted)):
        right, allowed = exact(*case[1:5], **case.more), bound(*case[1:5], **case.more)
        size = np.abs(right.dw).max()
        assert (allowed.dw < 500 * 2**-53 * size).all()
        if case.v is None:
            assert allowed.cost < 300 * 2**-53 * right.cost


# Derivatives, and a second opinion.


def cost_in_mpmath(case, *params):
    """The definition's cost, which shares nothing with the oracle's form of it."""
    table = mpmath.matrix(len(np.atleast_1d(case.b)), case.w.shape[-1] + 1)
    for place, value in enumerate(params):
        table[place // table.cols, place % table.cols] = value
    total = weight = mpmath.mpf(0)
    dense = case.X.toarray() if sparse.issparse(case.X) else case.X
    for x, label, s in zip(dense, case.y, case.sample_weight, strict=True):
        z = [mpmath.fdot(map(float, x), table[c, :-1]) + table[c, table.cols - 1] for c in range(table.rows)]
        z = z if case.w.ndim == 2 else [mpmath.mpf(0), *z]
        total += float(s) * (mpmath.log(mpmath.fsum(map(mpmath.exp, z))) - z[int(label)])
        weight += float(s)
    squares = mpmath.fsum(table[c, j] ** 2 for c in range(table.rows) for j in range(table.cols - 1))
    return total / weight + mpmath.mpf(case.l2) / 2 * squares


@pytest.mark.parametrize("made", [
    cases.ordinary("weighted", 5, 2, np.float64, scale=3.0),
    variants.classes("softmax", 5, 2, 3, np.float64, scale=3.0),
    variants.entries("sparse", 5, 2, np.float64, scale=3.0),
], ids=lambda case: case.name)  # fmt: skip
def test_derivatives_are_the_slopes_of_the_cost_to_twenty_digits(made):
    """Of the cost and, along a direction, of its slopes: differences in mpmath, and a plan beside them."""
    s = np.array([0.5, 2, 0, 1.25, 1])
    case = variants.along(made if isinstance(made, variants.VariantCase) else variants.of(made))
    case = case._replace(sample_weight=s, l2=0.3)
    more = {"sample_weight": s, "l2": 0.3}
    right, changed = exact(*case[1:5], **more), exact(*case[1:5], **case.more)
    slopes, curved = packed(right.dw, right.db), packed(changed.dw, changed.db)
    with mpmath.workdps(60):
        at, along = (list(map(mpmath.mpf, packed(*pair).tolist())) for pair in ((case.w, case.b), (case.v, case.v0)))
        assert float(cost_in_mpmath(case, *at)) == pytest.approx(float(right.cost), rel=1e-15)
        for k in range(len(at)):

            def moved(t, h, k=k):
                return cost_in_mpmath(
                    case, *(a + t * d + h * (j == k) for j, (a, d) in enumerate(zip(at, along, strict=True)))
                )

            assert float(mpmath.diff(moved, (0, 0), (0, 1))) == pytest.approx(float(slopes[k]), rel=1e-15)
            assert float(mpmath.diff(moved, (0, 0), (1, 1))) == pytest.approx(float(curved[k]), rel=1e-15)
    p = bound_to(case.X, case.y, case.w, s, 0.3)
    np.testing.assert_allclose(p.objective(packed(case.w, case.b))[1], slopes.astype(float), rtol=1e-12)
    found = p.hessp(packed(case.w, case.b), packed(case.v, case.v0))
    np.testing.assert_allclose(found, curved.astype(float), rtol=1e-11)
    np.testing.assert_allclose(p.hessian(packed(case.w, case.b)) @ packed(case.v, case.v0), found, rtol=1e-11)


@pytest.mark.parametrize("k", [None, 2, 4])
@pytest.mark.parametrize("form", [np.ascontiguousarray, np.asfortranarray, sparse.csr_array], ids=["C", "F", "sparse"])
def test_scikit_learn_says_so_too(k, form):
    """A second opinion, from code with another history."""
    losses = pytest.importorskip("sklearn._loss")
    from sklearn.linear_model._linear_loss import LinearModelLoss

    made = variants.classes("", 400, 12, k, np.float64) if k else variants.of(cases.ordinary("", 400, 12, np.float64))
    case = variants.along(made)
    X, y, s, l2 = form(case.X), case.y.astype(float), variants.weights(400, np.float64), 0.25
    theirs = LinearModelLoss(losses.HalfMultinomialLoss(n_classes=k) if k else losses.HalfBinomialLoss(), True)
    at, along = (packed(*pair).reshape((k, -1) if k else -1) for pair in ((case.w, case.b), (case.v, case.v0)))
    p = bound_to(X, case.y, case.w, s, l2)
    cost, grad = theirs.loss_gradient(at, X, y, sample_weight=s, l2_reg_strength=l2)
    found = p.objective(at.ravel())
    assert found[0] == pytest.approx(cost, rel=1e-13)
    np.testing.assert_allclose(found[1], np.reshape(grad, (k or 1, -1)).ravel(), rtol=1e-11, atol=1e-14)
    product = theirs.gradient_hessian_product(at, X, y, sample_weight=s, l2_reg_strength=l2)[1](along)
    found = p.hessp(at.ravel(), along.ravel())
    np.testing.assert_allclose(found, np.reshape(product, (k or 1, -1)).ravel(), rtol=1e-11, atol=1e-14)
    if not k:
        matrix = theirs.gradient_hessian(at, X, y, sample_weight=s, l2_reg_strength=l2)[1]
        np.testing.assert_allclose(p.hessian(at), matrix, rtol=1e-10, atol=1e-14)


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
