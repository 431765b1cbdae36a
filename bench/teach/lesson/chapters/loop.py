"""Chapter 4: what the double loop costs, and what one turn of it costs the interpreter."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .....kernels.ladder import rung
from .....pyimpl import python_array, python_floats
from ....measure import data, limits, threads
from ....measure.stopwatch import side_by_side
from ....show.numbers import count, seconds, size
from ....show.tables import Line, Table
from ..listings import bytecode, loops
from ..pictures import Axis, Bar, Bars
from .findings import Findings

if TYPE_CHECKING:
    import dis
    from collections.abc import Callable, Sequence

    from .findings import Tell
    from .sizes import Sizes

TURNS = 2000  # of the loop that is taken apart


class Version(NamedTuple):
    """A double loop: its seconds for each number of X, and what one turn of its inner loop is made of."""

    rung: str
    element: float
    instructions: int
    objects: int


@dataclass(frozen=True)
class Loop(Findings):
    """The two pure-Python rungs, and the turn of a loop put together piece by piece."""

    samples: int
    features: int
    versions: list[Version]
    pieces: dict[str, dict[str, float]]  # "arrays" or "lists" → what the loop holds so far → seconds a turn
    flops: float
    listing: str

    @property
    def element(self) -> float:
        """Seconds for each number of X, indexing arrays."""
        return self.versions[0].element

    @property
    def turn(self) -> float:
        """Seconds of one turn of the inner loop over arrays."""
        return list(self.pieces["arrays"].values())[-1]

    @property
    def empty(self) -> float:
        """Seconds of a turn that does nothing."""
        return next(iter(self.pieces["lists"].values()))

    @property
    def float_bytes(self) -> int:
        """Bytes of a Python float."""
        return self.sizes["float"]

    @property
    def arithmetic(self) -> float:
        """The share of a turn over arrays that the machine's own multiply-add would take."""
        return 2 / self.flops / self.turn

    @property
    def wasted(self) -> float:
        """How many multiply-adds the machine could do meanwhile."""
        return 1 / self.arithmetic

    @property
    def lists_gain(self) -> float:
        """How many times as fast the loop over lists is."""
        return self.versions[0].element / self.versions[1].element

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes of a number in an array, as a Python float and as a NumPy scalar."""
        return {"array": 8, "float": sys.getsizeof(1.5), "scalar": sys.getsizeof(np.float64(1.5))}

    def tables(self) -> dict[str, Table]:
        versions = [
            Line((
                one.rung, seconds(one.element * self.samples * self.features), seconds(one.element),
                count(one.instructions), count(one.objects),
            ))
            for one in self.versions
        ]  # fmt: skip
        columns = ("rung", "one step", "per number of X", "bytecodes a turn", "new objects a turn")
        pieces = [
            Line((name, *(f"{1e9 * self.pieces[kind][name]:.1f} ns" for kind in ("arrays", "lists"))))
            for name in self.pieces["arrays"]
        ]
        bytes_ = [Line((name, size(held))) for name, held in self.sizes.items()]
        return {
            "versions": Table("", columns, versions),
            "pieces": Table("", ("the loop holds", "over arrays", "over lists"), pieces),
            "objects": Table("", ("a number held as", "bytes"), bytes_),
        }

    def pictures(self) -> dict[str, Bars]:
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
    tell("the double loop")
    m, n = sizes.loop
    arguments = data.load(f"{m}x{n}", "float64", "C")[1:]
    names = ("python-array", "python-floats")
    with threads.limited(1):
        found = side_by_side({name: partial(rung(name).load(), *arguments) for name in names})
    inner = {"python-array": loops(python_array.double_loop)[0], "python-floats": loops(python_floats.step)[0]}
    versions = [
        Version(name, found[name] / (m * n), len(inner[name]), _objects(inner[name], name == "python-array"))
        for name in names
    ]
    X, _, w, _ = arguments
    tell("one turn of a loop", 0.3)
    x = np.resize(X[0], TURNS)
    pieces = {"arrays": _pieces(x, np.resize(w, TURNS)), "lists": _pieces(x.tolist(), np.resize(w, TURNS).tolist())}
    return Loop(m, n, versions, pieces, limits.here().flops("float64", 1) or 0.0, bytecode(inner["python-array"]))


def _objects(instructions: Sequence[dis.Instruction], arrays: bool) -> int:
    """Count the objects made in a turn: by arithmetic, and by indexing where what is indexed is an array."""
    indexing = sum(one.opname == "BINARY_SUBSCR" or one.argrepr == "[]" for one in instructions)
    arithmetic = sum(one.opname == "BINARY_OP" and one.argrepr != "[]" for one in instructions)
    tuples = sum(one.opname == "BUILD_TUPLE" for one in instructions)
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


def _pieces(x: Any, w: Any) -> dict[str, float]:
    """Return the seconds a turn takes as the loop gains its pieces."""
    stages: dict[str, Callable] = {
        "for j in range(n)": _empty, "x[j]": _indexed, "w[j] * x[j]": _multiplied, "z += w[j] * x[j]": _summed,
    }  # fmt: skip
    found = side_by_side({name: partial(stage, w, x, TURNS) for name, stage in stages.items()})
    return {name: value / TURNS for name, value in found.items()}
