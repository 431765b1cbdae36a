"""What a step cannot do without, and the least time of each: a call, the losses, one read of X, arithmetic.

The longest is the step's limit. It bounds the step only where it takes most of its time: what takes six times as long
as its limit is bounded by something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from ....measure import limits
from .parts import time_steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ....show.result import Figure, Limits

NEAR = 0.6  # of a step's time, at least: what takes less does not bound it
CACHED = 1.25  # times the rate of memory: what is read faster comes from a cache
KERNEL, SAMPLES = "cython-tuned", 10_000  # of one feature: nearly all of its step is the losses

Resource = Literal["call", "loss", "cache", "memory", "arithmetic"]


class Bound(NamedTuple):
    """The least seconds of a part of a step, and what they are spent on."""

    resource: Resource
    seconds: float


class Machine(NamedTuple):
    """What bounds a step on this machine, beside `Limits`: seconds of a sample's loss, and how fast memory is read."""

    loss: float  # of one thread, as `KERNEL` computes it
    memory: Mapping[int, float]  # threads → bytes per second

    def bounds(self, figure: Figure, found: Limits) -> list[Bound]:
        """Return the least time of each part of a step."""
        least = {one.resource: one.seconds for one in limits.bounds(figure, found)}
        return [
            Bound("call", least["call"]),
            Bound("loss", self.loss * figure.samples / figure.cell.threads),
            Bound(comes_from(figure, found, self.memory), least["memory"]),
            Bound("arithmetic", least["arithmetic"]),
        ]


def comes_from(figure: Figure, found: Limits, memory: Mapping[int, float]) -> Literal["cache", "memory"]:
    """Return where X is read from: from a cache, if it can be read faster than memory, whose rate is by threads."""
    threads = figure.cell.threads
    seconds = next(one.seconds for one in limits.bounds(figure, found) if one.resource == "memory")
    return "cache" if figure.bytes / seconds > CACHED * memory[threads] else "memory"


def memory() -> dict[int, float]:
    """Return threads → bytes per second that they read from memory."""
    return {one.threads: one.bytes_per_second for one in limits.here().bandwidth}  # the last of each is the largest


def here() -> Machine:
    """Measure a loss beside what is known of this machine."""
    return Machine(time_steps((KERNEL,), SAMPLES, 1)[KERNEL] / SAMPLES, memory())


class Bounded(NamedTuple):
    """A step's seconds, and the least times of its parts."""

    seconds: float
    parts: list[Bound]

    @property
    def limit(self) -> Bound:
        """The part that takes longest."""
        return max(self.parts, key=lambda one: one.seconds)

    @property
    def fraction(self) -> float:
        """The share of the step's time that its limit takes; above 1 the limit was measured badly."""
        return self.limit.seconds / self.seconds

    @property
    def together(self) -> float:
        """The share that all parts would take one after the other."""
        return sum(one.seconds for one in self.parts) / self.seconds

    @property
    def cause(self) -> str:
        """What bounds the step.

        The resource of its limit; "sum": all of them, one after the other; "program": none of them; "fault": the
        limit was measured badly.
        """
        if self.fraction > 1:
            return "fault"
        if self.fraction >= NEAR:
            return self.limit.resource
        return "sum" if self.together >= NEAR else "program"
