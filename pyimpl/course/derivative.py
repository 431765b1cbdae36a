"""Derivatives as slopes: finite differences, the table of common functions, the composition rules."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = Callable[[float], float]

EPSILON = 2.0**-52  # spacing of the float64 numbers at 1


def nudge(f: Function, a: float, step: float = 0.001) -> float:
    """The notes' picture of a slope: how much f(a) moves, divided by how much a was moved.

    Parameters
    ----------
    f : callable
    a : float
    step : float
        How far a is moved; not zero.

    Returns
    -------
    float
        ``(f(a + step) - f(a)) / step``; its error is about ``step f''(a) / 2`` until rounding wins.

    Examples
    --------
    >>> round(nudge(lambda a: 3 * a, 2.0), 6), round(nudge(lambda a: a * a, 2.0), 6)
    (3.0, 4.001)
    """
    if step == 0:
        raise ValueError("step is 0; expected a distance to move a by")
    moved = a + step
    return (f(moved) - f(a)) / (moved - a)  # divide by what a really moved by, after rounding


def slope(f: Function, a: float, step: float | None = None) -> float:
    """Derivative of f at a, by the fourth-order central difference.

    Parameters
    ----------
    f : callable
    a : float
    step : float, optional
        Spacing of the four points; by default ``eps^(1/5) max(|a|, 1)``, which balances the
        truncation error ``step⁴`` against the rounding error ``eps / step``.

    Returns
    -------
    float
        ``(8 (f(a+h) - f(a-h)) - (f(a+2h) - f(a-2h))) / 12h`` (Abramowitz & Stegun, table 25.2).
    """
    h = EPSILON**0.2 * max(abs(a), 1.0) if step is None else step
    if h == 0:
        raise ValueError("step is 0; expected a distance to move a by")
    h = (a + h) - a  # a step that a + h represents exactly
    return (8.0 * (f(a + h) - f(a - h)) - (f(a + 2 * h) - f(a - 2 * h))) / (12.0 * h)


class Entry(NamedTuple):
    """A line of the table: a function, its derivative, and an interval where both hold."""

    formula: str
    f: Function
    df: Function
    low: float
    high: float


def sigmoid(z: float) -> float:
    """``1 / (1 + e^-z)``, without overflow for any z."""
    e = math.exp(-abs(z))
    return 1.0 / (1.0 + e) if z >= 0 else e / (1.0 + e)


TABLE: tuple[Entry, ...] = (
    Entry("c → 0", lambda x: 7.0, lambda x: 0.0, -3, 3),
    Entry("x → 1", lambda x: x, lambda x: 1.0, -3, 3),
    Entry("3x → 3", lambda x: 3 * x, lambda x: 3.0, -3, 3),
    Entry("x² → 2x", lambda x: x * x, lambda x: 2 * x, -3, 3),
    Entry("x³ → 3x²", lambda x: x**3, lambda x: 3 * x * x, -3, 3),
    Entry("1/x → -1/x²", lambda x: 1 / x, lambda x: -1 / (x * x), 0.5, 3),
    Entry("√x → 1/(2√x)", math.sqrt, lambda x: 0.5 / math.sqrt(x), 0.5, 3),
    Entry("eˣ → eˣ", math.exp, math.exp, -3, 3),
    Entry("2ˣ → 2ˣ ln 2", lambda x: 2.0**x, lambda x: 2.0**x * math.log(2), -3, 3),
    Entry("ln x → 1/x", math.log, lambda x: 1 / x, 0.5, 3),
    Entry("log₁₀ x → 1/(x ln 10)", math.log10, lambda x: 1 / (x * math.log(10)), 0.5, 3),
    Entry("sin x → cos x", math.sin, math.cos, -3, 3),
    Entry("cos x → -sin x", math.cos, lambda x: -math.sin(x), -3, 3),
    Entry("tan x → 1/cos² x", math.tan, lambda x: math.cos(x) ** -2, -1, 1),
    Entry("arctan x → 1/(1+x²)", math.atan, lambda x: 1 / (1 + x * x), -3, 3),
    Entry("tanh x → 1 - tanh² x", math.tanh, lambda x: 1 - math.tanh(x) ** 2, -3, 3),
    Entry("σ(x) → σ(x)(1 - σ(x))", sigmoid, lambda x: sigmoid(x) * (1 - sigmoid(x)), -3, 3),
    Entry("ln(1 + eˣ) → σ(x)", lambda x: math.log1p(math.exp(x)), sigmoid, -3, 3),
)


# The composition rules: each takes two functions with their derivatives and returns the derivative
# of the whole.


def sum_rule(f: Function, df: Function, g: Function, dg: Function) -> Function:
    """``(f + g)' = f' + g'``."""
    return lambda x: df(x) + dg(x)


def product_rule(f: Function, df: Function, g: Function, dg: Function) -> Function:
    """``(f g)' = f' g + f g'``."""
    return lambda x: df(x) * g(x) + f(x) * dg(x)


def quotient_rule(f: Function, df: Function, g: Function, dg: Function) -> Function:
    """``(f / g)' = (f' g - f g') / g²``."""
    return lambda x: (df(x) * g(x) - f(x) * dg(x)) / g(x) ** 2


def chain_rule(f: Function, df: Function, g: Function, dg: Function) -> Function:
    """``(f ∘ g)' = (f' ∘ g) g'``."""
    return lambda x: df(g(x)) * dg(x)
