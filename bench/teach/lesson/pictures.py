"""What a picture shows, as data: `svg` draws it on the page, `plain` in the terminal.

Names and titles are English; a language's `Words` turn them into its own when they are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

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


Picture = Curves | Bars | Bowl | Graph
