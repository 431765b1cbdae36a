"""Chapter 4: what the double loop costs, and what one turn of it costs the interpreter."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .....pyimpl import python_array, python_floats
from ....measure import data
from ....measure.stopwatch import side_by_side
from ....show.numbers import count, seconds, size
from ..listings import bytecode, loops
from ..pictures import Axis, Bar, Bars
from .parts import Findings, Pictures, Sizes, Tables, Tell, nanoseconds, peak, table, time_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ....measure.anatomy.simd import Instruction

TURNS = 2000  # of the loop that is taken apart
BYTES = {"array": 8, "float": sys.getsizeof(1.5), "scalar": sys.getsizeof(np.float64(1.5))}  # of one number


class DoubleLoop(NamedTuple):
    """A rung in pure Python: seconds per number of X; bytecodes and new objects of one turn of its inner loop."""

    rung: str
    element: float
    instructions: int
    objects: int


@dataclass
class Loop(Findings):
    """The two pure-Python rungs, and the turn of a loop put together piece by piece."""

    samples: int
    features: int
    versions: list[DoubleLoop]
    pieces: dict[str, dict[str, float]]  # "arrays" or "lists" → what the loop holds so far → seconds a turn
    flops: float  # that this machine does in a second at most, on one thread
    listing: str

    def __post_init__(self) -> None:
        arrays, lists = self.versions
        self.element = arrays.element
        self.lists_gain = arrays.element / lists.element
        self.empty = self.pieces["lists"]["for j in range(n)"]
        self.wasted = self.pieces["arrays"]["z += w[j] * x[j]"] * self.flops / 2  # multiply-adds in a turn's time
        self.float_bytes = BYTES["float"]

    def tables(self) -> Tables:
        columns = ("rung", "one step", "per number of X", "bytecodes a turn", "new objects a turn")
        numbers = self.samples * self.features
        rungs = [
            (one.rung, seconds(one.element * numbers), seconds(one.element), *map(count, one[2:]))
            for one in self.versions
        ]
        arrays, lists = self.pieces.values()
        pieces = [(name, nanoseconds(arrays[name]), nanoseconds(lists[name])) for name in arrays]
        return {
            "versions": table(columns, rungs),
            "pieces": table(("the loop holds", "over arrays", "over lists"), pieces),
            "objects": table(("a number held as", "bytes"), [(name, size(held)) for name, held in BYTES.items()]),
        }

    def pictures(self) -> Pictures:
        bars = []
        for kind, family in (("arrays", "numpy"), ("lists", "python")):
            before = 0.0
            for name, value in self.pieces[kind].items():
                bars.append(Bar(f"{name}  ({kind})", max(value - before, 0.0), family))
                before = value
        return {"turn": Bars(Axis("added to one turn", "seconds", log=False), bars)}

    def listings(self) -> dict[str, str]:
        return {"inner": self.listing}


def measure(sizes: Sizes, tell: Tell) -> Loop:
    """Time both rungs, and a loop that gains one piece after the other."""
    m, n = sizes.loop
    found = time_steps(("python-array", "python-floats"), m, n)
    inner = {"python-array": loops(python_array.double_loop)[0], "python-floats": loops(python_floats.step)[0]}
    versions = [
        DoubleLoop(name, taken / (m * n), len(inner[name]), _objects(inner[name], name == "python-array"))
        for name, taken in found.items()
    ]
    tell(0.3)
    _, X, _, w, _ = data.load(f"{m}x{n}", "float64", "C")
    x, w = np.resize(X[0], TURNS), np.resize(w, TURNS)
    pieces = {"arrays": _pieces(w, x), "lists": _pieces(w.tolist(), x.tolist())}
    return Loop(m, n, versions, pieces, peak(), bytecode(inner["python-array"]))


def _objects(instructions: Sequence[Instruction], arrays: bool) -> int:
    """Count the objects made in a turn: by arithmetic, and by indexing where what is indexed is an array."""
    indexing = sum(one.name == "BINARY_SUBSCR" or one.operands == "[]" for one in instructions)
    arithmetic = sum(one.name == "BINARY_OP" and one.operands != "[]" for one in instructions)
    tuples = sum(one.name == "BUILD_TUPLE" for one in instructions)
    return arithmetic + tuples + arrays * indexing


def _empty(w: Any, x: Any, n: int) -> None:
    for j in range(n):  # noqa: B007  # the loop alone is what is timed
        pass


def _indexed(w: Any, x: Any, n: int) -> None:
    for j in range(n):
        x[j]


def _multiplied(w: Any, x: Any, n: int) -> None:
    for j in range(n):
        w[j] * x[j]


def _summed(w: Any, x: Any, n: int) -> float:
    z = 0.0
    for j in range(n):
        z += w[j] * x[j]
    return z


STAGES = {"for j in range(n)": _empty, "x[j]": _indexed, "w[j] * x[j]": _multiplied, "z += w[j] * x[j]": _summed}


def _pieces(w: Any, x: Any) -> dict[str, float]:
    """Return the seconds a turn takes as the loop gains its pieces."""
    found = side_by_side({name: partial(stage, w, x, TURNS) for name, stage in STAGES.items()})
    return {name: taken / TURNS for name, taken in found.items()}
