"""What is to be graded: how it is named, and how it is compiled and loaded in the worker."""

from __future__ import annotations

import inspect
import os
import platform
import shutil
import subprocess
import sys
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from . import notebook
from .words import say

if TYPE_CHECKING:
    from types import ModuleType

    from ....pyimpl.parts.contract import StepFunction

DEFAULT = "step"
SUFFIXES = (".py", ".pyx", ".ipynb")
# -ffast-math never: it would take NaN and infinity for impossible. The rest is as in our own setup.py.
FLAGS = ("-O3", "-g0", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast")
MAX_LINES = 40  # of what the compiler says, the last ones
SCRIPT = """
import sys
import numpy
from Cython.Build import cythonize
from Cython.Compiler.Errors import CompileError
from setuptools import Extension, setup

name, source, beside, *flags = sys.argv[1:]
extension = Extension(name, [source], include_dirs=[numpy.get_include(), beside], extra_compile_args=flags)
try:
    modules = cythonize([extension], include_path=[beside], language_level=3, quiet=True)
except CompileError:  # it has said why
    sys.exit(1)
setup(name=name, ext_modules=modules, script_args=["-q", "build_ext", "--inplace"])
"""


class TargetError(Exception):
    """The step cannot be run; the message says why."""


class Target(NamedTuple):
    """Where a step is: a file's or a module's name, and that of the function in it."""

    where: str
    function: str

    @property
    def path(self) -> Path | None:
        """The file; None for a module."""
        return Path(self.where) if self.where.lower().endswith(SUFFIXES) else None


def split(text: str) -> tuple[str, str]:
    """Return what stands before the colon, and the function's name, `DEFAULT` where there is none."""
    where, colon, function = text.rpartition(":")
    return (where, function) if colon and where and function.isidentifier() else (text, DEFAULT)


def parse(text: str) -> Target:
    """Read the name of a ``.py``, ``.pyx`` or ``.ipynb`` file or a module, each with ``:function`` or without.

    Raises
    ------
    TargetError
        It is neither, or there is no such file.
    """
    where, function = split(text)
    found = Target(where, function)
    if found.path and not found.path.is_file():
        raise TargetError(say("there is no file {0}", where))
    if not found.path and not all(part.isidentifier() for part in where.split(".")):
        raise TargetError(say("{0!r} is neither a .py, .pyx or .ipynb file nor module:function", text))
    if not found.path and where == text and Path(f"{where}.py").exists():
        raise TargetError(say("{0!r} is a module's name without a function; for the file say {1}.py", text, where))
    return found


def load(target: Target, folder: Path) -> StepFunction:
    """Import the module and return its function; `folder` is for what is compiled.

    Raises
    ------
    TargetError
        It does not compile, or there is no such function, or it does not take X, y, w and b.
    """
    beside = str(target.path.resolve().parent) if target.path else str(Path.cwd())
    sys.path.insert(0, beside)
    module = _imported(target, folder)
    # What they import they have; from here on a random.py of theirs shall not be in the way of ours.
    sys.path.remove(beside)
    sys.path.append(beside)
    return _function(module, target)


def _imported(target: Target, folder: Path) -> ModuleType:
    if target.path is None:
        return import_module(target.where)
    path, name = target.path.resolve(), "graded_step"  # not the file's: it may be called numpy.py
    loader: Any = SourceFileLoader(name, str(path))  # whatever the suffix: it may be .PY
    if path.suffix.lower() == ".pyx":
        path, name, loader = _built(path, folder), path.stem, None  # a compiled module's own name is inside it
    spec = spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    if path.suffix.lower() == ".ipynb":
        _run_notebook(path, module)
    else:
        spec.loader.exec_module(module)
    return module


def _run_notebook(path: Path, module: ModuleType) -> None:
    try:
        notebook.run(path, module)
    except notebook.NotebookError as error:
        raise TargetError(str(error)) from None


def _built(source: Path, folder: Path) -> Path:
    """Compile a Cython file in `folder`, so that nothing is left beside it, and return the extension module's file."""
    copy = Path(shutil.copy(source, folder / f"{source.stem}.pyx"))
    march = ["-march=native"] if platform.machine().lower() in ("x86_64", "amd64") else []
    flags = ["/O2"] if sys.platform == "win32" else [*FLAGS, *march]
    done = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT, source.stem, copy.name, str(source.parent), *flags],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    built = [path for path in folder.glob(f"{source.stem}.*") if path.suffix in (".so", ".pyd")]
    if done.returncode or not built:
        raise TargetError("\n".join(done.stdout.strip().splitlines()[-MAX_LINES:]) or say("the compiler said nothing"))
    return built[0]


def _function(module: ModuleType, target: Target) -> StepFunction:
    if not hasattr(module, target.function):
        there = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        said = say("{0} has no function {1}", target.where, target.function)
        more = say("; it has {0}: say {1}:{2}", ", ".join(there[:10]), target.where, there[0]) if there else ""
        raise TargetError(said + more)
    step: Any = getattr(module, target.function)
    if not callable(step):
        raise TargetError(say("{0} is a {1}, not a function", target.function, type(step).__name__))
    try:
        signature = inspect.signature(step)
    except (ValueError, TypeError):  # compiled code may have none; calling it will tell
        return step
    try:
        signature.bind("X", "y", "w", "b")
    except TypeError:
        said = "{0}{1} does not take four arguments, step(X, y, w, b)"
        raise TargetError(say(said, target.function, signature)) from None
    return step
