"""Chapter 3: the computation graph, run forward and backward, and what backward saves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .....pyimpl.course.graph import Node, activation, backward, forward, log, logistic, named, ordered, variable
from ....measure.stopwatch import side_by_side
from ....show.numbers import count, seconds, times
from ....show.tables import Line, Table
from ..pictures import Axis, Box, Curves, Graph, Series
from .findings import Findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .findings import Tell
    from .sizes import Sizes

NUDGE = 1e-6


class Timed(NamedTuple):
    """Seconds to run a graph of so many weights forward, backward, and forward once for each nudged weight."""

    weights: int
    forward: float
    backward: float
    nudging: float

    @property
    def ratio(self) -> float:
        """How many times as long nudging takes as one run forward and one backward."""
        return self.nudging / (self.forward + self.backward)


@dataclass(frozen=True)
class Graphs(Findings):
    """Both graphs with their values and gradients, and what differentiating larger ones costs."""

    simple: Graph
    logistic: Graph
    nudged: float
    timed: list[Timed]

    @property
    def most(self) -> Timed:
        """The largest graph."""
        return self.timed[-1]

    @property
    def saving(self) -> float:
        """What backward saves there, as a factor."""
        return self.most.ratio

    @property
    def J(self) -> dict[str, Box]:
        """The nodes of J = 3(a + bc), by name."""
        return {one.name.partition(" ")[0]: one for one in self.simple.boxes}

    @property
    def L(self) -> dict[str, Box]:
        """The nodes of the logistic graph, by name."""
        return {one.name: one for one in self.logistic.boxes}

    def tables(self) -> dict[str, Table]:
        lines = [
            Line(
                (
                    count(one.weights),
                    seconds(one.forward),
                    seconds(one.backward),
                    seconds(one.nudging),
                    times(one.ratio),
                )
            )
            for one in self.timed
        ]
        columns = ("weights", "forward", "backward", "nudging each weight", "nudging / (forward + backward)")
        return {"costs": Table("", columns, lines)}

    def pictures(self) -> dict[str, Graph | Curves]:
        sizes = [one.weights for one in self.timed]
        curves = [
            Series("forward and backward", sizes, [one.forward + one.backward for one in self.timed]),
            Series("nudging each weight", sizes, [one.nudging for one in self.timed]),
        ]
        growth = Curves(Axis("weights"), Axis("all derivatives", "seconds"), curves)
        return {"simple": self.simple, "logistic": self.logistic, "growth": growth}


def measure(sizes: Sizes, tell: Tell) -> Graphs:
    """Run both graphs, check them by nudging, and time larger ones."""
    tell("computation graphs")
    a, b, c = variable("a", 5), variable("b", 3), variable("c", 2)
    u = named("u = bc", b * c)
    v = named("v = a + u", a + u)
    J = named("J = 3v", 3 * v)
    forward(J)
    backward(J)
    rows = {a: 0.0, b: 1.0, c: 2.0, u: 1.5, v: 0.75, J: 0.75}
    sample = logistic(x1=1.0, w1=0.5, x2=-2.0, w2=0.25, b=0.8, y=1.0)
    forward(sample.L)
    backward(sample.L)
    leaves = (sample.x1, sample.w1, sample.x2, sample.w2, sample.b)
    places = dict(zip(leaves, range(5), strict=True)) | {sample.z: 2.0, sample.a: 2.0, sample.y: 5.0, sample.L: 3.0}
    return Graphs(
        _drawn(J, rows),
        _drawn(sample.L, places),
        max(abs(_nudged(sample.L, leaf) - leaf.grad) for leaf in leaves),
        [_timed(weights) for weights in sizes.weights],
    )


def _drawn(output: Node, rows: dict[Node, float]) -> Graph:
    """Lay out the nodes that have a row, in columns by how many of them come before; others are passed through."""
    column: dict[Node, int] = {}
    arrows = []
    for node in (each for each in ordered(output) if each in rows):
        before = _before(node, rows)
        column[node] = max((column[each] + 1 for each in before), default=0)
        arrows += [(each.name, node.name) for each in before]
    boxes = [Box(node.name, node.value, node.grad, x, rows[node]) for node, x in column.items()]
    return Graph(output.name.partition(" ")[0], boxes, arrows)


def _before(node: Node, rows: dict[Node, float]) -> list[Node]:
    """Return the drawn nodes that a node is computed from, directly or through others that are not drawn."""
    found: dict[Node, None] = {}
    for each in node.inputs:
        found |= {each: None} if each in rows else dict.fromkeys(_before(each, rows))
    return list(found)


def _nudged(output: Node, leaf: Node) -> float:
    """Return the derivative by a leaf, by moving it both ways."""
    value, heights = leaf.value, []
    for leaf.value in (value + NUDGE, value - NUDGE):
        heights.append(forward(output))
    leaf.value = value
    forward(output)
    return (heights[0] - heights[1]) / (2 * NUDGE)


def _timed(weights: int) -> Timed:
    rng = np.random.default_rng(weights)
    leaves = [variable("w", value) for value in rng.standard_normal(weights) / np.sqrt(weights)]
    z: Node = variable("b", 0.1)
    for w, x in zip(leaves, rng.standard_normal(weights).tolist(), strict=True):
        z = z + w * x
    L = -1 * log(activation(z))  # a sample with y = 1
    forward(L)
    found = side_by_side({
        "forward": partial(forward, L), "backward": partial(backward, L), "nudging": partial(_nudge_all, L, leaves),
    })  # fmt: skip
    return Timed(weights, found["forward"], found["backward"], found["nudging"])


def _nudge_all(output: Node, leaves: Sequence[Node]) -> list[float]:
    """Return the derivative by each leaf, from one run forward for each and one to compare with."""
    height = forward(output)
    slopes = []
    for leaf in leaves:
        value = leaf.value
        leaf.value = value + NUDGE
        slopes.append((forward(output) - height) / NUDGE)
        leaf.value = value
    return slopes
