"""What the chapters share: how much they measure, what they leave, and how they time rungs and make tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from .....kernels.choose.planner import settle
from .....kernels.ladder import rung
from ....measure import data, limits, threads
from ....measure.stopwatch import side_by_side
from ....show.numbers import digits
from ....show.tables import Line, Table
from ..pictures import Picture

if TYPE_CHECKING:
    from ....measure.noise import Reason
    from ....show.result import Figure

Tables = Mapping[str, Table]
Pictures = Mapping[str, Picture]
Tell = Callable[[float], None]  # told which share of the chapter is done


@dataclass(frozen=True)
class Sizes:
    """How much the chapters measure, by default in less than two minutes on two cores; a shape is (m, n) of X."""

    updates: int = 2000  # of gradient descent, at most
    weights: tuple[int, ...] = (2, 10, 30, 100, 300)  # of the graphs that are differentiated
    loop: tuple[int, int] = (200, 50)  # the shape of the double loop
    dot: tuple[int, ...] = tuple(10**k for k in range(8))  # lengths of the vectors that are multiplied
    elements: int = 100_000  # numbers that exp, log and abs are taken of
    whole: tuple[int, int] = (100_000, 10)  # the shape of a vectorized step
    compiled: tuple[int, int] = (2_000, 30)  # the shape of a compiled step
    starts: int = 3  # of a fresh interpreter, for what an import costs
    build: bool = True  # whether to build a Cython kernel anew, for what that costs
    lanes: int = 10_000  # numbers in the loops that are vectorised
    passes: tuple[int, ...] = (30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000)  # samples of 100 features
    grid: tuple[tuple[int, ...], tuple[int, ...]] = (  # samples and features whose growth is shown
        (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000),
        (3, 10, 30, 100, 300),
    )
    threads: tuple[int, ...] = (*passes, 1_000_000)  # samples of 30 features that threads share
    busy: float = 0.06  # seconds that a step is called in each round, alone and beside a busy process
    ladder: str = "40000x30"  # the shape all rungs are measured on
    sweeps: int = 9  # how often they are
    budget: float = 10.0  # seconds a rung may take in a sweep
    rounds: float = 0.04  # seconds its rounds take, if they are short


FULL = Sizes()
QUICK = Sizes(
    updates=500,
    weights=(2, 10, 30),
    loop=(40, 50),
    dot=tuple(10**k for k in range(6)),
    elements=10_000,
    whole=(10_000, 10),
    compiled=(300, 30),
    starts=2,
    build=False,
    lanes=2_000,
    passes=(30, 300, 3_000, 30_000),
    grid=((100, 1_000, 10_000), (3, 30, 300)),
    threads=(30, 300, 3_000, 30_000),
    busy=0.02,
    ladder="2000x30",
    rounds=0.01,
)


class Findings:
    """What a chapter measured, as a dataclass; `__post_init__` adds what follows from it and its text names.

    A guess is compared with the attribute of its name; None: there is no such number on this machine. `figures` are
    those of a matrix, if one was run; `unstable` is why none of it is to be trusted, see `noise.reasons`.
    """

    figures: Sequence[Figure] = ()
    unstable: Sequence[Reason] = ()

    def tables(self) -> Tables:
        """Return the tables by name, in English."""
        return {}

    def pictures(self) -> Pictures:
        """Return the pictures by name, in English."""
        return {}

    def listings(self) -> Mapping[str, str]:
        """Return by name what the interpreter, or the compiler, made of the code."""
        return {}


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], notes: Iterable[str] = ()) -> Table:
    """Return a table of columns and rows."""
    return Table("", tuple(columns), [Line(tuple(row)) for row in rows], list(notes))


def nanoseconds(value: float) -> str:
    """Return a time in nanoseconds, whatever its size, so that a column of them compares."""
    return f"{digits(1e9 * value)} ns"


def time_steps(names: Iterable[str], m: int, n: int) -> dict[str, float]:
    """Return the seconds of a step of each rung, in turns, on m × n numbers of float64 in C order, one thread."""
    arguments = data.load(f"{m}x{n}", "float64", "C")[1:]
    settle()  # BLAS made the data: its threads look for more work for a while
    with threads.limited(1):
        return side_by_side({name: partial(rung(name).load(), *arguments) for name in names})


def peak() -> float:
    """Return the float64 operations that one thread does in a second at most."""
    flops = limits.here().flops("float64", 1)
    assert flops is not None  # always measured for one thread
    return flops
