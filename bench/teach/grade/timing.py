"""Time the reader's step beside the ladder, by the project's own harness, and say where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from ....kernels.ladder import LADDER, Rung
from ...measure.limits import limit
from ...measure.matrix import Matrix
from ...measure.peers import guest
from ...measure.run import take_turns
from ...show import results
from ...show.ratios import ratio
from ...show.table import times
from .document import RungTime, Timing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ....pyimpl.parts.contract import StepFunction
    from ...measure.matrix import Turn
    from ...show.results import Figure
    from .document import Job

YOURS = "yours"
RESOURCES = {"memory": "reading X once", "arithmetic": "its arithmetic", "call": "an empty call"}


@dataclass(frozen=True)
class Guest(Rung):
    """The reader's step as a rung."""

    step: StepFunction | None = None

    def load(self) -> StepFunction:
        """Return it."""
        assert self.step is not None
        return self.step


def measure(step: StepFunction, job: Job, on_turn: Callable[[int, int, str], None]) -> dict[str, Any]:
    """Return section ``looptax`` of the result document, see `results`; `on_turn` hears of each turn."""
    matrix = Matrix(
        rungs=(*(rung.name for rung in LADDER), YOURS), sources=(job.shape or "",), orders=("C",), threads=(1,)
    )
    theirs = Guest(YOURS, job.where, None, accuracy=job.accuracy, skips_zeros=True, step=step)
    with guest(theirs):
        total, taken = len(matrix.turns()), count()

        def show(turn: Turn | None) -> None:
            on_turn(next(taken), total, turn.cell.rung if turn else "done")

        document, _ = take_turns(matrix, show, "looptax grade")
    return {name: document["looptax"][name] for name in ("cells", "limits", "noise")}


def is_wrong(section: dict[str, Any]) -> bool:
    """Whether the harness gave the step no number because it was wrong."""
    return any(cell["status"] == "failed" for cell in section["cells"] if cell["cell"]["rung"] == YOURS)


def ladder(section: dict[str, Any]) -> list[Figure]:
    """Return the figures from the slowest to the fastest; those without a number first."""
    return sorted(results.figures({"looptax": section}), key=lambda figure: -(figure.seconds or float("inf")))


def described(section: dict[str, Any], shape: str) -> Timing:
    """Return what the document says of the timing."""
    found, limits = ladder(section), section["limits"]
    rungs = []
    for f in found:
        bound = limit(f, limits)
        share = bound.seconds / f.seconds if bound and f.seconds else None
        figures = (f.seconds, f.ns_per_element, f.gflops, f.gbytes)
        rungs.append(RungTime(f.cell.rung, f.status, f.reason, *figures, bound and bound.resource, share))
    return Timing(shape, sentence(found, limits), rungs)


def sentence(found: list[Figure], limits: dict[str, Any] | None) -> str:
    """Say where the reader's step stands among figures sorted from the slowest to the fastest."""
    yours = next(figure for figure in found if figure.cell.rung == YOURS)
    if yours.seconds is None:
        return f"Your step has no number: {yours.status}" + (f", {yours.reason}." if yours.reason else ".")
    others = [figure for figure in found if figure.seconds and figure is not yours]
    ratios = [(figure.cell.rung, r) for figure in others if (r := ratio(figure.sweeps, yours.sweeps))]
    slower = [(name, r.value) for name, r in ratios if r.differs and r.value > 1]
    faster = [(name, 1 / r.value) for name, r in ratios if r.differs and r.value < 1]
    alike = [name for name, r in ratios if not r.differs]
    said = [_place(slower[-1:], faster[:1])]
    if alike:
        said.append(f"No difference is seen between it and {', '.join(alike)}.")
    if bound := limit(yours, limits):
        share = bound.seconds / yours.seconds
        reached = f"{share:.0%}" if share >= 0.01 else "less than 1%"
        said.append(f"It reaches {reached} of this machine's limit, which is {RESOURCES[bound.resource]}.")
    return " ".join(filter(None, said))


def _place(below: list[tuple[str, float]], above: list[tuple[str, float]]) -> str:
    """Say between which two it stands, by how many times as fast it is as the one, and the other as it."""
    said = [f"{times(by)} as fast as {name}" for name, by in below]
    said += [f"{name} is {times(by)} as fast as it" for name, by in above]
    if below and above:
        return f"Your step stands between {below[0][0]} and {above[0][0]}: {'; '.join(said)}."
    return f"Your step is the {'fastest' if below else 'slowest'} of them: {said[0]}." if said else ""
