"""Python, and other programs, in a process of their own."""

import os
import subprocess
import sys


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
