"""Compile a reader's Cython file in a folder of its own: nothing is left beside the file."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

# -ffast-math never: it would take NaN and infinity for impossible. The rest is as in our own setup.py.
FLAGS = ("-O3", "-g0", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast")
LAST_LINES = 40  # of what the compiler says

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


class BuildError(Exception):
    """It does not compile; the message is the compiler's."""


def build(source: Path, folder: Path) -> Path:
    """Compile `source` in `folder` and return the extension module's file.

    Raises
    ------
    BuildError
        It does not compile, or there is no Cython or no C compiler here.
    """
    copy = Path(shutil.copy(source, folder))
    done = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT, source.stem, copy.name, str(source.parent), *_flags()],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    built = [path for path in folder.glob(f"{source.stem}.*") if path.suffix in (".so", ".pyd")]
    if done.returncode or not built:
        raise BuildError("\n".join(done.stdout.strip().splitlines()[-LAST_LINES:]) or "the compiler said nothing")
    return built[0]


def _flags() -> list[str]:
    if sys.platform == "win32":
        return ["/O2"]
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    return [*FLAGS, *(["-march=native"] if x86 else [])]
