"""One turn of a cell, from end to end: load, judge, settle, warm, time."""

from __future__ import annotations

from functools import lru_cache, partial
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from ...kernels.choose.planner import settle
from ...kernels.ladder import UnavailableError
from ..conformance.bound import bound
from ..conformance.judge import judge
from ..conformance.oracle import reference
from ..show.result import one_line
from . import data, machine, threads
from .peers import Peer, Prepared
from .situations import FOUR, SITUATIONS
from .stopwatch import seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...kernels.ladder import Rung
    from ...kernels.variants.ladder import VariantRung
    from ..conformance.cases import Case
    from ..conformance.variants import VariantCase
    from ..show.result import Cell, DType, Figure, Order, Sweeps
    from .matrix import Matrix, Turn
    from .situations import Call

    Entrant = Rung | VariantRung | Peer

MAY_RUN = ("not run", "measured")  # the statuses of a cell that has not been turned away
CALLS = 3  # for conformance, to warm up, and to time: a slow call is timed once a sweep
MIN_SINGLE, MAX_SINGLE = 30, 300  # calls timed one by one in each sweep: enough for a 90th percentile
FIRST_SINGLE = 5  # that warm up, and tell how many there is time for


def take(turn: Turn, figure: Figure, matrix: Matrix, benchmark) -> None:
    """Take one turn of a cell, and write what became of it to its figure.

    Whether the cell may have a number is decided in its first turn: the rung must be there, then promise
    to finish within the budget, then pass conformance on the cell's own data.

    Parameters
    ----------
    turn : Turn
    figure : Figure
    matrix : Matrix
        That the turn is of.
    benchmark
        pytest-benchmark's fixture, which is the clock.
    """
    if figure.status not in MAY_RUN:
        return
    cell, chosen = turn.cell, matrix.entrant(turn.cell.rung)
    try:
        loaded, case = chosen.load(), drawn(*cell.data)
        with threads.limited(cell.threads) as pools:
            threads.verify(chosen.threads, cell.threads)
            ready = prepared(chosen, loaded, case, cell.threads)
            figure.pools = pools | ready.pools
            if figure.status == "not run":
                calls = MIN_SINGLE + FIRST_SINGLE if matrix.single_calls else CALLS
                if not ends_in_time(ready, case, matrix.budget, calls):
                    refuse(figure, "over budget", f"{calls} calls would need more than {matrix.budget:g} s")
                elif problem := fault(chosen, ready.step, figure):
                    refuse(figure, "failed", problem)
            if figure.status in MAY_RUN:
                settle()
                if matrix.single_calls:
                    another = partial(prepared, chosen, loaded, case, cell.threads)
                    time_single_calls(chosen, cell, ready, another, benchmark, matrix.max_time)
                else:
                    time_rounds(ready, figure.seconds or 0.0, benchmark, matrix.max_time)
                figure.status = "measured"
    except (ImportError, MemoryError, threads.ThreadsError) as error:
        refuse(figure, "unavailable", str(error))


def refuse(figure: Figure, status: str, reason: str | Exception) -> None:
    """Give the cell no number, with the reason; what earlier sweeps gave it counts no more."""
    figure.status, figure.reason = status, one_line(reason)  # type: ignore[assignment]  # one of Figure's words
    figure.sweeps, figure.again, figure.p90 = [], None, None


def record(turn: Turn, figure: Figure, seconds: float, p90: float | None = None) -> None:
    """Keep the median round of a turn, and the 90th percentile where its rounds are single calls."""
    if turn.again:
        figure.again = _placed(figure.again, turn.sweep, seconds)
        return
    figure.sweeps = _placed(figure.sweeps, turn.sweep, seconds)
    if p90 is not None:
        figure.p90 = _placed(figure.p90, turn.sweep, p90)


def _placed(times: Sweeps | None, sweep: int, seconds: float) -> Sweeps:
    """Return the times with that of a sweep in its place, and None in the place of sweeps that have none."""
    found = [*(times or ())]
    found += [None] * (sweep + 1 - len(found))
    found[sweep] = seconds
    return found


@lru_cache(maxsize=1)
def drawn(source: str, dtype: DType, order: Order) -> Any:
    """Return a cell's data, which consecutive cells share; MemoryError where they would not fit.

    They are a `Case`, and a `VariantCase` where the source is a variant's.
    """
    m, n = data.samples_and_features(source)
    needed, there = (
        3 * 8 * data.work(source).get("entries", m * n),
        psutil.virtual_memory().available,
    )  # as drawn, as cast, and for NumPy's copies
    if needed > there:
        raise MemoryError(f"{source} needs {needed / 1e9:.3g} GB of memory, {there / 1e9:.3g} GB are free")
    return (data.load if data.variant(source) == data.STEP else data.load_variant)(source, dtype, order)


def forget() -> None:
    """Forget what was drawn: another run's file may have had the same name."""
    for known in (drawn, _right, _allowed):
        known.cache_clear()


@lru_cache(maxsize=1)
def _right(source: str, dtype: DType, order: Order):
    """Return the right answer for a cell's data."""
    case = drawn(source, dtype, order)
    return reference(*case[1:5], **case.more)


@lru_cache(maxsize=3)  # one for each accuracy
def _allowed(accuracy: str, *drawn_from: Any) -> tuple:
    """Return the bound around the right answer for a cell's data."""
    case = drawn(*drawn_from)
    return bound(case.X, case.y, case.w, case.b, accuracy, **case.more)


def prepared(chosen: Entrant, loaded: Any, case: Case | VariantCase, number: int) -> Prepared:
    """Return what is timed; a peer shares nothing but the data with any other: oneDAL's crash where they do."""
    return loaded(case, number) if isinstance(chosen, Peer) else Prepared(loaded, loaded, {}, case.arguments)


def fault(chosen: Entrant, step: Callable[..., Any], figure: Figure) -> str | None:
    """Return what is wrong with the step's result on the cell's data; None where it is right, with its error noted."""
    case, right = drawn(*figure.cell.data), _right(*figure.cell.data)
    allowed = _allowed(chosen.accuracy, *figure.cell.data)
    verdict = judge(step, case, accuracy=chosen.accuracy, skips_zeros=chosen.skips_zeros, right=right, allowed=allowed)
    if not verdict.ok or np.isnan(verdict.used):
        return verdict.problem or "the data is outside the range the rung states"
    figure.error_used = verdict.used
    return None


def time_rounds(ready: Prepared, before: float, benchmark, time: float) -> None:
    """Time rounds of calls for so long; a call that takes longer, as it did `before` or does now, is timed once."""
    call = waiting(ready)
    if before > time or seconds(call) > time:
        benchmark.pedantic(call)
    else:  # it is warm now: pytest-benchmark calibrates on the next call
        benchmark(call)


def time_single_calls(
    chosen: Entrant, cell: Cell, ready: Prepared, another: Callable[[], Prepared], benchmark, time: float
) -> None:
    """Time calls one by one in the cell's situation: as many as there is time for, the typical one decides.

    Where others call too, each gets `another` call for itself.
    """
    if cell.situation == FOUR and chosen.threads == "numba" and machine.numba_layer() == "workqueue":
        raise UnavailableError("Numba's layer workqueue ends a process in which two threads call at once")

    def others() -> Call:
        return waiting(another())

    call = waiting(ready)
    with SITUATIONS[cell.situation](others, cell.threads) as between:

        def first() -> None:
            between()
            call()

        typical = median(seconds(first) for _ in range(FIRST_SINGLE))
        rounds = min(max(int(time / typical), MIN_SINGLE), MAX_SINGLE)
        benchmark.pedantic(call, setup=between, rounds=rounds)


def waiting(ready: Prepared) -> Call:
    """Return the call as a function of nothing."""
    return partial(ready.call, *ready.arguments)


def ends_in_time(ready: Prepared, case: Case | VariantCase, budget: float, calls: int = CALLS) -> bool:
    """Whether so many calls promise to take no longer than `budget` seconds; of a peer, judged by its second."""
    if ready.arguments:
        return fits(ready.step, case, budget, calls)
    ready.call()  # compiles and starts threads
    return seconds(ready.call) * calls <= budget


def fits(step: Callable[..., Any], case: Case | VariantCase, budget: float, calls: int = CALLS) -> bool:
    """Whether so many calls of `step` on the case promise to take no longer than `budget` seconds.

    Tries ever longer heads of the data and stops at the first whose calls would take a tenth of the
    budget: a rung that would need minutes is found out in moments, and a rung that is late once,
    because it starts its threads, is not. The guess only decides; it is never shown.
    """
    m = len(case.y)
    head = min(m, 4)
    step(*_head(case, head))  # compiles, where there is something to compile
    while True:
        part = _head(case, head)
        taken = seconds(step, *part)
        if taken * calls > budget / 10:  # late once, for another process's sake, is not slow
            taken = min(taken, seconds(step, *part))
        if head == m or taken * calls > budget / 10:
            return taken * m / head * calls <= budget
        head = min(m, head * 8)


def _head(case: Case | VariantCase, head: int) -> tuple[Any, ...]:
    """Return the arguments for the first samples of a case, in the memory order of all."""
    X = case.X[:head]
    if isinstance(X, np.ndarray):
        X = np.array(X, order="C" if case.X.flags.c_contiguous else "F")
    part = case._replace(X=X, y=case.y[:head])
    if "sample_weight" in part.more and part.more["sample_weight"] is not None:
        part = part._replace(sample_weight=part.more["sample_weight"][:head])  # type: ignore[call-arg]  # it has one
    return part.arguments
