"""The matrix: which cells there are, and how one is measured."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import psutil

from ..kernels import cpu
from ..kernels.ladder import LADDER, UnavailableError
from . import data, threads
from .conformance.gate import judge
from .conformance.oracle import reference
from .peers import PEERS, Peer, entrant

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..pyimpl.contract import StepFunction
    from .conformance.cases import Case

ROUNDS = 5  # at least, of pytest-benchmark's
CALLS = ROUNDS + 4  # and one each for the gate, the warm-up, the calibration and pytest-benchmark's last


class Cell(NamedTuple):
    """One rung, or peer, on one input: what a figure belongs to."""

    rung: str
    source: str  # a shape or the name of a data set
    dtype: str
    order: data.Order
    threads: int

    @property
    def id(self) -> str:
        """The cell in one word, as the progress bar and pytest call it."""
        return "-".join(map(str, self))


@dataclass(frozen=True)
class Matrix:
    """The cells to measure, and how long each may take.

    Attributes
    ----------
    rungs, sources, dtypes, orders, threads
        What the cells are made of, peers among the rungs; a rung that has one thread appears only
        at one thread.
    max_time : float
        Seconds pytest-benchmark spends on a cell's rounds (but at least 5 rounds).
    budget : float
        Seconds a cell may need in all; a cell that needs more is shown as over budget.
    """

    rungs: tuple[str, ...] = tuple(r.name for r in LADDER)
    sources: tuple[str, ...] = ("100x2", "1000x100", "100000x30")
    dtypes: tuple[str, ...] = ("float64",)
    orders: tuple[data.Order, ...] = ("C", "F")
    threads: tuple[int, ...] = field(default_factory=lambda: tuple(sorted({1, threads.usable()})))
    max_time: float = 0.1
    budget: float = 2.0

    def cells(self) -> list[Cell]:
        """Return the cells, those on the same data next to each other."""
        return [
            Cell(name, source, dtype, order, number)
            for source, dtype, order, number, name in product(
                self.sources, self.dtypes, self.orders, self.threads, self.rungs
            )
            if number == 1 or entrant(name).threads != "one"
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        return asdict(self)


_M = ("100x2", "1000x10", "1000x100", "10000x20", "10000x100", "100000x30")
_L = (*_M, "1000000x28", "100000x500", "2000x10000")
PRESETS: dict[str, dict[str, Any]] = {
    "S": {},
    "M": {"sources": _M, "dtypes": ("float64", "float32"), "max_time": 0.3, "budget": 5.0},
    "L": {
        "sources": _L,
        "dtypes": ("float64", "float32"),
        "max_time": 1.0,
        "budget": 60.0,
    },
    "peers": {
        "rungs": ("cython-fused", *(peer.name for peer in PEERS)),
        "sources": _L,
        "dtypes": ("float64", "float32"),
        "threads": (threads.usable(),),
        "max_time": 0.3,
        "budget": 20.0,
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
    """

    cell: Cell
    samples: int
    features: int
    status: str = "not run"
    reason: str | None = None
    error_used: float | None = None
    pools: dict[str, int] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as plain data."""
        return {**asdict(self), "cell": self.cell._asdict(), "id": self.cell.id}


@lru_cache(maxsize=1)
def _prepared(source: str, dtype: str, order: data.Order):
    """Return a cell's data and its right answer; consecutive cells share them."""
    case = drawn(source, dtype, order)
    return case, reference(case.X, case.y, case.w, case.b)


def drawn(source: str, dtype: str, order: data.Order) -> Case:
    """Return a cell's data; MemoryError where they would not fit."""
    m, n = data.samples_and_features(source)
    needed, there = 3 * 8 * m * n, psutil.virtual_memory().available  # as drawn, as cast, and for NumPy's copies
    if needed > there:
        raise MemoryError(f"{source} needs {needed / 1e9:.3g} GB of memory, {there / 1e9:.3g} GB are free")
    return data.load(source, dtype, order)


def measure(cell: Cell, outcome: Outcome, benchmark, budget: float) -> None:
    """Measure a cell with pytest-benchmark's `benchmark` fixture, if it may have a number.

    First the rung must be there, then promise to finish within the budget, then pass conformance on
    the cell's own data. What was found is written to `outcome`.
    """
    try:
        _measure(cell, outcome, benchmark, budget)
    except (ImportError, MemoryError, threads.ThreadsError) as error:
        outcome.status, outcome.reason = "unavailable", str(error)


def _measure(cell: Cell, outcome: Outcome, benchmark, budget: float) -> None:
    chosen = entrant(cell.rung)
    step: Any = chosen.load()
    if chosen.threads == "openmp" and cell.threads > 1 and not cpu.openmp():
        raise UnavailableError("built without OpenMP, it runs on one thread")
    case, right = _prepared(cell.source, cell.dtype, cell.order)
    with threads.limited(cell.threads) as outcome.pools:
        if isinstance(chosen, Peer):
            timed, step, pools = step(case, cell.threads)
            outcome.pools |= pools
            arguments, fast = (), ends_in_time(timed, budget)
        else:
            timed, arguments, fast = step, case[1:], fits(step, case, budget)
        if not fast:
            outcome.status, outcome.reason = "over budget", f"{CALLS} calls would need more than {budget:g} s"
            return
        verdict = judge(step, case, accuracy=chosen.accuracy, skips_zeros=chosen.skips_zeros, right=right)
        if not verdict.ok or np.isnan(verdict.used):
            outcome.status = "failed"
            outcome.reason = verdict.problem or "the data is outside the range the rung states"
            return
        outcome.error_used = verdict.used
        timed(*arguments)  # warm: pytest-benchmark calibrates on the next call
        benchmark(timed, *arguments)
        outcome.status = "measured"


def ends_in_time(call: Callable[[], Any], budget: float) -> bool:
    """Whether `CALLS` calls of a peer promise to take no longer than `budget` seconds, judged by its second."""
    call()  # compiles and starts threads
    return _seconds(call) * CALLS <= budget


def fits(step: StepFunction, case, budget: float) -> bool:
    """Whether `CALLS` calls of `step` on the case promise to take no longer than `budget` seconds.

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
        if taken * CALLS > budget / 10:  # late once, for another process's sake, is not slow
            taken = min(taken, _seconds(step, part, labels, w, b))
        if head == m or taken * CALLS > budget / 10:
            return taken * m / head * CALLS <= budget
        head = min(m, head * 8)


def _seconds(function: Callable, *arguments: Any) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start
