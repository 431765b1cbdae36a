"""`fastest`: same bits everywhere, from many threads, after a fork, within limits; and packed instructions."""

import multiprocessing
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from looptax.bench.anatomy import simd
from looptax.bench.conformance import cases
from looptax.bench.conformance.gate import judge
from looptax.kernels import fastest, region, team, variants
from threadpoolctl import threadpool_limits

LARGE = (3000, 40)  # several blocks


def inputs(m, n, dtype=np.float64, order="C", seed=0):
    case = cases.ordinary("", m, n, dtype, seed=seed)
    return np.asarray(case.X, order=order), case.y, case.w, float(case.b)


def as_bytes(result):
    return b"".join(np.asarray(value).tobytes() for value in result)


def python(code, **environment):
    return subprocess.run(
        [sys.executable, "-I", "-c", code], env={**os.environ, **environment}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture
def threads_always_pay(monkeypatch):
    """As on a machine where entering a region is free: every call of more than one block is parallel."""
    monkeypatch.setattr(team, "region_seconds", lambda threads: 0.0)
    monkeypatch.setattr(team, "quota", lambda: 64)


@pytest.mark.usefixtures("threads_always_pay")
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [LARGE, (70_000, 3), (129, 700), (33, 5000)])
def test_same_bits_for_every_number_of_threads(shape, dtype, order):
    arguments = inputs(*shape, dtype, order)
    found = set()
    for number in (1, 2, 3, 4, 8):
        with threadpool_limits(number):
            found |= {as_bytes(fastest(*arguments)) for _ in range(3)}
    assert len(found) == 1


@pytest.mark.usefixtures("threads_always_pay")
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


@pytest.mark.parametrize("name", ["numba_parallel", "numba_fused"])
def test_numba_is_entered_by_one_thread_at_a_time(name):
    """Its layer "workqueue" would end the process."""
    pytest.importorskip("numba")
    code = (
        "import numpy as np; from concurrent.futures import ThreadPoolExecutor;"
        f"from looptax.kernels.{name} import step;"
        "X = np.random.default_rng(0).standard_normal((3000, 40)); arguments = X, (X[:, 0] > 0) * 1.0, X[0], 0.1;"
        "right = step(*arguments).dw.tobytes();"
        "print(all(ThreadPoolExecutor(8).map(lambda k: step(*arguments).dw.tobytes() == right, range(800))))"
    )
    done = python(code, NUMBA_THREADING_LAYER="workqueue")
    assert done.stdout.strip() == "True", done.stderr


def test_the_gil_is_released():
    """Another Python thread makes progress during one long call."""
    m = 3_000_000  # a tenth of a second or more: the other thread gets its turn
    arguments = np.broadcast_to(np.ones((1, 8)), (m, 8)), np.ones(m), np.ones(8), 0.0
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(None)

    thread = threading.Thread(target=tick)
    thread.start()
    while not ticks:
        pass
    with threadpool_limits(1):
        before = len(ticks)
        fastest(*arguments)
        during = len(ticks) - before
    stop.set()
    thread.join()
    assert during > 100


IN_A_CHILD = """
import multiprocessing, sys
import numpy as np
from looptax.kernels import fastest, team, variants

rng = np.random.default_rng(0)
arguments = rng.standard_normal((3000, 40)), np.ones(3000), rng.standard_normal(40), 0.5
parallel = variants.load("cython_parallel").step
right, right_parallel = fastest(*arguments), parallel(*arguments)  # the last enters a region
with multiprocessing.get_context(sys.argv[1]).Pool(1) as pool:
    for step, expected in ((fastest, right), (parallel, right_parallel)):
        found = pool.apply_async(step, arguments).get(60)
        assert found.cost == expected.cost and found.dw.tobytes() == expected.dw.tobytes()
    print(pool.apply_async(team.most).get(60), team.most())
"""


@pytest.mark.parametrize("method", sorted({"fork", "spawn"} & set(multiprocessing.get_all_start_methods())))
def test_a_child_started_after_a_parallel_call_works(method):
    """libgomp hangs where a forked child enters a region again; the child must not."""
    done = subprocess.run(
        [sys.executable, "-I", "-W", "ignore", "-c", IN_A_CHILD, method],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    child, parent = map(int, done.stdout.split())
    assert child == (1 if method == "fork" else parent)


class TestTeam:
    def test_respects_omp_num_threads(self):
        done = python("from looptax.kernels import team; print(team.most())", OMP_NUM_THREADS="1")
        assert done.stdout.strip() == "1"

    def test_respects_threadpoolctl(self):
        with threadpool_limits(1):
            assert team.most() == 1
        assert region.threads() >= 1

    @pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no CPU affinity on this system")
    def test_respects_cpu_affinity(self):
        code = (
            "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
            "from looptax.kernels import team; print(team.most())"
        )
        assert python(code).stdout.strip() == "1"

    @pytest.mark.parametrize(
        ("text", "cpus"),
        [("150000 100000", 2), ("50000 100000", 1), ("400000 100000", 4), ("max 100000", None), ("", None)],
    )
    def test_respects_the_containers_quota(self, tmp_path, monkeypatch, text, cpus):
        file = tmp_path / "cpu.max"
        file.write_text(text)
        monkeypatch.setattr(team, "LIMITS", (str(file),))
        assert team.quota.__wrapped__() == (cpus or os.cpu_count())

    def test_respects_the_older_form_of_the_quota(self, tmp_path, monkeypatch):
        (tmp_path / "cpu.cfs_quota_us").write_text("300000\n")
        (tmp_path / "cpu.cfs_period_us").write_text("100000\n")
        monkeypatch.setattr(team, "LIMITS", (str(tmp_path / "none"), str(tmp_path / "cpu.cfs_quota_us")))
        assert team.quota.__wrapped__() == 3

    def test_threads_are_used_where_they_save_more_than_they_cost(self, monkeypatch):
        monkeypatch.setattr(team, "most", lambda: 4)
        monkeypatch.setattr(team, "work_seconds", lambda: (1e-9, 1e-10))
        monkeypatch.setattr(team, "region_seconds", lambda threads: 5e-6)
        assert team.size(100, 1000) == 1  # 0.2 us of work
        assert team.size(100_000, 1_000_000) == 4  # 200 us
        monkeypatch.setattr(team, "region_seconds", lambda threads: 1e-3)
        assert team.size(100_000, 1_000_000) == 1

    def test_the_costs_are_measured(self):
        sample, element = team.work_seconds()
        assert 0 < element < 1e-6
        assert 0 < sample < 1e-6
        assert 0 < team.region_seconds(2) < 1

    def test_a_region_that_was_slow_once_is_measured_again(self, monkeypatch):
        clock, costs = [0.0], iter([1e-3, 5e-6, 1e-3])
        monkeypatch.setattr(team, "_regions", {})
        monkeypatch.setattr(team.time, "monotonic", lambda: clock[0])
        monkeypatch.setattr(region, "seconds", lambda threads: next(costs))
        seen = []
        for clock[0] in (0.0, 0.5, 1.0, 2.9, 3.0):
            seen.append(team.region_seconds(2))
        assert seen == [1e-3, 1e-3, 5e-6, 5e-6, 5e-6]
        assert next(costs, None) is None

    def test_which_says_what_and_why(self):
        X = np.zeros((500, 8))
        told = fastest.which(X)
        assert re.fullmatch(r"cython_fused for \w+, rows, \d+ threads?: one thread would need about .* us.*", told)
        assert ", columns, " in fastest.which(np.asfortranarray(X))
        assert ", strided, " in fastest.which(X[::2, ::2])
        with pytest.raises(TypeError, match="X is a list"):
            fastest.which([[1.0]])


def test_conversions_take_the_slow_way_to_the_same_bits():
    X, y, w, b = inputs(50, 6)
    right = as_bytes(fastest(X, y, w, b))
    for change in (
        (X, y.astype(bool), w, b), (X, y.astype(int), w, np.float64(b)), (X, y, np.repeat(w, 2)[::2], b),
        (X.view(type("Sub", (np.ndarray,), {})), y, w, b),
    ):  # fmt: skip
        assert as_bytes(fastest(*change)) == right


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


@pytest.mark.parametrize(("level", "register"), [("x86_64_v3", "%ymm"), ("x86_64_v4", "%zmm")])
@pytest.mark.parametrize("kind", ["pd", "ps"])
def test_hot_loops_hold_packed_instructions(level, register, kind):
    """Four loops read X: z and the gradient, along rows and along columns; each has eight vectors in flight."""
    if level not in variants.available("cython_fused"):
        pytest.skip(f"no build for {level} here")
    try:
        assembly = simd.disassembly("cython_fused", level)
    except simd.SimdError as error:
        pytest.skip(str(error))
    packed = re.compile(rf"vfmadd\d+{kind} .*{register}")
    scalar = re.compile(r"vfmadd\d+s[sd] ")
    loops = (loop for function in simd.functions(assembly) for loop in simd.innermost_loops(function))
    found = [
        lines
        for lines in ([f"{one.name} {one.operands}" for one in loop] for loop in loops)
        if sum(bool(packed.match(line)) for line in lines) == 8 and not any(scalar.match(line) for line in lines)
    ]
    assert len(found) >= 4


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
