"""A small computation graph, run forward for values and backward for derivatives.

Build it with arithmetic on `Node`s, change the leaves, run `forward` and `backward` on the output:

>>> a, b, c = variable("a", 5), variable("b", 3), variable("c", 2)
>>> u = named("u", b * c); v = named("v", a + u); J = named("J", 3 * v)
>>> forward(J)
33.0
>>> backward(J)
>>> v.grad, a.grad, u.grad, b.grad, c.grad
(3.0, 3.0, 3.0, 6.0, 9.0)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from .derivative import sigmoid

if TYPE_CHECKING:
    from collections.abc import Callable


class Node:
    """A value in the graph, how it comes from its inputs, and d(output)/d(this).

    Attributes
    ----------
    name : str
    inputs : tuple of Node
        Empty for a leaf.
    value : float
        Set by the caller for a leaf, by `forward` for the others.
    grad : float
        Set by `backward`.
    """

    def __init__(
        self,
        name: str,
        inputs: tuple[Node, ...] = (),
        compute: Callable[..., float] | None = None,
        slopes: Callable[..., tuple[float, ...]] | None = None,
        value: float = math.nan,
    ) -> None:
        self.name = name
        self.inputs = inputs
        self.compute = compute
        self.slopes = slopes
        self.value = float(value)
        self.grad = 0.0

    def __repr__(self) -> str:
        return f"{self.name}={self.value:g} (grad {self.grad:g})"

    def __add__(self, other: Node | float) -> Node:
        return Node("+", (self, _node(other)), lambda p, q: p + q, lambda p, q: (1.0, 1.0))

    def __sub__(self, other: Node | float) -> Node:
        return Node("-", (self, _node(other)), lambda p, q: p - q, lambda p, q: (1.0, -1.0))

    def __mul__(self, other: Node | float) -> Node:
        return Node("×", (self, _node(other)), lambda p, q: p * q, lambda p, q: (q, p))

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: float) -> Node:
        return _node(other) - self


def variable(name: str, value: float = math.nan) -> Node:
    """Make a leaf whose value the caller sets."""
    return Node(name, value=value)


def named(name: str, node: Node) -> Node:
    """Give a node the name it has in the picture, and return it."""
    node.name = name
    return node


def log(node: Node) -> Node:
    """Natural logarithm of a node."""
    return Node("ln", (node,), math.log, lambda p: (1.0 / p,))


def activation(z: Node) -> Node:
    """``a = σ(z)``, whose slope is ``a (1 - a)``."""
    return Node("σ", (z,), sigmoid, lambda p: (sigmoid(p) * sigmoid(-p),))


def _node(value: Node | float) -> Node:
    return value if isinstance(value, Node) else Node(f"{value:g}", value=value)


def ordered(output: Node) -> list[Node]:
    """Every node of the graph, inputs before what is computed from them."""
    found: dict[Node, None] = {}
    pending = [(output, False)]
    while pending:  # an explicit stack: a long chain must not exhaust Python's recursion limit
        node, inputs_done = pending.pop()
        if inputs_done:
            found[node] = None
        elif node not in found:
            pending.append((node, True))
            pending.extend((parent, False) for parent in node.inputs)
    return list(found)


def forward(output: Node) -> float:
    """Compute every value from the leaves, left to right; return that of the output."""
    for node in ordered(output):
        if node.compute is not None:
            node.value = node.compute(*(parent.value for parent in node.inputs))
    return output.value


def backward(output: Node) -> None:
    """Compute every derivative of the output, right to left, by the chain rule.

    Call `forward` first: the slopes are taken at the values it left.
    """
    nodes = ordered(output)
    for node in nodes:
        node.grad = 0.0
    output.grad = 1.0
    for node in reversed(nodes):
        if node.slopes is not None:
            slopes = node.slopes(*(parent.value for parent in node.inputs))
            for parent, local in zip(node.inputs, slopes, strict=True):
                parent.grad += node.grad * local


class Logistic(NamedTuple):
    """The graph of one sample with two features: x1, w1, x2, w2, b → z → a → L(a, y)."""

    x1: Node
    w1: Node
    x2: Node
    w2: Node
    b: Node
    z: Node
    a: Node
    y: Node
    L: Node


def logistic(x1: float, w1: float, x2: float, w2: float, b: float, y: float) -> Logistic:
    """Build the notes' logistic graph, ``L = -(y ln a + (1 - y) ln(1 - a))``, ready for `forward`.

    After `forward` and `backward` on its L: ``a.grad = -y/a + (1-y)/(1-a)``, ``z.grad = a - y``,
    ``w1.grad = x1 dz``, ``w2.grad = x2 dz``, ``b.grad = dz``. The logarithms are the notes' own:
    a must not round to 0 or 1, so keep ``|z|`` below 37.
    """
    leaves = {"x1": x1, "w1": w1, "x2": x2, "w2": w2, "b": b, "y": y}
    node = {name: variable(name, value) for name, value in leaves.items()}
    z = named("z", node["w1"] * node["x1"] + node["w2"] * node["x2"] + node["b"])
    a = named("a", activation(z))
    L = named("L", -1 * (node["y"] * log(a) + (1 - node["y"]) * log(1 - a)))
    return Logistic(**node, z=z, a=a, L=L)
