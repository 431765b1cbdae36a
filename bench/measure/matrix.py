"""The matrix: which cells there are, and how one is measured."""

from __future__ import annotations

import random
import time
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from itertools import groupby, product
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import psutil

from ...kernels.choose import cpu
from ...kernels.choose.planner import settle
from ...kernels.ladder import LADDER, Rung, UnavailableError
from ..conformance.gate import judge
from ..conformance.oracle import reference
from . import data, machine, threads
from .peers import PEERS, PLAN, Peer, entrant
from .situations import ALONE, FOUR, SITUATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...pyimpl.parts.contract import StepFunction
    from ..conformance.cases import Case
    from .peers import Prepared
    from .situations import Call

ROUNDS = 3  # at least, of pytest-benchmark's, in each sweep
MAY_RUN = ("not run", "measured")  # the statuses of a cell that has not been turned away
CALLS = ROUNDS + 4  # and one each for the gate, the warm-up, the calibration and pytest-benchmark's last
LEAST_SINGLE, MOST_SINGLE = 30, 300  # calls timed one by one in each sweep: enough for a 90th percentile
FIRST_SINGLE = 5  # that warm up, and tell how many there is time for


class Cell(NamedTuple):
    """One rung, or peer, on one input: what a figure belongs to."""

    rung: str
    source: str  # a shape or the name of a data set
    dtype: str
    order: data.Order
    threads: int
    situation: str = ALONE  # what else the machine is doing, see `situations`

    @property
    def words(self) -> tuple[str, ...]:
        """Its fields as text; that it was alone goes without saying."""
        return tuple(map(str, self[:-1] if self.situation == ALONE else self))

    @property
    def id(self) -> str:
        """The cell in one word, as the progress bar and pytest call it."""
        return "-".join(self.words)


class Turn(NamedTuple):
    """One of the times a cell is measured."""

    cell: Cell
    sweep: int
    again: bool = False  # the cell's second time in this sweep: what its ratio to the first is, is noise

    @property
    def id(self) -> str:
        """The turn in one word, as pytest calls it."""
        return f"{self.cell.id}-sweep{self.sweep}{'-again' * self.again}"


@dataclass(frozen=True)
class Matrix:
    """The cells to measure, how often, and how long each may take.

    Attributes
    ----------
    rungs, sources, dtypes, orders, threads
        What the cells are made of, peers among the rungs; a rung that has one thread appears only
        at one thread.
    max_time : float
        Seconds pytest-benchmark spends on a cell's rounds in a sweep (but at least 3 rounds).
    budget : float
        Seconds a cell may need in a sweep; a cell that needs more is shown as over budget.
    sweeps : int
        How many times the whole matrix is gone through.
    seed : int
        Of the random order in which each sweep does so.
    alone : tuple of str
        Rungs measured with one thread too, whatever `threads` says.
    situations : tuple of str
        What else the machine is doing, see `situations`.
    """

    rungs: tuple[str, ...] = tuple(r.name for r in LADDER)
    sources: tuple[str, ...] = ("100x2", "1000x100", "100000x30")
    dtypes: tuple[str, ...] = ("float64",)
    orders: tuple[data.Order, ...] = ("C", "F")
    threads: tuple[int, ...] = field(default_factory=lambda: tuple(sorted({1, threads.usable()})))
    max_time: float = 0.04
    budget: float = 2.0
    sweeps: int = 3
    seed: int = 0
    alone: tuple[str, ...] = ()
    situations: tuple[str, ...] = (ALONE,)

    @property
    def single_calls(self) -> bool:
        """Whether calls are timed one by one: on a busy machine the slowest of them are what matters."""
        return self.situations != (ALONE,)

    def cells(self) -> list[Cell]:
        """Return the cells, those on the same data next to each other."""
        numbers = sorted({*self.threads, 1})
        return [
            Cell(name, source, dtype, order, number, situation)
            for source, dtype, order, number, situation, name in product(
                self.sources, self.dtypes, self.orders, numbers, self.situations, self.rungs
            )
            if (number in self.threads and (number == 1 or entrant(name).threads != "one"))
            or (number == 1 and name in self.alone)
        ]

    def turns(self) -> list[Turn]:
        """Return every cell's turns in the order they are taken: sweep by sweep, each in an order of its own.

        A sweep shuffles the sources, the dtypes and orders of each source, and the rungs and numbers of
        threads on each of those: cells on the same data stay together, because making the data of a large
        shape takes longer than measuring a rung on it.
        """
        rng = random.Random(self.seed)
        cells = self.cells()
        twice = set(_last_own(cells))
        found = []
        for sweep in range(self.sweeps):
            for source in _shuffled(rng, _groups(cells, lambda cell: cell.source)):
                for data_group in _shuffled(rng, _groups(source, lambda cell: (cell.dtype, cell.order))):
                    turns = [Turn(cell, sweep) for cell in data_group]
                    turns += [Turn(cell, sweep, again=True) for cell in data_group if cell in twice]
                    found += _shuffled(rng, turns)
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        return asdict(self)


def _groups(cells: list[Cell], key: Callable[[Cell], Any]) -> list[list[Cell]]:
    return [list(group) for _, group in groupby(cells, key)]


def _shuffled(rng: random.Random, things: list) -> list:
    return rng.sample(things, len(things))


def _last_own(cells: list[Cell]) -> list[Cell]:
    """Return the last rung of the ladder on each input and number of threads, where it is alone."""
    own = [cell for cell in cells if isinstance(entrant(cell.rung), Rung) and cell.situation == ALONE]
    return [group[-1] for group in _groups(own, lambda cell: cell[1:])]


_M = ("100x2", "1000x10", "1000x100", "10000x20", "10000x100", "100000x30")
_L = (*_M, "1000000x28", "100000x500", "2000x10000")
PRESETS: dict[str, dict[str, Any]] = {
    "S": {},
    "M": {"sources": _M, "dtypes": ("float64", "float32"), "max_time": 0.06, "budget": 5.0, "sweeps": 5},
    "L": {"sources": _L, "dtypes": ("float64", "float32"), "max_time": 0.2, "budget": 60.0, "sweeps": 5},
    "peers": {
        "rungs": ("cython-tuned", PLAN.name, *(peer.name for peer in PEERS)),
        "sources": _L,
        "dtypes": ("float64", "float32"),
        "threads": (threads.usable(),),
        "max_time": 0.06,
        "budget": 20.0,
        "sweeps": 5,
        "alone": ("cython-tuned",),
    },
    "busy": {
        "rungs": ("cython-tuned", PLAN.name, "peer-numpy", "peer-sklearn", "peer-torch-manual", "peer-onedal"),
        "sources": ("1000x100", "10000x20", "100000x30"),
        "orders": ("C",),
        "max_time": 0.06,
        "budget": 10.0,
        "sweeps": 5,
        "situations": tuple(SITUATIONS),
    },
}


@dataclass
class Outcome:
    """What became of a cell.

    Attributes
    ----------
    status : str
        "measured", "failed" (conformance), "over budget", "unavailable" or "not run".
    reason : str or None
        Why there is no number.
    error_used : float or None
        The largest error found on the cell's own data, as a share of the bound.
    pools : dict or None
        Threads each library reported while it was measured.
    seconds : list
        The median round of each sweep; None where that has none.
    again : list or None
        The same of the cell's second time in each sweep; None where it has no such turn.
    p90 : list or None
        The 90th percentile of the calls of each sweep; None where they were not timed one by one.
    """

    cell: Cell
    samples: int
    features: int
    status: str = "not run"
    reason: str | None = None
    error_used: float | None = None
    pools: dict[str, int] | None = None
    seconds: list[float | None] = field(default_factory=list)
    again: list[float | None] | None = None
    p90: list[float | None] | None = None

    def record(self, turn: Turn, seconds: float, p90: float | None = None) -> None:
        """Keep the median round of a turn, and the 90th percentile where its rounds are single calls."""
        if turn.again:
            self.again = _placed(self.again, turn.sweep, seconds)
            return
        self.seconds = _placed(self.seconds, turn.sweep, seconds)
        if p90 is not None:
            self.p90 = _placed(self.p90, turn.sweep, p90)

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as plain data."""
        found = {**asdict(self), "cell": self.cell._asdict(), "id": self.cell.id}
        return found if self.status == "measured" else found | {"seconds": [], "again": None, "p90": None}


def _placed(times: list[float | None] | None, sweep: int, seconds: float) -> list[float | None]:
    """Return the times with that of a sweep in its place, and None in the place of sweeps that have none."""
    found = [*(times or ())]
    found += [None] * (sweep + 1 - len(found))
    found[sweep] = seconds
    return found


@lru_cache(maxsize=1)
def drawn(source: str, dtype: str, order: data.Order) -> Case:
    """Return a cell's data, which consecutive cells share; MemoryError where they would not fit."""
    m, n = data.samples_and_features(source)
    needed, there = 3 * 8 * m * n, psutil.virtual_memory().available  # as drawn, as cast, and for NumPy's copies
    if needed > there:
        raise MemoryError(f"{source} needs {needed / 1e9:.3g} GB of memory, {there / 1e9:.3g} GB are free")
    return data.load(source, dtype, order)


@lru_cache(maxsize=1)
def _right(source: str, dtype: str, order: data.Order):
    """Return the right answer for a cell's data."""
    case = drawn(source, dtype, order)
    return reference(case.X, case.y, case.w, case.b)


def measure(turn: Turn, outcome: Outcome, benchmark, budget: float, single: float | None = None) -> None:
    """Take a cell's turn with pytest-benchmark's `benchmark` fixture, if the cell may have a number.

    That is decided in its first turn: the rung must be there, then promise to finish within the budget,
    then pass conformance on the cell's own data. What was found is written to `outcome`.

    Parameters
    ----------
    turn : Turn
    outcome : Outcome
    benchmark
        pytest-benchmark's fixture.
    budget : float
        Seconds the cell may need in a sweep.
    single : float or None
        Seconds to spend on calls timed one by one; None for rounds of as many as pytest-benchmark sees fit.
    """
    if outcome.status not in MAY_RUN:
        return
    try:
        _measure(turn.cell, outcome, benchmark, budget, single)
    except (ImportError, MemoryError, threads.ThreadsError) as error:
        outcome.status, outcome.reason = "unavailable", str(error)


def _measure(cell: Cell, outcome: Outcome, benchmark, budget: float, single: float | None) -> None:
    chosen = entrant(cell.rung)
    step: Any = chosen.load()
    if chosen.threads == "openmp" and cell.threads > 1 and not cpu.openmp():
        raise UnavailableError("built without OpenMP, it runs on one thread")
    case = drawn(cell.source, cell.dtype, cell.order)
    with threads.limited(cell.threads) as outcome.pools:
        threads.verify(chosen.threads, cell.threads)
        timed: Callable[..., Any] = step
        arguments: tuple[Any, ...] = case[1:]
        another: Callable[[], Call] = partial(partial, step, *arguments)
        if isinstance(chosen, Peer):
            another = partial(_bound_anew, step, case, cell.threads)
            timed, step, pools = step(case, cell.threads)
            outcome.pools |= pools
            arguments = ()
        if outcome.status == "not run":
            calls = CALLS if single is None else LEAST_SINGLE + FIRST_SINGLE
            if fits(step, case, budget, calls) if arguments else ends_in_time(timed, budget, calls):
                _judge(cell, outcome, step)
            else:
                outcome.status, outcome.reason = "over budget", f"{calls} calls would need more than {budget:g} s"
        if outcome.status in MAY_RUN:
            settle()
            if single is None:
                timed(*arguments)  # warm: pytest-benchmark calibrates on the next call
                benchmark(timed, *arguments)
            else:
                _time_single_calls(cell, partial(timed, *arguments), another, benchmark, single)
            outcome.status = "measured"


def _bound_anew(prepare: Callable[[Case, int], Prepared], case: Case, number: int) -> Call:
    """Return the call of a peer that shares nothing but the data with any other: oneDAL's crash where they do."""
    return prepare(case, number).call


def _time_single_calls(cell: Cell, call: Call, another: Callable[[], Call], benchmark, seconds: float) -> None:
    """Time calls one by one in the cell's situation: as many as there is time for, the typical one decides.

    Where others call too, each gets `another` call for itself.
    """
    if cell.situation == FOUR and entrant(cell.rung).threads == "numba" and machine.numba_layer() == "workqueue":
        raise UnavailableError("Numba's layer workqueue ends a process in which two threads call at once")
    with SITUATIONS[cell.situation](another, cell.threads) as between:

        def first() -> None:
            between()
            call()

        typical = median(_seconds(first) for _ in range(FIRST_SINGLE))
        rounds = min(max(int(seconds / typical), LEAST_SINGLE), MOST_SINGLE)
        benchmark.pedantic(call, setup=between, rounds=rounds)


def _judge(cell: Cell, outcome: Outcome, step: StepFunction) -> None:
    """Let the step stand or fail by its result on the cell's data."""
    chosen, data_of = entrant(cell.rung), cell[1:4]
    case, right = drawn(*data_of), _right(*data_of)
    verdict = judge(step, case, accuracy=chosen.accuracy, skips_zeros=chosen.skips_zeros, right=right)
    if verdict.ok and not np.isnan(verdict.used):
        outcome.error_used = verdict.used
    else:
        outcome.status = "failed"
        outcome.reason = verdict.problem or "the data is outside the range the rung states"


def ends_in_time(call: Callable[[], Any], budget: float, calls: int = CALLS) -> bool:
    """Whether so many calls of a peer promise to take no longer than `budget` seconds, judged by its second."""
    call()  # compiles and starts threads
    return _seconds(call) * calls <= budget


def fits(step: StepFunction, case, budget: float, calls: int = CALLS) -> bool:
    """Whether so many calls of `step` on the case promise to take no longer than `budget` seconds.

    Tries ever longer heads of the data and stops at the first whose calls would take a tenth of the
    budget: a rung that would need minutes is found out in moments, and a rung that is late once,
    because it starts its threads, is not. The guess only decides; it is never shown.
    """
    _, X, y, w, b = case
    m = len(y)
    order: data.Order = "C" if X.flags.c_contiguous else "F"
    head = min(m, 4)
    step(np.array(X[:head], order=order), y[:head], w, b)  # compiles, where there is something to compile
    while True:
        part, labels = np.array(X[:head], order=order), y[:head]
        taken = _seconds(step, part, labels, w, b)
        if taken * calls > budget / 10:  # late once, for another process's sake, is not slow
            taken = min(taken, _seconds(step, part, labels, w, b))
        if head == m or taken * calls > budget / 10:
            return taken * m / head * calls <= budget
        head = min(m, head * 8)


def _seconds(function: Callable, *arguments: Any) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start
