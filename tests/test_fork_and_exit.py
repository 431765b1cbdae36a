"""The team of threads after a fork, where no thread can be started, and as the process ends."""

import os
import sys

import pytest
from fresh import PYTHON, python, run

LINUX = sys.platform == "linux"


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
        done = run(*PYTHON, "-W", "ignore", script)
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
