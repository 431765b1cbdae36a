"""Weights, several classes, sparse X and curvature return the same bits on any threads, tile and instruction set."""

from importlib import import_module

import numpy as np
import pytest
from bits import as_bytes
from looptax.kernels import fastest, threads
from looptax.kernels.choose import isa
from looptax.kernels.parts import partial

scipy_sparse = pytest.importorskip("scipy.sparse")

BUILDS = isa.available("variants.several")
FUSED = [level for level in BUILDS if level in ("x86_64_v3", "x86_64_v4")] or [next(iter(BUILDS))]
LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "strided-F": lambda X: np.asfortranarray(np.repeat(np.repeat(X, 2, axis=0), 3, axis=1))[::2, ::3],
    "sparse": scipy_sparse.csr_array,
    "sparse-wide": lambda X: _wide(scipy_sparse.csr_array(X)),
}
SHAPES = [(1, 1, 2), (9, 17, 3), (64, 2, 5), (300, 70, 2), (1500, 23, 17), (3000, 5, 4)]


def _wide(X):
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def _made(m, n, k, dtype):
    """Return X, y, weights of samples, and two vectors of parameters for each class."""
    rng = np.random.default_rng([m, n, k])
    X = rng.standard_normal((m, n)).astype(dtype)
    X[rng.random((m, n)) < 0.3] = 0
    return X, rng.integers(0, k, m).astype(dtype), rng.random(m).astype(dtype), rng.standard_normal((2, k, n + 1))


def _all_of(X, y, s, at, v, k, at_most, tile=0, level=None):
    """Return the bytes of everything that is compiled for X."""
    module = import_module(f"looptax.kernels.{BUILDS[level or FUSED[0]]}")
    found = []
    for classes in (1, k):
        labels = y if classes > 1 else np.minimum(y, 1)
        bound = module.Bound(X, labels, s, 0.25, classes, at_most, tile)
        w = at[:classes].astype(X.dtype)
        found += [*bound.step(w), bound.hessp(np.concatenate([w, v[:classes].astype(X.dtype)]))]
        if isinstance(X, np.ndarray):
            found += [np.triu(bound.hessian(w, 0, classes - 1))]
    return b"".join(np.asarray(one).tobytes() for one in found)


@pytest.mark.usefixtures("eight_cpus")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("m", "n", "k"), SHAPES)
def test_neither_threads_nor_tile_nor_instruction_set_change_a_bit(m, n, k, layout, dtype):
    X, y, s, (at, v) = _made(m, n, k, dtype)
    X = LAYOUTS[layout](X)
    right = _all_of(X, y, s, at, v, k, 1)
    for at_most in (2, 3, 8):
        assert _all_of(X, y, s, at, v, k, at_most) == right
    for tile in (1, 4096, 1 << 20):
        assert _all_of(X, y, s, at, v, k, 2, tile) == right
    for level in FUSED:
        assert _all_of(X, y, s, at, v, k, 2, level=level) == right


@pytest.mark.usefixtures("eight_cpus")
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
class TestWeights:
    @pytest.mark.parametrize(("m", "n"), [(1, 1), (65, 33), (2100, 3), (300, 700)])
    def test_no_thread_or_schedule_changes_a_bit(self, m, n, dtype, order):
        X, y, s, (at, _) = _made(m, n, 2, dtype)
        X, w, how = np.asarray(X, order=order), at[0, :-1].astype(dtype), {"sample_weight": s, "l2": 0.5}
        with threads(1):
            right = as_bytes(fastest(X, y, w, 0.5, **how))
        for level in FUSED:
            module = import_module(f"looptax.kernels.{isa.available('cython_tuned')[level]}")
            for schedule in isa.load("cython_tuned").candidates(X):
                for number in (1, 3, 8):
                    assert as_bytes(module.Bound(X, y, number, schedule, s, 0.5).step(w, dtype(0.5))) == right

    @pytest.mark.parametrize(("m", "n"), [(1, 3), (5001, 33), (1500, 700), (2049, 1)])
    def test_blocks_add_up_to_the_bits_of_the_whole(self, m, n, dtype, order):
        X, y, s, (at, _) = _made(m, n, 2, dtype)
        s[: m // 2] = 0  # blocks in which nothing counts
        s[-1] = 1
        X, w = np.asarray(X, order=order), at[0, :-1].astype(dtype)
        right = as_bytes(fastest(X, y, w, 0.5, sample_weight=s, l2=0.25))
        size = partial.block_samples(n, dtype, order, 100)
        parts = (slice(k, k + size) for k in range(0, m, size))
        found = partial.total(partial.sums(X[one], y[one], w, 0.5, order, s[one]) for one in parts)
        assert as_bytes(partial.mean(found, w, 0.25)) == right

    def test_weights_of_one_are_none(self, dtype, order):
        X, y, _, (at, _) = _made(300, 7, 2, dtype)
        X, w = np.asarray(X, order=order), at[0, :-1].astype(dtype)
        plain = as_bytes(fastest(X, y, w, 0.5))
        assert as_bytes(fastest(X, y, w, 0.5, sample_weight=np.ones(300), l2=0)) == plain
