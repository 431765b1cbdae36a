"""Chapter 9: the fused kernel on one thread and on all: where they help, where they hurt, what limits them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from .....kernels import plan
from .....kernels.choose import region, team
from .....kernels.choose.planner import settle
from .....kernels.choose.which import shared
from .....kernels.ladder import rung
from ....measure import data, limits, stopwatch, threads
from ....show.numbers import seconds, size, times
from ....show.tables import Line, Table
from ..pictures import Axis, Curves, Series
from .findings import Findings

if TYPE_CHECKING:
    from .findings import Tell
    from .sizes import Sizes

FEATURES = 30
PAY = 1.05  # times as fast, at least: less is noise
HURT = 0.9
EAGER = "cython-parallel"  # wakes all its threads for however little
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
        """Of X."""
        return 8 * FEATURES * self.samples


@dataclass(frozen=True)
class Threads(Findings):
    """Every shape, what an OpenMP region costs to enter, and how reading scales."""

    threads: int
    shapes: list[Shared]
    region: float
    reading: dict[int, float]

    @property
    def best(self) -> Shared:
        """Where threads gain most."""
        return max(self.shapes, key=lambda one: one.ratio)

    @property
    def gain(self) -> float | None:
        """The largest gain; None with one thread alone."""
        return self.best.ratio if self.threads > 1 else None

    @property
    def hurt(self) -> list[Shared]:
        """Where `EAGER` is slower on all threads than on one."""
        return [one for one in self.shapes if one.eager < HURT]

    @property
    def worst(self) -> Shared:
        """Where it loses most."""
        return min(self.shapes, key=lambda one: one.eager)

    @property
    def pays(self) -> int | None:
        """From about this many samples on threads help, at two sizes in a row; None: nowhere."""
        helps = [one.ratio >= PAY for one in self.shapes]
        both = [one.samples for one, here, after in zip(self.shapes, helps, helps[1:], strict=False) if here and after]
        return both[0] if both and self.threads > 1 else None

    @property
    def odd(self) -> list[Shared]:
        """Larger sizes at which they nevertheless did not."""
        return [one for one in self.shapes if self.pays and one.samples > self.pays and one.ratio < PAY]

    @property
    def largest(self) -> Shared:
        """The largest X."""
        return self.shapes[-1]

    @property
    def reading_gain(self) -> float:
        """How many times as much all threads read from memory in a second as one."""
        return self.reading[max(self.reading)] / self.reading[min(self.reading)]

    def tables(self) -> dict[str, Table]:
        lines = [
            Line((
                f"{one.samples:,} × {FEATURES}", size(one.bytes), seconds(one.alone), seconds(one.shared),
                times(one.ratio), str(one.chosen), times(one.eager),
            ))
            for one in self.shapes
        ]  # fmt: skip
        columns = (
            "X",
            "size",
            "one thread",
            "all threads",
            "times as fast",
            "fastest takes",
            "cython-parallel, after a pause",
        )
        return {"shapes": Table("", columns, lines)}

    def pictures(self) -> dict[str, Curves]:
        sizes = [one.bytes for one in self.shapes]
        gains = [
            Series("cython-tuned", sizes, [one.ratio for one in self.shapes]),
            Series("cython-parallel, after a pause", sizes, [one.eager for one in self.shapes]),
        ]
        axes = Axis("size of X", "bytes"), Axis("times as fast", "times", log=False)
        return {"gain": Curves(*axes, gains, ("no gain, no loss", 1.0))}


def measure(sizes: Sizes, tell: Tell) -> Threads:
    """Time a plan with one thread beside a plan with all, on ever larger X."""
    most = team.available()
    shapes = []
    for done, m in enumerate(sizes.threads):
        tell(f"threads, {m:,} × {FEATURES}", done / len(sizes.threads))
        _, X, y, w, b = data.load(f"{m}x{FEATURES}", "float64", "C")
        settle()  # BLAS made them: its threads look for more work, and every parallel region waits for them
        found = stopwatch.side_by_side(
            {str(count): partial(plan(X, y, threads=count).step, w, float(b)) for count in sorted({1, most})}
        )
        eager = _after_pauses(1, X, y, w, b) / _after_pauses(most, X, y, w, b)
        shapes.append(Shared(m, found["1"], found[str(most)], shared(X), eager))
    beyond: dict[int, float] = {}
    for point in limits.here().bandwidth:
        beyond[point.threads] = point.bytes_per_second  # the last of each is the largest working set
    entering = stopwatch.side_by_side({"region": partial(region.got, most)})["region"]
    return Threads(most, shapes, entering, beyond)


def _after_pauses(count: int, *arguments: Any) -> float:
    """Return the seconds of a step on so many threads that had nothing to do before."""
    step = rung(EAGER).load()
    taken = []
    with threads.limited(count):
        step(*arguments)
        for _ in range(TRIES):
            time.sleep(PAUSE)
            taken.append(stopwatch.seconds(step, *arguments))
    return median(taken)
