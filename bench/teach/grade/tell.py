"""A failure put into words and runnable Python."""

from __future__ import annotations

import reprlib
import traceback
from typing import TYPE_CHECKING, Any

import numpy as np

from .document import Failure, Input
from .trial import OUTPUTS

if TYPE_CHECKING:
    from ...conformance.cases import Case
    from .diagnose import Diagnosis
    from .evidence import Evidence
    from .trial import Trial

MOST_NUMBERS = 48  # of an X that is written out
SHOWN = 8  # numbers of a longer dw


def failure(
    stage: Any, family: str, name: str, e: Evidence, seed: int, found: Diagnosis | None = None, *, shrunk: bool = False
) -> Failure:
    """Describe a failed trial; without a diagnosis, by what the suite says alone."""
    trial = e.trial
    return Failure(
        stage=stage,
        family=family,
        case=name,
        dtype=str(trial.case.X.dtype),
        layout=e.layout,
        outputs=list(trial.wrong),
        problem=trial.verdict.problem or "",
        kind=found.kind if found else "unknown",
        explanation=found.explanation if found else "",
        line=_line(trial.error),
        input=described(trial.case, e.layout, family, name, seed, shrunk=shrunk),
        returned=_returned(trial),
        expected={key: _numbers(getattr(trial.right, key), trial.case.X.dtype) for key in OUTPUTS},
    )


def described(case: Case, layout: str, family: str, name: str, seed: int, *, shrunk: bool = False) -> Input:
    """Describe an input: as Python where it is small, and how to make the whole case again."""
    where = f'"{family}", "{name}", "{case.X.dtype}", "{layout}", seed={seed}'
    again = f"from looptax.bench.teach.grade import suite\n_, X, y, w, b = suite.find({where})"
    m, n = case.X.shape
    return Input(
        X=f"{case.X.dtype}, shape ({m}, {n}), layout {layout}",
        y=f"{case.y.dtype}, shape ({m},)",
        w=f"{case.w.dtype}, shape ({n},)",
        b=str(case.b),
        python=_python(case, layout) if case.X.size + m + n <= MOST_NUMBERS else None,
        shrunk=shrunk,
        again=again,
    )


def _python(case: Case, layout: str) -> str:
    order = ', order="F"' if layout == "F" else ""
    lines = [
        "import numpy as np",
        f"X = np.array({_literal(case.X)}, np.{case.X.dtype}{order})",
        f"y = np.array({_literal(case.y)}, np.{case.y.dtype})",
        f"w = np.array({_literal(case.w)}, np.{case.w.dtype})",
        f"b = np.{case.X.dtype}({_literal(np.asarray(case.b))})",
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
    if value.ndim == 0:
        return str(value[()])  # as short as the dtype allows
    return "[" + ", ".join(map(_literal, value)) + "]" if value.ndim > 1 else f"[{', '.join(map(str, value))}]"


def _returned(trial: Trial) -> dict[str, str] | None:
    if trial.error is not None:
        return None
    if trial.values is None:
        return {"result": reprlib.repr(trial.result)}
    return {key: _numbers(getattr(trial.values, key), trial.case.X.dtype) for key in OUTPUTS}


def _numbers(value: Any, dtype: np.dtype) -> str:
    """Return a result as text, in the dtype it should have."""
    with np.errstate(all="ignore"):
        value = np.asarray(value).astype(dtype)
    if value.ndim == 0:
        return str(value[()])
    more = f", … {value.size} in all" if value.size > SHOWN else ""
    return f"[{', '.join(map(str, value[:SHOWN]))}{more}]"


def _line(error: Exception | None) -> str | None:
    """Return where in the reader's own file an exception came from: the deepest line in the file of the step."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    ours = [k for k, frame in enumerate(frames) if frame.name == "watched"]  # in `trial` and `worker`
    own = frames[ours[-1] + 1 :] if ours else []
    if not own:
        return None
    last = [frame for frame in own if frame.filename == own[0].filename][-1]
    return place(last.filename, last.lineno or 0, last.name, last.line or "")


def place(filename: str, line: int, function: str, text: str) -> str:
    """Return a line of code as it is spoken of."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    return f"line {line} of {name}, in {function}" + (f": {text.strip()}" if text else "")
