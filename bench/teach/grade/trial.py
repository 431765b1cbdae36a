"""One call of a step on one case: what it returned or raised, and what the suite says to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ....pyimpl.parts.contract import Step
from ...conformance.gate import Verdict, judge
from ...conformance.oracle import Reference, reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ....pyimpl.parts.contract import StepFunction
    from ...conformance.cases import Case

OUTPUTS = Reference._fields


@dataclass
class Trial:
    """A step tried on a case.

    Attributes
    ----------
    step : callable
    case : Case
        The input, as it was before the call and laid out as it was.
    accuracy : str
        The bound the step is held to.
    right : Reference
        The right answer.
    result
        What was returned.
    error : Exception or None
        What was raised in place of a result.
    verdict : Verdict
    """

    step: StepFunction
    case: Case
    accuracy: str
    right: Reference
    result: Any = None
    error: Exception | None = None
    verdict: Verdict = field(default_factory=lambda: Verdict(None, np.nan))

    def passes(self, values: Reference, accuracy: str) -> bool:
        """Whether the suite accepts values, rounded to the dtype of X, as a step's result."""
        cost, dw, db = _three(np.asarray(value).astype(self.case.X.dtype)[()] for value in values)
        return judge(lambda *_: Step(cost, dw, db), self.case, accuracy=accuracy, skips_zeros=True, right=self.right).ok

    def repeat(self, case: Case, right: Reference | None = None) -> Trial:
        """Try the same step on another case."""
        return attempt(self.step, case, self.accuracy, right)

    @cached_property
    def values(self) -> Reference | None:
        """What was returned, in long double; None where it is not three results of the right shapes."""
        try:
            cost, dw, db = _three(np.array(value, np.longdouble)[()] for value in self.result)
        except Exception:  # what is no result may be anything
            return None
        fits = np.shape(cost) == np.shape(db) == () and np.shape(dw) == self.case.w.shape
        return Reference(cost, dw, db) if fits else None

    @cached_property
    def wrong(self) -> tuple[str, ...]:
        """Names of the outputs that are further from the right answer than allowed."""
        if self.verdict.ok or self.values is None:
            return ()
        alone = {name: self.right._replace(**{name: getattr(self.values, name)}) for name in OUTPUTS}
        return tuple(name for name in OUTPUTS if not self.passes(alone[name], self.accuracy))


def attempt(step: StepFunction, case: Case, accuracy: str, right: Reference | None = None) -> Trial:
    """Call a step on a case and judge it; the case's own arrays are what it may spoil."""
    trial = Trial(step, copied(case), accuracy, right or reference(*case[1:]))

    def watched(*arguments: Any) -> Any:
        try:
            trial.result = step(*arguments)
        except Exception as error:
            trial.error = error
            raise
        return trial.result

    trial.verdict = judge(watched, case, accuracy=accuracy, skips_zeros=True, right=trial.right)
    _ = trial.values  # now: what was returned may be a buffer that the next call overwrites
    return trial


def copied(case: Case) -> Case:
    """Return a copy of a case, C, F or neither as it was."""
    return case._replace(X=case.X.copy(order="K"), y=case.y.copy(), w=case.w.copy())


def _three(values: Iterable[Any]) -> tuple[Any, Any, Any]:
    cost, dw, db = values
    return cost, dw, db


def listed(names: Sequence[str]) -> str:
    """Return "cost, dw and db"."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
