"""The inputs that the variants of the step must get right: weights and a penalty, several classes, sparse X, curvature.

Like `cases`: each family takes a dtype and the seed of its random numbers. Where a variant changes nothing but what
comes on top, its families are those of `cases` with that on top.
"""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from . import cases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .cases import Case

SIZES = (1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 64, 65)
CLASSES = (2, *SIZES[2:])
SMALL = 600  # elements of X: of families whose every case is tried in many forms
PAIRS = tuple((m, n) for m, n in product(SIZES, SIZES) if m * n <= 1200)


class VariantCase(NamedTuple):
    """One input of a variant of the step, with a name to report it by.

    Of several classes w is (k, n), b (k,). With a direction (v, v0) what is asked for is the Hessian times it.
    """

    name: str
    X: Any
    y: np.ndarray
    w: np.ndarray
    b: Any
    sample_weight: np.ndarray | None = None
    l2: float = 0.0
    v: np.ndarray | None = None
    v0: Any = None

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What a rung is called with: X, y, w, b, then the direction if there is one, then weights and penalty."""
        direction = () if self.v is None else (self.v, self.v0)
        weighted = self.sample_weight is not None or self.l2
        return (*self[1:5], *direction, *((self.sample_weight, self.l2) if weighted else ()))

    @property
    def more(self) -> dict[str, Any]:
        """What the oracle and the bound take besides X, y, w and b."""
        weighted = {"sample_weight": self.sample_weight, "l2": self.l2}
        return weighted if self.v is None else {**weighted, "v": self.v, "v0": self.v0}


def of(case: Case, **more: Any) -> VariantCase:
    """Return a case of the plain step with more to it."""
    return VariantCase(*case, **more)


def weights(m: int, dtype, seed: int = 0) -> np.ndarray:
    """Weights of samples, a fifth of them 0."""
    rng = np.random.default_rng([seed, m])
    s = rng.random(m).astype(dtype)
    s[rng.random(m) < 0.2] = 0
    s[m // 2] = 1.5
    return s


def small(family: Callable[..., Iterator[Case]], dtype, seed: int) -> Iterator[Case]:
    """The cases of a family of the plain step that are not large."""
    return (case for case in family(dtype, seed) if case.X.size <= SMALL)


# Weights and a penalty.


def weighted_shapes(dtype, seed: int = 0) -> Iterator[VariantCase]:
    """Every pair of sizes, and one of thousands on either side."""
    for place, (m, n) in enumerate((*PAIRS, (65, 65), (300, 7), (cases.LONG, 1), (3, cases.LONG))):
        case = cases.ordinary(f"{m}x{n}", m, n, dtype, seed=seed)
        yield of(case, sample_weight=weights(m, dtype, seed), l2=(0.0, 0.25)[place % 2])


def weighted_values(dtype, seed: int = 0) -> Iterator[VariantCase]:
    """Margins, scales, subnormals and what is not finite, with weights and without a penalty, and with one."""
    for family in (cases.margins, cases.scales, cases.denormals, cases.nonfinite):
        for case in small(family, dtype, seed):
            s = weights(len(case.y), dtype, seed)
            yield of(case, sample_weight=s)
            if family is not cases.scales:  # whose squares overflow
                yield of(case._replace(name=f"{case.name} l2"), sample_weight=s, l2=0.5)


def weighted_weights(dtype, seed: int = 0) -> Iterator[VariantCase]:
    """Weights of every kind and size, and penalties from next to nothing to all there is."""
    for m, n in ((1, 1), (17, 9)):
        case, s = cases.ordinary(f"{m}x{n}", m, n, dtype, seed=seed), weights(m, dtype, seed)
        for factor in (1e-12, 1e-3, 1e6):
            yield of(case._replace(name=f"{case.name} s*{factor:g}"), sample_weight=s * dtype(factor))
        yield of(case._replace(name=f"{case.name} s=1"), sample_weight=np.ones(m, dtype))
        spread = np.logspace(-6, 6, m).astype(dtype)
        yield of(case._replace(name=f"{case.name} s spread"), sample_weight=spread, l2=1e-3)
        one = np.zeros(m, dtype)
        one[-1] = 3
        yield of(case._replace(name=f"{case.name} one counts"), sample_weight=one, l2=0.5)
        for kind in (np.bool_, np.uint8, np.int64, np.float16, np.float32, np.float64):
            yield of(case._replace(name=f"{case.name} s {np.dtype(kind)}"), sample_weight=np.ceil(s).astype(kind))
        for name, lay in cases.VECTOR_LAYOUTS.items():
            yield of(case._replace(name=f"{case.name} s {name}"), sample_weight=lay(s), l2=0.5)
        for l2 in (1e-30, 1e-6, 1.0, 3e6):
            yield of(case._replace(name=f"{case.name} l2={l2:g}"), sample_weight=s, l2=l2)


def weighted_layouts(dtype, seed: int = 0) -> Iterator[VariantCase]:
    """The layouts of the plain step."""
    for case in small(cases.layouts, dtype, seed):
        yield of(case, sample_weight=weights(len(case.y), dtype, seed), l2=0.5)


# Several classes.


def classes(name: str, m: int, n: int, k: int, dtype, *, scale: float = 1.0, seed: int = 0) -> VariantCase:
    """Normal features, labels half of which are the likeliest, |z| around `scale`."""
    rng = np.random.default_rng([seed, m, n, k])
    X = rng.standard_normal((m, n)).astype(dtype)
    W = (rng.standard_normal((k, n)) * scale / np.sqrt(n)).astype(dtype)
    b = (rng.standard_normal(k) * 0.25 * scale).astype(dtype)
    y = np.where(rng.random(m) < 0.5, (X @ W.T + b).argmax(axis=1), rng.integers(0, k, m))
    return VariantCase(name, X, y, W, b)


def softmax_shapes(dtype, seed: int = 0) -> Iterator[VariantCase]:
    """Each size of samples, features and classes, and thousands of the first two."""
    found = {(m, 3, 4) for m in SIZES} | {(9, n, 3) for n in SIZES} | {(7, 3, k) for k in CLASSES}
    found |= {(1, 1, 2), (17, 9, 9), (65, 17, 7), (300, 7, 3), (cases.LONG, 1, 2), (2, cases.LONG, 2)}
    for m, n, k in sorted(found):
        yield classes(f"{m}x{n}, {k} classes", m, n, k, dtype, seed=seed)


def softmax_margins(dtype, seed: int = 0) -> Iterator[VariantCase]:
    """|z| from tiny to 1e4; labels as they come, all of the likeliest class, all of the least likely; a huge z."""
    for scale in (1e-6, 1.0, 5.0, 30.0, 100.0, 800.0, 1e4):
        for m, n, k in ((1, 1, 2), (17, 3, 3), (33, 5, 9)):
            case = classes(f"|z|~{scale:g} {m}x{n}, {k} classes", m, n, k, dtype, scale=scale, seed=seed)
            z = case.X @ case.w.T + case.b
            yield case
            yield case._replace(name=f"{case.name} separated", y=z.argmax(axis=1))
            yield case._replace(name=f"{case.name} all wrong", y=z.argmin(axis=1))
    case = classes("17x3, 4 classes", 17, 3, 4, dtype, seed=seed)
    for c, value in product((0, 3), (1e30, -1e30)):
        b = case.b.copy()
        b[c] = value
        yield case._replace(name=f"{case.name} b[{c}]={value:g}", b=b)
    X = case.X.copy()
    X[5] *= dtype(1e25)
    yield case._replace(name=f"{case.name} a huge sample", X=X)
    yield case._replace(name=f"{case.name} all alike", w=np.zeros_like(case.w), b=np.full_like(case.b, 7))


def softmax_labels(dtype, seed: int = 0) -> Iterator[VariantCase]:
    """The first class and the last alone, and labels of other dtypes and layouts."""
    for m, n, k in ((1, 1, 2), (17, 3, 9)):
        case = classes(f"{m}x{n}, {k} classes", m, n, k, dtype, seed=seed)
        for label in (0, k - 1):
            yield case._replace(name=f"{case.name} all {label}", y=np.full(m, label))
        for kind in (np.int8, np.uint8, np.uint64, np.float32, np.float64):
            yield case._replace(name=f"{case.name} y {np.dtype(kind)}", y=case.y.astype(kind))
        for name, lay in cases.VECTOR_LAYOUTS.items():
            yield case._replace(name=f"{case.name} y and b {name}", y=lay(case.y), b=lay(case.b))


def softmax_layouts(dtype, seed: int = 0) -> Iterator[VariantCase]:
    """X and W in every layout."""
    for m, n, k in ((1, 9, 2), (67, 5, 3), (5, 67, 3)):
        case = classes(f"{m}x{n}, {k} classes", m, n, k, dtype, seed=seed)
        for name, lay in cases.MATRIX_LAYOUTS.items():
            yield case._replace(name=f"{case.name} X {name}", X=lay(case.X))
            yield case._replace(name=f"{case.name} W {name}", w=lay(case.w))


def softmax_nonfinite(dtype, seed: int = 0) -> Iterator[VariantCase]:
    """NaN and infinity in X, W and b, in one class, in two, and in all."""
    for (m, n, k), value in product(((1, 1, 2), (9, 3, 3), (17, 9, 5)), (np.nan, np.inf, -np.inf)):
        case = classes(f"{m}x{n}, {k} classes", m, n, k, dtype, seed=seed)
        for i, c in {(0, 0), (m // 2, k // 2), (m - 1, k - 1)}:
            X, W, b = case.X.copy(), case.w.copy(), case.b.copy()
            X[i, n // 2] = W[c, n // 2] = b[c] = value
            for y in (case.y, np.full(m, c)):
                told = f"{case.name} {value}, y {y[i]}"
                yield case._replace(name=f"{told}, X[{i}]", X=X, y=y)
                yield case._replace(name=f"{told}, W[{c}]", w=W, y=y)
                yield case._replace(name=f"{told}, b[{c}]", b=b, y=y)
        b = case.b.copy()
        b[:2] = value
        yield case._replace(name=f"{case.name} b[:2]={value}", b=b)
        yield case._replace(name=f"{case.name} b={value}", b=np.full_like(b, value))


# Sparse X.


def compressed(X: np.ndarray, wide: bool = False, made: Callable[..., Any] = sparse.csr_array) -> Any:
    """Return the compressed rows of X, with indices of 64 bits if asked for."""
    found = made(X)
    if wide:
        found.indices, found.indptr = found.indices.astype(np.int64), found.indptr.astype(np.int64)
    return found


def entries(name: str, m: int, n: int, dtype, *, full: float = 0.3, scale: float = 1.0, seed: int = 0) -> VariantCase:
    """An ordinary case most of whose X is not there; every seventh row and column is empty."""
    rng = np.random.default_rng([seed, m, n, 1])
    case = cases.ordinary(name, m, n, dtype, scale=scale, seed=seed)
    X = np.where(rng.random((m, n)) < full, case.X, 0).astype(dtype)
    X[3::7], X[:, 5::7] = 0, 0
    return of(case._replace(X=compressed(X)))


def disordered(X: Any, seed: int = 0) -> Any:
    """Return the same with each entry split into two or three, some of which cancel, in an order of their own."""
    rng = np.random.default_rng(seed)
    data, indices, pointers = [], [], [0]
    for start, stop in pairwise(X.indptr):
        values, columns = X.data[start:stop], X.indices[start:stop]
        half = (values * rng.random(len(values))).astype(X.dtype)
        large = np.full(len(values[::3]), 64, X.dtype)
        order = rng.permutation(2 * len(values) + 2 * len(large))
        data.append(np.concatenate([half, values - half, large, -large])[order])
        indices.append(np.concatenate([columns, columns, columns[::3], columns[::3]])[order])
        pointers.append(pointers[-1] + len(order))
    index = X.indices.dtype
    parts = np.concatenate(data), np.concatenate(indices).astype(index), np.array(pointers, index)
    return sparse.csr_array(parts, shape=X.shape)


def sparse_shapes(dtype, seed: int = 0) -> Iterator[VariantCase]:
    """Every pair of sizes, thousands on either side, X full and empty."""
    for m, n in (*product(SIZES[::2], SIZES[1::2]), (1, 1), (300, 7), (cases.LONG, 1), (5, 9_000)):
        yield entries(f"{m}x{n}", m, n, dtype, seed=seed)
    for full in (0.0, 1.0):
        yield entries(f"33x17, {full:.0%} full", 33, 17, dtype, full=full, seed=seed)


def sparse_forms(dtype, seed: int = 0) -> Iterator[VariantCase]:
    """Matrix and array, indices of 32 and 64 bits, entries repeated and out of order, zeros among them."""
    for m, n in ((1, 1), (17, 9), (300, 3)):
        case = entries(f"{m}x{n}", m, n, dtype, full=0.5, seed=seed)
        dense = case.X.toarray()
        for wide, made in product((False, True), (sparse.csr_array, sparse.csr_matrix)):
            X = compressed(dense, wide, made)
            told = f"{case.name} {made.__name__} of {X.indices.dtype}"
            yield case._replace(name=told, X=X)
            yield case._replace(name=f"{told} repeated", X=disordered(X, seed))
        X = case.X.copy()
        X.data[::2] = 0
        yield case._replace(name=f"{case.name} zeros", X=X)
        X = case.X.copy()
        X.data, X.indices = np.append(X.data, dtype(np.nan)), np.append(X.indices, X.indices.dtype.type(0))
        yield case._replace(name=f"{case.name} more than its rows hold", X=X)


def sparse_values(dtype, seed: int = 0) -> Iterator[VariantCase]:
    """Large margins, features of very different sizes, what is not finite, also where there is no entry."""
    for scale in (1e-6, 30.0, 800.0):
        yield entries(f"|z|~{scale:g}", 33, 9, dtype, scale=scale, seed=seed)
    case = entries("17x9", 17, 9, dtype, seed=seed)
    spread = np.logspace(-9, 9, 9).astype(dtype)
    yield case._replace(name="spread", X=compressed(case.X.toarray() * spread), w=case.w / spread)
    for value in (np.nan, np.inf, -np.inf):
        for place in (0, case.X.nnz // 2, case.X.nnz - 1):
            X = case.X.copy()
            X.data[place] = value
            yield case._replace(name=f"17x9 entry {place} {value}", X=X)
        for j in (0, 5, 8):  # column 5 is empty
            w = case.w.copy()
            w[j] = value
            yield case._replace(name=f"17x9 w[{j}]={value}", w=w)
        yield case._replace(name=f"17x9 b={value}", b=dtype(value))


# The Hessian times a vector.


def along(case: Case | VariantCase, seed: int = 0, scale: float = 1.0) -> VariantCase:
    """Return a case with a direction."""
    rng = np.random.default_rng([seed, *case.X.shape])
    found = case if isinstance(case, VariantCase) else of(case)
    dtype = case.X.dtype.type
    v = (rng.standard_normal(np.shape(case.w)) * scale).astype(dtype)
    v0 = (
        dtype(rng.standard_normal() * scale)
        if np.ndim(case.b) == 0
        else rng.standard_normal(np.shape(case.b)).astype(dtype)
    )
    return found._replace(v=v, v0=v0)


def curvature_shapes(dtype, seed: int = 0) -> Iterator[VariantCase]:
    """Every pair of sizes, and one of thousands on either side."""
    for m, n in (*PAIRS, (65, 65), (300, 7), (cases.LONG, 1), (3, cases.LONG)):
        yield along(cases.ordinary(f"{m}x{n}", m, n, dtype, seed=seed), seed)


def curvature_values(dtype, seed: int = 0) -> Iterator[VariantCase]:
    """Margins, scales and layouts; directions along one axis; what is not finite."""
    for family in (cases.margins, cases.scales, cases.layouts):
        for case in small(family, dtype, seed):
            yield along(case, seed, 1e-9 if family is cases.scales else 1.0)
    plain = along(cases.ordinary("17x9", 17, 9, dtype, seed=seed), seed)
    for j in range(9):
        v = np.zeros(9, dtype)
        v[j] = 1
        yield plain._replace(name=f"17x9 along {j}", v=v, v0=dtype(0))
    yield plain._replace(name="17x9 along b", v=np.zeros(9, dtype), v0=dtype(1))
    yield plain._replace(name="17x9 along nothing", v=np.zeros(9, dtype), v0=dtype(0))
    for value in (np.nan, np.inf, -np.inf):
        X, w, v = plain.X.copy(), plain.w.copy(), np.ones(9, dtype)
        X[3, 2] = w[2] = v[2] = value
        yield plain._replace(name=f"17x9 X[3,2]={value}", X=X)
        yield plain._replace(name=f"17x9 w[2]={value}", w=w)
        yield plain._replace(name=f"17x9 v[2]={value}", v=v)
        yield plain._replace(name=f"17x9 b={value}", b=dtype(value))


FAMILIES: dict[str, dict[str, Callable[..., Iterator[VariantCase]]]] = {
    "weighted": {
        "shapes": weighted_shapes,
        "values": weighted_values,
        "weights": weighted_weights,
        "layouts": weighted_layouts,
    },
    "softmax": {
        "shapes": softmax_shapes,
        "margins": softmax_margins,
        "labels": softmax_labels,
        "layouts": softmax_layouts,
        "nonfinite": softmax_nonfinite,
    },
    "sparse": {"shapes": sparse_shapes, "forms": sparse_forms, "values": sparse_values},
    "curvature": {"shapes": curvature_shapes, "values": curvature_values},
}


def together(dtype, seed: int = 0) -> Iterator[VariantCase]:
    """All at once: weights or none, a penalty or none, two classes or several, X dense or sparse.

    No readable rung takes all of it; a plan does.
    """
    for (m, n, k), full, weighted, l2 in product(
        ((1, 1, 2), (9, 3, 3), (33, 9, 5), (300, 3, 2)), (0.4, 1.0), (False, True), (0.0, 0.25)
    ):
        several = classes("", m, n, k, dtype, seed=seed)
        one = of(cases.ordinary("", m, n, dtype, seed=seed))
        for case in (one, several):
            rng = np.random.default_rng([seed, m, n])
            X = np.where(rng.random((m, n)) < full, case.X, 0).astype(dtype)
            s = weights(m, dtype, seed) if weighted else None
            for form, lay in (("C", np.ascontiguousarray), ("F", np.asfortranarray), ("sparse", sparse.csr_array)):
                told = f"{m}x{n} {form}, {full:.0%} full, {np.shape(case.b)} classes, weights {weighted}, l2 {l2}"
                yield case._replace(name=told, X=lay(X), sample_weight=s, l2=l2)
