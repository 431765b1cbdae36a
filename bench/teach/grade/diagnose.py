"""Which mistake explains a failure, and the smallest input on which it shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...measure.stopwatch import Stopwatch
from . import checks
from .mistakes import MISTAKES
from .words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...conformance.cases import Case
    from .trial import Trial

SECONDS = 3.0  # to look for a smaller input
NUMBER = re.compile(r"[\w.+-]*\d[\w.+-]*", re.ASCII)  # in which explanations of the same may differ
MAX_SINGLE = 32  # up to so many samples or features are left out one by one, and numbers simplified one by one


class Diagnosis(NamedTuple):
    """What is wrong."""

    kind: str  # the name of the mistake; of several, joined with " + "
    explanation: str


UNKNOWN = "unknown"
# First the form of the result, then its numbers: an exact prediction before what is only observed.
CHECKS: tuple[tuple[str, Callable[[Trial], str | None]], ...] = (
    *((check.__name__.replace("_", " "), check) for check in checks.OF_THE_FORM),
    *((mistake.kind, mistake.explains) for mistake in MISTAKES),
    *((check.__name__.replace("_", " "), check) for check in checks.OF_THE_NUMBERS),
)


def diagnose(trial: Trial) -> Diagnosis:
    """Return what the first check says that applies; or a mistake for each output; or that none is known."""
    for kind, check in CHECKS:
        if said := check(trial):
            return Diagnosis(kind, said)
    found = {name: _alone(trial, name) for name in trial.wrong}
    if all(one.kind == UNKNOWN for one in found.values()):
        return _unknown()
    kinds = dict.fromkeys(one.kind for one in found.values())
    return Diagnosis(" + ".join(kinds), "\n".join(f"{name}: {one.explanation}" for name, one in found.items()))


def _alone(trial: Trial, output: str) -> Diagnosis:
    """Return the mistake that makes one output wrong."""
    for mistake in MISTAKES:
        if said := mistake.explains(trial, [output]):
            return Diagnosis(mistake.kind, said)
    return _unknown()


def _unknown() -> Diagnosis:
    return Diagnosis(UNKNOWN, say("No mistake known to looptax explains this."))


def telling(trial: Trial) -> Trial:
    """Return a trial that shows more of the same mistake: with one sample, 1/m and the shape of Xᵀdz look right.

    It is the trial itself where it has several samples and features, or the step is right on ordinary inputs.
    """
    if trial.verdict.ok or min(trial.case.X.shape) > 1 or trial.elsewhere[0].verdict.ok:
        return trial
    trial.elsewhere[0].elsewhere = trial.elsewhere
    return trial.elsewhere[0]


def smallest(trial: Trial, found: Diagnosis, seconds: float = SECONDS) -> tuple[Trial, Diagnosis]:
    """Return the same failure on the simplest input found in the time, and what is said of it.

    Fewer samples and features come first, then simpler numbers: the first simplification that still
    fails is taken, and the search starts again from there. Each makes the case simpler, so it ends.
    """
    watch = Stopwatch(seconds)
    candidates = _simpler(trial.case)
    while (case := next(candidates, None)) and watch.left > 0:
        tried = trial.again(case, trial.layout)
        if tried.verdict.ok or [*tried.wrong] != [*trial.wrong] or type(tried.error) is not type(trial.error):
            continue
        tried.elsewhere = trial.elsewhere
        said = diagnose(tried)
        if NUMBER.sub("#", said.explanation) == NUMBER.sub("#", found.explanation):
            trial, found, candidates = tried, said, _simpler(case)
    return trial, found


def _simpler(case: Case) -> Iterator[Case]:
    """Yield cases that are simpler in one thing."""
    for kept in _subsets(len(case.y)):
        yield case._replace(X=case.X[kept], y=case.y[kept])
    for kept in _subsets(len(case.w)):
        yield case._replace(X=case.X[:, kept], w=case.w[kept])
    for name in ("b", "w", "X", "y"):
        value = np.asarray(getattr(case, name))
        places = np.ndindex(value.shape) if 1 < value.size <= MAX_SINGLE else ()
        for place in (..., *places):  # all of them, then one
            for number in (1, 0, *(_rounded(value[place], digits) for digits in (1, 2, 3))):
                simple = value.copy()
                simple[place] = number
                if _length(simple) < _length(value):
                    change: dict[str, Any] = {name: simple[()]}
                    yield case._replace(**change)


def _subsets(count: int) -> Iterator[slice | np.ndarray]:
    """Yield halves, then all but one."""
    if count > 1:
        yield slice(0, count // 2)
        yield slice(count // 2, None)
    if 2 < count <= MAX_SINGLE:
        for left_out in range(count):
            yield np.delete(np.arange(count), left_out)


def _rounded(value: np.ndarray, digits: int) -> np.ndarray:
    return np.reshape([float(f"{x:.{digits - 1}e}") for x in value.ravel().tolist()], value.shape)


def _length(value: np.ndarray) -> int:
    """Return how many characters the numbers take when written down."""
    return sum(len(f"{x:.17g}") for x in value.ravel().tolist())
