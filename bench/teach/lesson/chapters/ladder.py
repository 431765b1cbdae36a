"""Chapter 10: all rungs in the project's own harness, and what another machine would buy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ....measure import threads
from ....measure.limits import bounds
from ....measure.matrix import Matrix
from ....measure.run import take_turns
from ....show import tables
from ....show.ladder import Ladder, Row, family, ladders
from ....show.numbers import percent, seconds, times
from ....show.ratios import ratio
from ....show.tables import Line, Table
from ..pictures import Axis, Bar, Bars
from .findings import Findings

if TYPE_CHECKING:
    from ....measure.matrix import Turn
    from ....show.result import Limits, Noise
    from .findings import Tell
    from .sizes import Sizes


class Machine(NamedTuple):
    """A machine, and the least time its limits leave for the step of the ladder."""

    name: str
    seconds: float
    resource: str


@dataclass(frozen=True)
class Rungs(Findings):
    """The ladder on one thread, and on all where there are several; and the limits they run into."""

    alone: Ladder
    shared: Ladder | None
    limits: Limits | None
    noise: Noise | None

    @property
    def rows(self) -> list[Row]:
        """The rungs that have a number, on one thread."""
        return [row for row in self.alone.own if row.figure.seconds]

    @property
    def first(self) -> Row:
        """The first of them."""
        return self.rows[0]

    @property
    def quickest(self) -> Row:
        """The fastest of all, threads included where their limits were measured."""
        shared = [row for row in self.shared.own if row.figure.seconds and row.limit] if self.shared else []
        return min((*self.rows, *shared), key=lambda row: row.figure.seconds or float("inf"))

    @property
    def factor(self) -> float | None:
        """From the first rung to the fastest."""
        return _times(self.first, self.quickest)

    @property
    def vectorizing(self) -> float | None:
        """What the notes' vectorizing gains over their double loop: the claim of "nearly a hundred times"."""
        return _times(self._alone("python-array"), self._alone("numpy-notes"))

    @property
    def beyond(self) -> float | None:
        """What is gained after vectorizing, up to the fastest."""
        return _times(self._alone("numpy-notes"), self.quickest)

    @property
    def threads_gain(self) -> float | None:
        """What all threads gain for the last rung; None where there is one."""
        return _times(self.alone.own[-1], self.shared.own[-1] if self.shared else None)

    def _alone(self, name: str) -> Row | None:
        """Return a rung on one thread, where it has a number."""
        return next((row for row in self.rows if row.rung == name), None)

    @property
    def over_least(self) -> float:
        """The fastest version's time in units of the least."""
        return (self.quickest.figure.seconds or 0.0) / self.machines[0].seconds

    @property
    def machines(self) -> list[Machine]:
        """The machine here and others, each limited by what `limits` says of it."""
        least = {one.resource: one.seconds for one in bounds(self.quickest.figure, self.limits)}
        kinds = (
            ("this machine", 1.0, 1.0),
            ("memory twice as fast", 2.0, 1.0),
            ("arithmetic twice as fast", 1.0, 2.0),
            ("half the bytes: float32", 2.0, 2.0),
            ("ten times the memory's rate", 10.0, 1.0),
        )
        return [
            _limited(name, least["memory"] / faster, least["arithmetic"] / stronger) for name, faster, stronger in kinds
        ]

    def tables(self) -> dict[str, Table]:
        found = {"alone": _table(self.alone)}
        if self.shared:
            found["shared"] = _table(self.shared)
        here = self.machines[0].seconds
        lines = [
            Line((one.name, seconds(one.seconds), times(here / one.seconds), one.resource)) for one in self.machines
        ]
        columns = ("machine", "least time of a step", "times as fast as here", "limited by")
        return found | {"machines": Table("", columns, lines)}

    def pictures(self) -> dict[str, Bars]:
        bars = [Bar(row.rung, row.figure.seconds, family(row.rung)) for row in self.alone.own]
        if self.shared:
            bars += [
                Bar(f"{row.rung} ×{self.shared.choice.threads}", row.figure.seconds, family(row.rung))
                for row in self.shared.own if row.figure.cell.threads > 1 and family(row.rung) in ("numba", "cython")
            ]  # fmt: skip
        return {"ladder": Bars(Axis("one step", "seconds"), bars, ("the machine's limit", self.machines[0].seconds))}


def _times(slower: Row | None, faster: Row | None) -> float | None:
    """Return how many times as fast, as the tables say it: formed in each sweep; None where one has no number."""
    found = ratio(slower.sweeps, faster.sweeps) if slower and faster else None
    return found.value if found else None


def _table(ladder: Ladder) -> Table:
    """Return the report's table of a ladder, with what limits a rung in a column of its own."""
    table = tables.ladder_table(ladder).without("ns/elem")
    lines = [
        Line((*line.cells[:-1], *((percent(row.fraction or 0), row.limit.resource) if row.limit else ("", ""))))
        if row.figure.seconds else Line(line.cells, row.figure.status)
        for line, row in zip(table.lines, ladder.rows, strict=True)
    ]  # fmt: skip
    notes = [f"{row.rung}: {row.figure.reason}" for row in ladder.rows if row.figure.reason]
    return Table("", (*table.columns[:-1], "of the limit", "limited by"), lines, notes)


def _limited(name: str, memory: float, arithmetic: float) -> Machine:
    return Machine(name, *((memory, "memory") if memory > arithmetic else (arithmetic, "arithmetic")))


def measure(sizes: Sizes, tell: Tell) -> Rungs:
    """Run the matrix of one shape, on one thread and on all."""
    matrix = Matrix(
        sources=(sizes.ladder,), orders=("C",), threads=tuple(sorted({1, threads.usable()})),
        sweeps=sizes.sweeps, budget=sizes.budget,
    )  # fmt: skip
    turns = [turn.id for turn in matrix.turns()]

    def show(turn: Turn | None) -> None:
        if turn:
            tell(f"{turn.cell.rung}, sweep {turn.sweep + 1}", turns.index(turn.id) / len(turns))

    document, interrupted = take_turns(matrix, show, "looptax teach")
    if interrupted:
        raise KeyboardInterrupt
    section = document.looptax
    found = {one.choice.threads: one for one in ladders(section)}
    alone = found.pop("1")
    return Rungs(alone, next(iter(found.values()), None), section.limits, section.noise)
