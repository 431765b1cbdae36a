"""Chapter 3: the computation graph, run forward and backward, and what backward saves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .....pyimpl.course.graph import Node, activation, backward, forward, log, logistic, named, variable
from ....measure.stopwatch import side_by_side
from ....show.numbers import count, seconds, times
from ..pictures import Axis, Box, Curves, Graph, Series
from .parts import Findings, Pictures, Sizes, Tables, Tell, table

NUDGE = 1e-8


class Timed(NamedTuple):
    """Seconds to run a graph of so many weights forward, backward, and forward once for each nudged weight."""

    weights: int
    forward: float
    backward: float
    nudging: float

    @property
    def both(self) -> float:
        """Seconds of one run forward and one backward: all derivatives."""
        return self.forward + self.backward


@dataclass
class Graphs(Findings):
    """Both graphs with their values and gradients, and what differentiating larger ones costs."""

    simple: Graph
    logistic: Graph
    nudged: float  # the largest difference between a gradient of the logistic graph and its slope
    timed: list[Timed]

    def __post_init__(self) -> None:
        self.J = {one.name.partition(" ")[0]: one for one in self.simple.boxes}  # the nodes of J = 3(a + bc)
        self.L = {one.name: one for one in self.logistic.boxes}
        self.most = self.timed[-1]  # weights
        self.saving = self.most.nudging / self.most.both

    def tables(self) -> Tables:
        columns = ("weights", "forward", "backward", "nudging each weight", "nudging / (forward + backward)")
        rows = [(count(one.weights), *map(seconds, one[1:]), times(one.nudging / one.both)) for one in self.timed]
        return {"costs": table(columns, rows)}

    def pictures(self) -> Pictures:
        weights = [one.weights for one in self.timed]
        curves = [
            Series("forward and backward", weights, [one.both for one in self.timed]),
            Series("nudging each weight", weights, [one.nudging for one in self.timed]),
        ]
        growth = Curves(Axis("weights"), Axis("all derivatives", "seconds"), curves)
        return {"simple": self.simple, "logistic": self.logistic, "growth": growth}


def measure(sizes: Sizes, tell: Tell) -> Graphs:
    """Run both graphs, check the gradients by nudging, and time larger ones."""
    a, b, c = variable("a", 5), variable("b", 3), variable("c", 2)
    u = named("u = bc", b * c)
    v = named("v = a + u", a + u)
    J = named("J = 3v", 3 * v)
    s = logistic(x1=1.0, w1=0.5, x2=-2.0, w2=0.25, b=0.8, y=1.0)
    for output in (J, s.L):
        forward(output)
        backward(output)
    leaves = [s.x1, s.w1, s.x2, s.w2, s.b]
    places = {leaf: (0.0, float(row)) for row, leaf in enumerate(leaves)}
    return Graphs(
        _drawn(J, {a: (0, 0), b: (0, 1), c: (0, 2), u: (1, 1.5), v: (2, 0.75), J: (3, 0.75)}),
        _drawn(s.L, {**places, s.y: (0, 5), s.z: (1, 2.5), s.a: (2, 2.5), s.L: (3, 3.25)}),
        max(abs(nudged - leaf.grad) for nudged, leaf in zip(_nudge_all(s.L, leaves), leaves, strict=True)),
        [_timed(weights) for weights in sizes.weights],
    )


def _drawn(output: Node, places: dict[Node, tuple[float, float]]) -> Graph:
    """Return the nodes that have a place, by column and row; an arrow passes through those that have none."""
    boxes = [Box(node.name, node.value, node.grad, x, y) for node, (x, y) in places.items()]
    arrows = [(before.name, node.name) for node in places for before in _before(node, places)]
    return Graph(output.name.partition(" ")[0], boxes, arrows)


def _before(node: Node, drawn: dict[Node, Any]) -> list[Node]:
    """Return the drawn nodes that a node is computed from, directly or through others that are not drawn."""
    found = [before for each in node.inputs for before in ([each] if each in drawn else _before(each, drawn))]
    return list(dict.fromkeys(found))


def _timed(weights: int) -> Timed:
    """Time the graph of the loss of one sample with y = 1."""
    rng = np.random.default_rng(weights)
    leaves = [variable("w", value) for value in rng.standard_normal(weights) / np.sqrt(weights)]
    z: Node = variable("b", 0.1)
    for w, x in zip(leaves, rng.standard_normal(weights).tolist(), strict=True):
        z = z + w * x
    L = -1 * log(activation(z))
    forward(L)
    found = side_by_side({
        "forward": partial(forward, L), "backward": partial(backward, L), "nudging": partial(_nudge_all, L, leaves),
    })  # fmt: skip
    return Timed(weights, **found)


def _nudge_all(output: Node, leaves: list[Node]) -> list[float]:
    """Return the derivative by each leaf, from one run forward for each and one to compare with."""
    height = forward(output)
    slopes = []
    for leaf in leaves:
        value = leaf.value
        leaf.value = value + NUDGE
        slopes.append((forward(output) - height) / NUDGE)
        leaf.value = value
    return slopes
