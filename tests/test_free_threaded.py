"""Many Python threads at once, with a GIL and without: the same bits, and what is not to be shared breaks nothing else.

It needs NumPy and pytest alone (SciPy for sparse X): ``.ci/free-threaded`` runs it where there is a Python without GIL.
"""

import subprocess
import sys
import sysconfig
from threading import Barrier, Event, Thread

import numpy as np
import pytest
from bits import as_bytes
from looptax.kernels import Plan, fastest, plan, threads
from looptax.kernels.blocks import plan as plan_of_blocks
from looptax.kernels.choose import team

THREADS = 8
#: Imports all compiled kernels, in the builds this CPU gets.
EVERYTHING = """
import sys
from importlib import import_module
from looptax.kernels.choose import isa, region
from looptax.kernels.ladder import LADDER
import looptax.kernels.blocks.window
for name in [rung.module for rung in LADDER if rung.family == "cython"] + ["variants.several", "parts.probe"]:
    isa.load(name)
"""


def ended(code):
    """Run code in a fresh interpreter, in which a warning is an error, and return what it printed."""
    done = subprocess.run([sys.executable, "-IWerror", "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def at_once(*calls):
    """Make the calls, each in a thread of its own, from the same moment on; return what they returned, in order."""
    begin, found = Barrier(len(calls)), [None] * len(calls)

    def work(number):
        begin.wait()
        try:
            found[number] = calls[number]()
        except BaseException as error:
            found[number] = error

    callers = [Thread(target=work, args=(number,)) for number in range(len(calls))]
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    return found


@pytest.fixture(autouse=True)
def four_cpus():
    """As on a machine with four CPUs: calls are shared with helpers, too."""
    team.pretend(4)
    yield
    team.pretend(0)


def data(m=3000, n=24, dtype=np.float64, order="C", classes=2):
    """X, y, w, b."""
    rng = np.random.default_rng(m + n)
    X = np.asarray(rng.standard_normal((m, n)), dtype, order=order)
    return X, rng.integers(0, classes, m).astype(dtype), rng.standard_normal(n).astype(dtype), 0.25


def sparse():
    """X in compressed rows, and y."""
    X, y, _, _ = data()
    return pytest.importorskip("scipy.sparse").csr_array(np.where(np.abs(X) > 1, X, 0)), y


def made(kind):
    """A plan of that kind."""
    if kind == "sparse":
        return plan(*sparse(), l2=0.5)
    if kind == "softmax":
        return plan(*data(classes=3)[:2], classes=3)
    X, y, _, _ = data(dtype=np.float32 if kind == "float32" else np.float64, order="F" if kind == "columns" else "C")
    return plan(X, y, sample_weight=y + 0.5, l2=0.5) if kind == "weighted" else plan(X, y)


def calls_of(one):
    """Calls of a plan, each with arguments and results of its own."""
    shape = (one.classes or 1) * (one.features + 1)
    params = np.linspace(-1, 1, shape)
    w = np.linspace(-1, 1, one.features * (one.classes or 1)).astype(one.dtype)
    w, b = (w.reshape(one.classes, -1), np.zeros(one.classes, one.dtype)) if one.classes else (w, 0.25)

    def into():
        dw = np.empty_like(w)
        return (*one.step_into(w, b, dw), dw)

    return [
        lambda: one.step(w, b),
        into,
        lambda: one.objective(params),
        lambda: (one.hessp(params, params),),
        lambda: one.step(-w, b),
        lambda: (one.hessian(params),),
    ]


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python has a GIL")
def test_importing_leaves_the_gil_off():
    """Python turns it on, with a warning, for a module that does not say that it needs none."""
    assert ended(EVERYTHING + "print(sys._is_gil_enabled())") == ["False"]


def test_the_first_import_may_be_in_many_threads():
    code = """
import sys
from threading import Barrier, Thread
import numpy as np
begin, found = Barrier(8), []
def work():
    begin.wait()
    from looptax.kernels import fastest, plan
    X, y = np.ones((300, 5)), np.ones(300)
    found.append((fastest(X, y, np.ones(5), 0.0).dw.tobytes(), plan(X, y).step(np.ones(5), 0.0).dw.tobytes()))
callers = [Thread(target=work) for _ in range(8)]
[each.start() for each in callers], [each.join() for each in callers]
print(len(found), len({dw for both in found for dw in both}))
"""
    assert ended(code) == ["8", "1"]


@pytest.mark.parametrize("kind", ["rows", "columns", "float32", "weighted", "softmax", "sparse"])
def test_one_plan_for_all(kind):
    """Also where what is bound at the first call is asked for by all at once."""
    right = [as_bytes(call()) for call in calls_of(made(kind))]
    calls = calls_of(made(kind))

    def work(number):
        turns = ((number + k) % len(calls) for k in range(30))
        return [k for k in turns if as_bytes(calls[k]()) != right[k]]

    assert at_once(*(lambda number=number: work(number) for number in range(THREADS))) == [[]] * THREADS


def test_plans_of_their_own_and_fastest():
    """Of many sizes, so that they hand memory of many sizes on to each other."""
    jobs = [data(m, n) for m, n in ((2, 1), (100, 2), (60, 40), (3000, 24), (500, 300), (900, 7))]
    right = [as_bytes(fastest(*job)) for job in jobs]

    def work(number):
        wrong = 0
        for k in range(number, number + 120):
            X, y, w, b = jobs[k % len(jobs)]
            with threads(1 + k % 3):
                found = fastest(X, y, w, b) if k % 2 else plan(X, y).step(w, b)
            wrong += as_bytes(found) != right[k % len(jobs)]
        return wrong

    assert at_once(*(lambda number=number: work(number) for number in range(THREADS))) == [0] * THREADS


def test_short_calls_take_and_give_memory_all_the_time():
    """Each has a piece of memory of its own while it lasts: two that got the same would spoil each other's sums."""
    jobs = [data(100 + 8 * k, 2 + k) for k in range(THREADS)]
    right = [as_bytes(fastest(*job)) for job in jobs]

    def work(number):
        return sum(as_bytes(fastest(*jobs[number])) != right[number] for _ in range(3000))

    assert at_once(*(lambda number=number: work(number) for number in range(THREADS))) == [0] * THREADS


def test_a_dw_for_two_spoils_that_dw_alone():
    """The cost and db are right all the same."""
    X, y, w, b = data()
    one, dw = plan(X, y, l2=0.5), np.empty_like(w)
    right = [as_bytes(one.step_into(k * w, b, dw)) for k in range(THREADS)]

    def work(number):
        return all(as_bytes(one.step_into(number * w, b, dw)) == right[number] for _ in range(50))

    assert at_once(*(lambda number=number: work(number) for number in range(THREADS))) == [True] * THREADS


@pytest.mark.parametrize("kind", ["rows", "softmax", "sparse"])
def test_numbers_changed_under_way_spoil_these_calls_alone(kind):
    """No crash, also where indices point anywhere; the next call is right."""
    one = made(kind)
    calls = calls_of(one)
    arrays = [one.y, *([one.X.data, one.X.indices, one.X.indptr] if kind == "sparse" else [one.X])]
    before, right = [array.copy() for array in arrays], [as_bytes(call()) for call in calls]
    over = Event()

    def write():
        rng = np.random.default_rng(1)
        while not over.is_set():
            for array, old in zip(arrays, before, strict=True):
                array[rng.integers(len(array))] = rng.choice([0, -1, 7, 10**6])
                array[...] = old

    def work(number):
        for k in range(number, number + 40):
            try:
                with np.errstate(all="ignore"):
                    calls[k % 5]()  # SciPy's product, in the whole Hessian of a sparse X, makes no such promise
            except ValueError:
                pass

    writer = Thread(target=write)
    writer.start()
    ended = at_once(*(lambda number=number: work(number) for number in range(THREADS)))
    over.set()
    writer.join()
    assert ended == [None] * THREADS
    for array, old in zip(arrays, before, strict=True):
        array[...] = old
    assert [as_bytes(call()) for call in calls] == right


def test_passes_over_files_at_once(tmp_path):
    X, y, w, b = data(20_000, 6)
    np.save(tmp_path / "X.npy", X)
    one, right = plan_of_blocks(tmp_path / "X.npy", y, memory=1 << 20), as_bytes(fastest(X, y, w, b))
    assert at_once(*[lambda: [as_bytes(one.step(w, b)) for _ in range(3)]] * THREADS) == [[right] * 3] * THREADS


def test_a_warning_for_all_is_said_once():
    code = """
import warnings
from threading import Barrier, Thread
from looptax.kernels.choose import team
begin, heard = Barrier(8), []
warnings.showwarning = lambda *told: heard.append(told)
warnings.simplefilter("always")
def work():
    begin.wait()
    team.complain(11)
callers = [Thread(target=work) for _ in range(8)]
[each.start() for each in callers], [each.join() for each in callers]
print(len(heard))
"""
    assert ended(code) == ["1"]


def test_what_may_be_shared_is_said():
    told = " ".join(Plan.__doc__.split())
    assert "threads may call one plan at once, with a GIL or without" in told
    assert "a dw of its own" in told
