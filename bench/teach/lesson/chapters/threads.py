"""Chapter 9: the fused kernel on one thread and on all: where they help, where they hurt, what limits them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

from .....kernels import plan
from .....kernels.choose import region, team
from .....kernels.choose.planner import settle
from .....kernels.choose.which import shared
from .....kernels.ladder import rung
from ....measure import data, limits, stopwatch, threads
from ....show.numbers import count, seconds, size, times
from ..pictures import Axis, Curves, Series
from .parts import Findings, Pictures, Sizes, Tables, Tell, table

FEATURES = 30
PAY = 1.05  # times as fast, at least: less is noise
HURT = 0.9
EAGER = "cython-parallel"  # wakes all its threads for however little
AFTER_A_PAUSE = "cython-parallel, after a pause"
PAUSE = 0.01  # seconds between its calls: threads that wait for the next have gone to sleep
TRIES = 5


class Shared(NamedTuple):
    """One shape: seconds on one thread and on all, how many `fastest` takes, what `EAGER` gains after a pause."""

    samples: int
    alone: float
    shared: float
    chosen: int
    eager: float

    @property
    def ratio(self) -> float:
        """How many times as fast all threads are."""
        return self.alone / self.shared

    @property
    def bytes(self) -> int:
        """Size of X."""
        return 8 * FEATURES * self.samples


@dataclass
class Threads(Findings):
    """Every shape, what an OpenMP region costs to enter, and how reading scales."""

    threads: int
    shapes: list[Shared]
    region: float  # seconds
    reading: dict[int, float]  # threads → bytes per second that they read from memory

    def __post_init__(self) -> None:
        several = self.threads > 1
        self.gain = max(one.ratio for one in self.shapes) if several else None
        self.hurt = [one for one in self.shapes if one.eager < HURT]
        self.worst = min(self.shapes, key=lambda one: one.eager)
        helps = (here.samples for here, after in pairwise(self.shapes) if min(here.ratio, after.ratio) >= PAY)
        self.pays = next(helps, None) if several else None  # samples from which on threads help, twice in a row
        self.odd = [one for one in self.shapes if self.pays and one.samples > self.pays and one.ratio < PAY]
        self.largest = self.shapes[-1]
        self.reading_gain = self.reading[max(self.reading)] / self.reading[min(self.reading)]

    def tables(self) -> Tables:
        columns = ("X", "size", "one thread", "all threads", "times as fast", "threads fastest takes", AFTER_A_PAUSE)
        rows = [
            (f"{one.samples:,} × {FEATURES}", size(one.bytes), seconds(one.alone), seconds(one.shared),
             times(one.ratio), count(one.chosen), times(one.eager))
            for one in self.shapes
        ]  # fmt: skip
        return {"shapes": table(columns, rows)}

    def pictures(self) -> Pictures:
        sizes = [one.bytes for one in self.shapes]
        gains = [
            Series("cython-tuned", sizes, [one.ratio for one in self.shapes]),
            Series(AFTER_A_PAUSE, sizes, [one.eager for one in self.shapes]),
        ]
        axes = Axis("size of X", "bytes"), Axis("times as fast", "times", log=False)
        return {"gain": Curves(*axes, gains, ("no gain, no loss", 1.0))}


def measure(sizes: Sizes, tell: Tell) -> Threads:
    """Time a plan with one thread beside a plan with all, on ever larger X."""
    most = team.available()
    shapes = []
    for done, m in enumerate(sizes.threads):
        tell(done / len(sizes.threads))
        _, X, y, w, b = data.load(f"{m}x{FEATURES}", "float64", "C")
        settle()  # BLAS made them: its threads look for more work, and every parallel region waits for them
        found = stopwatch.side_by_side(
            {str(number): partial(plan(X, y, threads=number).step, w, float(b)) for number in {1, most}}
        )
        eager = _after_pauses(1, X, y, w, b) / _after_pauses(most, X, y, w, b)
        shapes.append(Shared(m, found["1"], found[str(most)], shared(X), eager))
    beyond = {one.threads: one.bytes_per_second for one in limits.here().bandwidth}  # the last, and largest, of each
    entering = stopwatch.side_by_side({"region": partial(region.got, most)})["region"]
    return Threads(most, shapes, entering, beyond)


def _after_pauses(number: int, *arguments: Any) -> float:
    """Return the seconds of a step on so many threads that had nothing to do before."""
    step = rung(EAGER).load()
    taken = []
    with threads.limited(number):
        step(*arguments)
        for _ in range(TRIES):
            time.sleep(PAUSE)
            taken.append(stopwatch.seconds(step, *arguments))
    return median(taken)
