"""Chapter 10: the same steps while another process is busy: threads that are waited for, and a team that is not."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .....kernels import plan
from .....kernels.choose import team
from .....kernels.choose.planner import settle
from .....kernels.ladder import rung
from ....measure import data, stopwatch, threads
from ....measure.situations import SITUATIONS
from ....show.numbers import count, seconds, times
from ....show.ratios import Ratio, independent
from ..pictures import Axis, Curves, Series
from .parts import Findings, Pictures, Sizes, Tables, Tell, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Rounds = Sequence[Sequence[float]]  # seconds of single calls, round by round

SOURCE = "10000x30"
WAITS, TEAM = "cython-parallel", "cython-tuned"  # its threads are waited for; those of the team are not
ROUNDS = 9
SLOWEST = 0.9  # from this share of the calls on, in the order of their times, they are the slowest tenth
HURT = 1.25  # times as long, at least: less is nothing
SHARES = np.linspace(0, 1, 101)  # of the calls, for the picture


class Calls(NamedTuple):
    """Single calls of a step on so many threads: alone, and beside a busy process."""

    step: str
    threads: int
    alone: Rounds
    beside: Rounds

    @property
    def slower(self) -> Ratio:
        """How many times as long the median call takes beside the process."""
        return _ratio(self.beside, self.alone)

    @property
    def typical(self) -> tuple[float, float]:
        """The median call, alone and beside."""
        return _median(self.alone), _median(self.beside)

    @property
    def slowest(self) -> tuple[float, float]:
        """What the fastest call of the slowest tenth takes, alone and beside."""
        return float(_shares(self.alone, SLOWEST)), float(_shares(self.beside, SLOWEST))


class Cost(NamedTuple):
    """How many times as long as on one thread a step takes on all: alone, and beside a busy process."""

    alone: Ratio
    beside: Ratio


@dataclass
class Busy(Findings):
    """The calls of both steps, on one thread and on all; where there is no OpenMP, `WAITS` has one thread alone."""

    threads: int
    calls: list[Calls]

    def __post_init__(self) -> None:
        by = {(one.step, one.threads): one for one in self.calls}
        several = self.threads > 1
        self.waits = by.get((WAITS, self.threads)) if several else None
        self.team = by[TEAM, self.threads]
        self.slower = self.waits and self.waits.slower.value
        self.waits_alone = by[WAITS, 1]
        self.waits_cost = self.waits and _cost(self.waits_alone, self.waits)
        self.team_cost = _cost(by[TEAM, 1], self.team) if several else None
        self.gain = self.waits and _ratio(self.waits.beside, self.team.beside)

    def hurts(self, ratio: Ratio) -> bool:
        """Whether what it compares takes longer, beyond doubt."""
        return ratio.value >= HURT and ratio.differs

    def undecided(self, ratio: Ratio) -> bool:
        """Whether it may take longer or not, as far as one can tell."""
        return not self.hurts(ratio) and (ratio.high or ratio.value) >= HURT

    def tables(self) -> Tables:
        columns = (
            "rung",
            "threads",
            "alone",
            "slowest tenth",
            "beside a process",
            "its slowest tenth",
            "times as long",
        )
        rows = [
            (one.step, count(one.threads), seconds(one.typical[0]), seconds(one.slowest[0]), seconds(one.typical[1]),
             seconds(one.slowest[1]), "undecided" if self.undecided(one.slower) else times(one.slower.value))
            for one in self.calls
        ]  # fmt: skip
        return {"calls": table(columns, rows)}

    def pictures(self) -> Pictures:
        shown = [one for one in (self.waits, self.team) if one]
        series = [
            Series(f"{one.step}, {name}", (100 * SHARES).tolist(), _shares(rounds, SHARES).tolist())
            for one in shown for name, rounds in (("alone", one.alone), ("beside a process", one.beside))
        ]  # fmt: skip
        return {"calls": Curves(Axis("% of the calls", log=False), Axis("take no longer than", "seconds"), series)}


def measure(sizes: Sizes, tell: Tell) -> Busy:
    """Time single calls in rounds, first alone, then beside a busy process, which ends whatever happens."""
    most = team.available()
    _, X, y, w, b = data.load(SOURCE, "float64", "C")
    steps = {
        WAITS: lambda number: partial(rung(WAITS).load(), X, y, w, b),
        TEAM: lambda number: partial(plan(X, y, threads=number).step, w, float(b)),
    }
    who = [(name, number) for name in steps for number in sorted({1, most}) if name == TEAM or _openmp(number)]
    calls = {one: steps[one[0]](one[1]) for one in who}
    found: dict[tuple[str, int], list[list[list[float]]]] = {one: [] for one in who}
    for place, situation in enumerate(("alone", "beside-process")):
        with SITUATIONS[situation](lambda: lambda: None, most):
            for one in who:
                found[one].append([])
            for done in range(ROUNDS):
                tell((place + done / ROUNDS) / 2)
                for one, call in calls.items():
                    found[one][-1].append(_round(call, one, sizes.busy))
    return Busy(most, [Calls(*one, *rounds) for one, rounds in found.items()])


def _openmp(number: int) -> bool:
    """Whether a step that waits for its threads gets so many."""
    try:
        with threads.limited(number):
            threads.verify("openmp", number)
    except threads.ThreadsError:
        return False
    return True


def _round(call: Callable[[], Any], who: tuple[str, int], limit: float) -> list[float]:
    """Return the seconds of each call in so many seconds, at least of one; a plan has its number of threads already."""
    taken: list[float] = []
    name, number = who
    with threads.limited(number) if name == WAITS else nullcontext():
        settle()  # the threads of the step before look for more work
        call()
        watch = stopwatch.Stopwatch(limit)
        while not taken or watch.left > 0:
            taken.append(stopwatch.seconds(call))
    return taken


def _cost(one: Calls, all_: Calls) -> Cost:
    return Cost(_ratio(all_.alone, one.alone), _ratio(all_.beside, one.beside))


def _ratio(numerator: Rounds, denominator: Rounds) -> Ratio:
    """Return how many times as long the median call takes; whether that differs from 1, the rounds decide."""
    found = independent(*([median(calls) for calls in rounds] for rounds in (numerator, denominator)))
    assert found  # there are rounds
    return found._replace(value=_median(numerator) / _median(denominator))


def _median(rounds: Rounds) -> float:
    return float(_shares(rounds, 0.5))


def _shares(rounds: Rounds, shares: Any) -> np.ndarray:
    """Return what these shares of the calls take at most: the median over the rounds, each of which counts alike."""
    return np.median([np.quantile(calls, shares) for calls in rounds], axis=0)
