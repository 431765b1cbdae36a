"""What a picture shows, as data: `svg` draws it on the page, `plain` in the terminal.

Names and titles are English; a language's `Words` turn them into its own when they are drawn. With some of them the
reader can play: `play` says what the page's script needs for that, and their `still` is shown where no script runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from ...show.numbers import count, seconds, size
from ...show.tables import Line, Table
from . import cache

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .cache import Order

READ = "one read of X"

Unit = Literal["", "seconds", "bytes", "bytes/s", "times"]
Level = tuple[str, float] | None  # a dashed line across, with its name


class Axis(NamedTuple):
    """A title, what the numbers are, and whether they are spaced by powers of ten."""

    title: str
    unit: Unit = ""
    log: bool = True


class Series(NamedTuple):
    """A curve, or dots where `dots` says so; points without a number are left out."""

    name: str
    x: Sequence[float]
    y: Sequence[float | None]
    dots: bool = False

    @property
    def points(self) -> list[tuple[float, float]]:
        """Those that have a number."""
        return [(float(x), float(y)) for x, y in zip(self.x, self.y, strict=True) if y is not None]


@dataclass(frozen=True)
class Curves:
    """Curves over a common axis."""

    x: Axis
    y: Axis
    series: list[Series]
    level: Level = None


class Bar(NamedTuple):
    """A bar: its name, its length (None: there is no number), and the colour's name."""

    name: str
    value: float | None
    family: str


@dataclass(frozen=True)
class Bars:
    """Horizontal bars, top to bottom."""

    axis: Axis
    bars: list[Bar]
    level: Level = None


class Walk(NamedTuple):
    """Points (w, b) visited one after the other."""

    name: str
    points: list[tuple[float, float]]


@dataclass(frozen=True)
class Bowl:
    """A surface J(w, b) seen from above, and walks on it. ``J[i, j]`` is the height at ``b[i], w[j]``."""

    w: np.ndarray
    b: np.ndarray
    J: np.ndarray
    walks: list[Walk]


class Box(NamedTuple):
    """A node of a graph: what it is called, its value, the derivative of the output by it, and where it stands."""

    name: str
    value: float
    grad: float
    x: float
    y: float


@dataclass(frozen=True)
class Graph:
    """Boxes from left to right in the order they are computed, and arrows between them by name."""

    output: str
    boxes: list[Box]
    arrows: list[tuple[str, str]]


@dataclass(frozen=True)
class Growth:
    """Seconds of a step of some rungs on a grid of shapes, of which the reader chooses one, or one in between.

    ``seconds[rung][i][j]`` is that of ``samples[i]`` × ``features[j]`` numbers of float64; `read` has working sets in
    bytes and the bytes per second they are read at, `caches` the bytes of each cache.
    """

    samples: Sequence[int]
    features: Sequence[int]
    seconds: Mapping[str, list[list[float]]]
    read: list[tuple[int, float]]
    caches: Mapping[str, int]

    def reading(self, held: int) -> float:
        """Return the seconds of one read of so many bytes, as `limits.bounds` has them."""
        sizes, rates = zip(*self.read, strict=True)
        return held / float(np.interp(np.log(held), np.log(sizes), rates))

    @property
    def still(self) -> Curves:
        """The widest X, growing by samples."""
        sizes = [8 * m * self.features[-1] for m in self.samples]
        rungs = [Series(rung, sizes, [row[-1] for row in rows]) for rung, rows in self.seconds.items()]
        read = Series(READ, sizes, [self.reading(held) for held in sizes])
        return Curves(Axis("size of X", "bytes"), Axis("one step", "seconds"), [read, *rungs])

    @property
    def table(self) -> Table:
        """The least, the middle and the largest numbers of samples and of features."""
        shapes = [(i, j) for i in _spread(self.samples) for j in _spread(self.features)]
        lines = [
            Line((f"{m:,} × {n}", size(8 * m * n), *(seconds(rows[i][j]) for rows in self.seconds.values()),
                  seconds(self.reading(8 * m * n))))
            for i, j in shapes for m, n in [(self.samples[i], self.features[j])]
        ]  # fmt: skip
        caches = ", ".join(f"{name} {size(held)}" for name, held in self.caches.items())
        return Table("", ("X", "size", *self.seconds, READ), lines, [caches] if caches else [], spare=("size",))


def _spread(values: Sequence[int]) -> list[int]:
    """Return the places of the first, the middle and the last value."""
    return sorted({0, len(values) // 2, len(values) - 1})


@dataclass(frozen=True)
class Traffic:
    """A small X whose lines go through a cache, by `cache`'s simulation; and what the passes took on a large one.

    ``measured[order]`` are the seconds of a step in two passes and in one, on an X of so many `bytes`.
    """

    measured: Mapping[Order, tuple[float, float]]
    bytes: int
    samples: int = 32
    features: int = 24
    tiles: Sequence[int] = (2, 4, 8, 16)  # how many samples one has
    caches: Sequence[int] = (16, 32, 128)  # how many lines one holds: fewer than X has columns, more, and all of X
    tile: int = 4  # what is shown first
    held: int = 32

    @property
    def lines(self) -> int:
        """Of the whole X."""
        return self.samples * self.features // cache.LINE

    def touched(self, order: Order, tile: int) -> list[int]:
        """Return the lines that a step uses, one after the other; a tile of all samples is two passes."""
        return cache.touched(cache.lines(self.samples, self.features, order), tile)

    def fetched(self, order: Order, tile: int, held: int) -> int:
        """Return how many lines come from memory."""
        return sum(one != cache.HIT for one in cache.made_room(self.touched(order, tile), held))

    @property
    def still(self) -> Bars:
        """The four cases that are shown first."""
        bars = [
            Bar(f"{order}: {name}", self.fetched(order, tile, self.held), "cython")
            for order in cache.ORDERS
            for name, tile in (("two passes", self.samples), (f"tile: {self.tile}", self.tile))
        ]
        return Bars(Axis(f"lines from memory, where the cache holds: {self.held}", log=False), bars)

    @property
    def table(self) -> Table:
        """Lines from memory in every case."""
        passes = {"two passes": self.samples} | {f"tile: {tile}": tile for tile in self.tiles}
        lines = [
            Line((f"{order}: {name}", *(count(self.fetched(order, tile, held)) for held in self.caches)))
            for order in cache.ORDERS
            for name, tile in passes.items()
        ]
        said = "The numbers are the lines that come from memory."
        return Table("", ("lines the cache holds", *map(str, self.caches)), lines, [said])


Playable = Growth | Traffic
Picture = Curves | Bars | Bowl | Graph | Playable
