"""A model of a step on more machines than were measured: how long arithmetic, scheduling and shipping take.

Each of M machines holds `NUMBERS` numbers of X in memory, in `PER_WORKER` blocks, which one thread takes one after the
other. One process of Python is both client and scheduler, and has one link of `RATE` to the others. Of n features,
w and a gradient have 8 n bytes each; c is what else is shipped of a task. Nothing overlaps.

tasks        T = PER_WORKER · M
arithmetic   NUMBERS · t_number
scheduling   t_pass + T · t_task
shipping     T · (c + 16 n) · (t_byte + 1 / RATE) + 2 · LATENCY

That is the flat gather: all sums come to the client, which adds them. With a tree of workers of fan-in f, a worker adds
the sums of f tasks, another one those of f such, until f or fewer are left for the client; w goes down the same way.
The tree in which sums are added is binary and aligned, so where f is a power of two no bit changes. There are L levels,
the client's included, and A tasks that add:

A            ⌈T / f⌉ + ⌈T / f²⌉ + …
scheduling   t_pass + (T + A) · t_task
shipping     (T + A) · c · (t_byte + 1 / RATE) + L · (f · 16 n · (t_byte + 1 / RATE) + 2 · LATENCY)

t_pass, t_task, t_byte and c were measured on two workers, and t_number on one thread, by ``looptax run --preset
cluster``: there client, scheduler and workers share the cores of one machine, so t_task is what all of them take for a
task. NUMBERS, RATE and LATENCY are assumed.
"""

from __future__ import annotations

from bisect import bisect_left
from math import ceil, prod
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from ...kernels.dask.cluster import PER_WORKER
from ..measure.cluster import ALONE, ONE, TWO
from .numbers import count, seconds, shape
from .tables import Line, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..measure.cluster import Way

NUMBERS = 10**9  # of X on a machine: 8 GB of float64
RATE = 1.25e9  # bytes a second: 10 Gbit/s
LATENCY = 50e-6  # seconds from machine to machine
MACHINES, FEATURES = (10, 100, 1_000), (100, 10_000)
FAN_INS = tuple(2**k for k in range(1, 13))
WORTH = 0.1  # of a step: what a tree should save
MAX_FEATURES = 10**8  # where it is looked for from how many on a tree pays


class Measured(NamedTuple):
    """What the model takes from a run: seconds of a number, a pass, a task and a byte; bytes of a task besides 16 n."""

    number: float
    latency: float
    task: float
    byte: float
    other: float


class Cost(NamedTuple):
    """Seconds of a step."""

    arithmetic: float
    scheduling: float
    shipping: float

    @property
    def total(self) -> float:
        """All of it."""
        return sum(self)


def measured(ways: Sequence[Way]) -> Measured | None:
    """Return what the model takes from a run: medians over its inputs, t_number of the largest; None without."""
    alone = [way for way in ways if way.name == ALONE and way.seconds]
    pair = [way for way in ways if way.name == TWO and way.tasks and not way.problem]
    if not (alone and pair):
        return None
    largest = max(alone, key=_numbers)
    return Measured(
        number=median(largest.seconds) / _numbers(largest),
        latency=median(way.latency for way in pair),
        task=median(way.per_task for way in pair),
        byte=median(way.per_byte for way in pair),
        other=median(way.shipped / way.tasks - 16 * _shape(way)[1] for way in pair),
    )


def _shape(way: Way) -> tuple[int, int]:
    m, n = map(int, way.source.split("x"))
    return m, n


def _numbers(way: Way) -> int:
    return prod(_shape(way))


def flat(of: Measured, machines: int, n: int, numbers: float = NUMBERS) -> Cost:
    """Return what a step costs where all sums come to the client."""
    tasks, byte = PER_WORKER * machines, of.byte + 1 / RATE
    shipping = tasks * (of.other + 16 * n) * byte + 2 * LATENCY
    return Cost(numbers * of.number, of.latency + tasks * of.task, shipping)


def tree(of: Measured, machines: int, n: int, fan_in: int, numbers: float = NUMBERS) -> Cost:
    """Return what a step costs where sums are added on workers before they come back."""
    levels, byte = [PER_WORKER * machines], of.byte + 1 / RATE
    while levels[-1] > fan_in:
        levels.append(ceil(levels[-1] / fan_in))
    wide = (len(levels) - 1) * fan_in + levels[-1]  # sums that come in one after the other on the longest way up
    shipping = (sum(levels) * of.other + wide * 16 * n) * byte + len(levels) * 2 * LATENCY
    return Cost(numbers * of.number, of.latency + sum(levels) * of.task, shipping)


def best_tree(of: Measured, machines: int, n: int) -> tuple[int, Cost]:
    """Return the fan-in with which a tree costs least, and what it costs."""
    tried = {f: tree(of, machines, n, f) for f in FAN_INS if f < PER_WORKER * machines}
    return min(tried.items(), key=lambda pair: pair[1].total)


def pays_from(of: Measured, machines: int, share: float = 0.0) -> int:
    """Return the least number of features with which a tree saves more than a share of the flat gather's step."""

    def pays(n: int) -> bool:
        return best_tree(of, machines, n)[1].total < (1 - share) * flat(of, machines, n).total

    return 1 + bisect_left(range(1, MAX_FEATURES), True, key=pays)


def table(of: Measured) -> Table:
    """Make the table of the model."""
    columns = ("features", "machines", "gather", "arithmetic", "scheduling", "shipping", "a step", "less")
    lines = [line for n in FEATURES for machines in MACHINES for line in _lines(of, machines, n)]
    return Table("A step on more machines, by the model of bench/show/scaling.py", columns, lines, [*notes(of)])


def _lines(of: Measured, machines: int, n: int) -> Iterator[Line]:
    """Yield the lines of the flat gather and of the best tree."""
    fan_in, cost = best_tree(of, machines, n)
    both = {"flat": flat(of, machines, n), f"tree of {fan_in}": cost}
    least = min(one.total for one in both.values())
    for name, one in both.items():
        less = "less" if one.total == least else ""
        yield Line((count(n), count(machines), name, *map(seconds, (*one, one.total)), less))


def notes(of: Measured) -> Iterator[str]:
    """Say what was assumed and measured, and where one thing becomes more than another."""
    yield (
        f"Assumed: {NUMBERS:,} numbers a machine, {PER_WORKER} tasks each, {RATE * 8e-9:g} Gbit/s, "
        f"{seconds(LATENCY)} from machine to machine."
    )
    yield (
        f"Measured: a number {seconds(of.number)}, a pass {seconds(of.latency)}, a task {seconds(of.task)}, a byte "
        f"{of.byte * 1e9:.3g} ns (the link takes {1e9 / RATE:.3g} ns), {count(of.other)} bytes of a task besides 16 n."
    )
    machines = max((NUMBERS * of.number - of.latency) / (PER_WORKER * max(of.task, 1e-9)), 0.0)
    yield f"Scheduling takes longer than the arithmetic from {count(machines + 1)} machines on."
    for share, saves in ((0.0, "costs less"), (WORTH, f"saves {WORTH:.0%} of the step")):
        found = (f"{count(pays_from(of, one, share))} with {count(one)}" for one in MACHINES)
        yield f"A tree of workers {saves} from so many features on: {', '.join(found)} machines."


def check(ways: Sequence[Way]) -> str:
    """Say what the model makes of the largest input on one worker here, beside what was measured; "" without."""
    of, found = measured(ways), [way for way in ways if way.name == ONE and way.seconds]
    if not (of and found):
        return ""
    largest = max(found, key=_numbers)
    here = of._replace(latency=largest.latency, task=largest.per_task, byte=largest.per_byte)
    cost = flat(here, 1, _shape(largest)[1], _numbers(largest)).total
    return (
        f"On this machine the model makes {seconds(cost)} of a step of {shape(largest.source)} on one worker; "
        f"measured: {seconds(median(largest.seconds))}."
    )
