"""Chapter 7: several numbers at once; why reordering is needed, and the exponential that would not vectorise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from math import exp
from typing import Any, NamedTuple

import numba
import numpy as np

from .....kernels.ladder import rung
from .....kernels.parts.numba_jit import FASTMATH
from .....kernels.parts.numba_link import loss_and_dz
from ....measure.anatomy import simd as instructions
from ....measure.stopwatch import side_by_side
from ....show.numbers import count, seconds, times
from ..pictures import Axis, Bar, Bars
from . import order as order_of_sums
from .parts import Findings, Pictures, Sizes, Tables, Tell, nanoseconds, table, time_steps

RUNGS = ("numba-serial", "numba-simd", "cython-serial", "cython-simd")
REGISTERS = {"zmm": 512, "ymm": 256, "xmm": 128}  # bits
SHOWN = 24  # lines of a loop at most

# The loops are not cached: Numba shows the instructions of what it compiled in this very process.


def _sum(x):
    total = 0.0
    for j in range(x.shape[0]):
        total += x[j]
    return total


sum_in_order = numba.njit(_sum)
sum_in_any_order = numba.njit(_sum, fastmath=FASTMATH)


@numba.njit(fastmath=FASTMATH, error_model="numpy")
def sigmoid_called(z):
    """Add up σ(z) with the C library's exponential."""
    total = 0.0
    for i in range(z.shape[0]):
        total += 1.0 / (1.0 + exp(-z[i]))
    return total


@numba.njit(fastmath=FASTMATH, error_model="numpy")
def sigmoid_polynomial(z):
    """Add up σ(z) = dz at y = 0 with the exponential that is a polynomial; the loss comes with it."""
    total = 0.0
    for i in range(z.shape[0]):
        total += loss_and_dz(z[i], 0.0)[1]
    return total


LOOPS = {
    "sum_in_order": sum_in_order,
    "sum_in_any_order": sum_in_any_order,
    "sigmoid_called": sigmoid_called,
    "sigmoid_polynomial": sigmoid_polynomial,
}


class Timed(NamedTuple):
    """A compiled loop, or rung: seconds per number, and how many instructions its innermost loops hold, if known."""

    element: float
    packed: int | None = None
    scalar: int | None = None

    @property
    def counts(self) -> tuple[str, str]:
        """Both numbers of instructions as text."""
        packed, scalar = ("–" if one is None else count(one) for one in self[1:])
        return packed, scalar


@dataclass
class Simd(Findings):
    """The loops and the rungs by name, and the innermost loops of the two sums as assembly."""

    loops: dict[str, Timed]
    rungs: dict[str, Timed]
    hot: dict[str, str]  # "scalar" and "packed"
    difference: float  # between the two sums
    shape: tuple[int, int]
    order: order_of_sums.Order

    def __post_init__(self) -> None:
        self.left, self.right = (0.1 + 0.2) + 0.3, 0.1 + (0.2 + 0.3)
        loops = [one.element for one in self.loops.values()]
        self.reordering, self.exponential = loops[0] / loops[1], loops[2] / loops[3]
        rungs = [one.element for one in self.rungs.values()]
        self.numba_gain, self.cython_gain = rungs[0] / rungs[1], rungs[2] / rungs[3]
        self.bits = next((bits for name, bits in REGISTERS.items() if name in self.hot["packed"]), None)  # on x86
        self.lanes = self.bits and self.bits // 64
        self.numpy_difference = self.order.numpy or None

    def tables(self) -> Tables:
        gains = ("", times(self.reordering), "", times(self.exponential))
        loops = [
            (name, nanoseconds(one.element), gain, *one.counts)
            for (name, one), gain in zip(self.loops.items(), gains, strict=True)
        ]
        m, n = self.shape
        rungs = [
            (name, seconds(one.element * m * n), nanoseconds(one.element), *one.counts)
            for name, one in self.rungs.items()
        ]
        counts = ("packed instructions", "scalar instructions")
        return {
            "loops": table(("loop", "per number", "gain", *counts), loops),
            "rungs": table(("rung", "one step", "per number of X", *counts), rungs),
            "sums": self.order.table(),
        }

    def pictures(self) -> Pictures:
        families = ("python", "numba", "python", "numba")
        bars = [
            Bar(name, one.element, family) for (name, one), family in zip(self.loops.items(), families, strict=True)
        ]
        return {"loops": Bars(Axis("per number", "seconds", log=False), bars)}

    def listings(self) -> dict[str, str]:
        return self.hot


def measure(sizes: Sizes, tell: Tell) -> Simd:
    """Compile the loops, time them beside each other, and read their instructions."""
    x = np.random.default_rng(7).uniform(-4, 4, sizes.lanes)
    taken = side_by_side({name: partial(loop, x) for name, loop in LOOPS.items()})
    assembly = {name: "\n\n".join(loop.inspect_asm().values()) for name, loop in LOOPS.items()}
    loops = {name: Timed(taken[name] / len(x), *_count(assembly[name])) for name in LOOPS}
    hot = {"scalar": hot_loop(assembly["sum_in_order"]), "packed": hot_loop(assembly["sum_in_any_order"])}
    tell(0.6)
    m, n = sizes.compiled
    rungs = {name: Timed(one / (m * n), *_evidence(name)) for name, one in time_steps(RUNGS, m, n).items()}
    tell(0.8)
    difference = abs(sum_in_order(x) - sum_in_any_order(x))
    return Simd(loops, rungs, hot, difference, (m, n), order_of_sums.measure())


def _count(assembly: str) -> tuple[int, ...]:
    """Count the packed and scalar instructions of the innermost loops; nothing where each of them calls a function."""
    found = instructions.count(assembly)
    return found if any(found) else ()


def _evidence(name: str) -> tuple[int, ...]:
    """Count a Cython rung's instructions; Numba's come from a cache here, where they cannot be read."""
    try:
        return _count(instructions.disassembly(rung(name).module)) if rung(name).family == "cython" else ()
    except instructions.SimdError:  # no disassembler
        return ()


def hot_loop(assembly: str) -> str:
    """Return the innermost loop with most floating-point arithmetic, as text; "" where none is found."""
    best: Any = max(
        (loop for function in instructions.functions(assembly) for loop in instructions.innermost_loops(function)),
        key=lambda loop: (sum(bool(instructions.ARITHMETIC.fullmatch(one.name)) for one in loop), -len(loop)),
        default=(),
    )
    lines = [f"{one.name:<14}{re.sub(chr(9), ' ', one.operands)}".rstrip() for one in best]
    return "\n".join(lines if len(lines) <= SHOWN else [*lines[: SHOWN - 1], f"… ({len(lines) - SHOWN + 1})"])
