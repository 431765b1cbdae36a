"""Compile Cython kernels as setup.py does, in a folder of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ... import kernels
from ...kernels import variants

if TYPE_CHECKING:
    from collections.abc import Sequence

# setup.py itself decides on sources and flags; of its extensions only those named are built, in place.
SCRIPT = """
import runpy, sys
import setuptools

def build_named(ext_modules, cmdclass):
    found = [extension for extension in ext_modules if extension.name.rpartition(".")[2] in sys.argv[1:]]
    original(name="looptax", packages=["looptax.kernels"], package_dir={"looptax.kernels": "kernels"},
             ext_modules=found, cmdclass=cmdclass, script_args=["-q", "build_ext", "--inplace"])

original, setuptools.setup = setuptools.setup, build_named
runpy.run_path("setup.py", run_name="__main__")
"""


class BuildError(RuntimeError):
    """The kernels cannot be compiled here; the message says why."""


def build(root: Path, names: Sequence[str]) -> float:
    """Compile kernels from the sources in `root`, for the instruction set this CPU gets, and put them there.

    Parameters
    ----------
    root : pathlib.Path
        A folder with a copy of ``kernels``.
    names : sequence of str
        Kernels, as the ladder calls them: "cython_simd".

    Returns
    -------
    float
        Seconds it took, from the start of the build's own process to its end.

    Raises
    ------
    BuildError
        There is no setup.py beside the package, or no Cython, setuptools or compiler.
    """
    if not names:
        return 0.0
    script = Path(str(kernels.__file__)).parent.with_name("setup.py")
    if not script.exists():
        raise BuildError("looptax is not installed from a checkout (pip install -e .): there is nothing to compile")
    shutil.copy(script, root)
    try:
        modules = [variants.available(name)[variants.chosen(name)] for name in names]
    except ImportError as error:
        raise BuildError(str(error)) from error
    for module in modules:
        for old in (root / "kernels").glob(f"{module}.*[!xy]"):  # not the source
            old.unlink()
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *modules], cwd=root, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    seconds = time.perf_counter() - start
    missing = [module for module in modules if not list((root / "kernels").glob(f"{module}.*[!xy]"))]
    if done.returncode or missing:
        said = [line for line in done.stderr.splitlines() if line.strip()] or [f"{', '.join(missing)} was not built"]
        raise BuildError(f"the kernels cannot be compiled here: {said[-1].strip()}")
    return seconds
