"""Chapter 5: np.dot against the loop, from one number to ten million; functions, whole steps, temporaries."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .....kernels.ladder import rung
from ....measure import data, machine, threads
from ....measure.anatomy.parts import Temporaries, temporaries
from ....measure.stopwatch import side_by_side
from ....show.numbers import count, seconds, size, times
from ..pictures import Axis, Curves, Series
from .parts import Findings, Pictures, Sizes, Tables, Tell, nanoseconds, table, time_steps

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
        """Size of the two vectors."""
        return 16 * self.n


@dataclass
class Vectorized(Findings):
    """Dot products of every length, functions of single numbers, and whole steps."""

    dots: list[Dot]
    functions: dict[str, tuple[float, float]]  # seconds per number: in a loop over a list, and on the array
    samples: int
    features: int
    forms: dict[str, tuple[float, Temporaries]]  # rung → seconds, and the arrays it makes besides its result
    step_ratio: float  # how many times as fast as the double loop the notes' form is, on the double loop's shape

    def __post_init__(self) -> None:
        self.caches = machine.last_level_bytes()
        self.best = max(self.dots, key=lambda one: one.ratio)
        self.most, self.last = self.best.ratio, self.dots[-1]
        self.crossover = next((one.n for one in self.dots if one.ratio > 1), None)  # np.dot is ahead from here on
        self.hundred = [one for one in self.dots if one.ratio >= HUNDRED]
        self.nearly_hundred = [one for one in self.dots if HUNDRED / 2 <= one.ratio <= 2 * HUNDRED]
        self.falls = self.last.ratio < FALLS * self.most
        self.exp_ratio = self.functions["exp"][0] / self.functions["exp"][1]
        self.arrays_made = self.forms["numpy-notes"][1].count
        self.buffers_gain = self.forms["numpy-stable"][0] / self.forms["numpy-buffers"][0]

    def tables(self) -> Tables:
        dots = [(count(one.n), *map(seconds, one[1:]), times(one.ratio)) for one in self.dots]
        functions = [
            (f"np.{name}", nanoseconds(loop), nanoseconds(array), times(loop / array))
            for name, (loop, array) in self.functions.items()
        ]
        forms = [
            (name, seconds(taken), count(made.count), size(made.bytes)) for name, (taken, made) in self.forms.items()
        ]
        return {
            "dots": table(("n", "loop over arrays", "loop over lists", "np.dot", "loop over arrays / np.dot"), dots),
            "functions": table(("function", "in a loop, per number", "on an array, per number", "gain"), functions),
            "forms": table(("rung", "one step", "temporary arrays", "peak bytes held"), forms),
        }

    def pictures(self) -> Pictures:
        n, *taken = zip(*self.dots, strict=True)
        curves = [
            Series(name, n, one)
            for name, one in zip(("loop over arrays", "loop over lists", "np.dot"), taken, strict=True)
        ]
        gain = Series("loop over arrays / np.dot", n, [one.ratio for one in self.dots])
        return {
            "dots": Curves(Axis("n"), Axis("one dot product", "seconds"), curves),
            "gain": Curves(Axis("n"), Axis("times as fast", "times"), [gain], ("the notes' hundred", HUNDRED)),
        }


def measure(sizes: Sizes, tell: Tell) -> Vectorized:
    """Time dot products, functions and whole steps, each form beside the others."""
    rng = np.random.default_rng(5)
    dots = []
    with threads.limited(1):
        for n in sizes.dot:
            tell(n / sum(sizes.dot) * 0.9)
            dots.append(_dot(n, rng))
        tell(0.9)
        functions = {name: _function(name, rng.uniform(0.1, 5, sizes.elements)) for name in FUNCTIONS}
    tell(0.95)
    arguments = data.load("{}x{}".format(*sizes.whole), "float64", "C")[1:]
    forms = {
        name: (taken, temporaries(partial(rung(name).load(), *arguments)))
        for name, taken in time_steps(FORMS, *sizes.whole).items()
    }
    loop, notes = time_steps(("python-array", "numpy-notes"), *sizes.loop).values()
    return Vectorized(dots, functions, *sizes.whole, forms, loop / notes)


def _dot(n: int, rng: np.random.Generator) -> Dot:
    w, x = rng.standard_normal((2, n))
    calls = {
        "arrays": partial(_loop, w, x),
        "lists": partial(_loop, w.tolist(), x.tolist()),
        "dot": partial(np.dot, w, x),
    }
    return Dot(n, **side_by_side(calls))


def _loop(w: Any, x: Any) -> float:
    z = 0.0
    for j in range(len(w)):
        z += w[j] * x[j]
    return z


def _function(name: str, x: np.ndarray) -> tuple[float, float]:
    single, whole = FUNCTIONS[name]
    numbers = x.tolist()
    found = side_by_side({"loop": lambda: [single(v) for v in numbers], "array": partial(whole, x)})
    return found["loop"] / len(x), found["array"] / len(x)
