"""One call of a step on one case: what it returned or raised, and how the step does elsewhere."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ....pyimpl.parts.contract import Step
from ...conformance.cases import ordinary
from ...conformance.judge import judge
from ...conformance.oracle import Reference, reference
from .confine import make_room
from .suite import laid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ....pyimpl.parts.contract import StepFunction
    from ...conformance.cases import Case

OUTPUTS = Reference._fields
# Ordinary inputs that tell apart what one case does not: 1/m from 1/n, blocks of 4 from blocks of 8.
ELSEWHERE = ((5, 3), (10, 4), (13, 2), (37, 9), (131, 23), (345, 7), (6, 511))


class Trial:
    """A step called on a case, whose arrays it may spoil: a copy is kept.

    The step is held to the bound named `accuracy`; `layout` says how the arrays lie in memory, see `suite.laid`;
    `seed` is that of the cases' random numbers.
    """

    def __init__(
        self,
        step: StepFunction,
        case: Case,
        accuracy: str,
        right: Reference | None = None,
        layout: str = "C",
        seed: int = 0,
    ) -> None:
        self.step, self.case, self.accuracy, self.layout, self.seed = step, copied(case), accuracy, layout, seed
        self.right = right or reference(*case[1:])
        self.result: Any = None
        self.error: Exception | None = None
        self.verdict = judge(self._called, case, accuracy=accuracy, skips_zeros=True, right=self.right)
        _ = self.values  # now: what was returned may be a buffer that the next call overwrites

    def _called(self, *arguments: Any) -> Any:
        try:
            self.result = self.step(*arguments)
        except Exception as error:
            if isinstance(error, MemoryError):
                make_room()
            self.error = error
            raise
        return self.result

    def again(self, case: Case, layout: str = "C") -> Trial:
        """Try the same step on a copy of a case in a layout."""
        right = self.right if case is self.case else None
        return Trial(self.step, laid(copied(case), layout), self.accuracy, right, layout, self.seed)

    @cached_property
    def elsewhere(self) -> list[Trial]:
        """The step on ordinary inputs of the same dtype."""
        made = [ordinary(f"{m}x{n}", m, n, self.dtype.type, seed=self.seed + 1) for m, n in ELSEWHERE]
        return [self.again(case) for case in made]

    @property
    def dtype(self) -> np.dtype:
        """The dtype of X, which all results should have."""
        return self.case.X.dtype

    @cached_property
    def values(self) -> Reference | None:
        """What was returned, in long double; None where it is not three results of the right shapes."""
        return self.read(self.result)

    def read(self, result: Any) -> Reference | None:
        """Read cost, dw and db from what might have been returned; None where it is not three of the right shapes."""
        try:
            results: list[Any] = [numbers(value).astype(np.longdouble)[()] for value in result]
            cost, dw, db = results
        except Exception:  # what is no result may be anything
            return None
        fits = np.shape(cost) == np.shape(db) == () and np.shape(dw) == self.case.w.shape
        return Reference(cost, dw, db) if fits else None

    @cached_property
    def wrong(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """The outputs that are further from the right answer than allowed: their names → what they are, and should."""
        if self.verdict.ok or self.values is None:
            return {}
        found = {}
        for name in OUTPUTS:
            value, right = getattr(self.values, name), getattr(self.right, name)
            if not self.passes(self.right._replace(**{name: value}), self.accuracy):
                found[name] = (np.atleast_1d(value), np.atleast_1d(right))
        return found

    def passes(self, values: Reference, accuracy: str) -> bool:
        """Whether conformance accepts these values, rounded to the dtype of X, as the step's result."""
        rounded: list[Any] = [np.asarray(value).astype(self.dtype)[()] for value in values]
        return judge(lambda *_: Step(*rounded), self.case, accuracy=accuracy, skips_zeros=True, right=self.right).ok


def numbers(value: Any) -> np.ndarray:
    """Return a result as an array, or raise a `TypeError` or `ValueError`: None, text, ragged lists are none."""
    found = np.asarray(value)
    if found.dtype.kind not in "biuf":
        raise TypeError(found.dtype)
    return found


def copied(case: Case) -> Case:
    """Return a copy of a case, C, F or neither as it was."""
    return case._replace(X=case.X.copy(order="K"), y=case.y.copy(), w=case.w.copy())


def agree(one: Reference, other: Reference, dtype: np.dtype, names: Sequence[str] = OUTPUTS) -> bool:
    """Whether outputs are the same but for rounding: in half of the digits of a dtype."""
    tolerance = np.sqrt(np.finfo(dtype).eps)
    for name in names:
        found, expected = (np.atleast_1d(getattr(result, name)) for result in (one, other))
        scale = np.abs(expected[np.isfinite(expected)]).max(initial=0)
        if not np.isclose(found, expected, rtol=tolerance, atol=tolerance * scale, equal_nan=True).all():
            return False
    return True
