"""Where the time of a step goes: Xw, the link, the gradient, and the call around them; and what a step allocates.

The parts are those of the two ways to go through X, `cython-simd`'s two reads and `cython-tuned`'s one. Their loops
(`kernels/parts/probe.pyx`, `cython_tuned.Bound.part`) run up to the end of each part, many times a call and in
memory that is kept; a part's time is the difference of two ends. "call" is what is left of the rung's own time,
measured in the same rounds: entering, checking the arguments, memory to work in, the result. Of the other rungs the
whole is measured, and what it allocates.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

from ....kernels.choose import isa
from ....kernels.ladder import UnavailableError, rung
from .. import data, threads
from ..turn import CALLS, fits
from .arrays import allocated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

SPLIT = ("cython-simd", "cython-tuned")  # rungs whose parts the probe knows
PARTS = ("Xw", "link", "gradient")  # in the order they run
SOURCES = ("100x10", "1000x100", "100000x30")
ROUNDS = 7
ROUND_SECONDS = 1e-3  # at least, so that the clock's own time does not count
BUDGET = 0.1  # seconds of one call; a rung that needs more is left out
ELEMENTS = 30_000_000  # of X in a call of the probe: 10 ms, so that entering it does not count


def study(names: Sequence[str], tell: Callable[[str], None] = lambda text: None) -> list[dict[str, Any]]:
    """Take a step of each rung on each of `SOURCES`, and split those of `SPLIT`; `tell` is told of each before.

    Returns
    -------
    list of dict
        Entries of ``parts``; those with a ``reason`` have None for ``seconds``, ``total`` and ``temporaries``, and
        rungs that are not split have no ``seconds``.
    """
    return [measure(name, source, tell) for source in SOURCES for name in names]


def measure(name: str, source: str, tell: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Take a rung's step on one thread, float64, C order, and split its time where its parts are known."""
    tell(f"parts of {name} {source}")
    passes = rung(name).passes
    entry: dict[str, Any] = {
        "rung": name, "source": source, "dtype": "float64", "order": "C", "passes": passes,
        "seconds": None, "total": None, "temporaries": None, "reason": None,
    }  # fmt: skip
    try:
        load = rung(name).load()
    except UnavailableError as error:
        return {**entry, "reason": str(error)}
    case = data.load(source, "float64", "C")
    step = partial(load, *case[1:])
    repeats = max(ELEMENTS // case.X.size, 1)
    probe = prober(name, *step.args)
    with threads.limited(1):
        if not fits(load, case, CALLS * BUDGET):
            return {**entry, "reason": f"one call takes more than {BUDGET:g} s"}
        whole, *ends = taken([step, *(partial(probe, part, repeats) for part in PARTS if name in SPLIT)])
        return {
            **entry,
            "seconds": split(whole, [end / repeats for end in ends]) if ends else {},
            "total": whole,
            "temporaries": temporaries(step),
        }


def prober(name: str, X: np.ndarray, y: np.ndarray, w: np.ndarray, b: float) -> Callable[[str, int], Any]:
    """Return what goes through a step up to the end of a part, so many times over, on one thread."""
    if name == "cython-tuned":
        return partial(isa.load("cython_tuned").Bound(X, y, 1, None).part, w, b)
    return partial(isa.load("parts.probe").part, X, y, w, b)


def split(whole: float, ends: Sequence[float]) -> dict[str, float]:
    """Return the seconds of the call and of each part.

    Parameters
    ----------
    whole : float
        Seconds of the rung's step.
    ends : sequence of float
        Seconds from the first of `PARTS` to the end of each.

    Returns
    -------
    dict
        The values add up to `whole`; one that is next to nothing may be negative, by noise.
    """
    lengths = (end - start for start, end in zip([0.0, *ends], ends, strict=False))
    return {"call": whole - ends[-1], **dict(zip(PARTS, lengths, strict=True))}


def taken(calls: Sequence[Callable[[], Any]], rounds: int = ROUNDS) -> list[float]:
    """Return the seconds each call takes: the median over rounds, in each of which every call has its turn."""
    numbers = [_enough(call) for call in calls]
    found: list[list[float]] = [[] for _ in calls]
    gc.disable()
    try:
        for _ in range(rounds):
            for each, call, number in zip(found, calls, numbers, strict=True):
                call()  # its code and data are back in cache
                each.append(_round(call, number))
    finally:
        gc.enable()
    return [median(each) for each in found]


def _enough(call: Callable[[], Any]) -> int:
    """How many calls fill a round."""
    call()
    number = 1
    while (seconds := _round(call, number) * number) < ROUND_SECONDS:
        number = 2 * number if seconds < ROUND_SECONDS / 4 else 4 * number
    return number


def _round(call: Callable[[], Any], number: int) -> float:
    start = time.perf_counter()
    for _ in range(number):
        call()
    return (time.perf_counter() - start) / number


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
