"""Programs in processes of their own: SIGINT ends them as it does in a terminal, and they end whatever happens."""

import os
import signal
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

import pexpect
import psutil

TOO_LONG = 300  # seconds: a program that is still running hangs
PYTHON = (sys.executable, "-I")
#: The command line, in a hurry.
LOOPTAX = (*PYTHON, Path(__file__).with_name("hurried.py"))


#: Puts the default of signals back, which nohup and a shell's & have ignored; asks Linux to kill it with its parent.
BEGIN = """if True:
    import os, signal, sys
    for name in {"SIGINT", "SIGTERM", "SIGHUP"} & set(dir(signal)):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    if sys.platform == "linux":
        import ctypes
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
    os.execvp(sys.argv[1], sys.argv[1:])
    """


def interruptible(*command):
    """A command that runs the same program so that SIGINT ends it, and the end of this process."""
    return [sys.executable, "-ISc", BEGIN, *map(str, command)]


def _end(process):
    """Kill a program and all it has started, where they are still there: they are a group of their own."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


@contextmanager
def started(*command, cwd=None, environment=None, **streams):
    """A program beside the test; it and all it starts end with the block, whatever happens."""
    streams = streams or {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(
        interruptible(*command), cwd=cwd, env=environment, start_new_session=True, **streams
    ) as process:
        try:
            yield process
        finally:
            _end(process)


def forking():
    """JAX, where a test has loaded it, warns of every fork; a child that only starts a program, or ends, is safe."""
    return warnings.catch_warnings(action="ignore")


@contextmanager
def in_terminal(*command, cwd, **environment):
    """A program in a terminal of its own; it ends with the block, whatever happens."""
    program, *arguments = interruptible(*command)
    with forking():
        child = pexpect.spawn(
            program, arguments, cwd=cwd, env={**os.environ, **environment}, timeout=120, encoding="utf-8",
            dimensions=(40, 100),
        )  # fmt: skip
    try:
        yield child
    finally:
        _end(child)
        child.close(force=True)


def _ended(command, cwd, environment, sent=None):
    """Run a program to its end, and return what came of it."""
    kind = {"text": True} if sent is None else {"stdin": subprocess.PIPE}
    with started(
        *command, cwd=cwd, environment=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kind
    ) as process:
        out, err = process.communicate(sent, timeout=TOO_LONG)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def run(*command, cwd=None, sent=None, **environment):
    """Run a program and return what came of it: text, but where bytes are sent to it."""
    return _ended(command, cwd, {**os.environ, **environment}, sent)


def python(code, *arguments, cwd=None, **environment):
    """Run code in a fresh interpreter, without OpenMP's variables, and return what came of it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    return _ended((*PYTHON, "-c", code, *arguments), cwd, {**clean, **environment})


def looptax(*arguments, cwd, **environment):
    """Run the command line in a process of its own, away from the checkout."""
    return run(*LOOPTAX, *arguments, cwd=cwd, **environment)


def alive(pid):
    """Whether a process still runs."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def soon(condition, seconds=60):
    """Whether a condition comes true, in time: once is enough, for it may not last."""
    end = time.monotonic() + seconds
    while not (true := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return true
