"""A duel of real interpreters: equal ones, one with a slowed loop, and those that die, hang or have no looptax."""

import mmap
import os
import re
import signal
import sys
from pathlib import Path

import psutil
import pytest
from fresh import LOOPTAX, alive, soon, started
from looptax.bench.measure.duel import counts, link
from looptax.bench.measure.duel.builds import Build
from terminal import command

pytestmark = pytest.mark.skipif(os.name == "nt", reason="an interpreter is stood in for by a shell script")

SMALL = ("--rungs", "numpy-stable,numpy-buffers", "--shapes", "1000x20", "--orders", "C", "--threads", "1")
#: Wraps a rung of whatever looptax there is: `step` is what it was, `count` which of B's processes this is.
STAND_IN = """
import os, pathlib, signal, time
from looptax.kernels import ladder
folder = pathlib.Path({folder!r})
with (folder / "pids").open("a") as file:
    file.write(f"{{os.getpid()}}\\n")
count = len((folder / "pids").read_text().split())
load = ladder.Rung.load

def loaded(rung):
    step = load(rung)

    def instead(*given):
        {code}
        return step(*given)

    return instead if rung.name == "numpy-stable" else step

ladder.Rung.load = loaded
"""
SLOWED = "[step(*given) for _ in range(2)]"
DIES = "count > 4 and os.kill(os.getpid(), signal.SIGKILL)"  # in the third sweep: each has two processes of a build
HANGS = "count > 4 and time.sleep(1000)"
WRONG = "given = (*given[:3], given[3] + 1)"


@pytest.fixture
def stand_in(tmp_path):
    """Make an interpreter that has this looptax, with one rung changed."""

    def make(code):
        tmp_path.joinpath("sitecustomize.py").write_text(STAND_IN.format(folder=str(tmp_path), code=code))
        return script(tmp_path / "python", f'PYTHONPATH={tmp_path} exec {sys.executable} "$@"')

    return make


def script(path, line):
    """A program of one line."""
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
    return path


def pids(folder):
    """The processes that a stand-in was."""
    path = folder / "pids"
    return list(map(int, path.read_text().split())) if path.exists() else []


def nothing_is_left(folder):
    """Whether no worker of this test is alive."""
    running = [child.cmdline() for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return not any(map(alive, pids(folder))) and not any(str(link.SCRIPT) in words for words in running)


def ratio(shown, rung):
    """What the table says of a rung: B/A, and its interval."""
    return re.search(rf"^{rung} .*?(≈1|[\d.]+×) +([\d.]+) – ([\d.]+) *$", shown, re.M).groups()


class TestInterpreters:
    def test_equal_ones(self, tmp_path):
        done = command("duel", sys.executable, sys.executable, *SMALL, "--fail-if", "worst>1.3", "--limit", "*:1.3")
        assert done.exit_code == 0, done.output
        assert "A and B are in the same folder." in done.stdout
        assert "A against itself: " in done.stdout
        low, high = map(float, ratio(done.stdout, "numpy-stable")[1:])
        assert low < 1.1
        assert high > 0.9
        assert "bits" not in done.stdout
        assert nothing_is_left(tmp_path)

    def test_a_slowed_loop_is_found(self, stand_in, tmp_path):
        given = ("duel", sys.executable, stand_in(SLOWED), *SMALL, "--limit", "numpy-stable/1000x*:1.5")
        done = command(*given, "--markdown", tmp_path / "duel.md", "--json", tmp_path / "duel.json")
        assert done.exit_code == 1, done.output
        shown, low, _ = ratio(done.stdout, "numpy-stable")
        assert float(shown[:-1]) > 2.2  # three where nothing else runs
        assert float(low) > 1.5
        assert re.search(
            r"^Failed: numpy-stable/1000x\*:1.5: numpy-stable-1000x20-float64-C-1 takes", done.stdout, re.M
        )
        assert float(ratio(done.stdout, "numpy-buffers")[1]) < 1.2
        assert "| numpy-stable | 1000x20 float64 C 1 |" in (tmp_path / "duel.md").read_text()
        assert (tmp_path / "duel.json").stat().st_size > 1000
        assert nothing_is_left(tmp_path)

    def test_a_wrong_one_gets_no_number(self, stand_in):
        done = command("duel", sys.executable, stand_in(WRONG), *SMALL, "--sweeps", "1")
        assert done.exit_code == 1
        assert "No number with B, failed: cost is" in done.stdout
        assert "Failed: B is wrong, or raises, on 1 cells" in done.stdout
        assert re.search(r"^numpy-buffers .* ~", done.stdout, re.M)

    def test_plans(self):
        done = command("duel", sys.executable, sys.executable, *SMALL, "--rungs", "plan", "--sweeps", "1")
        assert done.exit_code == 0, done.output
        assert re.search(r"^plan .* ~", done.stdout, re.M)


class TestEnds:
    def test_one_that_dies(self, stand_in, tmp_path):
        done = command("duel", sys.executable, stand_in(DIES), *SMALL)
        assert done.exit_code == 1
        assert done.stderr.splitlines()[-1] == f"Error: B ({tmp_path}/python) ended by SIGKILL"
        assert re.search(r"^numpy-buffers .* ~", done.stdout, re.M)  # what was measured
        assert nothing_is_left(tmp_path)

    def test_one_that_hangs(self, stand_in, tmp_path, monkeypatch):
        monkeypatch.setattr(link, "PATIENCE", 10.0)
        done = command("duel", sys.executable, stand_in(HANGS), *SMALL)
        assert done.exit_code == 1
        assert re.search(r"^Error: B \(.*\) did not answer for 1\d.* s$", done.stderr.splitlines()[-1])
        assert re.search(r"^numpy-buffers .* ~", done.stdout, re.M)
        assert nothing_is_left(tmp_path)

    def test_interrupted(self, stand_in, tmp_path):
        given = ("duel", sys.executable, stand_in(HANGS), *SMALL, "--json", tmp_path / "duel.json")
        with started(*LOOPTAX, *given, cwd=tmp_path) as process:
            assert soon(lambda: len(pids(tmp_path)) == 6 and (tmp_path / "pids").stat().st_size)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=120)
        assert process.returncode == 130, err
        assert err.splitlines()[-1] == "Interrupted: what was measured is shown."
        assert re.search(r"^numpy-buffers .* ~", out, re.M)
        assert (tmp_path / "duel.json").exists()
        assert soon(lambda: not any(map(alive, pids(tmp_path))), 10)

    def test_workers_end_with_a_parent_that_is_killed(self, stand_in, tmp_path):
        with started(*LOOPTAX, "duel", sys.executable, stand_in(HANGS), *SMALL, cwd=tmp_path) as process:
            assert soon(lambda: len(pids(tmp_path)) == 6)
            process.kill()
            process.wait(10)
            assert soon(lambda: not any(map(alive, pids(tmp_path))), 10)


class TestRefused:
    def test_one_without_looptax(self, tmp_path):
        bare = script(tmp_path / "python", f'exec {sys.executable} -S "$@"')
        done = command("duel", sys.executable, bare, *SMALL)
        assert done.exit_code == 2
        (said,) = done.stderr.strip().splitlines()[-1:]
        assert said.startswith(
            f"Error: Invalid value for B: B ({bare}) has no looptax that can be used: ModuleNotFoundError"
        )
        assert nothing_is_left(tmp_path)

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("exit 3", "ended with exit code 3"),
            ("echo Not here. >&2; exit 1", "ended with exit code 1: Not here."),
            ("echo hello", "is no Python interpreter: it answered b'hello\\n'"),
        ],
    )
    def test_what_is_no_interpreter(self, line, said, tmp_path):
        program = script(tmp_path / "program", line)
        done = command("duel", program, sys.executable, *SMALL)
        assert done.exit_code == 2
        assert f"Invalid value for A: A ({program}) {said}" in " ".join(done.stderr.split())
        assert nothing_is_left(tmp_path)

    @pytest.mark.parametrize(
        ("given", "option", "said"),
        [
            (["--limit", "cython-slow/*:1.1"], "--limit", "'cython-slow/*' matches no cell"),
            (["--limit", "*"], "--limit", "is not a limit"),
            (["--fail-if", "speed>1"], "--fail-if", "'speed>1' is not a condition"),
            (["--rungs", "peer-numpy"], "--rungs", "peer-numpy is no rung of a build's ladder"),
            (["--json", "/no/such/folder/r.json"], "--json", "cannot write into the folder /no/such/folder"),
            (["--markdown", "/no/such/folder/r.md"], "--markdown", "cannot write into the folder /no/such/folder"),
        ],
    )
    def test_a_wrong_option(self, given, option, said):
        done = command("duel", sys.executable, sys.executable, *SMALL, *given)
        assert done.exit_code == 2
        told = " ".join(done.stderr.split())
        assert f"Invalid value for {option}: " in told
        assert said in told

    def test_what_is_nothing(self):
        done = command("duel", sys.executable, "no-such-thing", *SMALL)
        assert done.exit_code == 2
        assert done.stderr.splitlines()[-1] == (
            "Error: Invalid value for B: 'no-such-thing' is no commit of looptax's repository, no wheel and no Python "
            "interpreter"
        )


class TestWorker:
    @pytest.fixture
    def worker(self):
        worker = link.Worker(Build("A", "this", Path(sys.executable)), 1)
        worker.greet()
        yield worker
        worker.end()

    def test_a_rung_that_an_old_build_has_not(self, worker):
        assert worker.ask(do="attempt", rung="cython-new", budget=1.0)["status"] == "unavailable"

    def test_what_a_build_prints_is_no_answer(self, stand_in):
        worker = link.Worker(Build("A", "this", stand_in("print('hello')")), 1)
        try:
            assert "looptax" in worker.greet()
            assert worker.ask(do="attempt", rung="numpy-stable", budget=1.0)["status"] == "failed"  # there are no data
        finally:
            worker.end()


class TestCounts:
    def test_memory(self):
        assert 80_000 <= counts.peak_bytes(lambda: bytearray(80_000)) < 90_000

    def test_page_faults(self):
        written = bytes(50_000_000)
        with counts.counting(None) as found, mmap.mmap(-1, len(written)) as memory:
            memory.write(written)  # a bytearray may be made of what other tests have left
        assert found["instructions"] is None
        assert found["page_faults"] > 50_000_000 // 65536 // 40  # pages may be huge

    def test_instructions_where_the_machine_lets_one(self):
        counter = counts.instruction_counter()
        if counter is None:
            pytest.skip("this machine tells none")
        with counts.counting(counter) as found:
            sum(range(100_000))
        os.close(counter)
        assert found["instructions"] > 100_000
