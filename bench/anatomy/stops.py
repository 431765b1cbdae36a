"""A copy of the package whose steps stop early: what tells the parts of a step from one another.

The sources of all rungs are copied to a temporary folder, a condition on the bias is put before each
part (`PLACES`), and the copy is imported under a name of its own, its Cython kernels compiled for it.
A step of the copy ends after the part that `bias` was asked for. Every part is compiled as it always is,
for whether it runs is decided at run time alone; and what a condition costs (once a block, a tile or
a sample) is there however early the step ends, so that it is in no difference of two of them.
"""

from __future__ import annotations

import re
import shutil
import sys
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import indent
from typing import TYPE_CHECKING
from unittest.mock import patch

from ... import kernels, pyimpl
from ...kernels.ladder import rung
from .build import build

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

#: The parts of a step, in the order they run. "call" is all that is left when no other part runs.
PARTS = ("call", "allocation", "Xw", "link", "gradient")

#: File → its parts: the name, the lines ("first ... last"), and what stands in where the part is left out.
PLACES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "pyimpl/loops_array.py": (
        ("Xw", "for j in range(n): ... z += w[j] * X[i, j]", ""),
        ("link", "loss, dz = loss_and_dz(z, y[i])", "loss = dz = z"),
        ("gradient", "for j in range(n): ... dw[j] += X[i, j] * dz", ""),
    ),
    "pyimpl/loops_floats.py": (
        ("allocation", "rows = X.tolist()", "rows = [weights] * m"),
        ("Xw", "for j in range(n): ... z += weights[j] * x[j]", ""),
        ("link", "loss, dz = loss_and_dz(z, label)", "loss = dz = z"),
        ("gradient", "for j in range(n): ... dw[j] += x[j] * dz", ""),
    ),
    "pyimpl/rowwise_dot.py": (
        ("Xw", "z = np.dot(w, x) + b", "z = b"),
        ("link", "loss, dz = loss_and_dz(float(z), label)", "loss = dz = z"),
        ("gradient", "dw += x * dz", ""),
    ),
    "pyimpl/vectorized_notes.py": (
        ("Xw", "Z = np.dot(X, w) + b", "Z = y"),
        ("link", "A = 1 / (1 + np.exp(-Z)) ... dZ = A - y", "cost, dZ = b, Z"),
        ("gradient", "dw = np.dot(X.T, dZ) / m", "dw = w"),
        ("link", "db = np.sum(dZ) / m", "db = b"),
    ),
    "pyimpl/vectorized_stable.py": (
        ("link", "sign = 1 - 2 * y", ""),
        ("Xw", "z = np.dot(X, w) + b", "z = y"),
        ("link", "s = sign * z ... dz = sign * np.where(s > 0, 1, e) / (1 + e)", "cost, dz = b, z"),
        ("gradient", "dw = np.dot(X.T, dz) / m", "dw = w"),
        ("link", "db = np.sum(dz) / m", "db = b"),
    ),
    "pyimpl/vectorized_buffers.py": (
        ("link", "np.multiply(y, -2, out=dz) ... dz += 1", ""),
        ("Xw", "np.dot(X, w, out=s) ... s += b", ""),
        ("link", "s *= dz ... db = dz.sum() / m", "cost = db = b"),
        ("gradient", "dw = np.dot(X.T, dz) ... dw /= m", "dw = w"),
    ),
    "kernels/numba_simd.py": (
        ("Xw", "for i in range(m): ... z[i] = total", ""),
        ("Xw", "z[:] = b ... z[i] += x[i] * weight", ""),
        ("link", "sums = link(y, z)", "sums = 0.0, 0.0"),
        ("gradient", "for i in range(m): ... dw[j] += X[i, j] * dz", ""),
        ("gradient", "for j in range(n): ... dw[j] += total", ""),
    ),
    "kernels/numba_fused.py": (
        ("Xw", "rows_z(tile[at : at + dz.size], w, b, dz)", ""),
        ("Xw", "columns_z(tile, at, w, b, dz)", ""),
        ("link", "cost, db = link(y[start:stop], dz)", "cost, db = 0.0, 0.0"),
        ("gradient", "rows_gradient(tile[at : at + dz.size], dz, dw)", ""),
        ("gradient", "columns_gradient(tile, at, dz, dw)", ""),
    ),
    "kernels/cython_serial.pyx": (
        ("Xw", "for j in range(n): ... z += w[j] * X[i, j]", ""),
        ("link", "cost += loss_and_dz(z, y[i], &dz)", "dz = 0"),
        ("gradient", "for j in range(n): ... dw[j] += X[i, j] * gradient", ""),
    ),
    "kernels/cython_block.pxd": (
        ("Xw", "for i in range(m): ... z[i] = dot(X + i * stride, w, n) + b", ""),
        ("Xw", "for i in range(m): ... z[i] += x[i] * weight", ""),
        ("link", "link(y, m, z, cost, db)", ""),
        ("gradient", "for i in range(m): ... dw[j] += x[j] * dz", ""),
        ("gradient", "for j in range(n): ... dw[j] += dot(X + j * stride, z, m)", ""),
    ),
    "kernels/tile.pxi": (
        ("Xw", "rows_z(tile, stride, w, b, m, X.n, far, scratch)", ""),
        ("Xw", "columns_z(tile, stride, w, b, m, X.n, X.n * FEW_COLUMN * size > TILE_BYTES, scratch)", ""),
        ("link", "link(y + start, m, scratch, cost, db)", ""),
        ("gradient", "if far: ... rows_gradient(tile, stride, scratch, m, X.n, dw)", ""),
        ("gradient", "columns_gradient(tile, stride, scratch, m, X.n, dw)", ""),
    ),
}


def bias(last: str) -> float:
    """Return the bias at which a step of the copy ends after the part `last`; 0 for all of it."""
    return (len(PARTS) - 1 - PARTS.index(last)) / 1024  # exact in float32 too, and too small to change the link


def guarded(source: str, part: str, lines: str, otherwise: str) -> str:
    """Return the source with these lines of it run only where the bias lets their part run.

    Parameters
    ----------
    source : str
        Python or Cython.
    part : str
        One of `PARTS`.
    lines : str
        A line, or the first and the last of several with " ... " between; wherever they occur.
    otherwise : str
        A statement for when they do not run, or "".

    Raises
    ------
    ValueError
        The lines do not occur.
    """
    first, _, last = (re.escape(text) for text in lines.partition(" ... "))
    after = rf"(?:\n(?!\1{first}$)\1.*)*?\n\1 *{last}" if last else ""  # never out of the block, nor past a new start
    condition = f"if b < {(len(PARTS) - PARTS.index(part)) / 1024}:"

    def guard(match: re.Match[str]) -> str:
        space = match[1]
        tail = f"\n{space}else:\n{space}    {otherwise}" if otherwise else ""
        return f"{space}{condition}\n{indent(match[0], '    ')}{tail}"

    result, found = re.subn(rf"^( *){first}(?:  #.*)?{after}(?:  #.*)?$", guard, source, flags=re.MULTILINE)
    if not found:
        raise ValueError(f"{lines!r} does not occur in the source")
    return result


@contextmanager
def stopping(rungs: Sequence[str]) -> Iterator[ModuleType]:
    """Make the copy for these rungs; yield its `ladder`, whose rungs stop where `bias` says.

    Raises
    ------
    BuildError
        A Cython rung is among them and cannot be compiled here.
    """
    with TemporaryDirectory(prefix="looptax_", ignore_cleanup_errors=True) as folder:
        root = Path(folder, Path(folder).name)  # no two copies are called the same
        copy_package(root)
        for file, places in PLACES.items():
            source = (root / file).read_text(encoding="utf-8")
            for place in places:
                source = guarded(source, *place)
            (root / file).write_text(source, encoding="utf-8")
        build(root, [rung(name).module for name in rungs if rung(name).family == "cython"])
        try:
            with patch.object(sys, "path", [folder, *sys.path]):
                yield import_module(f"{root.name}.kernels.ladder")
        finally:
            for name in [name for name in sys.modules if name.partition(".")[0] == root.name]:
                del sys.modules[name]


def copy_package(to: Path) -> None:
    """Copy the sources of the rungs, and what is compiled of them, to a folder."""
    for package in (pyimpl, kernels):
        source = Path(str(package.__file__)).parent
        shutil.copytree(source, to / source.name, ignore=shutil.ignore_patterns("__pycache__"))
