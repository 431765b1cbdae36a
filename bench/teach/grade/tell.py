"""A failure put into words and runnable Python."""

from __future__ import annotations

import importlib
import reprlib
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .document import Failure, Input
from .words import say, translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from traceback import FrameSummary

    from ...conformance.cases import Case
    from ...conformance.oracle import Reference
    from .diagnose import Diagnosis
    from .trial import Trial

MAX_NUMBERS = 48  # of an input that is written out
MAX_SHOWN = 8  # numbers of a dw
OURS = str(Path(__file__).parent)


def failure(where: Mapping[str, Any], trial: Trial, found: Diagnosis | None = None, *, shrunk: bool = False) -> Failure:
    """Describe a failed trial; without a diagnosis, by what conformance says alone.

    `where` has the stage, family, case, dtype and layout that failed; the trial may be of a smaller input.
    """
    returned = _texts(trial.values, trial.dtype) if trial.values else {"result": reprlib.repr(trial.result)}
    return Failure(
        **where,
        outputs=list(trial.wrong),
        problem=translated(trial.verdict.problem or ""),
        kind=found.kind if found else "unknown",
        explanation=found.explanation if found else "",
        line=place(traceback.extract_tb(trial.error.__traceback__)) if trial.error else None,
        input=described(where, trial.case, trial.layout, trial.seed, shrunk=shrunk),
        returned=None if trial.error else returned,
        expected=_texts(trial.right, trial.dtype),
    )


def described(where: Mapping[str, Any], case: Case, layout: str, seed: int, *, shrunk: bool = False) -> Input:
    """Describe an input: as Python where it is small, and how to make the whole case again."""
    arguments = ", ".join(f'"{where[key]}"' for key in ("family", "case", "dtype", "layout"))
    m, n = case.X.shape
    return Input(
        X=say("{0}, shape {1}, layout {2}", case.X.dtype, (m, n), say(layout)),
        y=say("{0}, shape {1}", case.y.dtype, (m,)),
        w=say("{0}, shape {1}", case.w.dtype, (n,)),
        b=str(case.b),
        python=_python(case, layout) if case.X.size + m + n <= MAX_NUMBERS else None,
        shrunk=shrunk,
        again=f"from looptax.bench.teach.grade import suite\n_, X, y, w, b = suite.find({arguments}, seed={seed})",
    )


def _python(case: Case, layout: str) -> str:
    order = ', order="F"' if layout == "F" else ""
    lines = [
        "import numpy as np",
        f"X = np.array({_literal(case.X)}, np.{case.X.dtype}{order})",
        f"y = np.array({_literal(case.y)}, np.{case.y.dtype})",
        f"w = np.array({_literal(case.w)}, np.{case.w.dtype})",
        f"b = np.{case.X.dtype}({case.b})",
    ]
    if any(not np.isfinite(value).all() for value in case[1:]):
        lines.insert(1, "from numpy import inf, nan")
    if layout.startswith(("X ", "y and w ")):
        lines += [
            "from looptax.bench.conformance.cases import Case",
            "from looptax.bench.teach.grade.suite import laid",
            f'_, X, y, w, b = laid(Case("", X, y, w, b), "{layout}")',
        ]
    return "\n".join(lines)


def _literal(value: np.ndarray) -> str:
    """Return an array as a list, with numbers as short as its dtype allows."""
    return f"[{', '.join(_literal(row) if row.ndim else str(row) for row in value)}]"


def _texts(result: Reference, dtype: np.dtype) -> dict[str, str]:
    """Return cost, dw and db as text, in the dtype they should have."""
    with np.errstate(all="ignore"):
        cost, dw, db = (np.asarray(value).astype(dtype)[()] for value in result)
    more = say(", … {0} in all", dw.size) if dw.size > MAX_SHOWN else ""
    return {"cost": str(cost), "dw": f"[{', '.join(map(str, dw[:MAX_SHOWN]))}{more}]", "db": str(db)}


def traceback_of(error: Exception) -> str:
    """Return the traceback of an exception in the reader's code, without our part."""
    shown = traceback.TracebackException.from_exception(error)
    shown.stack = traceback.StackSummary.from_list(theirs(shown.stack))
    return "".join(shown.format(chain=False)).rstrip()


def theirs(frames: Iterable[FrameSummary]) -> list[FrameSummary]:
    """Return the frames of the reader's code and of what it calls: those that come after ours."""
    frames = [frame for frame in frames if "<frozen" not in frame.filename and frame.filename != importlib.__file__]
    last = max((k for k, frame in enumerate(frames) if frame.filename.startswith(OURS)), default=-1)
    return frames[last + 1 :]


def place(frames: Iterable[FrameSummary]) -> str | None:
    """Return the deepest line in the file of the reader's function, as it is spoken of; None where there is none."""
    own = theirs(frames)
    own = [frame for frame in own if frame.filename == own[0].filename]
    if not own:
        return None
    said = say("line {0} of {1}, in {2}", own[-1].lineno, Path(own[-1].filename).name, own[-1].name)
    return f"{said}: {own[-1].line}" if own[-1].line else said
