"""Chapter 2: slopes by nudging, the step that rounding spoils, and the table of derivatives tried out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .....pyimpl.course import derivative
from .....pyimpl.course.derivative import TABLE, Entry, nudge, slope
from ....show.numbers import power
from ....show.tables import Line, Table
from ..pictures import Axis, Curves, Series
from .findings import Findings

if TYPE_CHECKING:
    from .findings import Tell
    from .sizes import Sizes

AT = 2.0
STEPS = tuple(10.0 ** (-k / 2) for k in range(2, 31))  # down to 10⁻¹⁵: below, AT + step is AT
SHOWN = tuple(10.0**-k for k in range(1, 16, 2))
POINTS = 9  # of each interval of the table


class Tried(NamedTuple):
    """A line of the table, and the largest relative error of a finite difference against it."""

    formula: str
    error: float


def _square(a: float) -> float:
    return a * a


def _triple(a: float) -> float:
    return 3 * a


# σ and x² put together by each rule: the whole, and what the rule says of its derivative.
_F = (derivative.sigmoid, lambda x: derivative.sigmoid(x) * derivative.sigmoid(-x))
_G = (lambda x: x * x + 1, lambda x: 2 * x)
RULES = (
    Entry("(f + g)' = f' + g'", lambda x: _F[0](x) + _G[0](x), derivative.sum_rule(*_F, *_G), -3, 3),
    Entry("(f g)' = f' g + f g'", lambda x: _F[0](x) * _G[0](x), derivative.product_rule(*_F, *_G), -3, 3),
    Entry("(f / g)' = (f' g - f g') / g²", lambda x: _F[0](x) / _G[0](x), derivative.quotient_rule(*_F, *_G), -3, 3),
    Entry("(f ∘ g)' = (f' ∘ g) g'", lambda x: _F[0](_G[0](x)), derivative.chain_rule(*_F, *_G), -3, 3),
)


@dataclass(frozen=True)
class Slopes(Findings):
    """Slopes of 3a, a² and eᵃ at 2 by nudging, their errors against the step, and the table tried."""

    triple: float
    square: float
    errors: dict[str, list[float]]
    tried: list[Tried]
    rules: list[Tried]

    @property
    def at(self) -> float:
        """Where the slopes are taken."""
        return AT

    @property
    def best_step(self) -> float:
        """The step at which nudging eᵃ errs least."""
        return STEPS[int(np.argmin(self.errors["nudge"]))]

    @property
    def least_error(self) -> float:
        """Its error."""
        return min(self.errors["nudge"])

    @property
    def finer(self) -> float:
        """The least error of the fourth-order difference."""
        return min(self.errors["fourth order"])

    @property
    def last_error(self) -> float:
        """The error at the smallest step."""
        return self.errors["nudge"][-1]

    @property
    def last_step(self) -> float:
        """The smallest step."""
        return STEPS[-1]

    @property
    def worst(self) -> float:
        """The largest error in the table, and of the rules."""
        return max(one.error for one in (*self.tried, *self.rules))

    def tables(self) -> dict[str, Table]:
        near = [min(range(len(STEPS)), key=lambda k: abs(math.log(STEPS[k] / step))) for step in SHOWN]
        steps = [
            Line((power(STEPS[k]), *(f"{nudge(f, AT, STEPS[k]):.9f}" for f in (_triple, _square)),
                  power(self.errors["nudge"][k]), power(self.errors["fourth order"][k])))
            for k in near
        ]  # fmt: skip
        tried = [Line((one.formula, power(one.error))) for one in self.tried]
        tried += [
            Line((one.formula, power(one.error)), group="rules, with f = σ(x) and g = x² + 1") for one in self.rules
        ]
        columns = ("step", "slope of 3a", "slope of a²", "error for eᵃ", "the same, fourth order")
        return {
            "steps": Table("", columns, steps),
            "derivatives": Table("", ("function → derivative", "largest error found"), tried),
        }

    def pictures(self) -> dict[str, Curves]:
        shown = [
            Series(name, STEPS, [error or None for error in self.errors[key]])
            for name, key in (
                ("nudge: (f(a + step) − f(a)) / step", "nudge"),
                ("four points: fourth order", "fourth order"),
            )
        ]
        return {"errors": Curves(Axis("step"), Axis("relative error"), shown)}


def measure(sizes: Sizes, tell: Tell) -> Slopes:
    """Nudge, shrink the step, and try every line of the table."""
    tell("slopes")
    exact = math.exp(AT)
    errors = {
        name: [abs(method(math.exp, AT, step) / exact - 1) for step in STEPS]
        for name, method in (("nudge", nudge), ("fourth order", slope))
    }
    return Slopes(
        nudge(_triple, AT), nudge(_square, AT), errors, [_try(one) for one in TABLE], [_try(one) for one in RULES]
    )


def _try(entry: Entry) -> Tried:
    """Compare the derivative with the fourth-order difference at points spread over the interval."""
    points = np.linspace(entry.low + 0.05, entry.high - 0.05, POINTS)
    exact = [entry.df(float(x)) for x in points]
    largest = max(max(map(abs, exact)), 1.0)
    found = [slope(entry.f, float(x)) for x in points]
    return Tried(entry.formula, max(abs(a - b) for a, b in zip(found, exact, strict=True)) / largest)
