"""Chapter 7: several numbers at once; why reordering is needed, and the exponential that would not vectorise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .....kernels.ladder import rung
from ....measure import data, threads
from ....measure.anatomy import simd as instructions
from ....measure.stopwatch import side_by_side
from ....show.numbers import count, seconds, times
from ....show.tables import Line, Table
from ..pictures import Axis, Bar, Bars
from .findings import Findings

if TYPE_CHECKING:
    from .findings import Tell
    from .sizes import Sizes

LOOPS = ("sum_in_order", "sum_in_any_order", "sigmoid_called", "sigmoid_polynomial")
RUNGS = ("numba-serial", "numba-simd", "cython-serial", "cython-simd")
REGISTERS = {"zmm": 512, "ymm": 256, "xmm": 128}  # bits
ADDENDS = (0.1, 0.2, 0.3)
SHOWN = 24  # lines of a loop at most


class Timed(NamedTuple):
    """A compiled loop, or rung: seconds a number, and what instructions its innermost loops hold."""

    name: str
    element: float
    packed: int | None
    scalar: int | None


@dataclass(frozen=True)
class Simd(Findings):
    """The loops, the rungs, and the instructions themselves."""

    loops: dict[str, Timed]
    rungs: dict[str, Timed]
    hot: dict[str, str]
    difference: float
    shape: tuple[int, int]

    @property
    def reordering(self) -> float:
        """What reordering the sum gains."""
        return self.loops["sum_in_order"].element / self.loops["sum_in_any_order"].element

    @property
    def exponential(self) -> float:
        """What the polynomial gains over the call, loss included."""
        return self.loops["sigmoid_called"].element / self.loops["sigmoid_polynomial"].element

    @property
    def numba_gain(self) -> float:
        """The gain of the whole step in Numba."""
        return self.rungs["numba-serial"].element / self.rungs["numba-simd"].element

    @property
    def cython_gain(self) -> float:
        """The gain of the whole step in Cython."""
        return self.rungs["cython-serial"].element / self.rungs["cython-simd"].element

    @property
    def left(self) -> float:
        """0.1, 0.2 and 0.3 added from the left."""
        return (ADDENDS[0] + ADDENDS[1]) + ADDENDS[2]

    @property
    def right(self) -> float:
        """The same from the right."""
        return ADDENDS[0] + (ADDENDS[1] + ADDENDS[2])

    @property
    def register(self) -> str | None:
        """The widest registers of the packed sum, x86 only."""
        return next((name for name in REGISTERS if name in self.hot.get("packed", "")), None)

    @property
    def bits(self) -> int | None:
        """Their width."""
        return REGISTERS[self.register] if self.register else None

    @property
    def lanes(self) -> int | None:
        """How many float64 numbers they hold."""
        return self.bits and self.bits // 64

    def tables(self) -> dict[str, Table]:
        before = None
        loops = []
        for one in self.loops.values():
            gain = times(before.element / one.element) if before else ""
            loops.append(Line((one.name, f"{1e9 * one.element:.3g} ns", gain, *_counts(one))))
            before = None if before else one
        whole = [
            Line(
                (
                    one.name,
                    seconds(one.element * self.shape[0] * self.shape[1]),
                    f"{1e9 * one.element:.3g} ns",
                    *_counts(one),
                )
            )
            for one in self.rungs.values()
        ]
        counts = ("packed instructions", "scalar instructions")
        return {
            "loops": Table("", ("loop", "per number", "gain", *counts), loops),
            "rungs": Table("", ("rung", "one step", "per number of X", *counts), whole),
        }

    def pictures(self) -> dict[str, Bars]:
        bars = [Bar(one.name, one.element, family) for one, family in zip(
            self.loops.values(), ("python", "numba", "python", "numba"), strict=True)]  # fmt: skip
        return {"loops": Bars(Axis("per number", "seconds", log=False), bars)}

    def listings(self) -> dict[str, str]:
        return self.hot


def _counts(one: Timed) -> tuple[str, str]:
    return ("–", "–") if one.packed is None or one.scalar is None else (count(one.packed), count(one.scalar))


def measure(sizes: Sizes, tell: Tell) -> Simd:
    """Compile the loops, time them beside each other, and read their instructions."""
    tell("compiling four loops")
    from . import simd_loops

    x = np.random.default_rng(7).uniform(-4, 4, sizes.lanes)
    functions = {name: getattr(simd_loops, name) for name in LOOPS}
    found = side_by_side({name: partial(function, x) for name, function in functions.items()})
    assembly = {name: "\n\n".join(function.inspect_asm().values()) for name, function in functions.items()}
    loops = {name: Timed(name, found[name] / len(x), *_count(assembly[name])) for name in LOOPS}
    difference = abs(simd_loops.sum_in_order(x) - simd_loops.sum_in_any_order(x))
    tell("vectorised rungs", 0.6)
    m, n = sizes.compiled
    arguments = data.load(f"{m}x{n}", "float64", "C")[1:]
    with threads.limited(1):
        taken = side_by_side({name: partial(rung(name).load(), *arguments) for name in RUNGS})
    rungs = {name: Timed(name, taken[name] / (m * n), *_evidence(name)) for name in RUNGS}
    hot = {"scalar": hot_loop(assembly["sum_in_order"]), "packed": hot_loop(assembly["sum_in_any_order"])}
    return Simd(loops, rungs, hot, difference, (m, n))


def _count(assembly: str) -> tuple[int, int] | tuple[None, None]:
    """Count the instructions of the innermost loops; None where every one of them calls a function."""
    found = instructions.count(assembly)
    return (found.packed, found.scalar) if any(found) else (None, None)


def _evidence(name: str) -> tuple[int | None, int | None]:
    """Count a Cython rung's instructions; Numba's come from a cache here, where they cannot be read."""
    try:
        if rung(name).family == "cython":
            return _count(instructions.disassembly(rung(name).module))
    except instructions.SimdError:  # no disassembler
        pass
    return None, None


def hot_loop(assembly: str) -> str:
    """Return the innermost loop with most floating-point arithmetic, as text; "" where none is found."""
    best: Any = max(
        (loop for function in instructions.functions(assembly) for loop in instructions.innermost_loops(function)),
        key=lambda loop: (sum(bool(instructions.ARITHMETIC.fullmatch(one.name)) for one in loop), -len(loop)),
        default=(),
    )
    lines = [f"{one.name:<14}{re.sub(chr(9), ' ', one.operands)}".rstrip() for one in best]
    return "\n".join(lines if len(lines) <= SHOWN else [*lines[: SHOWN - 1], f"… ({len(lines) - SHOWN + 1})"])
