"""The order of the sums is a contract: the same bits by every schedule, number of threads, block and build."""

from concurrent.futures import ThreadPoolExecutor

import golden
import numpy as np
import pytest
from bits import FUSED, as_bytes, build
from looptax.bench.conformance import cases
from looptax.kernels import fastest, ladder, threads
from looptax.kernels.choose import isa
from looptax.kernels.choose.schedule import WHOLE, Schedule
from looptax.kernels.parts import partial
from threadpoolctl import threadpool_limits

SHAPES = [(1, 1), (3, 2), (7, 8), (65, 33), (300, 17), (700, 130), (2100, 3), (40, 1100), (3000, 70)]
TILES = (1, 1 << 14, 1 << 17, 1 << 22, WHOLE)
SCHEDULES = [
    *(Schedule(tile, streamed, features) for tile in TILES for streamed in (False, True) for features in (False, True)),
    *(Schedule(tile, overlapped=True, prefetch=p) for tile in TILES[:3] for p in (0, 1024)),
    Schedule(1 << 14, prefetch=2048),
    Schedule(1 << 17, streamed=True, by_features=True, prefetch=256),
]


@pytest.mark.usefixtures("eight_cpus")
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_no_schedule_thread_or_build_changes_a_bit(shape, dtype, order):
    X, y, w, b = golden.one(*shape, dtype, 1.0, seed=5)
    X = np.asarray(X, order=order)
    with threads(1):
        right = as_bytes(fastest(X, y, w, b))
    for level in FUSED:
        for how in SCHEDULES:
            for number in (1, 3, 8):
                found = build(level).Bound(X, y, number, how).step(w, b)
                assert as_bytes(found) == right, f"{level} {how} {number} threads"


@pytest.mark.parametrize("layout", ["strided", "strided-F", "reversed", "rows-apart"])
@pytest.mark.parametrize("shape", [(300, 17), (40, 300)])
def test_packing_follows_the_order_of_the_larger_stride(shape, layout):
    """A view has the bits of its copy."""
    X, y, w, b = golden.one(*shape, np.float64, 1.0, seed=6)
    view = golden.LAYOUTS[layout](X)
    right = as_bytes(fastest(view.copy(order="K"), y, w, b))
    for how in SCHEDULES:
        assert as_bytes(isa.load("cython_tuned").Bound(view, y, 2, how).step(w, b)) == right, how


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("m", [1, 3, 15, 250, 273, 700, 2047])
def test_where_x_begins_changes_no_bit(m, dtype):
    """Along columns, the first samples are taken apart where X begins within a line of the cache."""
    X, y, w, b = golden.one(m, 11, dtype, 1.0, seed=10)
    right = as_bytes(fastest(np.asfortranarray(X), y, w, b))
    memory = np.empty((2064, 11), dtype, order="F")  # columns are whole lines apart
    for first in range(64 // memory.itemsize):
        view = memory[first : first + m]
        view[:] = X
        for level in FUSED:
            for how in SCHEDULES:
                found = build(level).Bound(view, y, 2, how).step(w, b)
                assert as_bytes(found) == right, f"{level} {how} from sample {first} on"


def test_every_nan_has_the_same_bits():
    X, y, w, b = golden.one(20, 3, np.float64, 1.0, seed=7)
    for nan in (np.float64(np.nan), -np.float64(np.nan), np.uint64(0x7FF8000000000123).view(np.float64)):
        X[4, 1] = nan
        assert as_bytes(fastest(X, y, w, b)) == as_bytes((np.float64(np.nan), np.full(3, np.nan), np.float64(np.nan)))


class TestBlocks:
    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize(("m", "n"), [(1, 3), (5000, 3), (5001, 33), (1500, 700), (2049, 1), (3073, 2)])
    def test_blocks_add_up_to_the_bits_of_the_whole(self, m, n, dtype, order):
        X, y, w, b = golden.one(m, n, dtype, 1.0, seed=8)
        X = np.asarray(X, order=order)
        right = as_bytes(fastest(X, y, w, b))
        for at_least in (1, 300, 1500, 10_000):
            size = partial.block_samples(n, dtype, order, at_least)
            assert size >= at_least
            for lay in (np.ascontiguousarray, np.asfortranarray):  # a block may come in another order
                blocks = (partial.sums(lay(X[k : k + size]), y[k : k + size], w, b, order) for k in range(0, m, size))
                assert as_bytes(partial.mean(partial.total(blocks))) == right

    def test_ranges_of_blocks_add_up_too(self):
        """As two workers would, each with half a tree."""
        X, y, w, b = golden.one(6000, 20, np.float64, 1.0, seed=9)
        size = partial.block_samples(20, np.float64, "C", 512)
        blocks = [partial.sums(X[k : k + size], y[k : k + size], w, b, "C") for k in range(0, 6000, size)]
        halves = [partial.total(blocks[:8]), partial.total(blocks[8:])]
        assert len(blocks) > 8
        assert as_bytes(partial.mean(partial.total(halves))) == as_bytes(fastest(X, y, w, b))

    def test_a_block_that_is_no_subtree_is_refused(self):
        X, y, w, b = golden.one(300, 3, np.float64, 1.0, seed=1)
        one, other = (partial.sums(X[:k], y[:k], w, b, "C") for k in (300, 200))
        with pytest.raises(ValueError, match="block 1 has 200 samples, block 0 300; expected it of all but the last"):
            partial.total([one, other, one])
        with pytest.raises(ValueError, match="there is no block"):
            partial.total([])
        with pytest.raises(ValueError, match="order is 'K'"):
            partial.sums(X, y, w, b, "K")
        with pytest.raises(ValueError, match="every label"):
            partial.sums(X, y + 1, w, b, "C")


@pytest.mark.parametrize("order", ["C", "F"])
def test_errors_grow_like_the_logarithm_of_m(order):
    """float32, ten million samples: the sums are as good as those of a thousand."""
    m = 10_000_000
    X = np.empty((m, 2), np.float32, order=order)
    rng = np.random.default_rng(3)
    X[:, 0], X[:, 1] = (rng.random(m, np.float32) for _ in range(2))
    y, w = (rng.random(m, np.float32) < 0.1).astype(np.float32), np.array([0.5, -0.25], np.float32)
    found = fastest(X, y, w, 0.1)
    cost, dw, db = np.zeros(()), np.zeros(2), np.zeros(())
    for k in range(0, m, 1_000_000):  # in float64, block by block
        some, labels = X[k : k + 1_000_000].astype(float), y[k : k + 1_000_000].astype(float)
        z = some @ w.astype(float) + float(np.float32(0.1))
        dz = 1 / (1 + np.exp(-z)) - labels
        cost, dw, db = cost + np.logaddexp(0, z).sum() - (labels * z).sum(), dw + some.T @ dz, db + dz.sum()
    np.testing.assert_allclose(found.cost, cost / m, rtol=3e-7)
    np.testing.assert_allclose(found.dw, dw / m, rtol=5e-7)
    np.testing.assert_allclose(found.db, db / m, rtol=3e-7)


LARGE = (3000, 40)  # several blocks


def inputs(m, n, dtype=np.float64, order="C", seed=0):
    case = cases.ordinary("", m, n, dtype, seed=seed)
    return np.asarray(case.X, order=order), case.y, case.w, float(case.b)


@pytest.mark.usefixtures("eight_cpus")
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [LARGE, (70_000, 3), (129, 700), (97, 5000)])
def test_same_bits_for_every_number_of_threads(shape, dtype, order):
    arguments = inputs(*shape, dtype, order)
    found = set()
    assert isa.load("cython_tuned").schedule_of(arguments[0], 2)[1], "it is not shared"
    for number in (1, 2, 3, 4, 8):
        with threadpool_limits(number):
            found |= {as_bytes(fastest(*arguments)) for _ in range(3)}
    assert len(found) == 1


@pytest.mark.usefixtures("eight_cpus")
def test_eight_python_threads_get_the_same_bits():
    jobs = [inputs(*shape, seed=k) for k, shape in enumerate([(7, 3), (300, 17), LARGE, (64, 9)])]
    right = [as_bytes(fastest(*job)) for job in jobs]
    wrong = []

    def work(worker):
        for call in range(1000):
            k = (worker + call) % len(jobs)
            if as_bytes(fastest(*jobs[k])) != right[k]:
                wrong.append((worker, call))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert not wrong


def test_conversions_take_the_slow_way_to_the_same_bits():
    X, y, w, b = inputs(50, 6)
    right = as_bytes(fastest(X, y, w, b))
    for change in (
        (X, y.astype(bool), w, b), (X, y.astype(int), w, np.float64(b)), (X, y, np.repeat(w, 2)[::2], b),
        (X.view(type("Sub", (np.ndarray,), {})), y, w, b),
    ):  # fmt: skip
        assert as_bytes(fastest(*change)) == right


def test_threads_do_not_change_the_bits():
    """The split into blocks depends on the shape alone."""
    numba = pytest.importorskip("numba")
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(2)
    X, y, w = rng.standard_normal((5000, 33)), rng.random(5000) < 0.5, rng.standard_normal(33)
    for name in ("cython-parallel", "numba-parallel", "numba-fused"):
        step = ladder.rung(name).load()
        for matrix in (X, np.asfortranarray(X), X[::-1], X[::2, ::3].repeat(2, 0)):
            args = (matrix, y, w[: matrix.shape[1]].copy(), 0.1)
            found = set()
            for number in (1, 2, 3, 4, 8):
                numba.set_num_threads(min(number, numba.config.NUMBA_NUM_THREADS))
                with threadpool_limits(number):
                    found.add(as_bytes(step(*args)))
            assert len(found) == 1, name
