"""The order of sums: the bits of a step in every way this machine can go about it, beside the published ones."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from threadpoolctl import ThreadpoolController

from .....kernels.choose import isa, team
from .....kernels.choose.which import KERNEL
from .....kernels.ladder import rung
from ....conformance import golden
from ....show.ladder import NUMPY
from ....show.numbers import power
from .parts import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .....pyimpl.parts.contract import Step
    from ....show.tables import Table

OURS = "cython-tuned"
PUBLISHED = golden.PUBLISHED.partition(": ")[2]


class Result(NamedTuple):
    """A step's result: whose, in which way, its bits, and the largest difference from the first of all results."""

    step: str
    way: str
    bits: str  # see `golden.bits`
    difference: float  # of cost, dw or db, relative to its largest number
    fused: bool = False  # whether it must have the published bits

    @property
    def line(self) -> tuple[str, ...]:
        """The line of a table."""
        return self.step, self.way, _cost(self.bits), _digest(self.bits), power(self.difference)


@dataclass(frozen=True)
class Order:
    """The results; the first is that of the build this machine uses, on one thread."""

    results: list[Result]
    level: str  # the instruction set of that build

    @property
    def fused(self) -> bool:
        """Whether this machine uses a build that must have the published bits."""
        return self.results[0].fused

    @property
    def wrong(self) -> list[Result]:
        """Those that must have the published bits, and have not."""
        return [one for one in self.results if one.fused and one.bits != PUBLISHED]

    @property
    def unfused(self) -> list[Result]:
        """Those of our builds whose bits are their own."""
        return [one for one in self.results if one.step == OURS and not one.fused]

    @property
    def numpy(self) -> float:
        """The largest difference of NumPy's results."""
        return max(one.difference for one in self.results if one.step == NUMPY)

    @property
    def numpy_varies(self) -> bool:
        """Whether the number of threads changes a bit of them."""
        return len({one.bits for one in self.results if one.step == NUMPY}) > 1

    def table(self) -> Table:
        """Set the digests beside the published one."""
        first = ("published", "", _cost(PUBLISHED), _digest(PUBLISHED), "")
        columns = ("rung", "way", "cost", "digest of dw", "largest difference")
        return table(columns, [first, *(one.line for one in self.results)])


def _cost(bits: str) -> str:
    return f"{float.fromhex(bits.split()[0]):.17g}"


def _digest(bits: str) -> str:
    return bits.split()[-1]


def measure() -> Order:
    """Take the step on the golden input in every way there is here."""
    level = isa.chosen(KERNEL)
    found = list(_results(level))
    reference = found[0][2]
    return Order([
        Result(step, way, golden.bits(result.cost, result.dw, result.db), _difference(result, reference), fused)
        for step, way, result, fused in found
    ], level)  # fmt: skip


def _results(level: str) -> Iterator[tuple[str, str, Step, bool]]:
    """Yield whose result it is, in which way, the result, and whether it must have the published bits."""
    X, y, w, b = golden.published()
    most, fused = team.available(), isa.fused(level)
    numbers = {"one thread": 1} | ({"all threads": most} if most > 1 else {})

    def ours(kernel: Any, number: int, how: Any = None) -> Step:
        return kernel.Bound(X, y, number, how).step(w, b)

    for name, number in numbers.items():
        yield OURS, name, ours(isa.load(KERNEL), number), fused
    schedules = [ours(isa.load(KERNEL), most, how) for how in isa.load(KERNEL).candidates(X)]
    first = ours(isa.load(KERNEL), 1)
    yield OURS, "every schedule", max(schedules, key=lambda one: _difference(one, first)), fused
    for other, module in isa.available(KERNEL).items():
        if other != level:
            yield OURS, other, ours(import_module(f"{isa.ROOT}.{module}"), 1), isa.fused(other)
    for name, number in numbers.items():
        with ThreadpoolController().select(user_api="blas").limit(limits=number):
            yield NUMPY, name, rung(NUMPY).load()(X, y, w, b), False


def _difference(result: Step, reference: Step) -> float:
    """Return the largest difference of cost, dw or db, relative to its largest number."""
    pairs: Any = zip(result, reference, strict=True)
    return max(float(np.max(abs(a - b)) / np.max(abs(b))) for a, b in pairs)
