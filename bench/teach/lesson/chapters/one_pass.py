"""Chapter 8: two reads of X, one read of X, and the rate at which this machine can read at all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from .....kernels.choose.planner import settle
from .....kernels.ladder import rung
from ....measure import data, limits, machine, threads
from ....measure.limits import Limit, limit
from ....measure.stopwatch import side_by_side
from ....show.numbers import percent, rate, seconds, size, times
from ....show.result import Cell, Figure
from ....show.tables import Line, Table
from ..pictures import Axis, Curves, Series
from .findings import Findings

if TYPE_CHECKING:
    from ....show.result import Limits
    from .findings import Tell
    from .sizes import Sizes

FEATURES = 100
NUMPY, TWO, ONE = "numpy-stable", "cython-simd", "cython-fused"
INTENSITY = 0.5  # a step's operations for each byte of float64: 4 for 8


class Passes(NamedTuple):
    """One shape: seconds of the step in NumPy, in two passes and in one, and the least this machine allows."""

    samples: int
    seconds: dict[str, float]
    limit: Limit

    @property
    def bytes(self) -> int:
        """Of X."""
        return 8 * self.samples * FEATURES

    @property
    def gain(self) -> float:
        """How many times as fast one pass is."""
        return self.seconds[TWO] / self.seconds[ONE]

    @property
    def over_numpy(self) -> float:
        """How many times as fast as NumPy one pass is."""
        return self.seconds[NUMPY] / self.seconds[ONE]

    @property
    def fraction(self) -> float:
        """The share of its limit that one pass reaches."""
        return self.limit.seconds / self.seconds[ONE]


@dataclass(frozen=True)
class OnePass(Findings):
    """Every shape, and the machine's limits on one thread."""

    shapes: list[Passes]
    limits: Limits
    caches: int

    @property
    def largest(self) -> Passes:
        """The largest X."""
        return self.shapes[-1]

    @property
    def beyond(self) -> bool:
        """Whether the largest X is larger than the caches."""
        return self.largest.bytes > self.caches

    @property
    def gain(self) -> float:
        """What one pass gains on the largest X."""
        return self.largest.gain

    @property
    def fraction(self) -> float:
        """The share of the limit reached on the largest X."""
        return self.largest.fraction

    @property
    def read(self) -> list[tuple[int, float]]:
        """Working sets in bytes and the rate at which one thread reads them."""
        return self.limits.rates(1)

    @property
    def slowest(self) -> float:
        """The rate at which memory is read, beyond the caches."""
        return self.read[-1][1]

    @property
    def fastest(self) -> float:
        """The rate at which the first-level cache is read."""
        return max(rate for _, rate in self.read)

    @property
    def peak(self) -> float:
        """Operations a second, at most."""
        return self.limits.flops("float64", 1) or 0.0

    @property
    def ridge(self) -> float:
        """Operations for each byte from which on arithmetic would be the limit, beyond the caches."""
        return self.peak / self.slowest

    def tables(self) -> dict[str, Table]:
        passes = [
            Line((
                f"{one.samples:,} × {FEATURES}", size(one.bytes), *(seconds(one.seconds[r]) for r in (NUMPY, TWO, ONE)),
                times(one.gain), percent(one.fraction), one.limit.resource,
            ))
            for one in self.shapes
        ]  # fmt: skip
        reads = [Line((size(bytes_), rate(value))) for bytes_, value in self.read[::2]]
        columns = ("X", "size", NUMPY, TWO, ONE, "one pass over two", "of the limit", "limited by")
        return {
            "passes": Table("", columns, passes),
            "reads": Table("", ("working set", "read by one thread"), reads),
        }

    def pictures(self) -> dict[str, Curves]:
        sizes = [one.bytes for one in self.shapes]
        rates = [
            Series(name, sizes, [one.bytes / one.seconds[name] for one in self.shapes]) for name in (NUMPY, TWO, ONE)
        ]
        read = Series("reading, and nothing else", [size for size, _ in self.read], [rate for _, rate in self.read])
        wall = Curves(Axis("size of X", "bytes"), Axis("X per second", "bytes/s"), [read, *rates])
        return {"wall": wall, "roofline": self._roofline()}

    def _roofline(self) -> Curves:
        along = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20]
        roofs = [
            Series(name, along, [min(self.peak, x * value) / 1e9 for x in along])
            for name, value in (("roof: first-level cache", self.fastest), ("roof: memory", self.slowest))
        ]
        points = [
            Series(name, [INTENSITY], [INTENSITY * self.largest.bytes / self.largest.seconds[name] / 1e9], dots=True)
            for name in (NUMPY, TWO, ONE)
        ]
        return Curves(Axis("operations for each byte of X"), Axis("GFLOP/s"), [*roofs, *points])


def measure(sizes: Sizes, tell: Tell) -> OnePass:
    """Time the three forms on ever larger X, on one thread."""
    tell("reading memory")
    here = limits.here()
    shapes = []
    for done, m in enumerate(sizes.passes):
        tell(f"one pass and two, {m:,} × {FEATURES}", (1 + done) / (1 + len(sizes.passes)))
        arguments = data.load(f"{m}x{FEATURES}", "float64", "C")[1:]
        settle()
        with threads.limited(1):
            found = side_by_side({name: partial(rung(name).load(), *arguments) for name in (NUMPY, TWO, ONE)})
        figure = Figure(Cell(ONE, f"{m}x{FEATURES}", "float64", "C", 1), m, FEATURES, "measured", None, [found[ONE]])
        least = limit(figure, here)
        assert least is not None
        shapes.append(Passes(m, found, least))
    return OnePass(shapes, here, machine.last_level_bytes())
