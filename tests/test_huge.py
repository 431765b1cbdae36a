"""More than 2^31 elements, features, entries and samples: no index or offset is too short, in any kernel.

X is 0 but for a few numbers, which lie where an index or an offset passes 31 or 32 bits; the right answer is known from
these. So the arrays take next to no memory, but for what each test says. Seconds are of one core, of a Zen 1.
"""

import platform
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from guarded_calls import SCHEDULES, builds
from huge import EDGES, check, curvature, few, filled, labels, places, weights, zeros
from last_words import heard
from looptax.bench.conformance import cases
from looptax.bench.conformance.bound import bound
from looptax.bench.conformance.judge import judge
from looptax.bench.conformance.oracle import exact
from looptax.kernels import blocks, fastest, plan
from needed import shared_library

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory that is only read takes memory elsewhere")
LAYOUTS = {
    "rows": ((1 << 27) + 3, 33, "C", 1), "long rows": (33, (1 << 27) + 3, "C", 1),
    "columns": ((1 << 27) + 3, 33, "F", 1), "short columns": (33, (1 << 27) + 3, "F", 1),
    "every other column": (46351, 46349, "C", 2),
}  # fmt: skip
B = 0.25


@pytest.fixture(scope="module", autouse=True)
def memory_that_is_only_read_takes_none():
    """Skip where Linux is set not to have it so, or not to promise more memory than there is."""
    try:
        zeros(700_000_000_000, np.uint8)
    except OSError as error:
        pytest.skip(f"700 GB of addresses: {error}")
    some, process = zeros(1 << 26), psutil.Process()
    before = process.memory_info().rss
    assert some.sum() == 0
    if process.memory_info().rss > before + some.nbytes / 2:
        pytest.skip("here it takes as much as what is written to")


def needs(gigabytes):
    """Skip where that much memory is not available."""
    if psutil.virtual_memory().available < gigabytes * 1e9:
        pytest.skip(f"{gigabytes} GB of memory are not available")


class TestElements:
    @pytest.mark.long
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_a_step(self, layout):
        """2 to 5 s; w and the gradients of long rows take 1 GB, of each thread."""
        needs(3)
        m, n, *how = LAYOUTS[layout]
        X, part = filled((m, n), *how)
        w = weights(part, n)
        check(fastest(X, labels(part, m), w, B), part, w, B)

    @pytest.mark.long
    @pytest.mark.parametrize("layout", ["rows", "columns"])
    def test_a_plan(self, layout):
        """2 to 5 s; labels are looked at, which takes 0.5 GB."""
        needs(3)
        m, n, *how = LAYOUTS[layout]
        X, part = filled((m, n), *how)
        one, w = plan(X, labels(part, m)), weights(part, n)
        found = one.hessp(np.append(w, np.float32(B)), np.append(w, np.float32(0.5)))
        check(curvature(found), part, w, B, v=w, v0=0.5)


class TestFarApart:
    """Rows or columns more than 2^31 bytes, or numbers, apart: every offset is a product that must not be short."""

    M, N = 19, 37

    @staticmethod
    @cache
    def judged(dtype, accuracy="relative"):
        """Return a case, and what is right and allowed."""
        case = cases.ordinary("far", TestFarApart.M, TestFarApart.N, dtype)
        return case, {"right": exact(*case[1:5]), "allowed": bound(*case[1:5], accuracy)}

    @pytest.fixture(params=["rows", "columns", "both", "reversed rows"])
    def far(self, request):
        """Return a case's X, laid so far apart."""

        def laid(X, stride):
            m, n, size = *X.shape, X.itemsize
            across = {"columns": (size, stride * size), "both": (stride * size, 3 * size)}
            strides = across.get(request.param, (stride * size, size))
            count = n if request.param == "columns" else m
            found = np.ndarray(X.shape, X.dtype, zeros((count - 1) * stride + 4 * max(m, n), X.dtype), 0, strides)
            found = found[::-1] if request.param == "reversed rows" else found
            found[...] = X
            return found

        return laid

    @pytest.mark.parametrize("stride", [EDGES[0] + 1, EDGES[2] + 1], ids=["bytes", "numbers"])
    def test_all_rungs_are_right(self, candidate, far, stride):
        rung, step, _ = candidate
        case, more = self.judged(np.float32, rung.accuracy)
        verdict = judge(step, case._replace(X=far(case.X, stride)), accuracy=rung.accuracy, **more)
        assert verdict.ok, verdict.problem

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_so_are_all_schedules(self, far, dtype):
        case, more = self.judged(dtype)
        for stride in (EDGES[0] + 1, EDGES[2] + 1):
            X = far(case.X, stride)
            for module in builds("cython_tuned").values():
                for schedule in SCHEDULES:
                    made = module.Bound(X, case.y, 1, schedule)
                    verdict = judge(lambda X, y, w, b: made.step(w, b), case, **more)  # noqa: B023
                    assert verdict.ok, f"{schedule}: {verdict.problem}"

    def test_so_are_several_classes_and_curvature(self, far):
        case = cases.ordinary("far", self.M, self.N, np.float32)
        y, near = (np.arange(self.M) % 3).astype(np.float32), np.ascontiguousarray(case.X)
        X, w = far(case.X, EDGES[2] + 1), np.sin(np.arange(6 * (self.N + 1), dtype=np.float32))
        for module in builds("variants.several").values():
            for one in (1, 3):
                found, right = (module.Bound(at, y % 2 if one == 1 else y, None, 0.5, one, 1) for at in (X, near))
                for name, size in (("step", 1), ("hessp", 2), ("hessian", 1)):
                    at = w[: one * size * (self.N + 1)]
                    np.testing.assert_allclose(
                        np.triu(np.atleast_2d(_last(getattr(found, name)(at)))),
                        np.triu(np.atleast_2d(_last(getattr(right, name)(at)))), rtol=1e-4, atol=1e-6,
                    )  # fmt: skip


def _last(found):
    return found[1] if isinstance(found, tuple) else found


@pytest.fixture(scope="module")
def lent(tmp_path_factory):
    """A malloc whose huge pieces take next to no memory."""
    return str(shared_library(Path(__file__).with_name("lent.c"), tmp_path_factory.mktemp("lent") / "lent.so"))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="stands before glibc's malloc")
class TestFeatures:
    @pytest.mark.long
    @pytest.mark.parametrize(
        ("calls", "arguments"), [("dense", ("C",)), ("dense", ("F",)), ("compressed", ())], ids=["C", "F", "compressed"]
    )
    def test_a_step(self, lent, calls, arguments):
        """10 s, 44 s and 13 s; 0.3 GB, of some 20 to 50 that it believes to have."""
        needs(1)
        end = heard("huge", calls, *arguments, LD_PRELOAD=lent)
        assert end.how == "0", end.err


class TestEntries:
    """Of compressed rows; their indices are of 8 bytes, for those of 4 cannot count so many."""

    @pytest.mark.long
    def test_a_step(self):
        """15 s, no memory to speak of."""
        needs(1)
        count = (1 << 31) + 1000
        X, part = self.compressed(count, np.array([0, 3, (1 << 30) + 1, (1 << 31) - 1, (1 << 31) + 1, count]))
        from scipy.sparse import csr_array

        X = csr_array((X.data, X.indices, X.indptr), X.shape)
        w = weights(part, X.shape[1])
        check(plan(X, labels(part, 5)).step(w, B), part, w, B)

    @pytest.mark.parametrize("edge", EDGES[1:])
    @pytest.mark.parametrize("classes", [1, 2, 3])
    def test_what_lies_far_behind_is_found(self, edge, classes):
        """A kernel is given the last rows alone."""
        X, part = self.compressed(edge + 9, edge + np.array([-4, -1, 1, 9]))
        for module in builds("variants.several").values():
            for size, name in ((1, "step"), (2, "hessp")):
                w = weights(part, X.shape[1], classes)
                v = w * 2
                b = B if classes == 1 else np.linspace(-B, B, classes, dtype=np.float32)
                params = [np.column_stack([np.atleast_2d(one), np.atleast_1d(b)]).ravel() for one in (w, v)]
                made = module.Bound(X, labels(part, 3), None, 0.0, classes, 1)
                found = getattr(made, name)(np.concatenate(params[:size]).astype(np.float32))
                if name == "hessp":
                    check(curvature(found, classes), part, w, b, v=v, v0=b)
                else:
                    grad = curvature(found[1], classes)
                    check(SimpleNamespace(cost=found[0], dw=grad.dw, db=grad.db), part, w, b)

    @staticmethod
    def compressed(count, pointers):
        """Return so many entries in rows that begin there, all 0 and of feature 0 but for a few."""
        at, values = places(count)
        data, indices, columns = zeros(count), zeros(count, np.int64), 1 + np.arange(len(at))
        data[at], indices[at] = values, columns
        inside = at >= pointers[0]
        shape = (len(pointers) - 1, 100)
        rows = np.searchsorted(pointers, at[inside], "right") - 1
        X = SimpleNamespace(data=data, indices=indices, indptr=pointers, shape=shape, dtype=data.dtype)
        return X, few(shape, rows, columns[inside], values[inside])

    def test_indices_of_4_bytes_are_refused_beside_pointers_of_8(self):
        sparse = pytest.importorskip("scipy.sparse")
        X = sparse.csr_array(np.eye(3))
        X.indptr = X.indptr.astype(np.int64)
        with pytest.raises(TypeError, match="both int32, or both int64"):
            plan(X, np.zeros(3))


class TestSamples:
    @pytest.mark.long
    def test_a_step(self):
        """9 s, no memory to speak of."""
        needs(1)
        m = (1 << 31) + 9
        X, part = filled((m, 1))
        w = weights(part, 1)
        check(fastest(X, labels(part, m), w, B), part, w, B)


@pytest.fixture
def path(tmp_path):
    """A file with holes, which is there no longer than the test: not all programs know holes."""
    mounted = [one for one in psutil.disk_partitions(all=True) if tmp_path.is_relative_to(one.mountpoint)]
    if max(mounted, key=lambda one: len(one.mountpoint)).fstype in ("tmpfs", "ramfs"):
        pytest.skip("holes that are read take memory here")
    yield tmp_path / "X.npy"
    (tmp_path / "X.npy").unlink()


class TestFiles:
    @pytest.mark.long
    @pytest.mark.parametrize("order", "CF")
    def test_the_end_of_a_large_file_is_read(self, path, order):
        """A file with holes, of 11 GB or 300 GB; the block that is read is near its end."""
        shape = (80_000_000, 33) if order == "C" else (1 << 33, 9)
        memmap = np.lib.format.open_memmap(path, "w+", np.float32, shape, fortran_order=order == "F")
        first, end = shape[0] - 1000, shape[0] - 3
        memmap[first:end] = right = np.arange(997 * shape[1], dtype=np.float32).reshape(997, -1)
        memmap.flush()
        del memmap
        file = import_module("looptax.kernels.blocks.files").FileArray.npy(str(path)).open()
        found, window = file.part(first, end)
        np.testing.assert_array_equal(found, right)
        file.check(window)
        del found, window
        file.close()

    @pytest.mark.long
    def test_a_step_in_blocks(self, path):
        """Pages of the file are the system's, who takes them back where memory is wanted."""
        needs(3)
        m, n = (1 << 26) + 3, 33
        at, values = places(m * n)
        rows, columns = np.unravel_index(at, (m, n))
        part = few((m, n), rows, columns, values)
        memmap = np.lib.format.open_memmap(path, "w+", np.float32, (m, n))
        memmap[rows, columns] = values
        memmap.flush()
        del memmap
        w = weights(part, n)
        check(blocks.plan(path, labels(part, m)).step(w, B), part, w, B)


#: What becomes of an offset that is too short, in numbers of 4 bytes; where that is before X, zeros are read.
SHORT = {
    "bytes, 31 bits and a sign": lambda at: ((at * 4 + (1 << 31)) % (1 << 32) - (1 << 31)) // 4,
    "bytes, 32 bits": lambda at: at * 4 % (1 << 32) // 4,
    "numbers, 31 bits and a sign": lambda at: (at + (1 << 31)) % (1 << 32) - (1 << 31),
    "numbers, 32 bits": lambda at: at % (1 << 32),
}


@pytest.mark.parametrize("short", SHORT)
@pytest.mark.parametrize("layout", ["rows", "long rows"])
def test_a_short_offset_would_be_told(short, layout):
    """What a step would make of the numbers that it then finds is not what is asked for."""
    m, n, *_ = LAYOUTS[layout]
    at, values = places(m * n)
    rows, columns = np.unravel_index(at, (m, n))
    part = few((m, n), rows, columns, values)
    there = dict(zip(at.tolist(), values, strict=True))
    read = few((m, n), rows, columns, [there.get(one, 0) for one in SHORT[short](at).tolist()])

    def judged(of):
        w = weights(part, n)
        found = exact(of.X.astype(np.float64), of.y, w[of.columns], B, sample_weight=of.counts)
        dw = zeros((n,))
        dw[of.columns] = found.dw
        check(SimpleNamespace(cost=found.cost, dw=dw, db=found.db), part, w, B, everywhere=False)

    judged(part)
    with pytest.raises(AssertionError):
        judged(read)
