"""Code as the lesson shows it: the rungs' real source, and what the interpreter makes of it."""

from __future__ import annotations

import ast
import dis
import re
from pathlib import Path
from typing import TYPE_CHECKING

from .... import kernels, pyimpl
from ...measure.anatomy.simd import Instruction, innermost_loops

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FOLDERS = {name: Path(str(package.__file__)).parent for name, package in (("pyimpl", pyimpl), ("kernels", kernels))}


def path(file: str) -> Path:
    """Return where a file of the project, such as "pyimpl/python_array.py", is installed."""
    folder, _, name = file.partition("/")
    return FOLDERS[folder] / name


def source(file: str, names: Sequence[str]) -> str:
    """Return the source of functions or assignments of a Python, Cython or C file, in the order of their names.

    A docstring is cut to its first line. ValueError: the file has no such function.
    """
    text = path(file).read_text(encoding="utf-8")
    cut = {"python": _python_function, "cython": _cython_function, "c": _c_function}[language(file)]
    return "\n\n\n".join(cut(text, name) for name in names)


def language(file: str) -> str:
    """Return what a file is written in, as a highlighter calls it."""
    return {".py": "python", ".h": "c", ".c": "c"}.get(Path(file).suffix, "cython")


def _python_function(text: str, name: str) -> str:
    lines = text.splitlines()
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return "\n".join(lines[node.lineno - 1 : node.end_lineno])
        if isinstance(node, ast.FunctionDef) and node.name == name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            return "\n".join([*lines[first - 1 : node.body[0].lineno - 1], *_summary(node, lines)])
    raise ValueError(f"there is no function {name!r}")


def _summary(node: ast.FunctionDef, lines: Sequence[str]) -> list[str]:
    """Return the lines of a function's body; of a docstring of several lines the first alone."""
    docstring = node.body[0] if ast.get_docstring(node) else None
    if docstring is None or docstring.lineno == docstring.end_lineno:
        return list(lines[node.body[0].lineno - 1 : node.end_lineno])
    return [lines[docstring.lineno - 1] + '"""', *lines[docstring.end_lineno or 0 : node.end_lineno]]


def _cython_function(text: str, name: str) -> str:
    found = re.search(rf"^(?:cdef|cpdef|def)\b.*\b{name}\((?:.*\n(?=[ \t\n)]))*.*", text, re.MULTILINE)
    if not found:
        raise ValueError(f"there is no function {name!r}")
    return found[0].rstrip()


def _c_function(text: str, name: str) -> str:
    found = re.search(rf"^[^\s/#][^\n;]*\b{name}\((?:[^;{{]*\{{\n(?:.*\n)*?\}}|.*\}}$)", text, re.MULTILINE)
    if not found:
        raise ValueError(f"there is no function {name!r}")
    return found[0]


def imports(file: str) -> str:
    """Return the import lines of a Python file, as they would be written outside the project."""
    lines = []
    for node in ast.parse(path(file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            level = {0: "", 1: f"looptax.{file.partition('/')[0]}", 2: "looptax"}[node.level]
            node.module, node.level = ".".join(filter(None, (level, node.module))), 0
            lines.append(ast.unparse(node))
        elif isinstance(node, ast.Import):
            lines.append(ast.unparse(node))
    return "\n".join(lines)


def loops(function: Callable) -> list[Sequence[Instruction]]:
    """Return the bytecode of a function's innermost loops: from the start of each to its jump back."""
    code = list(dis.get_instructions(function))
    place = {one.offset: k for k, one in enumerate(code)}
    return list(innermost_loops([
        Instruction(one.opname, one.argrepr, place.get(one.argval) if "JUMP" in one.opname else None) for one in code
    ]))  # fmt: skip


def bytecode(instructions: Sequence[Instruction]) -> str:
    """Return bytecode as text: the operation and what it works on."""
    return "\n".join(f"{one.name:<22}{one.operands}".rstrip() for one in instructions)
