"""How many threads there are, as users and machines limit them; same bits. (In C: `test_team_never_waits`.)"""

import os
import platform
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path

import numpy as np
import pytest
from bits import as_bytes
from fresh import python
from looptax.bench.conformance import cases
from looptax.kernels import fastest, plan, threads
from looptax.kernels.choose import team, thread_limits
from threadpoolctl import threadpool_info, threadpool_limits

KERNELS = Path(__file__).parent.with_name("kernels")
LINUX = sys.platform == "linux"
CASE = cases.ordinary("", 6000, 40, np.float64)
_, X, y, w, b = CASE


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
        handed_on = getattr(sys.flags, "thread_inherit_context", False)  # with the context: Python without a GIL, 3.14
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
        assert elsewhere == [2 if handed_on else 4]

    def test_threads_goes_with_the_context(self, four_cpus):
        with threads(2):
            context = copy_context()
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(context.run, team.available).result() == 2
        assert team.available() == 4

    @pytest.mark.parametrize(
        "n", [0, -1, -(2**31), -(2**70), 1.5, 2.0, np.float64(2), True, np.True_, "2", None, np.array(2)]
    )
    def test_threads_refuses(self, n):
        with pytest.raises(ValueError, match=re.escape(f"n is {n!r}; expected a positive integer")), threads(n):
            pass
        if n is not None:
            with pytest.raises(ValueError, match=re.escape(f"threads is {n!r}; expected a positive integer")):
                plan(X, y, threads=n)

    @pytest.mark.parametrize("n", [2**30, 2**31 - 1, 2**31, 2**63, 2**70, np.int64(2**62), np.uint64(2**63)])
    def test_of_a_huge_number_is_no_limit(self, n):
        room = team.available()
        with threads(n):
            made = plan(X, y, threads=n)
            assert made.threads == team.available() == room
            made.step(w, b)
        with threadpool_limits(int(n), user_api="looptax"):
            assert team.available() == room

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
            (V2, {"unified/outer/inner/cpu.max": f"{2**44 - 1} 1000"}, thread_limits.UNLIMITED),
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
