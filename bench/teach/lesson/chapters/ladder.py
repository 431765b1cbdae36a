"""Chapter 10: all rungs in the project's own harness, and what another machine would buy."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ....measure import threads
from ....measure.limits import Limit, Limits, bounds
from ....measure.matrix import Matrix, Turn
from ....measure.run import take_turns
from ....show.ladder import Ladder, Row, family, ladders
from ....show.numbers import percent, seconds, times
from ....show.ratios import ratio
from ....show.tables import Table, ladder_table
from ..pictures import Axis, Bar, Bars
from .parts import Findings, Pictures, Sizes, Tables, Tell, table

MACHINES = {  # how many times as fast as here memory and arithmetic are
    "this machine": (1.0, 1.0),
    "memory twice as fast": (2.0, 1.0),
    "arithmetic twice as fast": (1.0, 2.0),
    "half the bytes: float32": (2.0, 2.0),
    "ten times the memory's rate": (10.0, 1.0),
}


@dataclass
class Rungs(Findings):
    """The ladder on one thread, and on all where there are several; and the limits they run into."""

    alone: Ladder
    shared: Ladder | None
    limits: Limits | None

    def __post_init__(self) -> None:
        rows = {row.rung: row for row in self.alone.own if row.figure.seconds}
        shared = [row for row in self.shared.own if row.limit] if self.shared else []
        timed = [(row.figure.seconds, row) for row in (*rows.values(), *shared) if row.figure.seconds]
        self.first = next(iter(rows.values()))
        quickest, self.quickest = min(timed, key=lambda pair: pair[0])
        notes = rows.get("numpy-notes")
        self.factor = _times(self.first, self.quickest)
        self.vectorizing = _times(rows.get("python-array"), notes)
        self.beyond = _times(notes, self.quickest)
        self.threads_gain = _times(self.alone.own[-1], self.shared.own[-1] if self.shared else None)
        least = {one.resource: one.seconds for one in bounds(self.quickest.figure, self.limits)}
        self.machines = [  # the least seconds on each of `MACHINES`, and what they are spent on
            max(Limit("memory", least["memory"] / faster), Limit("arithmetic", least["arithmetic"] / stronger),
                key=lambda limit: limit.seconds)
            for faster, stronger in MACHINES.values()
        ]  # fmt: skip
        self.over_least = quickest / self.machines[0].seconds

    def tables(self) -> Tables:
        found = {"alone": _table(self.alone)}
        if self.shared:
            found["shared"] = _table(self.shared)
        here = self.machines[0].seconds
        rows = [
            (name, seconds(one.seconds), times(here / one.seconds), one.resource)
            for name, one in zip(MACHINES, self.machines, strict=True)
        ]
        columns = ("machine", "least time of a step", "times as fast as here", "limited by")
        return found | {"machines": table(columns, rows)}

    def pictures(self) -> Pictures:
        bars = [Bar(row.rung, row.figure.seconds, family(row.rung)) for row in self.alone.own]
        bars += [
            Bar(f"{row.rung} ×{row.figure.cell.threads}", row.figure.seconds, family(row.rung))
            for row in (self.shared.own if self.shared else ())
            if row.figure.cell.threads > 1 and family(row.rung) in ("numba", "cython")
        ]
        return {"ladder": Bars(Axis("one step", "seconds"), bars, ("the machine's limit", self.machines[0].seconds))}


def _times(slower: Row | None, faster: Row | None) -> float | None:
    """Return how many times as fast, as the tables say it: formed in each sweep; None where one has no number."""
    found = ratio(slower.sweeps, faster.sweeps) if slower and faster else None
    return found.value if found else None


def _table(ladder: Ladder) -> Table:
    """Return the report's table of a ladder, with what limits a rung in a column of its own."""
    shown = ladder_table(ladder).without("ns/elem", "limit")
    lines = []
    for line, row in zip(shown.lines, ladder.rows, strict=True):
        limit = (percent(row.fraction or 0.0), row.limit.resource) if row.limit else ("", "")
        lines.append(line if line.note else line._replace(cells=line.cells + limit))
    return replace(shown, title="", columns=(*shown.columns, "of the limit", "limited by"), lines=lines, notes=[])


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
    return Rungs(alone, next(iter(found.values()), None), document.looptax.limits)
