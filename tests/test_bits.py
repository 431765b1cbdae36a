"""The order of the sums is a contract: the same bits by every schedule, thread, block, build and machine."""

import os
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import golden
import numpy as np
import pytest
from bits import as_bytes
from fresh import python
from looptax.kernels import fastest, threads
from looptax.kernels.choose import cpu, isa
from looptax.kernels.choose.schedule import WHOLE, Schedule
from looptax.kernels.parts import partial

MAIN = Path(golden.__file__).with_name("golden_main.c")
PARTS = Path(golden.__file__).parents[1] / "kernels" / "parts"
#: Builds that have a fused multiply-add, and so the golden bits.
FUSED = [level for level in isa.available("cython_tuned") if level in ("x86_64_v3", "x86_64_v4")]
SHAPES = [(1, 1), (3, 2), (7, 8), (65, 33), (300, 17), (700, 130), (2100, 3), (40, 1100), (3000, 70)]
TILES = (1, 1 << 14, 1 << 17, 1 << 22, WHOLE)
SCHEDULES = [
    *(Schedule(tile, streamed, features) for tile in TILES for streamed in (False, True) for features in (False, True)),
    *(Schedule(tile, overlapped=True, prefetch=p) for tile in TILES[:3] for p in (0, 1024)),
    Schedule(1 << 14, prefetch=2048),
    Schedule(1 << 17, streamed=True, by_features=True, prefetch=256),
]


def build(level):
    return import_module(f"looptax.kernels.{isa.available('cython_tuned')[level]}")


@pytest.mark.parametrize("level", FUSED)
def test_golden(level, record_property):
    """On whatever CPU this is; a difference here is one between machines."""
    record_property("cpu", f"{cpu.identity()}, {level}")
    step = build(level).step
    found = [golden.line(name, *step(*given)) for name, given in golden.inputs()]
    assert found == golden.expected()
    assert len(found) > 250


def test_every_build_with_a_fused_multiply_add_is_compared():
    """An AVX2 machine compares one build, an AVX-512 machine two."""
    wanted = [level for level in cpu.instruction_sets() if level in ("x86_64_v3", "x86_64_v4")]
    assert wanted == FUSED


def test_builds_without_one_keep_bits_of_their_own_but_are_as_exact():
    """x86-64-v2 rounds twice where the others round once: documented, and seen."""
    if "x86_64_v2" not in isa.available("cython_tuned"):
        pytest.skip("not an x86-64 machine")
    step = build("x86_64_v2").step
    pairs = [
        (golden.line(name, *step(*given)), line)
        for (name, given), line in zip(golden.inputs(), golden.expected(), strict=True)
    ]
    assert any(found != line for found, line in pairs)
    for found, line in pairs:
        ours, theirs = (float.fromhex(text.split()[-3]) for text in (found, line))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5 if "float32" in line else 1e-13)


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


@pytest.mark.skipif(os.name != "posix", reason="memory is protected by mprotect")
def test_nothing_outside_x_is_read():
    """Pages before and after X that nobody may touch; a process that does is killed."""
    done = python("""if True:
        import ctypes, mmap
        import numpy as np
        from looptax.kernels.choose import isa
        from looptax.kernels.choose.schedule import Schedule
        page, step = mmap.PAGESIZE, isa.load("cython_tuned")
        memory = np.frombuffer(mmap.mmap(-1, 34 * page), np.uint8)
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        for at in (0, 33 * page):
            assert not protect(ctypes.c_void_p(memory.ctypes.data + at), ctypes.c_size_t(page), 0)
        inside = memory[page : 33 * page]
        for dtype in (np.float32, np.float64):
            for order in "CF":
                for m, n in ((1, 1), (5, 3), (64, 17), (257, 31), (31, 257)):
                    size = m * n * np.dtype(dtype).itemsize
                    y, w = np.zeros(m, dtype), np.ones(n, dtype)
                    for first in (*range(0, 64, np.dtype(dtype).itemsize), inside.size - size):
                        X = inside[first : first + size].view(dtype).reshape((m, n), order=order)
                        for how in (Schedule(1 << 12, prefetch=256), Schedule(1 << 12, streamed=True),
                                    Schedule(1 << 12, overlapped=True), Schedule(1 << 20, by_features=True)):
                            step.Bound(X, y, 1, how).step(w, dtype(0))
        print("alive")
        """)
    assert (done.stdout, done.returncode) == ("alive\n", 0), done.stderr


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


def compiled(folder, compiler, *flags):
    """Compile the C core with the program that reads golden inputs; return its path."""
    for real in (64, 32):
        (folder / f"f{real}.c").write_text(f'#define REAL {real}\n#include "tuned.c"\n', "ascii")
    sources = [MAIN, *(folder / f"f{real}.c" for real in (64, 32))]
    common = ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", f"-I{PARTS}", "-o", folder / "golden"]
    subprocess.run([compiler, *flags, *common, *sources, "-lm"], check=True)
    return folder / "golden"


def lines(command, tile):
    """Run such a program on the golden inputs; return the lines of its results."""
    names, sent, shapes = [], [], []
    for name, (X, y, w, b) in golden.inputs():
        root = X if X.base is None else X.base
        low = np.lib.array_utils.byte_bounds(root)[0]
        memory = np.ndarray(root.nbytes, np.uint8, root.ravel(order="K").data)
        offset = X.__array_interface__["data"][0] - low
        head = [X.itemsize, *X.shape, *X.strides, offset, memory.size, tile]
        sent += [np.array(head, np.int64).tobytes(), np.float64(b).tobytes(), memory, y.tobytes(), w.tobytes()]
        names.append(name)
        shapes.append((X.shape[1], X.dtype))
    done = subprocess.run(command, input=b"".join(bytes(part) for part in sent), capture_output=True, check=True)
    at, found = 0, []
    for name, (n, dtype) in zip(names, shapes, strict=True):
        cost, db = np.frombuffer(done.stdout, np.float64, 2, at).astype(dtype)
        dw = np.frombuffer(done.stdout, dtype, n, at + 16)
        at += 16 + dw.nbytes
        found.append(golden.line(name, cost, dw, db))
    return found


@pytest.fixture(scope="module")
def aarch64(tmp_path_factory):
    """The C core, cross-compiled, and the emulator that runs it."""
    compiler, emulator = shutil.which("aarch64-linux-gnu-gcc"), shutil.which("qemu-aarch64")
    if not (compiler and emulator):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "needs aarch64-linux-gnu-gcc and qemu-aarch64 (Debian: gcc-aarch64-linux-gnu, qemu-user)"
        )
    return [emulator, compiled(tmp_path_factory.mktemp("aarch64"), compiler, "-O3", "-static")]


@pytest.mark.parametrize("tile", [1, 1 << 15])
def test_golden_on_aarch64(aarch64, tile):
    assert lines(aarch64, tile) == golden.expected()


def test_other_compilers_make_vectors_of_one_number_and_the_same_bits(tmp_path):
    """What is neither GCC nor Clang has no vectors; its bits are those of x86-64-v2, which also rounds twice."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or "x86_64_v2" not in isa.available("cython_tuned"):
        pytest.skip("no C compiler, or not an x86-64 machine")
    step = build("x86_64_v2").step
    found = lines([compiled(tmp_path, compiler, "-O1", "-DLOOPTAX_ONE_NUMBER")], 1 << 15)
    assert found == [golden.line(name, *step(*given)) for name, given in golden.inputs()]
