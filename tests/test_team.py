"""The team of threads as Python sees it: bits, limits, forks, exits and failures. (In C alone: `test_team_storm`.)"""

import os
import platform
import shutil
import sys
import sysconfig
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from bits import as_bytes
from fresh import python, run
from looptax.bench.conformance import cases
from looptax.kernels import fastest, plan, threads
from looptax.kernels.choose import isa, team, thread_limits
from threadpoolctl import threadpool_info, threadpool_limits

KERNELS = Path(__file__).parent.with_name("kernels")
LINUX = sys.platform == "linux"
CASE = cases.ordinary("", 6000, 40, np.float64)
_, X, y, w, b = CASE


@pytest.fixture
def four_cpus():
    """As on a machine with four and without limits: there are three helpers, however few CPUs they have."""
    if hasattr(os, "fork"):  # a fork sends home what helpers other tests have left
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        assert team.helpers() == 0
    team.set_quota(0)
    team.start_limit(0)
    team.pretend(4)
    yield
    team.pretend(0)
    thread_limits.follow_the_environment()


@contextmanager
def affinity(cpus):
    """Bind this thread, and no other, to some CPUs."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.usefixtures("four_cpus")
class TestBits:
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_are_those_of_one_thread(self, order):
        matrix = np.asarray(X, order=order)
        with threads(1):
            right = as_bytes(fastest(matrix, y, w, b))
        made = plan(matrix, y)
        assert {as_bytes(made.step(w, b)) for _ in range(200)} == {right}
        assert team.helpers() == 3

    def test_do_not_depend_on_who_rounds(self):
        """A helper has the caller's rounding mode, not the one it was started with."""
        ctypes = pytest.importorskip("ctypes")
        if not LINUX or platform.machine() != "x86_64":
            pytest.skip("the number of the rounding mode is that of x86 Linux")
        libm, up = ctypes.CDLL("libm.so.6"), 0x800
        near = as_bytes(fastest(X, y, w, b))
        try:
            libm.fesetround(up)
            with threads(1):
                right = as_bytes(fastest(X, y, w, b))
            found = {as_bytes(fastest(X, y, w, b)) for _ in range(200)}
        finally:
            libm.fesetround(0)
        assert found == {right} != {near}
        assert as_bytes(fastest(X, y, w, b)) == near

    def test_of_eight_callers(self):
        made, right = plan(X, y), as_bytes(fastest(X, y, w, b))
        wrong = []

        def work():
            wrong.extend(k for k in range(300) if as_bytes(made.step(w, b)) != right)

        callers = [threading.Thread(target=work) for _ in range(8)]
        for each in callers:
            each.start()
        for each in callers:
            each.join()
        assert not wrong


class TestLimits:
    def test_threads_bounds_this_thread_alone(self, four_cpus):
        elsewhere = []
        with threads(2):
            assert team.available() == plan(X, y).threads == 2
            thread = threading.Thread(target=lambda: elsewhere.append(team.available()))
            thread.start()
            thread.join()
            with threads(8):
                assert team.available() == 2
            with threads(1):
                assert team.available() == 1
            assert team.available() == 2
        assert team.available() == 4
        assert elsewhere == [4]

    @pytest.mark.parametrize("n", [0, -1, 1.5, True, "2", None])
    def test_threads_refuses(self, n):
        with pytest.raises(ValueError, match=f"n is {n!r}; expected a positive integer"), threads(n):
            pass

    def test_of_a_huge_number_is_no_limit(self):
        with threads(2**70):
            assert plan(X, y, threads=2**70).threads == team.available()

    @pytest.mark.parametrize("first", ["threadpoolctl", "looptax.kernels"])
    def test_threadpoolctl_knows_the_team_whichever_is_imported_first(self, first):
        """Importing the kernels does not import it."""
        code = (
            f"import {first}, looptax.kernels, sys; print('threadpoolctl' in sys.modules);"
            "import threadpoolctl; print([pool['user_api'] for pool in threadpoolctl.threadpool_info()])"
        )
        there, pools = python(code).stdout.splitlines()
        assert there == str(first == "threadpoolctl")
        assert "'looptax'" in pools

    def test_threadpoolctl_shows_and_sets_it(self, four_cpus):
        made = plan(X, y)  # before the limit
        asked = plan(X, y, threads=3)
        with threadpool_limits(1):
            assert team.available() == made.threads == asked.threads == 1
            assert [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "looptax"] == [1]
            assert made.explain() == fastest.which(X)
        assert (team.available(), made.threads, asked.threads) == (4, 4, 3)
        with threadpool_limits(64):  # a limit makes no CPUs
            assert team.available() == 4

    def test_a_restored_limit_follows_the_machine(self):
        """threadpoolctl puts back the number it found; that is no limit of its own."""
        team.pretend(2)
        try:
            with threadpool_limits(1):
                pass
            team.pretend(3)
            assert team.available() == 3
        finally:
            team.pretend(0)

    @pytest.mark.parametrize(
        ("environment", "available"),
        [
            ({"OMP_NUM_THREADS": "1"}, 1),
            ({"OMP_NUM_THREADS": " 3,1"}, 3),
            ({"OMP_NUM_THREADS": "many"}, 4),
            ({"OMP_NUM_THREADS": ""}, 4),
            ({"OMP_THREAD_LIMIT": "3"}, 3),
            ({"OMP_THREAD_LIMIT": "1", "OMP_NUM_THREADS": "2"}, 1),
            ({"OMP_MAX_ACTIVE_LEVELS": "0"}, 1),
            ({"OMP_MAX_ACTIVE_LEVELS": "1"}, 4),
            ({"OMP_DYNAMIC": "true"}, 4),
        ],
    )
    def test_the_environment(self, environment, available):
        code = (
            "import numpy as np; from looptax.kernels import fastest, plan; from looptax.kernels.choose import team;"
            "team.pretend(4);"
            "X = np.ones((9000, 30)); words = fastest.which(X); import re;"
            r"print(team.available(), plan(X, np.ones(9000)).threads, re.search(r'(\d+) threads?:', words)[1])"
        )
        done = python(code, **environment)
        assert done.stdout.split() == [str(available)] * 3, done.stderr

    @pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no CPU affinity on this system")
    def test_affinity_also_when_it_changes(self):
        made, there = plan(X, y), len(os.sched_getaffinity(0))
        made.step(w, b)  # helpers are awake, and stay where they are
        with affinity({min(os.sched_getaffinity(0))}):
            assert team.available() == made.threads == thread_limits.openmp() == 1
            made.step(w, b)
        assert team.available() == made.threads == there

    @pytest.mark.skipif(not LINUX, reason="reads /proc")
    def test_helpers_stay_on_the_callers_cpus(self, four_cpus):
        def masks():
            """The CPUs of each helper."""
            tasks = [task for task in Path("/proc/self/task").iterdir() if (task / "comm").read_text() == "looptax\n"]
            return [os.sched_getaffinity(int(task.name)) for task in tasks]

        def come_to(holds):
            """Whether all helpers come to have CPUs for which that holds."""
            for _ in range(3000):  # until each has helped once
                made.step(w, b)
                if len(masks()) == 3 and all(map(holds, masks())):
                    return True
            return False

        made, everywhere = plan(X, y), os.sched_getaffinity(0)
        first = {min(everywhere)}
        made.step(w, b)
        assert come_to(bool)
        assert len(masks()) == 3
        with affinity(first):
            assert come_to(lambda cpus: cpus == first)
        assert come_to(lambda cpus: cpus <= everywhere and (cpus != first or len(everywhere) == 1))

    CGROUPS = "5:cpu,cpuacct:/outer/inner\n4:memory:/x\n0::/outer/inner\n"
    V2 = "1 2 0:1 / {}/unified rw - cgroup2 cgroup2 rw\n"
    V1 = (
        "1 2 0:1 / {}/cpu rw shared:1 - cgroup cgroup rw,cpu,cpuacct\n"
        "3 2 0:1 / {}/memory rw - cgroup cgroup rw,memory\n"
    )

    @pytest.mark.parametrize(
        ("mounts", "files", "cpus"),
        [
            (V2, {"unified/outer/inner/cpu.max": "150000 100000"}, 2),
            (V2, {"unified/outer/cpu.max": "100000 100000", "unified/outer/inner/cpu.max": "max 100000"}, 1),
            (V2, {"unified/cpu.max": "400000 100000", "unified/outer/inner/cpu.max": "300000 100000"}, 3),
            (V2, {"unified/outer/inner/cpu.max": "max 100000"}, None),
            (V2, {"unified/outer/inner/cpu.max": ""}, None),
            (V2, {}, None),
            (V2.replace("/ {}", "/outer {}"), {"unified/inner/cpu.max": "50000 100000"}, 1),
            (V1, {"cpu/outer/cpu.cfs_quota_us": "300000\n", "cpu/outer/cpu.cfs_period_us": "100000\n"}, 3),
            (V1, {"cpu/outer/cpu.cfs_quota_us": "-1\n", "cpu/outer/cpu.cfs_period_us": "100000\n"}, None),
            (V1, {"cpu/outer/cpu.cfs_quota_us": "100\n", "cpu/outer/cpu.cfs_period_us": "0\n"}, None),
            (V1 + V2, {"cpu/outer/cpu.cfs_quota_us": "3\n", "cpu/outer/cpu.cfs_period_us": "1\n",
                       "unified/outer/cpu.max": "2 1"}, 2),
        ],
    )  # fmt: skip
    def test_the_quota_of_nested_containers(self, tmp_path, mounts, files, cpus):
        (tmp_path / "cgroup").write_text(self.CGROUPS)
        (tmp_path / "mountinfo").write_text(mounts.replace("{}", str(tmp_path)))
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        assert thread_limits.quota(tmp_path) == cpus

    def test_no_proc_no_quota(self, tmp_path):
        assert thread_limits.quota(tmp_path) is None

    def test_the_quota_is_a_limit_that_no_other_lifts(self):
        code = (
            "from looptax.kernels.choose import team; from threadpoolctl import threadpool_limits; team.set_quota(1);"
            "print(team.available()); threadpool_limits(4); print(team.available())"
        )
        assert python(code).stdout.split() == ["1", "1"]


PREPARED = """
import multiprocessing, os, sys, threading, warnings
import numpy as np
from looptax.kernels import fastest, plan, threads
from looptax.kernels.choose import team, isa

team.set_quota(0)
team.pretend(4)
rng = np.random.default_rng(0)
X, y, w = rng.standard_normal((6000, 40)), np.ones(6000), rng.standard_normal(40)
with threads(1):
    right = fastest(X, y, w, 0.5)

def same(found):
    return found.cost == right.cost and found.dw.tobytes() == right.dw.tobytes() and found.db == right.db

def shared(step, *arguments):
    return all(same(step(*arguments)) for _ in range(100)) and team.helpers() == 3

def in_child(check):
    child = os.fork()
    if not child:
        try:
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
class TestFork:
    def check(self, code):
        done = python(PREPARED + code)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "True", done.stdout + done.stderr

    def test_a_plan_of_the_parent_works_in_the_child(self):
        self.check("""
made = plan(X, y, threads=2)
assert shared(plan(X, y).step, w, 0.5)
print(in_child(lambda: made.threads == 2 and same(made.step(w, 0.5)) and shared(plan(X, y).step, w, 0.5)))""")

    def test_a_plan_made_in_the_child_works_there(self):
        self.check("""
assert shared(fastest, X, y, w, 0.5)
print(in_child(lambda: same(plan(X, y, threads=2).step(w, 0.5)) and shared(plan(X, y).step, w, 0.5)))""")

    def test_fastest_has_its_full_speed_in_a_grandchild(self):
        self.check("""
assert shared(fastest, X, y, w, 0.5)
print(in_child(lambda: shared(fastest, X, y, w, 0.5) and in_child(lambda: shared(fastest, X, y, w, 0.5)))
      and shared(fastest, X, y, w, 0.5))""")

    def test_while_other_threads_are_in_the_middle_of_a_step(self):
        self.check("""
over, wrong = threading.Event(), []

def work():
    made = plan(X, y)
    while not over.is_set():
        wrong.extend([None] * (not same(made.step(w, 0.5))))

callers = [threading.Thread(target=work) for _ in range(3)]
for caller in callers:
    caller.start()
well = all(in_child(lambda: shared(fastest, X, y, w, 0.5)) for _ in range(20))
over.set()
for caller in callers:
    caller.join()
print(well and not wrong and shared(fastest, X, y, w, 0.5))""")

    def test_with_limits_in_force(self):
        self.check("""
with threads(2):
    print(in_child(lambda: team.available() == 2 and same(fastest(X, y, w, 0.5)) and team.helpers() == 1))""")

    @pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
    def test_in_a_pool_of_processes(self, tmp_path, method):
        script = tmp_path / "script.py"
        script.write_text(
            PREPARED
            + f"""
if __name__ == "__main__":
    assert shared(fastest, X, y, w, 0.5)
    with multiprocessing.get_context("{method}").Pool(2) as pool:
        print(all(same(found) for found in pool.starmap(fastest, [(X, y, w, 0.5)] * 20)))"""
        )
        done = run(sys.executable, "-I", "-W", "ignore", str(script))
        assert done.stdout.strip() == "True", done.stderr

    def test_openmp_has_one_thread_there(self):
        """libgomp hangs where a forked child enters a region again."""
        self.check("""
step = isa.load("cython_parallel").step
expected = step(X, y, w, 0.5)
print(in_child(lambda: step(X, y, w, 0.5).dw.tobytes() == expected.dw.tobytes()))""")


class TestNoThread:
    """Where no thread can be started, the caller works alone, and says so once."""

    CODE = """
import resource
warnings.simplefilter("always")
made, dw = plan(X, y), np.empty(40)
with threads(1):
    made.step(w, 0.5)
{limit}
print(all(same(made.step(w, 0.5)) and same(fastest(X, y, w, 0.5)) for _ in range(5)), team.helpers())"""

    def check(self, limit):
        done = python(PREPARED + self.CODE.replace("{limit}", limit))
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == ["True", "0"], done.stdout + done.stderr
        assert done.stderr.count("RuntimeWarning: no thread can be started (") == 1, done.stderr
        assert "): looptax works with one" in done.stderr

    NO_SPACE = (
        "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (size + 400_000, size + 400_000))"
    )

    @pytest.mark.skipif(not LINUX, reason="reads /proc")
    def test_for_lack_of_address_space(self):
        self.check(self.NO_SPACE)

    @pytest.mark.skipif(not LINUX, reason="on Linux the superuser has no such limit")
    def test_for_too_many_threads(self):
        self.check("if os.getuid() == 0: os.setuid(65534)\nresource.setrlimit(resource.RLIMIT_NPROC, (1, 1))")

    @pytest.mark.skipif(not LINUX, reason="reads /proc")
    def test_nor_does_openmp_end_the_process(self):
        code = """
import resource
step = isa.load("cython_parallel").step
warnings.simplefilter("always")
with threads(1):
    expected = step(X, y, w, 0.5)
{limit}
print(all(step(X, y, w, 0.5).dw.tobytes() == expected.dw.tobytes() for _ in range(5)))"""
        done = python(PREPARED + code.replace("{limit}", self.NO_SPACE))
        assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
        assert done.stderr.count("RuntimeWarning: no thread can be started (") == 1

    @pytest.mark.skipif(not LINUX, reason="reads /proc")
    def test_a_warning_made_an_error_is_one(self):
        limit = f"{self.NO_SPACE}\nwarnings.simplefilter('error')"
        done = python(PREPARED + self.CODE.replace("{limit}", limit))
        assert done.returncode == 1
        assert "RuntimeWarning: no thread can be started (" in done.stderr


class TestEnd:
    """The process ends in good order, whatever its threads are at."""

    def check(self, code, out="True"):
        done = python(PREPARED + code)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.strip() == out

    def test_helpers_end_with_the_interpreter(self):
        code = "import atexit; atexit.register(lambda: print(team.helpers()));"  # runs after ours
        done = python(code + PREPARED + "\nassert shared(fastest, X, y, w, 0.5)")
        assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "0", "")

    def test_a_step_in_an_exit_handler(self):
        code = "import atexit; atexit.register(lambda: print(same(fastest(X, y, w, 0.5))));"
        done = python(code + PREPARED + "\nassert shared(fastest, X, y, w, 0.5)")
        assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "True", "")
        self.check("import atexit; atexit.register(lambda: print(shared(fastest, X, y, w, 0.5)))")

    def test_daemon_threads_in_the_middle_of_a_step(self):
        self.check("""
def work():
    made = plan(X, y)
    while True:
        made.step(w, 0.5)

for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
print(shared(fastest, X, y, w, 0.5))""")

    def test_a_daemon_thread_has_helpers_too(self):
        self.check("""
thread = threading.Thread(target=lambda: print(shared(fastest, X, y, w, 0.5)), daemon=True)
thread.start()
thread.join()""")

    @pytest.mark.skipif(sys.platform == "win32", reason="no POSIX signals")
    def test_signals_reach_the_main_thread(self):
        self.check("""
import signal
seen = []
signal.signal(signal.SIGALRM, lambda *_: seen.append(threading.current_thread() is threading.main_thread()))
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
well = all(same(fastest(X, y, w, 0.5)) for _ in range(2000))
signal.setitimer(signal.ITIMER_REAL, 0)
print(well and len(seen) > 0 and all(seen) and team.helpers() == 3)""")


def test_the_top_rung_needs_no_openmp():
    """Neither its kernels nor the team are linked with it."""
    if not LINUX or not shutil.which("ldd"):
        pytest.skip("no ldd here")
    for module in isa.available("cython_tuned").values():
        assert "gomp" not in run("ldd", *map(str, KERNELS.glob(f"{module}.*so"))).stdout
    (library,) = KERNELS.glob("choose/team.*.so")
    assert "gomp" not in run("ldd", str(library)).stdout


@pytest.mark.parametrize("name", ["region", "cpu", "team"])
def test_compiles_without_openmp(tmp_path, name):
    """As where the compiler is Apple's."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or not (KERNELS / f"choose/{name}.pyx").exists():
        pytest.skip("no C compiler or no sources here")
    translated = tmp_path / f"{name}.c"
    done = run(sys.executable, "-m", "cython", "-3", "-I", KERNELS, KERNELS / f"choose/{name}.pyx", "-o", translated)
    assert done.returncode == 0, done.stderr
    include = sysconfig.get_paths()["include"]
    done = run(compiler, "-c", "-I", include, "-I", KERNELS / "choose", translated, "-o", tmp_path / f"{name}.o")
    assert done.returncode == 0, done.stderr
