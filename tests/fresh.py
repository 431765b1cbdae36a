"""Python, and other programs, in a process of their own."""

import os
import signal
import subprocess
import sys
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


def interruptible():
    """In a child: give SIGINT its default back, which is ignored where the tests were started by nohup, or with &."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def started(*command, cwd):
    """A program that runs beside the test, can be interrupted, and ends with the block, whatever happens."""
    with subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=interruptible
    ) as process:
        try:
            yield process
        finally:
            process.kill()
