"""`fastest`: same bits everywhere, from many threads, after a fork, within limits; and packed instructions."""

import os

import numpy as np
import pytest
from fresh import python
from looptax.bench.conformance import cases
from looptax.bench.conformance.judge import judge
from looptax.kernels import fastest


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


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [3, 31, 100])
def test_what_comes_from_memory_is_read_in_order_and_right(n, dtype):
    """Larger than `FAR_BYTES` the kernel goes another way through the rows, with tails of rows and features."""
    m = (1 << 25) // (n * np.dtype(dtype).itemsize) + 13
    case = cases.ordinary("far", m, n, dtype)
    X = case.X
    assert X.nbytes > 1 << 25
    verdict = judge(fastest, case)
    assert verdict.ok, verdict.problem
    X[m - 1, n - 1] = np.nan
    result = fastest(*case[1:])
    assert np.isnan(result.cost)
    assert np.isnan(result.dw).all()


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
