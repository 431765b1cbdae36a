"""The stopwatch: the only file of bench that reads a clock."""

from __future__ import annotations

import gc
import time
from itertools import repeat
from math import inf
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROUNDS = 5
ROUND_SECONDS = 1e-3  # of a round, at least, so that reading the clock does not count
BUDGET = 0.4  # seconds for all rounds of one call; a slow call has fewer rounds, at least one


class Stopwatch:
    """Runs from its making on; with a limit it is a deadline.

    Parameters
    ----------
    limit : float
        Seconds.
    """

    def __init__(self, limit: float = inf) -> None:
        self.limit, self._start = limit, time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds since it was made."""
        return time.perf_counter() - self._start

    @property
    def left(self) -> float:
        """Seconds until the limit; negative after it."""
        return self.limit - self.elapsed


def seconds(call: Callable[..., Any], *arguments: Any) -> float:
    """Return the seconds that one call takes."""
    start = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - start


def per_call(call: Callable[[], Any], number: int) -> float:
    """Return the seconds of one of `number` calls in a row, their mean."""
    start = time.perf_counter()
    for _ in repeat(None, number):
        call()
    return (time.perf_counter() - start) / number


def side_by_side(
    calls: Mapping[str, Callable[[], Any]], rounds: int = ROUNDS, budget: float = BUDGET
) -> dict[str, float]:
    """Return the seconds of each call: the median over rounds in which all have their turn, so that all drift alike.

    Parameters
    ----------
    calls : mapping of str to callable
    rounds : int
        At most.
    budget : float
        Seconds for all rounds of one call, which decide how many there are; at least one.
    """
    numbers = {name: _enough(call) for name, call in calls.items()}
    found: dict[str, list[float]] = {name: [] for name in calls}
    gc.disable()
    try:
        for _ in range(rounds):
            for name, call in calls.items():
                done, spent = len(found[name]), sum(found[name]) * numbers[name]
                if done and spent * (done + 1) / done > budget:
                    continue
                if numbers[name] > 1:
                    call()  # its code and data are back in cache
                found[name].append(per_call(call, numbers[name]))
    finally:
        gc.enable()
    return {name: median(times) for name, times in found.items()}


def _enough(call: Callable[[], Any]) -> int:
    """Return how many calls fill a round."""
    number = 1
    taken = per_call(call, number)
    if taken < ROUND_SECONDS:
        taken = per_call(call, number)  # the first may have compiled, or fetched memory
    while taken * number < ROUND_SECONDS:
        number = 2 * number if taken * number < ROUND_SECONDS / 4 else int(1.5 * ROUND_SECONDS / taken) + 1
        taken = per_call(call, number)
    return number
