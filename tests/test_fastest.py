"""`fastest`: same bits everywhere, from many threads, after a fork, within limits; and packed instructions."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from bits import as_bytes
from fresh import python
from looptax.bench.conformance import cases
from looptax.bench.conformance.gate import judge
from looptax.bench.measure.anatomy import simd
from looptax.kernels import fastest, threads
from looptax.kernels.choose import isa
from threadpoolctl import threadpool_limits

LARGE = (3000, 40)  # several blocks


def inputs(m, n, dtype=np.float64, order="C", seed=0):
    case = cases.ordinary("", m, n, dtype, seed=seed)
    return np.asarray(case.X, order=order), case.y, case.w, float(case.b)


@pytest.mark.usefixtures("eight_cpus")
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


@pytest.mark.usefixtures("eight_cpus")
def test_which_says_what_and_why():
    X = np.zeros((500, 8))
    short = fastest.which(X)
    assert re.fullmatch(r"cython_tuned for \w+, rows, tile=\S+ \(for .*\), 1 thread: too little work to share", short)
    large = np.zeros((100_000, 30))
    assert re.fullmatch(r"cython_tuned .*\), 8 threads: enough work to share .*", fastest.which(large))
    with threads(1):
        assert fastest.which(large).endswith(", 1 thread: there is room for no more")
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
    if level not in isa.available("cython_tuned"):
        pytest.skip(f"no build for {level} here")
    try:
        assembly = simd.disassembly("cython_tuned", level)
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
