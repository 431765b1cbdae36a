"""Where the time goes: the call, the allocation, Xw, the link, the gradient; and what a step allocates.

The time up to the end of each part comes from a copy of the rung that stops there (see `stops`), and a
part's time is the difference of two of them. "call" holds entering, checking the arguments, packing X
where a rung does, making the result. Pages the system hands out for what a step allocates are counted at
each stop and moved from the part that touches them first to "allocation"; how many there are depends on
what the process has freed before and kept. The rung itself is timed in the same rounds; where the parts
do not add up to its time, "other" says by how much.
"""

from __future__ import annotations

import gc
import mmap
import time
import tracemalloc
from functools import cache, partial
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from ...kernels.ladder import UnavailableError, rung
from .. import data, threads
from ..matrix import CALLS, fits
from .arrays import allocated
from .build import BuildError
from .stops import PARTS, bias, stopping

try:
    import resource
except ImportError:  # Windows: no page is seen, and none is moved
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SOURCES = ("100x10", "1000x100", "100000x30")
ROUNDS = 7
ROUND_SECONDS = 1e-3  # at least, so that the clock's own time does not count
BUDGET = 0.1  # seconds of one call; a rung that needs more is left out


class Taken(NamedTuple):
    """What one call took."""

    seconds: float
    faults: float  # pages the system had to hand out


def study(names: Sequence[str], tell: Callable[[str], None] = lambda text: None) -> list[dict[str, Any]]:
    """Split the step of each rung on each of `SOURCES`, float64, C order; `tell` is told of each before.

    Returns
    -------
    list of dict
        Entries of ``parts``; those with a ``reason`` have None for ``seconds``, ``total`` and ``temporaries``.
    """
    try:
        with stopping(names) as ladder:
            return [measure(name, ladder, source, tell) for source in SOURCES for name in names]
    except BuildError as error:
        built = [name for name in names if rung(name).family == "cython"]
        others = study([name for name in names if name not in built], tell)
        return others + [missing(name, source, str(error)) for source in SOURCES for name in built]


def missing(name: str, source: str, reason: str) -> dict[str, Any]:
    """Return the entry of a rung that has no figures, for a reason."""
    return {
        "rung": name, "source": source, "dtype": "float64", "order": "C", "passes": rung(name).passes,
        "seconds": None, "total": None, "temporaries": None, "reason": reason,
    }  # fmt: skip


def measure(name: str, ladder: Any, source: str, tell: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Split the time of a rung's step on one thread; `ladder` is the copy's, from `stopping`."""
    tell(f"parts of {name} {source}")
    try:
        step, parted = rung(name).load(), ladder.rung(name).load()
    except UnavailableError as error:
        return missing(name, source, str(error))
    case = data.load(source, "float64", "C")
    _, X, y, w, _ = case
    with threads.limited(1):
        if repr(step(X, y, w, 0.0)) != repr(parted(X, y, w, 0.0)):
            return missing(name, source, "the copy that stops early computes something else")
        if not fits(step, case, CALLS * BUDGET):
            return missing(name, source, f"one call takes more than {BUDGET:g} s")
        whole, *stops = taken([partial(step, X, y, w, 0.0), *(partial(parted, X, y, w, bias(p)) for p in PARTS)])
        return {
            **missing(name, source, ""),
            "seconds": split(whole, stops, fault_seconds()),
            "total": whole.seconds,
            "temporaries": temporaries(partial(step, X, y, w, 0.0)),
            "reason": None,
        }


def split(whole: Taken, stops: Sequence[Taken], fault: float) -> dict[str, float]:
    """Return the seconds of each part.

    Parameters
    ----------
    whole : Taken
        By the rung itself.
    stops : sequence of Taken
        By the copy, up to the end of each of `PARTS`.
    fault : float
        Seconds the system needs for a page.

    Returns
    -------
    dict
        A part that noise made negative is 0; with "other", which may be negative, the values add up to
        ``whole.seconds``.
    """
    paged = [stop.seconds - stop.faults * fault for stop in stops]
    seconds = {part: max(end - start, 0.0) for part, start, end in zip(PARTS, [0.0, *paged], paged, strict=False)}
    seconds["allocation"] += stops[-1].faults * fault
    seconds["other"] = whole.seconds - sum(seconds.values())
    return seconds


def taken(calls: Sequence[Callable[[], Any]], rounds: int = ROUNDS) -> list[Taken]:
    """Return the median over rounds, in each of which every call has its turn, of what a call takes."""
    numbers = [_enough(call) for call in calls]
    found: list[list[Taken]] = [[] for _ in calls]
    gc.disable()
    try:
        for _ in range(rounds):
            for each, call, number in zip(found, calls, numbers, strict=True):
                call()  # its code and data are back in cache
                each.append(_round(call, number))
    finally:
        gc.enable()
    return [Taken(*(median(values) for values in zip(*each, strict=True))) for each in found]


def _enough(call: Callable[[], Any]) -> int:
    """How many calls fill a round."""
    call()
    number = 1
    while (seconds := _round(call, number).seconds * number) < ROUND_SECONDS:
        number = 2 * number if seconds < ROUND_SECONDS / 4 else 4 * number
    return number


def _round(call: Callable[[], Any], number: int) -> Taken:
    faults, start = _faults(), time.perf_counter()
    for _ in range(number):
        call()
    return Taken((time.perf_counter() - start) / number, (_faults() - faults) / number)


def _faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt if resource else 0


@cache
def fault_seconds() -> float:
    """Return the seconds this system needs to hand out a page: map some, touch each, give them back."""
    size = 1 << 20  # too small for huge pages
    rounds = []
    for _ in range(50):
        before, start = _faults(), time.perf_counter()
        with mmap.mmap(-1, size) as pages:
            for at in range(0, size, mmap.PAGESIZE):
                pages[at] = 1
        seconds, count = time.perf_counter() - start, _faults() - before
        rounds.append(seconds / count if count else 0.0)
    return median(rounds)


def temporaries(call: Callable[[], Any]) -> dict[str, int]:
    """Return how many arrays a call makes besides its result, and the most bytes it holds at once.

    NumPy's own memory handler counts the arrays it makes. The bytes are tracemalloc's, which also sees what
    Numba's and Cython's kernels take from Python's allocator to work in, and Python objects.
    """
    call()
    count = allocated(call)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        result = call()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return {"count": count - 1, "bytes": max(peak - before - result.dw.nbytes, 0)}
