"""Time the reader's step beside the ladder, by the project's own harness, and say where it stands."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from ....kernels.ladder import LADDER
from ...measure.guest import Guest
from ...measure.matrix import Matrix
from ...measure.run import take_turns
from ...show.ladder import Ladder, Row, ladder
from ...show.numbers import percent, times
from ...show.ratios import ratio
from .document import RungTime, Timing
from .words import say, translated

if TYPE_CHECKING:
    from collections.abc import Callable

    from ....pyimpl.parts.contract import StepFunction
    from ...measure.matrix import Turn
    from ...show.result import Section
    from .document import Job

YOURS = "yours"
RESOURCES = {"memory": "reading X once", "arithmetic": "its arithmetic", "call": "an empty call"}


def measure(step: StepFunction, job: Job, on_turn: Callable[[int, int, str], None]) -> Section:
    """Time the step beside the ladder; `on_turn` hears of each turn."""
    theirs = Guest(YOURS, job.where, None, accuracy=job.accuracy, skips_zeros=True, step=step)
    names = (*(job.rungs or (rung.name for rung in LADDER)), YOURS)
    matrix = Matrix(rungs=names, sources=(job.shape or "",), orders=("C",), threads=(1,), guests=(theirs,))
    total, taken = len(matrix.turns()), count()

    def show(turn: Turn | None) -> None:
        on_turn(next(taken), total, turn.cell.rung if turn else "done")

    document, _ = take_turns(matrix, show, "looptax grade")
    return document.looptax


def is_wrong(section: Section) -> bool:
    """Whether the harness gave the step no number because it was wrong."""
    return any(figure.status == "failed" for figure in section.cells if figure.cell.rung == YOURS)


def standing(section: Section) -> Ladder:
    """Return the ladder from the slowest rung to the fastest; those without a number first."""
    return ladder(sorted(section.cells, key=lambda figure: -(figure.seconds or float("inf"))), section.limits)


def described(section: Section, shape: str) -> Timing:
    """Return what the document says of the timing."""
    rows = standing(section).rows
    return Timing(shape, sentence(rows), [_rung(row) for row in rows])


def _rung(row: Row) -> RungTime:
    f = row.figure
    figures = (f.seconds, f.ns_per_element, f.gflops, f.gbytes)
    return RungTime(row.rung, f.status, f.reason, *figures, row.limit and row.limit.resource, row.fraction)


def sentence(rows: list[Row]) -> str:
    """Say where the reader's step stands among rows sorted from the slowest to the fastest."""
    yours = next(row for row in rows if row.rung == YOURS)
    if yours.figure.seconds is None:
        why = filter(None, (yours.figure.status, yours.figure.reason))
        return say("Your step has no number: {0}.", say(", ").join(map(translated, why)))
    others = [row for row in rows if row.figure.seconds and row is not yours]
    ratios = [(row.rung, r) for row in others if (r := ratio(row.sweeps, yours.sweeps))]
    slower = [(name, r.value) for name, r in ratios if r.differs and r.value > 1]
    faster = [(name, 1 / r.value) for name, r in ratios if r.differs and r.value < 1]
    alike = [name for name, r in ratios if not r.differs]
    said = [_place(slower[-1:], faster[:1])]
    if alike:
        said.append(say("No difference is seen between it and {0}.", say(", ").join(alike)))
    if yours.limit and yours.fraction:
        reached, limit = percent(yours.fraction), say(RESOURCES[yours.limit.resource])
        said.append(say("It reaches {0} of this machine's limit, which is {1}.", reached, limit))
    return say(" ").join(filter(None, said))


def _place(below: list[tuple[str, float]], above: list[tuple[str, float]]) -> str:
    """Say between which two it stands, by how many times as fast it is as the one, and the other as it."""
    said = [say("{0} as fast as {1}", times(by), name) for name, by in below]
    said += [say("{1} is {0} as fast as it", times(by), name) for name, by in above]
    if below and above:
        return say("Your step stands between {0} and {1}: {2}.", below[0][0], above[0][0], say("; ").join(said))
    ends = "Your step is the fastest of them: {0}." if below else "Your step is the slowest of them: {0}."
    return say(ends, said[0]) if said else ""
