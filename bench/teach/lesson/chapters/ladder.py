"""Chapter 11: all rungs in the project's own harness, and what another machine would buy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ....measure import threads
from ....measure.matrix import Matrix, Turn
from ....measure.run import take_turns
from ....show.ladder import Ladder, Row, family, ladders
from ....show.numbers import LEGEND, percent, seconds, times
from ....show.ratios import ratio
from ....show.tables import Line, Table, ladder_table
from ..pictures import Axis, Bar, Bars
from . import bounds
from .bounds import Bounded, Machine
from .parts import Findings, Pictures, Sizes, Tables, Tell, table

if TYPE_CHECKING:
    from ....show.result import Limits

MACHINES: dict[str, dict[str, float]] = {  # how many times as fast as here what is
    "this machine": {},
    "memory twice as fast": {"memory": 2},
    "arithmetic twice as fast": {"arithmetic": 2, "loss": 2},
    "half the bytes: float32": {"memory": 2, "cache": 2, "arithmetic": 2, "loss": 2},
    "ten times the memory's rate": {"memory": 10},
}
WIDE = 4  # times its lower end: an interval around 1 whose upper end is higher tells nothing


@dataclass
class Rungs(Findings):
    """The ladder on one thread, and on all where there are several; and the limits they run into."""

    alone: Ladder
    shared: Ladder | None
    limits: Limits
    machine: Machine

    def __post_init__(self) -> None:
        rows = {row.rung: row for row in self.alone.own if row.figure.seconds}
        shared = [row for row in self.shared.own if row.limit] if self.shared else []
        timed = [(row.figure.seconds, row) for row in (*rows.values(), *shared) if row.figure.seconds]
        self.figures = [row.figure for ladder in (self.alone, self.shared) if ladder for row in ladder.own]
        self.first = next(iter(rows.values()))
        self.quickest = min(timed, key=lambda pair: pair[0])[1]
        notes = rows.get("numpy-notes")
        self.factor = _times(self.first, self.quickest)
        self.vectorizing = _times(rows.get("python-array"), notes)
        self.beyond = _times(notes, self.quickest)
        self.threads_gain = _times(self.alone.own[-1], self.shared.own[-1] if self.shared else None)
        self.least = self.bounded(self.quickest)
        self.machines = [  # the least time on each of `MACHINES`, and what it is spent on
            max((part._replace(seconds=part.seconds / faster.get(part.resource, 1)) for part in self.least.parts),
                key=lambda part: part.seconds)
            for faster in MACHINES.values()
        ]  # fmt: skip
        self.over_least = 1 / self.least.fraction

    def bounded(self, row: Row) -> Bounded:
        """Return what bounds a row that has a number."""
        return Bounded(row.figure.seconds or 0.0, self.machine.bounds(row.figure, self.limits))

    def tables(self) -> Tables:
        found = {"alone": self._table(self.alone)}
        if self.shared:
            found["shared"] = self._table(self.shared)
        here = self.machines[0].seconds
        rows = [
            (name, seconds(one.seconds), times(here / one.seconds), one.resource)
            for name, one in zip(MACHINES, self.machines, strict=True)
        ]
        columns = ("machine", "least time of a step", "times as fast as here", "limited by")
        return found | {"machines": table(columns, rows)}

    def _table(self, ladder: Ladder) -> Table:
        """Return the report's table of a ladder, with what bounds a rung in columns of its own."""
        shown = ladder_table(ladder).without("technique", "ns/elem", "limit")
        place = shown.columns.index("relative")
        lines = [self._line(line, row, place) for line, row in zip(shown.lines, ladder.rows, strict=True)]
        columns = (*shown.columns, "of its limit", "limit")
        return replace(shown, title="", columns=columns, lines=lines, notes=LEGEND.splitlines())

    def _line(self, line: Line, row: Row, place: int) -> Line:
        """Add what bounds a rung; an interval that tells nothing gives way to a word at its ratio's place."""
        if line.note:
            return line
        cells, found = line.cells, row.relative
        if found and found.low and found.high and found.undecided and found.high > WIDE * found.low:
            cells = (*cells[:place], "undecided", "", *cells[place + 2 :])
        least = self.bounded(row) if row.limit else None
        return line._replace(cells=cells + ((percent(least.fraction), least.limit.resource) if least else ("", "")))

    def pictures(self) -> Pictures:
        bars = [Bar(row.rung, row.figure.seconds, family(row.rung)) for row in self.alone.own]
        bars += [
            Bar(f"{row.rung} ×{row.figure.cell.threads}", row.figure.seconds, family(row.rung))
            for row in (self.shared.own if self.shared else ())
            if row.figure.cell.threads > 1 and family(row.rung) in ("numba", "cython")
        ]
        return {"ladder": Bars(Axis("one step", "seconds"), bars, ("the machine's limit", self.machines[0].seconds))}


def _times(slower: Row | None, faster: Row | None) -> float | None:
    """Return how many times as fast, formed in each sweep; None where one has no number, or the sweeps do not tell."""
    found = ratio(slower.sweeps, faster.sweeps) if slower and faster else None
    return found.value if found and not found.undecided else None


def measure(sizes: Sizes, tell: Tell) -> Rungs:
    """Run the matrix of one shape, on one thread and on all."""
    matrix = Matrix(
        sources=(sizes.ladder,), orders=("C",), threads=tuple(sorted({1, threads.usable()})),
        sweeps=sizes.sweeps, budget=sizes.budget, max_time=sizes.rounds,
    )  # fmt: skip
    turns = [turn.id for turn in matrix.turns()]

    def show(turn: Turn | None) -> None:
        if turn:
            tell(turns.index(turn.id) / len(turns))

    document, interrupted = take_turns(matrix, show, "looptax teach")
    if interrupted:
        raise KeyboardInterrupt
    found = {one.choice.threads: one for one in ladders(document.looptax)}
    alone = found.pop("1")
    assert document.looptax.limits  # measured before the first turn
    return Rungs(alone, next(iter(found.values()), None), document.looptax.limits, bounds.here())
