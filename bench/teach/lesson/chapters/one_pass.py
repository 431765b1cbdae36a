"""Chapter 8: two reads of X, one read of X, the rate at which this machine can read, and how times follow m and n."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ....measure import limits
from ....show.numbers import percent, rate, seconds, size, times
from ....show.result import Cell, Figure
from ..pictures import Axis, Bar, Bars, Curves, Growth, Series, Traffic
from . import bounds, growth
from .parts import Findings, Pictures, Sizes, Tables, Tell, peak, table, time_steps

FEATURES = 100
NUMPY, TWO, ONE = RUNGS = ("numpy-stable", "cython-simd", "cython-fused")
INTENSITY = 0.5  # a step's operations for each byte of float64: 4 for 8
ALONG = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20)  # where the roofs are drawn


class Passes(NamedTuple):
    """One shape: seconds of the step in NumPy, in two passes and in one, and what bounds the last."""

    samples: int
    seconds: dict[str, float]
    least: bounds.Bounded

    @property
    def bytes(self) -> int:
        """Size of X."""
        return 8 * self.samples * FEATURES

    @property
    def gain(self) -> float:
        """How many times as fast as two passes one is."""
        return self.seconds[TWO] / self.seconds[ONE]

    @property
    def over_numpy(self) -> float:
        """How many times as fast as NumPy one pass is."""
        return self.seconds[NUMPY] / self.seconds[ONE]


@dataclass
class OnePass(Findings):
    """Every shape, and the limits of one thread of this machine."""

    shapes: list[Passes]
    read: list[tuple[int, float]]  # working sets in bytes, and the bytes per second they are read at
    peak: float  # operations per second
    growth: Growth
    columns: dict[str, float]  # seconds of two passes and of one on the largest X, in F order

    def __post_init__(self) -> None:
        self.largest = self.shapes[-1]
        self.least, self.gain = self.largest.least, self.largest.gain
        self.fraction = self.least.fraction
        self.beyond = any(one.resource == "memory" for one in self.least.parts)  # the caches
        self.fastest, self.slowest = max(value for _, value in self.read), self.read[-1][1]  # first cache and memory
        in_rows, in_columns = ((one[TWO], one[ONE]) for one in (self.largest.seconds, self.columns))
        self.columns_gain = in_columns[0] / in_columns[1]
        self.traffic = Traffic({"C": in_rows, "F": in_columns}, self.largest.bytes)
        self.reread = self.traffic.fetched("F", self.traffic.tile, self.traffic.caches[0])
        samples, features, tuned = self.growth.samples, self.growth.features, self.growth.seconds[growth.RUNGS[-1]]
        self.larger = samples[-1] * features[-1] / (samples[0] * features[0])
        self.longer = tuned[-1][-1] / tuned[0][0]
        self.ridge = self.peak / self.slowest  # operations per byte, from which on arithmetic is the limit

    def tables(self) -> Tables:
        columns = ("X", "size", *RUNGS, "gain", "of its limit", "limit")
        passes = [
            (f"{one.samples:,} × {FEATURES}", size(one.bytes), *(seconds(one.seconds[name]) for name in RUNGS),
             times(one.gain), percent(one.least.fraction), one.least.limit.resource)
            for one in self.shapes
        ]  # fmt: skip
        reads = [(size(held), rate(value)) for held, value in self.read[::2]]
        return {"passes": table(columns, passes), "reads": table(("working set", "read by one thread"), reads)}

    def pictures(self) -> Pictures:
        sizes = [one.bytes for one in self.shapes]
        rates = [Series(name, sizes, [one.bytes / one.seconds[name] for one in self.shapes]) for name in RUNGS]
        read = Series("reading, and nothing else", [held for held, _ in self.read], [value for _, value in self.read])
        roofs = [
            Series(name, ALONG, [min(self.peak, x * value) / 1e9 for x in ALONG])
            for name, value in (("roof: first-level cache", self.fastest), ("roof: memory", self.slowest))
        ]
        points = [
            Series(name, [INTENSITY], [INTENSITY * self.largest.bytes / self.largest.seconds[name] / 1e9], dots=True)
            for name in RUNGS
        ]
        least = [Bar(part.resource, part.seconds, "other") for part in self.least.parts]
        return {
            "least": Bars(Axis("time", "seconds", log=False), [*least, Bar(ONE, self.least.seconds, "cython")]),
            "wall": Curves(Axis("size of X", "bytes"), Axis("X per second", "bytes/s"), [read, *rates]),
            "roofline": Curves(Axis("operations for each byte of X"), Axis("GFLOP/s"), [*roofs, *points]),
            "traffic": self.traffic,
            "growth": self.growth,
        }


def measure(sizes: Sizes, tell: Tell) -> OnePass:
    """Time the three forms on ever larger X, on one thread; then the rungs on a grid of shapes."""
    here, shapes = bounds.here(), []
    for done, m in enumerate(sizes.passes, 1):
        tell(0.4 * done / len(sizes.passes))
        found = time_steps(RUNGS, m, FEATURES)
        figure = Figure(Cell(ONE, f"{m}x{FEATURES}", "float64", "C", 1), m, FEATURES)
        shapes.append(Passes(m, found, bounds.Bounded(found[ONE], here.bounds(figure, limits.here()))))
    columns = growth.in_columns((TWO, ONE), (sizes.passes[-1], FEATURES))
    grown = growth.measure(sizes, lambda share: tell(0.5 + share / 2))
    return OnePass(shapes, limits.here().rates(1), peak(), grown, columns)
