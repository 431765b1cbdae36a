"""The duel: each cell is tried by both builds, judged, and then timed by both in alternation, sweep after sweep.

In each sweep a build has two turns at a cell, each in a process of its own, see `workers`. One build's two turns are
around the other's, A B B A or B A A B as a coin decides, so that drift from turn to turn falls on both alike; which
process comes first, coins decide too. The second process's time over the first one's is noise: what a build differs
from itself.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from itertools import groupby
from math import ceil
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ...show.result import Figure
from .. import turn as turns
from ..data import samples_and_features
from ..matrix import ROUNDS, Turn
from ..noise import Watch
from .crossing import bits, returned, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from ...show.result import Cell
    from ..matrix import Matrix
    from .workers import Who

NAMES = ("A", "B")
ROUND_SECONDS = 0.0005  # of a round, at least, so that reading the clock does not count
COUNTS = ("page_faults", "peak", "instructions")


class Asked(Protocol):
    """What answers messages, as a `link.Worker` does."""

    def ask(self, seconds: float = 0.0, **message: Any) -> dict[str, Any]:
        """Return the answer to a message, which may take so many seconds."""


class Rounds(NamedTuple):
    """How a cell is timed; both builds are timed alike."""

    calls: int
    number: int
    seconds: float  # they take, about


class Sweep(NamedTuple):
    """One way through all cells: its number, its workers, and what decides by lot."""

    number: int
    workers: Mapping[Who, Asked]
    rng: random.Random

    @contextmanager
    def loaded(self, path: str, threads: int) -> Iterator[None]:
        """Let the workers of so many threads have a cell's data as long as the block: there may be room for no more."""
        asked = [worker for (_, _, number), worker in self.workers.items() if number == threads]
        for worker in asked:
            answer = worker.ask(do="load", path=path)
            if "reason" in answer:
                raise MemoryError(f"the data cannot be read: {answer['reason']}")
        yield
        for worker in asked:
            worker.ask(do="drop")


class Contest:
    """What two builds did so far.

    Attributes
    ----------
    matrix : Matrix
    figures : dict of str to dict of Cell to Figure
        What became of each cell with each build.
    counts : dict of (str, Cell) to dict of str to list of float
        What a call costs besides time, of each turn; a name is missing where the machine does not tell.
    other_bits : list of Cell
        Cells whose results differ between the builds, though both are right.
    unstable : list of str
        Why the duel is not to be trusted, in sentences, see `noise`.
    """

    def __init__(self, matrix: Matrix, started: Callable[[], AbstractContextManager[Mapping[Who, Asked]]]) -> None:
        self.matrix, self._started = matrix, started
        cells = matrix.cells()
        shapes = {source: samples_and_features(source) for source in matrix.sources}
        self.figures = {name: {cell: Figure(cell, *shapes[cell.source]) for cell in cells} for name in NAMES}
        self.counts: dict[tuple[str, Cell], dict[str, list[float]]] = {}
        self.other_bits: list[Cell] = []
        self.unstable: list[str] = []
        self._rounds: dict[Cell, Rounds] = {}  # of cells that both builds may have numbers for

    def run(self, on_cell: Callable[[Cell], None] = lambda cell: None) -> None:
        """Take every turn; what ends it early, a worker's death or Ctrl-C, leaves what was measured."""
        watch = Watch()
        try:
            self._sweeps(random.Random(self.matrix.seed), on_cell)
        finally:  # the workers have ended: what they did is this process's own
            self.unstable = watch.report(
                [one for figures in self.figures.values() for one in figures.values()]
            ).unstable

    def _sweeps(self, rng: random.Random, on_cell: Callable[[Cell], None]) -> None:
        swept = [turn for turn in self.matrix.turns() if not turn.again]
        for number, of_sweep in groupby(swept, lambda turn: turn.sweep):
            with self._started() as workers:
                sweep = Sweep(number, workers, rng)
                for _, group in groupby(of_sweep, lambda turn: turn.cell.data):
                    self._take([turn.cell for turn in group], sweep, on_cell)

    def _take(self, cells: list[Cell], sweep: Sweep, on_cell: Callable[[Cell], None]) -> None:
        """Take the turns of cells on the same data, of those with the same number of threads one after the other."""
        alive = [cell for cell in cells if not sweep.number or cell in self._rounds]
        try:
            for threads, group in groupby(sorted(alive, key=lambda cell: cell.threads), lambda cell: cell.threads):
                with written(turns.drawn(*cells[0].data)) as path, sweep.loaded(path, threads):
                    for cell in group:
                        on_cell(cell)
                        self._turns(cell, sweep)
        except (ImportError, MemoryError) as error:  # there are no data
            for cell in cells:
                self._refuse(cell, "unavailable", error)

    def _turns(self, cell: Cell, sweep: Sweep) -> None:
        if not sweep.number:
            self._try(cell, sweep)
        if cell in self._rounds:
            self._time(cell, sweep)

    def _try(self, cell: Cell, sweep: Sweep) -> None:
        """Let both builds call the cell's rung, and judge what they return."""
        answers = {name: self._attempt(name, cell, sweep) for name in NAMES}
        if all(answer["status"] == "ready" for answer in answers.values()):
            self._rounds[cell] = rounds([answer["seconds"] for answer in answers.values()], self.matrix.max_time)
            one, other = (bits(answer["result"]) for answer in answers.values())
            if one != other:
                self.other_bits.append(cell)

    def _attempt(self, name: str, cell: Cell, sweep: Sweep) -> dict[str, Any]:
        figure = self.figures[name][cell]
        budget = self.matrix.budget
        worker = sweep.workers[name, False, cell.threads]
        answer = worker.ask(10 * budget, do="attempt", rung=cell.rung, budget=budget)
        if answer["status"] == "ready" and (problem := self._problem(answer, figure)):
            answer = {"status": "failed", "reason": problem}
        if answer["status"] != "ready":
            turns.refuse(figure, answer["status"], answer["reason"])
        elif answer["peak"] is not None:
            self._count(name, cell, {"peak": answer["peak"]})
        return answer

    def _problem(self, answer: dict[str, Any], figure: Figure) -> str | None:
        """Return what is wrong with a result that came through a pipe; None where nothing is."""
        if answer["modified"]:
            return f"modified {answer['modified'][0]}"
        chosen = self.matrix.entrant(figure.cell.rung)
        return turns.fault(chosen, lambda *arguments: returned(answer["result"]), figure)

    def _time(self, cell: Cell, sweep: Sweep) -> None:
        """Give both builds their two turns at a cell; a turn counts only once all four are taken."""
        how, taken = self._rounds[cell], []
        for name, again in order(sweep.rng):
            answer = sweep.workers[name, again, cell.threads].ask(
                10 * how.seconds, do="time", rung=cell.rung, calls=how.calls, rounds=how.number
            )
            if "seconds" not in answer:  # it was right at first, and now it raises
                turns.refuse(self.figures[name][cell], "failed", answer["reason"])
                del self._rounds[cell]
                return
            taken.append((name, again, answer))
        for name, again, answer in taken:
            figure = self.figures[name][cell]
            figure.status = "measured"
            turns.record(Turn(cell, sweep.number, again), figure, answer["seconds"])
            self._count(name, cell, {kind: answer.get(kind) for kind in COUNTS})

    def _count(self, name: str, cell: Cell, found: dict[str, Any]) -> None:
        kept = self.counts.setdefault((name, cell), {})
        for kind, number in found.items():
            if number is not None:
                kept.setdefault(kind, []).append(number)

    def _refuse(self, cell: Cell, status: str, reason: Exception) -> None:
        for name in NAMES:
            turns.refuse(self.figures[name][cell], status, str(reason))
        self._rounds.pop(cell, None)

    def typical_count(self, name: str, cell: Cell, kind: str) -> float | None:
        """Return the median of a count over the turns; None where the machine does not tell."""
        found = self.counts.get((name, cell), {}).get(kind)
        return median(found) if found else None


def order(rng: random.Random) -> list[tuple[str, bool]]:
    """Return whose turn it is, four times, and whether it is its second process's."""
    outer, inner = rng.sample(NAMES, 2)
    second = {name: rng.random() < 0.5 for name in NAMES}  # whether the later turn is the second process's
    later = {outer: 3, inner: 2}
    return [(name, (place == later[name]) == second[name]) for place, name in enumerate((outer, inner, inner, outer))]


def rounds(seconds: list[float], max_time: float) -> Rounds:
    """Return how a call is timed that takes so long with either build: the same number of calls with both."""
    shortest, longest = max(min(seconds), 1e-9), max(seconds)
    calls = ceil(ROUND_SECONDS / shortest)
    number = max(ROUNDS, int(max_time / (calls * longest))) if longest < max_time else 1
    return Rounds(calls, number, (calls * number + 1) * longest)
