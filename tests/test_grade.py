"""``looptax grade``: steps that pass, how they are timed, and what the command says."""

import json
import os
import re
import signal
import sys
import time

import hurried
import psutil
import pytest
from fresh import LOOPTAX, alive, soon, started
from graded import RIGHT, body, graded
from looptax.bench.show.ladder import Row
from looptax.bench.teach.grade import start
from looptax.bench.teach.grade.document import Job
from looptax.bench.teach.grade.grading import grade
from looptax.bench.teach.grade.timing import sentence
from made_up import figure
from terminal import command


def grading(*arguments):
    """``looptax grade`` with these arguments."""
    return command("grade", *arguments, columns=200)


class TestPassing:
    def test_passes(self, tmp_path):
        found = graded(tmp_path, RIGHT)
        assert (found.exit_code, found.passed, found.failure, found.error) == (0, True, None, None)
        assert found.cases.run == found.cases.total > 20
        assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]

    def test_a_module_and_another_function(self, tmp_path, monkeypatch):
        (tmp_path / "lessons").mkdir()
        (tmp_path / "lessons" / "seven.py").write_text(RIGHT.replace("def step", "def forward_backward"))
        monkeypatch.chdir(tmp_path)
        job = Job(shape=None, families=["labels"])
        assert grade("lessons.seven:forward_backward", job).exit_code == 0
        assert grade("lessons/seven.py:forward_backward", job).exit_code == 0

    def test_names_of_modules_do_no_harm(self, tmp_path):
        (tmp_path / "random.py").write_text("raise RuntimeError('not this one')")
        (tmp_path / "helper.py").write_text("one = 1")
        assert graded(tmp_path, "from helper import one\n" + RIGHT, name="numpy.py").exit_code == 0

    def test_what_it_prints_does_no_harm(self, tmp_path):
        text = RIGHT.replace("    m = X", '    print(\'{"event": "done"}\', flush=True)\n    m = X', 1)
        found = graded(tmp_path, text)
        assert found.exit_code == 0
        assert '"done"' in found.output

    @pytest.mark.parametrize(
        "more", ["threading.Thread(target=time.sleep, args=(60,)).start()", "subprocess.Popen(['sleep', '60'])"]
    )
    def test_what_it_leaves_running_is_killed(self, tmp_path, more):
        before = set(psutil.Process().children(recursive=True))
        began = time.monotonic()
        found = graded(tmp_path, f"import subprocess, threading, time\n{more}\n{RIGHT}")
        assert found.exit_code == 0
        assert time.monotonic() - began < 20
        assert set(psutil.Process().children(recursive=True)) <= before

    def test_a_child_that_outlives_a_crash_is_killed(self, tmp_path):
        before = "import os, subprocess\nchild = subprocess.Popen(['sleep', '60'])\n"
        before += f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))"
        found = graded(tmp_path, body("os._exit(3)", before=before))
        assert found.failure.kind == "exited"
        pid = int((tmp_path / "pid").read_text())
        assert soon(lambda: not alive(pid), 5)

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a child whose parent has ended is nobody's")
    @pytest.mark.parametrize("end", ["", "os.abort()"], ids=["passes", "crashes"])
    @pytest.mark.parametrize("life", ["time.sleep(60)", "os.execve('/bin/sleep', ['sleep', '60'], {})"])
    def test_a_daemon_is_killed(self, tmp_path, life, end):
        """It has left its parent, its session and its group, and in the second case its environment."""
        pid = tmp_path / "pid"
        before = (
            "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
            f"        open({str(pid)!r}, 'w').write(str(os.getpid()))\n        {life}\n    os._exit(0)\n"
            f"while not os.path.exists({str(pid)!r}): time.sleep(0.01)\n{end}\n"
        )
        mine = set(psutil.Process().children())
        assert graded(tmp_path, before + RIGHT).exit_code == (2 if end else 0)
        assert not alive(int(pid.read_text()))
        assert set(psutil.Process().children()) <= mine

    @pytest.mark.long
    @pytest.mark.parametrize("starter", start.STARTERS, ids=lambda starter: starter.family)
    def test_starters_pass_as_they_stand(self, starter, tmp_path):
        path = tmp_path / f"mine{starter.suffix}"
        start.write(starter.family, path)
        done = grading(path, "--no-time")
        assert done.exit_code == 0, done.output

    @pytest.mark.parametrize(
        "starter",
        [
            pytest.param(one, id=one.family, marks=[pytest.mark.long] * (one.family in ("loops", "cython")))
            for one in start.STARTERS
        ],
    )
    def test_starters_pass_the_odd_cases(self, starter, tmp_path):
        if starter.family == "numba":
            pytest.importorskip("numba")
        name, families = f"mine{starter.suffix}", ["labels", "denormals"]
        found = graded(tmp_path, starter.text, name=name, families=families, load_seconds=60.0)
        assert found.exit_code == 0, found
        assert [path.name for path in tmp_path.iterdir()] == [f"mine{starter.suffix}"]


class TestCommand:
    def test_a_failure_is_explained(self, tmp_path):
        path = tmp_path / "mine.py"
        path.write_text(RIGHT.replace("/ m\n    dz", "\n    dz"))
        done = grading(path)
        assert done.exit_code == 1
        assert 'Fails on the case "2x1" of shapes, float64' in done.stdout
        assert "Missing 1/m. 1/m is missing in cost" in done.stdout
        assert re.search(r"cost +\d\S+ +\d\S+", done.stdout)
        assert "The smallest input found that fails in the same way:" in done.stdout
        assert "X = np.array([[1.0], [1.0]], np.float64)" in done.stdout
        assert 'suite.find("shapes", "2x1", "float64", "C", seed=0)' in done.stdout

    def test_what_cannot_be_run(self, tmp_path):
        done = grading(tmp_path / "none.py")
        assert done.exit_code == 2
        assert "Error: there is no file" in done.stderr
        assert done.stdout == ""

    def test_codes_in_what_is_printed_do_not_reach_the_terminal(self, tmp_path):
        path = tmp_path / "mine.py"
        path.write_text(body("print('\\x1b[2J[bold]now')"))
        done = grading(path)
        assert "The last it printed:" in done.stdout
        assert "\x1b" not in done.stdout
        assert "[bold]now" in done.stdout

    def test_the_document(self, tmp_path):
        path = tmp_path / "mine.py"
        path.write_text(
            RIGHT.replace("X.T @ dz / m", "X.T @ dz").replace("    m = X", "    print('hello')\n    m = X", 1)
        )
        done = grading(path, "--json", "--seed", 3, "--no-time")
        found = json.loads(done.stdout)
        assert done.exit_code == found["exit_code"] == 1
        assert (found["target"], found["seed"], found["accuracy"], found["passed"]) == (str(path), 3, "relative", False)
        assert 0 < found["cases"]["run"] < found["cases"]["total"]
        assert found["error"] is None
        assert found["timing"] is None
        assert "hello" in found["output"]
        assert found["limits"] == {"seconds": 20, "load_seconds": 60, "memory_gb": 4, "memory_limited": True}
        assert found["versions"]["numpy"]
        failure = found["failure"]
        assert (failure["stage"], failure["family"], failure["kind"]) == ("conformance", "shapes", "missing 1/m")
        assert failure["outputs"] == ["dw"]
        assert failure["returned"]["dw"] != failure["expected"]["dw"]
        assert failure["input"]["python"].startswith("import numpy as np\nX = ")

    def test_the_same_seed_fails_on_the_same_numbers(self, tmp_path):
        path = tmp_path / "mine.py"
        path.write_text(body("import os; os.abort()"))
        one, same, other = (grading(path, "--json", "--seed", seed).stdout for seed in (1, 1, 2))
        assert json.loads(one) == json.loads(same)
        assert json.loads(one)["failure"]["input"]["python"] != json.loads(other)["failure"]["input"]["python"]

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ([], "give a file or module to grade"),
            (["x.py", "--accuracy", "good"], "'good' is not one of relative, absolute, notes"),
            (["x.py", "--seconds", "0"], "0.0 is not a positive number of seconds"),
            (["x.py", "--memory", "nan"], "nan is not a positive number of GB"),
            (["x.py", "--shape", "10"], "'10' is not a shape"),
            (["x.py", "--seed", "-1"], "should be greater than or equal to 0"),
            (["--new", "fortran", "x.py"], "'fortran' is not one of loops, numpy, numba, cython"),
            (["--new", "cython", "x.py"], "does not end in .pyx"),
            (["--new", "numpy"], "give the file to write"),
            (["--new", "numpy", "no/such/folder/x.py"], "cannot be written"),
        ],
    )
    def test_wrong_arguments_are_named(self, arguments, says):
        done = grading(*arguments)
        assert done.exit_code == 2
        assert says in done.output

    def test_families_are_listed(self):
        done = grading("--family")
        assert done.exit_code == 0
        assert [line.split()[0] for line in done.stdout.splitlines()[:4]] == ["loops", "numpy", "numba", "cython"]

    def test_a_starter_is_written_and_nothing_overwritten(self, tmp_path):
        path = tmp_path / "mine.py"
        done = grading("--new", "numpy", path)
        assert done.exit_code == 0
        assert f"looptax grade {path}" in done.stdout
        assert path.read_text() == RIGHT
        path.write_text("mine")
        done = grading("--new", "loops", path)
        assert done.exit_code == 2
        assert "exists already, and is left as it is" in done.output
        assert path.read_text() == "mine"

    def test_a_starter_with_gaps_runs_and_is_wrong(self, tmp_path):
        path = tmp_path / "mine.py"
        assert grading("--new", "numpy", "--gaps", path).exit_code == 0
        assert path.read_text().count("= 0  # your turn") == 5
        found = graded(tmp_path, path.read_text())
        assert (found.exit_code, found.failure.kind) == (1, "gaps left")
        assert re.search(r"lines \d+: z, \d+: cost, \d+: dz, \d+: dw, \d+: db", found.failure.explanation)
        for starter in start.STARTERS:
            assert starter.gapped.count("# your turn") >= 4
            assert "# gap" not in starter.text + starter.gapped
        assert grading("--gaps", path).exit_code == 2

    def test_a_starter_is_written_whole_or_not_at_all(self, tmp_path, monkeypatch):
        monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        done = grading("--new", "numpy", tmp_path / "mine.py")
        assert done.exit_code == 2
        assert "cannot be written: No space left on device" in done.stderr
        assert list(tmp_path.iterdir()) == []

    def test_help_says_what_it_is_not(self):
        done = grading("--help")
        assert "NOT a security sandbox" in done.stdout
        assert "Exit code: 0" in done.stdout

    def test_ctrl_c_kills_the_worker(self, tmp_path):
        (tmp_path / "mine.py").write_text(
            body("import os, time", "open('pid', 'w').write(str(os.getpid()))", "time.sleep(60)")
        )
        with started(*LOOPTAX, "grade", "mine.py", cwd=tmp_path) as process:
            assert soon(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
            pid = int((tmp_path / "pid").read_text())
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
            assert not psutil.pid_exists(pid)
        assert process.returncode == 130
        assert "Traceback" not in out + err

    def test_a_killed_parent_takes_the_worker_along(self, tmp_path):
        """And a daemon of the worker's, where the system says whose it was."""
        lines = [
            "import os, time",
            "if sys.platform == 'linux' and os.fork() == 0:",
            "    os.setsid()",
            "    if os.fork(): os._exit(0)",
            "open(f'pid{os.getpid()}', 'w').close()",
            "time.sleep(60)",
        ]
        (tmp_path / "mine.py").write_text(body(*lines, before="import sys"))
        number = 2 if sys.platform == "linux" else 1
        with started(*LOOPTAX, "grade", "mine.py", "--json", cwd=tmp_path) as process:
            assert soon(lambda: len([*tmp_path.glob("pid*")]) == number)
            process.kill()
            pids = [int(path.name[3:]) for path in tmp_path.glob("pid*")]
            assert soon(lambda: not any(map(alive, pids)), 5)


#: A step's file is imported where it is timed: so the limits are measured in a moment there.
HURRIED = hurried.IMPORT + "hurry = hurried()\nhurry.__enter__()\n"


class TestTiming:
    def test_the_ladder_has_the_readers_rung(self, tmp_path):
        found = graded(tmp_path, HURRIED + RIGHT, shape="300x5")
        assert found.exit_code == 0
        names = [rung.name for rung in found.timing.rungs]
        assert names.count("yours") == 1
        assert "numpy-stable" in names
        times = [rung.seconds for rung in found.timing.rungs if rung.seconds]
        assert times == sorted(times, reverse=True)
        assert "limit" in found.timing.standing
        yours = next(rung for rung in found.timing.rungs if rung.name == "yours")
        assert yours.seconds
        assert yours.limit_fraction > 0

    def test_a_step_wrong_on_what_is_timed_alone_fails(self, tmp_path):
        text = RIGHT.replace("    return cost", "    if m == 301: cost = cost * 2\n    return cost")
        found = graded(tmp_path, HURRIED + text, shape="301x5")
        assert found.exit_code == 1
        assert (found.failure.stage, found.failure.kind) == ("timing", "unknown")  # it is right everywhere else
        assert found.failure.problem.startswith("cost is ")

    @pytest.mark.long
    def test_a_slow_step_still_passes(self, tmp_path):
        text = RIGHT.replace("    m = X", "    import time; time.sleep(0 if len(X) < 290 else 0.5)\n    m = X", 1)
        found = graded(tmp_path, HURRIED + text, shape="300x5")
        assert found.exit_code == 0
        assert "over budget" in found.timing.standing


def said(*figures):
    """What is said of figures from the slowest to the fastest."""
    return sentence([Row(one) for one in figures])


class TestStanding:
    def test_between_two(self):
        found = [figure("a", 4.0), figure("yours", 2.0), figure("b", 1.0)]
        assert said(*found) == "Your step stands between a and b: 2.00× as fast as a; b is 2.00× as fast as it."

    def test_first_and_last(self):
        slow, fast = figure("a", 4.0), figure("yours", 2.0)
        assert said(slow, fast).startswith("Your step is the fastest of them: 2.00× as fast as a.")
        first = figure("yours", 8.0)
        assert said(first, slow).startswith("Your step is the slowest of them: a is 2.00× as fast as it.")

    def test_no_difference_seen(self):
        found = [figure("a", (2.0, 1.9, 2.1) * 2), figure("yours", 2.0)]
        assert said(*found) == "No difference is seen between it and a."
