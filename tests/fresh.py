"""Python, and other programs, in a process of their own."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager


def python(code, *arguments, **environment):
    """Run code in a fresh interpreter and return what came of it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    return subprocess.run(
        [sys.executable, "-I", "-c", code, *arguments], env={**clean, **environment}, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip


def run(*command, **environment):
    """Run a program and return what came of it."""
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )


def interruptible(*arguments):
    """A command that runs Python so that Ctrl-C ends it, also where SIGINT was ignored: under nohup, or with &."""
    code = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    return [sys.executable, "-Ic", code, sys.executable, *arguments]


@contextmanager
def started(*arguments, cwd):
    """Python, beside the test; it can be interrupted, and ends with the block, whatever happens."""
    with subprocess.Popen(
        interruptible(*arguments), cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def soon(condition, seconds=60):
    """Whether a condition comes true, in time: once is enough, for it may not last."""
    end = time.monotonic() + seconds
    while not (true := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return true
