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

if TYPE_CHECKING:
    from types import ModuleType

    from ....pyimpl.parts.contract import StepFunction

DEFAULT = "step"
SUFFIXES = (".py", ".pyx")
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


def parse(text: str) -> Target:
    """Read ``my_step.py``, ``my_step.pyx`` or a module's name, each with ``:function`` or without.

    Raises
    ------
    TargetError
        It is neither, or there is no such file.
    """
    where, colon, function = text.rpartition(":")
    if not (colon and where and function.isidentifier()):
        where, function = text, DEFAULT
    found = Target(where, function)
    if where.lower().endswith(".ipynb"):
        raise TargetError(f"{where} is a notebook; write its step to a file: jupyter nbconvert --to script {where}")
    if found.path and not found.path.is_file():
        raise TargetError(f"there is no file {where}")
    if not found.path and not all(part.isidentifier() for part in where.split(".")):
        raise TargetError(f"{text!r} is neither a .py or .pyx file nor module:function")
    if not found.path and not colon and Path(f"{where}.py").exists():
        raise TargetError(f"{text!r} is a module's name without a function; for the file say {where}.py")
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
    spec.loader.exec_module(module)
    return module


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
        raise TargetError("\n".join(done.stdout.strip().splitlines()[-MAX_LINES:]) or "the compiler said nothing")
    return built[0]


def _function(module: ModuleType, target: Target) -> StepFunction:
    if not hasattr(module, target.function):
        there = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise TargetError(
            f"{target.where} has no function {target.function}"
            + (f"; it has {', '.join(there[:10])}: say {target.where}:{there[0]}" if there else "")
        )
    step: Any = getattr(module, target.function)
    if not callable(step):
        raise TargetError(f"{target.function} is a {type(step).__name__}, not a function")
    try:
        signature = inspect.signature(step)
    except (ValueError, TypeError):  # compiled code may have none; calling it will tell
        return step
    try:
        signature.bind("X", "y", "w", "b")
    except TypeError as error:
        said = f"{target.function}{signature} does not take four arguments, step(X, y, w, b): {error}"
        raise TargetError(said) from None
    return step
