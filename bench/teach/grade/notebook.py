"""A notebook's code, run as a module: cell after cell, each under a name of its own in tracebacks."""

from __future__ import annotations

import linecache
import re
from typing import TYPE_CHECKING, Any

import msgspec

from .words import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

MAGIC = re.compile(r"%%?[a-zA-Z]|!(?!=)|\?|[\w.]+\?\??\s*$")  # at the start of lines that IPython alone understands
TAKEN = re.compile(r"\w+ *=\s*(?=%[a-zA-Z]|!(?!=))")  # before what IPython alone can compute
OF_PYTHON = ("%%time", "%%timeit", "%%capture")  # before cells that are Python all the same


class NotebookError(Exception):
    """The file is no notebook."""


def run(path: Path, module: ModuleType) -> None:
    """Run the code cells of a notebook in a module; lines for IPython are left out."""
    module.__dict__.setdefault("display", lambda *shown, **how: None)  # IPython has it in each notebook
    for place, source in enumerate(code(path), 1):
        name = say("{0}, code cell {1}", path.name, place)
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)  # for tracebacks
        exec(compile(source, name, "exec"), module.__dict__)


def code(path: Path) -> Iterator[str]:
    """Yield the Python of each code cell, line for line.

    Raises
    ------
    NotebookError
        The file is no notebook with cells.
    """
    try:
        cells = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])["cells"]
        sources = [_text(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (msgspec.DecodeError, KeyError, TypeError):
        raise NotebookError(say("{0} is not a Jupyter notebook with cells", path.name)) from None
    return map(_python, sources)


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _python(source: str) -> str:
    """Return a cell's Python; of a cell in another language, such as %%bash, nothing. Lines keep their places."""
    first = source.lstrip().split(maxsplit=1)[:1]
    if first and first[0].startswith("%%") and first[0] not in OF_PYTHON:
        return ""
    return "\n".join(_without_magic(line) for line in source.split("\n"))


def _without_magic(line: str) -> str:
    code = line.lstrip()
    indent = line[: len(line) - len(code)]
    if MAGIC.match(code):
        return f"{indent}pass"
    return f"{indent}{taken[0]}None" if (taken := TAKEN.match(code)) else line
