"""X is never copied whole, nothing outside it is read, and too little memory is an error."""

import os

import numpy as np
import pytest
from fresh import python
from looptax.bench.conformance import cases
from looptax.bench.conformance.judge import judge
from looptax.kernels import fastest
from looptax.kernels.choose import isa, schedule
from looptax.kernels.choose.schedule import KB, MB, Cpu, Schedule

KERNEL = isa.load("cython_tuned")


def test_a_strided_X_is_never_copied_whole():
    """Packing takes less than an eighth of the memory of X."""
    pytest.importorskip("resource")
    code = (
        "import resource, numpy as np; from looptax.kernels import fastest;"
        "X = np.ones((1024, 20000))[::2, ::2]; y, w = np.ones(512), np.zeros(10000);"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "before = peak(); fastest(X, y, w, 0.0); print((peak() - before) * 1024 < X.nbytes / 8)"
    )
    assert python(code).stdout.strip() == "True"


def test_too_little_memory_is_an_error():
    """A work space that cannot be had is a MemoryError, not a crash."""
    resource = pytest.importorskip("resource")
    code = (
        "import resource, numpy as np; from looptax.kernels import fastest;"
        "X = np.broadcast_to(np.zeros(1), (3000, 10**6)); y = np.zeros(3000); w = np.zeros(10**6);"
        f"resource.setrlimit({resource.RLIMIT_AS}, (3 * 10**8, 3 * 10**8));"
        "\ntry: fastest(X, y, w, 0.0)\nexcept MemoryError: print('told')"
    )
    assert python(code, OMP_NUM_THREADS="1").stdout.strip() == "told"


class TestFarRows:
    """Rows that come from memory are read another way; with tails of rows and features."""

    STREAMED = Schedule(**schedule.rules(Cpu("streams", 32 * KB, 512 * KB, 32 * MB, streamed=True))["far_rows"])
    HERE = Schedule(**schedule.rules()["far_rows"])

    def check(self, step, case):
        """It is right, and reads the last number."""
        verdict = judge(step, case)
        assert verdict.ok, verdict.problem
        case.X[-1, -1] = np.nan
        found = step(*case[1:])
        assert np.isnan(found.cost)
        assert np.isnan(found.dw).all()

    @pytest.mark.parametrize("how", [STREAMED, HERE], ids=["streamed", "here"])
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    @pytest.mark.parametrize("n", [3, 31, 100])
    def test_are_right(self, n, dtype, how):
        tile = KERNEL.comes_to(np.empty((1000, n), dtype), how)
        assert tile.streamed == how.streamed
        case = cases.ordinary("far", 5 * tile.tile_bytes + 13, n, dtype)  # which are samples here
        self.check(lambda X, y, w, b: KERNEL.Bound(X, y, 2, how).step(w, b), case)

    @pytest.mark.long
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    @pytest.mark.parametrize("n", [3, 31, 100])
    def test_are_right_in_earnest(self, n, dtype):
        m = schedule.rules()["rows_far"] // (n * np.dtype(dtype).itemsize) + 13
        case = cases.ordinary("far", m, n, dtype)
        assert KERNEL.schedule_of(case.X, 2)[0] == self.HERE
        self.check(fastest, case)


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
