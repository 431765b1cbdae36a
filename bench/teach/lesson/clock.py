"""Time calls side by side: in every round each has its turn, so that drift meets all of them alike."""

from __future__ import annotations

import gc
import time
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROUNDS = 5
ROUND_SECONDS = 1e-3  # at least, so that the clock's own time does not count
BUDGET = 0.4  # seconds for all rounds of one call; a slower call has fewer rounds, at least one


def side_by_side(calls: Mapping[str, Callable[[], Any]], rounds: int = ROUNDS) -> dict[str, float]:
    """Return the seconds each call takes: the median over the rounds, after a first call that does not count.

    Parameters
    ----------
    calls : mapping of str to callable
    rounds : int
        At most; as many as `BUDGET` allows.
    """
    numbers = {name: _enough(call) for name, call in calls.items()}
    found: dict[str, list[float]] = {name: [] for name in calls}
    gc.disable()
    try:
        for done in range(rounds):
            for name, call in calls.items():
                spent = sum(found[name]) * numbers[name]
                if not done or spent * (done + 1) / done < BUDGET:
                    found[name].append(_seconds(call, numbers[name]))
    finally:
        gc.enable()
    return {name: median(times) for name, times in found.items()}


def _enough(call: Callable[[], Any]) -> int:
    """Return how many calls fill a round."""
    once = _seconds(call, 1)
    if once < ROUND_SECONDS:
        once = _seconds(call, 1)  # the first may have compiled, or fetched memory
    return max(1, int(ROUND_SECONDS / max(once, 1e-8)))


def _seconds(call: Callable[[], Any], number: int) -> float:
    start = time.perf_counter()
    for _ in range(number):
        call()
    return (time.perf_counter() - start) / number
