"""What tests need and a machine may lack."""

import os
import shutil

import pytest
from fresh import run


def lacking(reason):
    """End the test: skipped at home, failed in CI, where nothing may be missing."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


def program(*names):
    """Return the path of the first of these programs that there is."""
    found = next(filter(None, map(shutil.which, names)), None)
    return found or lacking(f"no {' or '.join(names)} on the PATH")


def compiler():
    """Return the path of a C compiler; without one the test is skipped."""
    return shutil.which("gcc") or shutil.which("cc") or pytest.skip("no C compiler here")


def shared_library(source, to, *flags):
    """Compile a shared library for a test, without what is preloaded into Python; return its path."""
    done = run(compiler(), "-O1", "-shared", "-fPIC", *flags, source, "-o", to, "-ldl", LD_PRELOAD="")
    assert done.returncode == 0, done.stderr
    return to
