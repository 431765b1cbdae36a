"""What tests start ends, whatever happens, and can be interrupted wherever the tests are run."""

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import fresh
import pytest
from fresh import PYTHON, alive, in_terminal, run, soon, started

SLEEPS = """
import subprocess
child = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(child.pid, flush=True)
child.wait()
"""
INTERRUPTIBLE = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"


def test_a_program_and_what_it_started_end_with_the_test_that_fails():
    with suppress(ZeroDivisionError), started(*PYTHON, "-c", SLEEPS) as process:
        other = int(process.stdout.readline())
        raise ZeroDivisionError
    assert process.returncode == -signal.SIGKILL
    assert soon(lambda: not alive(other))


def test_a_program_that_ended_leaves_nothing_behind():
    done = run(*PYTHON, "-c", SLEEPS.replace("child.wait()", ""))
    assert done.returncode == 0
    assert soon(lambda: not alive(int(done.stdout)))


def test_a_program_that_hangs_is_ended(monkeypatch, tmp_path):
    monkeypatch.setattr(fresh, "TOO_LONG", 2)
    file = tmp_path / "pid"
    with pytest.raises(subprocess.TimeoutExpired):
        run(*PYTHON, "-c", SLEEPS.replace("flush=True", f"file=open({str(file)!r}, 'w', 1)"))
    assert soon(lambda: not alive(int(file.read_text())))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be asked for that")
def test_a_program_ends_with_tests_that_are_killed():
    code = f"""if True:
        import os, signal, sys
        sys.path.append({str(Path(fresh.__file__).parent)!r})
        from fresh import PYTHON, started
        with started(*PYTHON, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)") as process:
            print(process.stdout.readline(), end="", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        """
    with started(*PYTHON, "-c", code) as process:
        other = int(process.stdout.readline())
        assert process.wait(60) == -signal.SIGKILL
        assert soon(lambda: not alive(other))


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX signals")
def test_programs_can_be_interrupted_where_the_tests_cannot(tmp_path):
    """As under nohup."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run(*PYTHON, "-c", INTERRUPTIBLE).stdout == "True\n"
        assert fresh.python(INTERRUPTIBLE).stdout == "True\n"
        with in_terminal(*PYTHON, "-c", INTERRUPTIBLE, cwd=tmp_path) as child:
            child.expect("True")
    finally:
        signal.signal(signal.SIGINT, before)
