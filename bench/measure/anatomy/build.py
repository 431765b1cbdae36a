"""Compile a Cython kernel as setup.py does, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .... import kernels, pyimpl
from ....kernels.choose import isa
from ..stopwatch import Stopwatch

# setup.py itself decides on sources and flags; of its extensions only the one named is built, in place.
SCRIPT = """
import runpy, sys
import setuptools

def build_named(ext_modules, cmdclass):
    found = [extension for extension in ext_modules if extension.name == "looptax.kernels." + sys.argv[1]]
    original(name="looptax", packages=["looptax.kernels"], package_dir={"looptax.kernels": "kernels"},
             ext_modules=found, cmdclass=cmdclass, script_args=["-q", "build_ext", "--inplace"])

original, setuptools.setup = setuptools.setup, build_named
runpy.run_path("setup.py", run_name="__main__")
"""


class BuildError(RuntimeError):
    """The kernel cannot be compiled here; the message says why."""


def copy_package(to: Path) -> None:
    """Copy the sources of the rungs to a folder."""
    for package in (pyimpl, kernels):
        source = Path(str(package.__file__)).parent
        shutil.copytree(source, to / source.name, ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyd"))


def build(root: Path, name: str) -> float:
    """Compile a kernel from the sources in `root`, for the instruction set this CPU gets.

    Parameters
    ----------
    root : pathlib.Path
        A folder with a copy of the package, see `copy_package`.
    name : str
        The kernel, as the ladder calls its module: "cython_simd".

    Returns
    -------
    float
        Seconds it took, from the start of the build's own process to its end.

    Raises
    ------
    BuildError
        There is no setup.py beside the package, or no Cython, setuptools or compiler.
    """
    script = Path(str(kernels.__file__)).parent.with_name("setup.py")
    if not script.exists():
        raise BuildError("looptax is not installed from a checkout (pip install -e .): there is nothing to compile")
    shutil.copy(script, root)
    try:
        module = isa.available(name)[isa.chosen(name)]
    except ImportError as error:
        raise BuildError(str(error)) from error
    watch = Stopwatch()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, module], cwd=root, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    seconds = watch.elapsed
    if done.returncode or not list((root / "kernels").glob(f"{module}.*[!xy]")):  # beside the source
        said = [line for line in done.stderr.splitlines() if line.strip()] or [f"{module} was not built"]
        raise BuildError(f"the kernel cannot be compiled here: {said[-1].strip()}")
    return seconds
