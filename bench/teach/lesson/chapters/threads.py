"""Chapter 9: the fused kernel on one thread and on all: where they help, where they hurt, what limits them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from .....kernels import plan
from .....kernels.choose import region, team
from .....kernels.choose.planner import settle
from .....kernels.choose.which import shared
from .....kernels.ladder import rung
from ....measure import data, limits, stopwatch, threads
from ....show.numbers import count, seconds, size, times
from ....show.ratios import Ratio, independent, ratio
from ....show.result import Cell, Figure
from ..pictures import Axis, Curves, Series
from . import bounds
from .parts import Findings, Pictures, Sizes, Tables, Tell, table

if TYPE_CHECKING:
    from collections.abc import Sequence

FEATURES = 30
PAY = 1.05  # times as fast, at least: less is nothing
HURT = 0.9
EAGER = "cython-parallel"  # wakes all its threads for however little
AFTER_A_PAUSE = "cython-parallel, after a pause"
PAUSE = 0.01  # seconds between its calls: threads that wait for the next have gone to sleep
TRIES = 9


class Shared(NamedTuple):
    """One shape: seconds of each round on one thread and on all, how many `fastest` takes, what `EAGER` gains.

    The last is after a pause.
    """

    samples: int
    alone: Sequence[float]
    shared: Sequence[float]
    chosen: int
    eager: Ratio

    @property
    def gain(self) -> Ratio:
        """How many times as fast all threads are."""
        found = ratio(self.alone, self.shared)
        assert found  # there are rounds
        return found

    @property
    def bytes(self) -> int:
        """Size of X."""
        return 8 * FEATURES * self.samples

    @property
    def helps(self) -> bool:
        """Whether threads help, beyond doubt."""
        return self.gain.value >= PAY and self.gain.differs

    @property
    def undecided(self) -> bool:
        """Whether they may help or not, as far as one can tell."""
        return self.gain.undecided and (self.gain.high or 0) > PAY

    @property
    def hurts(self) -> bool:
        """Whether `EAGER` is slower with all threads, beyond doubt."""
        return self.eager.value < HURT and self.eager.differs


@dataclass
class Threads(Findings):
    """Every shape, what an OpenMP region costs to enter, and how reading scales."""

    threads: int
    shapes: list[Shared]
    region: float  # seconds
    reading: dict[int, float]  # threads → bytes per second that they read from memory
    cached: bool  # whether the largest X comes from a cache

    def __post_init__(self) -> None:
        several = self.threads > 1
        self.helped = [one for one in self.shapes if one.helps]
        last = list(takewhile(lambda one: one.helps, reversed(self.shapes)))
        before = self.shapes[: len(self.shapes) - len(last)]
        self.pays = last[-1].samples if several and len(last) > 1 else None  # samples from which on threads help
        self.earlier = bool(before) and before[-1].undecided  # whether they may help before that
        self.decided = bool(self.pays) or not any(one.undecided for one in self.shapes)
        self.gain = max((one.gain.value for one in self.helped), default=None) if several and self.decided else None
        self.hurt = [one for one in self.shapes if one.hurts]
        self.worst = min(self.hurt, key=lambda one: one.eager.value, default=None)
        self.harmless = all((one.eager.low or one.eager.value) > HURT for one in self.shapes)
        self.largest = self.shapes[-1]
        self.reading_gain = self.reading[max(self.reading)] / self.reading[min(self.reading)]

    def tables(self) -> Tables:
        columns = ("X", "size", "one thread", "all threads", "times as fast", "threads fastest takes", AFTER_A_PAUSE)
        rows = [
            (f"{one.samples:,} × {FEATURES}", size(one.bytes), seconds(median(one.alone)), seconds(median(one.shared)),
             "undecided" if one.undecided else times(one.gain.value), count(one.chosen), times(one.eager.value))
            for one in self.shapes
        ]  # fmt: skip
        return {"shapes": table(columns, rows)}

    def pictures(self) -> Pictures:
        sizes = [one.bytes for one in self.shapes]
        gains = [
            Series("cython-tuned", sizes, [one.gain.value for one in self.shapes]),
            Series(AFTER_A_PAUSE, sizes, [one.eager.value for one in self.shapes]),
        ]
        axes = Axis("size of X", "bytes"), Axis("times as fast", "times", log=False)
        return {"gain": Curves(*axes, gains, ("no gain, no loss", 1.0))}


def measure(sizes: Sizes, tell: Tell) -> Threads:
    """Time a plan with one thread beside a plan with all, on ever larger X."""
    most, shapes = team.available(), []
    for done, m in enumerate(sizes.threads):
        tell(done / len(sizes.threads))
        shapes.append(_shape(m, most))
    entering = stopwatch.side_by_side({"region": partial(region.got, most)})["region"]
    reading = bounds.memory()
    m = sizes.threads[-1]
    largest = Figure(Cell(EAGER, f"{m}x{FEATURES}", "float64", "C", max(reading)), m, FEATURES)
    cached = bounds.comes_from(largest, limits.here(), reading) == "cache"
    return Threads(most, shapes, entering, reading, cached)


def _shape(m: int, most: int) -> Shared:
    """Time both plans in rounds, and `EAGER` after pauses."""
    _, X, y, w, b = data.load(f"{m}x{FEATURES}", "float64", "C")
    settle()  # BLAS made them: its threads look for more work, and every parallel region waits for them
    steps = {str(number): partial(plan(X, y, threads=number).step, w, float(b)) for number in {1, most}}
    rounds = [stopwatch.side_by_side(steps, rounds=1) for _ in range(TRIES)]
    alone, together = ([one[str(number)] for one in rounds] for number in (1, most))
    eager = independent(*(_after_pauses(number, X, y, w, b) for number in (1, most)))
    assert eager  # there were tries
    return Shared(m, alone, together, shared(X), eager)


def _after_pauses(number: int, *arguments: Any) -> list[float]:
    """Return the seconds of steps on so many threads that had nothing to do before."""
    step = rung(EAGER).load()
    taken = []
    with threads.limited(number):
        step(*arguments)
        for _ in range(TRIES):
            time.sleep(PAUSE)
            taken.append(stopwatch.seconds(step, *arguments))
    return taken
