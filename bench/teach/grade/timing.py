"""Time the reader's step beside the ladder, by the project's own harness; in the worker."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from ....kernels.ladder import LADDER, Rung
from ...measure.data import load
from ...measure.matrix import Matrix
from ...measure.run import take_turns
from .standing import YOURS
from .trial import Trial, attempt

if TYPE_CHECKING:
    from collections.abc import Callable

    from ....pyimpl.parts.contract import StepFunction
    from ...measure.matrix import Turn
    from ...show.result import Section
    from .document import Job


@dataclass(frozen=True)
class Guest(Rung):
    """The reader's step as a rung."""

    step: StepFunction | None = None

    def load(self) -> StepFunction:
        """Return it."""
        assert self.step is not None
        return self.step


def measure(step: StepFunction, job: Job, on_turn: Callable[[int, int, str], None]) -> Section:
    """Time the step beside the ladder; `on_turn` hears of each turn."""
    theirs = Guest(YOURS, job.where, None, accuracy=job.accuracy, skips_zeros=True, step=step)
    names = (*(rung.name for rung in LADDER), YOURS)
    matrix = Matrix(rungs=names, sources=(job.shape or "",), orders=("C",), threads=(1,), guest=theirs)
    total, taken = len(matrix.turns()), count()

    def show(turn: Turn | None) -> None:
        on_turn(next(taken), total, turn.cell.rung if turn else "done")

    document, _ = take_turns(matrix, show, "looptax grade")
    return document.looptax


def wrong(step: StepFunction, job: Job, section: Section) -> Trial | None:
    """Return the trial that shows why the harness gave the step no number, where it found it wrong."""
    status = next(figure.status for figure in section.cells if figure.cell.rung == YOURS)
    if status != "failed" or job.shape is None:
        return None
    return attempt(step, load(job.shape, "float64", "C"), job.accuracy)
