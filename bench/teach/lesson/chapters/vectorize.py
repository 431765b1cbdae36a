"""Chapter 5: np.dot against the loop, from one number to ten million; functions, whole steps, temporaries."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .....kernels.ladder import rung
from ....measure import data, machine, threads
from ....measure.anatomy.parts import temporaries
from ....measure.stopwatch import side_by_side
from ....show.numbers import count, seconds, size, times
from ....show.tables import Line, Table
from ..pictures import Axis, Curves, Series
from .findings import Findings

if TYPE_CHECKING:
    from .findings import Tell
    from .sizes import Sizes

HUNDRED = 100  # the claim of the course notes: "nearly a hundred times"
FALLS = 0.8  # of the largest ratio: less than that at the end is a fall
FUNCTIONS = {"exp": (math.exp, np.exp), "log": (math.log, np.log), "abs": (math.fabs, np.abs)}
FORMS = ("numpy-notes", "numpy-stable", "numpy-buffers")


class Dot(NamedTuple):
    """Seconds for a dot product of n numbers: a loop over arrays, over lists, and np.dot."""

    n: int
    arrays: float
    lists: float
    dot: float

    @property
    def ratio(self) -> float:
        """How many times as fast as the loop over arrays np.dot is."""
        return self.arrays / self.dot

    @property
    def bytes(self) -> int:
        """Of the two vectors."""
        return 16 * self.n


class Function(NamedTuple):
    """Seconds a number: a function of `math` in a loop over a list, and NumPy's on the array."""

    name: str
    loop: float
    array: float

    @property
    def ratio(self) -> float:
        """How many times as fast as the loop NumPy's is."""
        return self.loop / self.array


class Form(NamedTuple):
    """A vectorized step: its seconds, and the arrays it makes besides the result."""

    rung: str
    seconds: float
    arrays: int
    bytes: int


@dataclass(frozen=True)
class Vectorized(Findings):
    """Dot products of every length, functions of single numbers, and whole steps."""

    dots: list[Dot]
    functions: list[Function]
    samples: int
    features: int
    forms: list[Form]
    step_ratio: float
    caches: int

    @property
    def crossover(self) -> int | None:
        """From this length on np.dot is faster than the loop over arrays."""
        return next((one.n for one in self.dots if one.ratio > 1), None)

    @property
    def crossover_lists(self) -> int | None:
        """From this length on np.dot is faster than the loop over lists."""
        return next((one.n for one in self.dots if one.lists > one.dot), None)

    @property
    def best(self) -> Dot:
        """Where np.dot gains most."""
        return max(self.dots, key=lambda one: one.ratio)

    @property
    def most(self) -> float:
        """The largest gain."""
        return self.best.ratio

    @property
    def last(self) -> Dot:
        """The longest vectors."""
        return self.dots[-1]

    @property
    def hundred(self) -> list[Dot]:
        """Where np.dot is at least a hundred times as fast."""
        return [one for one in self.dots if one.ratio >= HUNDRED]

    @property
    def nearly_hundred(self) -> list[Dot]:
        """Where "nearly a hundred times" is meant: between 50 and 200."""
        return [one for one in self.dots if HUNDRED / 2 <= one.ratio <= 2 * HUNDRED]

    @property
    def falls(self) -> bool:
        """Whether the gain is smaller again for the longest vectors."""
        return self.last.ratio < FALLS * self.most

    @property
    def exp_ratio(self) -> float:
        """What np.exp gains over math.exp."""
        return self.functions[0].ratio

    @property
    def arrays_made(self) -> int:
        """Arrays a call of the notes' form makes besides its result."""
        return self.forms[0].arrays

    @property
    def buffers_gain(self) -> float:
        """How many times as fast as the stable form the same with buffers is."""
        return self.forms[1].seconds / self.forms[2].seconds

    def tables(self) -> dict[str, Table]:
        dots = [
            Line((count(one.n), seconds(one.arrays), seconds(one.lists), seconds(one.dot), times(one.ratio)))
            for one in self.dots
        ]
        functions = [
            Line((f"np.{one.name}", f"{1e9 * one.loop:.1f} ns", f"{1e9 * one.array:.2f} ns", times(one.ratio)))
            for one in self.functions
        ]
        forms = [Line((one.rung, seconds(one.seconds), count(one.arrays), size(one.bytes))) for one in self.forms]
        return {
            "dots": Table("", ("n", "loop over arrays", "loop over lists", "np.dot", "over arrays / np.dot"), dots),
            "functions": Table("", ("function", "in a loop, per number", "on an array, per number", "gain"), functions),
            "forms": Table("", ("rung", "one step", "temporary arrays", "most bytes held"), forms),
        }

    def pictures(self) -> dict[str, Curves]:
        n = [one.n for one in self.dots]
        curves = [
            Series("loop over arrays", n, [one.arrays for one in self.dots]),
            Series("loop over lists", n, [one.lists for one in self.dots]),
            Series("np.dot", n, [one.dot for one in self.dots]),
        ]
        gain = Series("loop over arrays / np.dot", n, [one.ratio for one in self.dots])
        return {
            "dots": Curves(Axis("n"), Axis("one dot product", "seconds"), curves),
            "gain": Curves(Axis("n"), Axis("times as fast", "times"), [gain], ("the notes' hundred", HUNDRED)),
        }


def measure(sizes: Sizes, tell: Tell) -> Vectorized:
    """Time dot products, functions and whole steps, each form beside the others."""
    rng = np.random.default_rng(5)
    with threads.limited(1):
        dots = []
        for n in sizes.dot:
            tell(f"np.dot and the loop, n = {n:,}", n / sum(sizes.dot) * 0.9)
            dots.append(_dot(n, rng))
        tell("functions of single numbers", 0.9)
        functions = [_function(name, rng.uniform(0.1, 5, sizes.elements)) for name in FUNCTIONS]
        tell("whole steps", 0.95)
        m, n = sizes.whole
        whole = data.load(f"{m}x{n}", "float64", "C")[1:]
        found = side_by_side({name: partial(rung(name).load(), *whole) for name in FORMS})
        forms = [Form(name, found[name], *_temporaries(name, whole)) for name in FORMS]
        m_, n_ = sizes.loop
        small = data.load(f"{m_}x{n_}", "float64", "C")[1:]
        both = side_by_side({name: partial(rung(name).load(), *small) for name in ("python-array", "numpy-notes")})
    ratio = both["python-array"] / both["numpy-notes"]
    return Vectorized(dots, functions, m, n, forms, ratio, machine.last_level_bytes())


def _dot(n: int, rng: np.random.Generator) -> Dot:
    w, x = rng.standard_normal((2, n))
    lists = w.tolist(), x.tolist()
    found = side_by_side({
        "arrays": partial(_loop, w, x), "lists": partial(_loop, *lists), "dot": partial(np.dot, w, x),
    })  # fmt: skip
    return Dot(n, found["arrays"], found["lists"], found["dot"])


def _loop(w: Any, x: Any) -> float:
    z = 0.0
    for j in range(len(w)):
        z += w[j] * x[j]
    return z


def _function(name: str, x: np.ndarray) -> Function:
    single, whole = FUNCTIONS[name]
    numbers = x.tolist()
    found = side_by_side({"loop": lambda: [single(v) for v in numbers], "array": partial(whole, x)})
    return Function(name, found["loop"] / len(x), found["array"] / len(x))


def _temporaries(name: str, arguments: tuple) -> tuple[int, int]:
    made = temporaries(partial(rung(name).load(), *arguments))
    return made.count, made.bytes
