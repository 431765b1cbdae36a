"""What compiling costs, and what a rung costs to write."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pygments.lexers import CLexer, PythonLexer
from pygments.token import Comment, String

from .... import kernels, pyimpl
from ....kernels.ladder import UnavailableError, rung
from ...show.result import Costs, Simd, one_line
from .build import BuildError, build, copy_package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ....kernels.ladder import Rung


class StartError(RuntimeError):
    """A rung fails in a fresh process; the message says how."""


STARTS = 3  # of a fresh interpreter; the median counts
COMPILED = ("numba", "cython")

# A fresh process: the import with all it brings, the first call, a call when all is warm; where it is asked
# for, the instructions too, which Numba shows only of what it has just compiled.
FRESH = """
import sys
from looptax.bench.measure.stopwatch import Stopwatch, seconds
watch = Stopwatch()
from looptax.kernels.ladder import rung
step = rung(sys.argv[1]).load()
found = {"import": watch.elapsed}

import json
import numpy as np
arguments = np.ones((100, 10)), np.ones(100), np.ones(10), 0.0
found["first"] = seconds(step, *arguments)
found["warm"] = min(seconds(step, *arguments) for _ in range(20))
if "evidence" in sys.argv:
    from looptax.bench.measure.anatomy.simd import SimdError, evidence

    try:
        found["simd"] = evidence(sys.argv[1])
    except SimdError as error:
        found["problem"] = str(error)
print(json.dumps(found))
"""


def measure(name: str) -> Costs:
    """Return what a rung costs: its lines, import, compilation and SIMD instructions.

    What does not exist for a family (a just-in-time compilation of Cython) is None; what should be
    there and is not has its ``reason``.
    """
    chosen = rung(name)
    try:
        chosen.load()
        found = start(chosen)
    except (UnavailableError, StartError) as error:
        return Costs(name, chosen.family, chosen.technique, lines(chosen), reason=one_line(str(error)))
    if chosen.family == "cython":
        try:
            found.build_seconds = built(chosen)
        except BuildError as error:
            found.reason = "; ".join(filter(None, (found.reason, str(error))))
    return found


def start(chosen: Rung, starts: int = STARTS) -> Costs:
    """Start a rung in fresh processes, two at least: its import, its compilation at the first call, its instructions.

    Numba's cache is a folder that is empty for the first process and kept for the others. StartError where
    a process fails.
    """
    with TemporaryDirectory() as cache:
        first = _fresh(chosen.name, cache, *(["evidence"] if chosen.family in COMPILED else []))
        later = [_fresh(chosen.name, cache) for _ in range(starts - 1)]
    cold, *cached = (each["first"] - each["warm"] for each in (first, *later))
    jit = chosen.family == "numba"
    return Costs(
        chosen.name, chosen.family, chosen.technique, lines(chosen),
        import_seconds=median(each["import"] for each in (first, *later)),
        cold_seconds=cold if jit else None,
        cached_seconds=median(cached) if jit else None,
        reason=first.get("problem"),
        simd=Simd(**first["simd"]) if "simd" in first else None,
    )  # fmt: skip


def _fresh(name: str, cache: str, *what: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-I", "-c", FRESH, name, *what], capture_output=True, text=True,
        env={**os.environ, "NUMBA_CACHE_DIR": cache},
    )  # fmt: skip
    if done.returncode:
        raise StartError((done.stderr.splitlines() or [f"it ended with {done.returncode}"])[-1])
    return json.loads(done.stdout)


def built(chosen: Rung) -> float:
    """Return the seconds Cython and the C compiler need for a rung's extension; BuildError where they cannot."""
    with TemporaryDirectory() as folder:
        copy_package(Path(folder))
        return build(Path(folder), chosen.module)


def lines(chosen: Rung) -> int:
    """Return how many lines of code a rung is.

    Counted are the lines of its own file and of those files of this project that it draws on (import,
    cimport, include), directly or through others, that hold code: not the blank ones, comments and
    docstrings. The contract, which all rungs share, is left out.
    """
    return sum(code_lines(path.read_text(encoding="utf-8"), path.suffix) for path in files(chosen))


def code_lines(source: str, suffix: str) -> int:
    """Count the lines that hold more than comments and docstrings; Cython is read as Python is."""
    lexer = CLexer() if suffix in (".c", ".h") else PythonLexer()
    held, line = set(), 1
    for kind, text in lexer.get_tokens(source):
        if text.strip() and not any(kind in other for other in (Comment.Single, Comment.Multiline, String.Doc)):
            held |= set(range(line, line + text.rstrip("\n").count("\n") + 1))
        line += text.count("\n")
    return len(held)


DRAWN_ON = re.compile(
    r'\s*(?:from ([\w.]+) c?import (.*)|c?import (.*)|#include "(.*)\.[hc]"|cdef extern from "(.*)\.h")'
)

FOLDERS = ("", "pyimpl", "parts", "choose")  # what is imported from them are files


def files(chosen: Rung) -> list[Path]:
    """Return the file of a rung and all it draws on, contract aside."""
    there = defaultdict(list)  # of one name: what is declared, and what it is
    for package in (pyimpl, kernels):
        for path in sorted(Path(str(package.__file__)).parent.rglob("*")):
            if path.suffix in (".py", ".pyx", ".pxd", ".h", ".c") and "__" not in path.stem and path.stem != "contract":
                there[path.stem].append(path)
    found, waiting = [], [chosen.module]
    while waiting:
        for path in there.pop(waiting.pop(), ()):
            found.append(path)
            waiting += _names(path.read_text(encoding="utf-8"))
    return found


def _names(source: str) -> Iterator[str]:
    """The names of all that a source draws on."""
    for match in filter(None, map(DRAWN_ON.match, source.splitlines())):
        start, names, *others = match.groups()
        if start:
            last = start.rpartition(".")[2]
            others = [names if last in FOLDERS else last]
        yield from re.findall(r"\w+", " ".join(filter(None, others)).partition("#")[0])
