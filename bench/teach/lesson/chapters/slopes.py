"""Chapter 2: slopes by nudging, the step that rounding spoils, and the table of derivatives tried out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .....pyimpl.course import derivative
from .....pyimpl.course.derivative import TABLE, Entry, nudge, sigmoid, slope
from ....show.numbers import power
from ....show.tables import Line
from ..pictures import Axis, Curves, Series
from .parts import Findings, Pictures, Sizes, Tables, Tell, table

AT = 2.0
STEPS = tuple(10.0 ** (-k / 2) for k in range(2, 31))  # from 10⁻¹ down to 10⁻¹⁵: below, AT + step is AT
POINTS = 9  # of each interval of the table


def _triple(a: float) -> float:
    return 3 * a


def _square(a: float) -> float:
    return a * a


# f = σ and g = x² + 1, each with its derivative, put together by each rule: the whole, and what the rule says.
_F = (sigmoid, lambda x: sigmoid(x) * sigmoid(-x))
_G = (lambda x: x * x + 1, lambda x: 2 * x)
RULES = (
    Entry("(f + g)' = f' + g'", lambda x: _F[0](x) + _G[0](x), derivative.sum_rule(*_F, *_G), -3, 3),
    Entry("(f g)' = f' g + f g'", lambda x: _F[0](x) * _G[0](x), derivative.product_rule(*_F, *_G), -3, 3),
    Entry("(f / g)' = (f' g - f g') / g²", lambda x: _F[0](x) / _G[0](x), derivative.quotient_rule(*_F, *_G), -3, 3),
    Entry("(f ∘ g)' = (f' ∘ g) g'", lambda x: _F[0](_G[0](x)), derivative.chain_rule(*_F, *_G), -3, 3),
)
RULES_GROUP = "rules, with f = σ(x) and g = x² + 1"


@dataclass
class Slopes(Findings):
    """Relative errors of the slope of eᵃ at each of `STEPS`, by two points and by four; and of the table's lines."""

    nudged: list[float]
    fourth: list[float]
    tried: dict[str, float]
    rules: dict[str, float]

    def __post_init__(self) -> None:
        self.triple, self.square = nudge(_triple, AT), nudge(_square, AT)
        self.least_error, self.last_error = min(self.nudged), self.nudged[-1]
        self.best_step, self.last_step = STEPS[self.nudged.index(self.least_error)], STEPS[-1]
        self.finer = min(self.fourth)
        self.worst = max(*self.tried.values(), *self.rules.values())

    def tables(self) -> Tables:
        steps = [
            (power(step), f"{nudge(_triple, AT, step):.9f}", f"{nudge(_square, AT, step):.9f}", power(two), power(four))
            for step, two, four in list(zip(STEPS, self.nudged, self.fourth, strict=True))[::4]
        ]
        tried = table(
            ("function → derivative", "largest error found"),
            [(formula, power(error)) for formula, error in self.tried.items()],
        )
        tried.lines.extend(Line((one, power(error)), group=RULES_GROUP) for one, error in self.rules.items())
        columns = ("step", "slope of 3a", "slope of a²", "error for eᵃ", "error for eᵃ, four points")
        return {"steps": table(columns, steps), "derivatives": tried}

    def pictures(self) -> Pictures:
        curves = [
            Series("nudge: (f(a + step) − f(a)) / step", STEPS, [error or None for error in self.nudged]),
            Series("four points: fourth order", STEPS, [error or None for error in self.fourth]),
        ]
        return {"errors": Curves(Axis("step"), Axis("relative error"), curves)}


def measure(sizes: Sizes, tell: Tell) -> Slopes:
    """Nudge, shrink the step, and try every line of the table."""
    nudged, fourth = ([abs(by(math.exp, AT, step) / math.exp(AT) - 1) for step in STEPS] for by in (nudge, slope))
    tried, rules = ({one.formula: worst_error(one) for one in entries} for entries in (TABLE, RULES))
    return Slopes(nudged, fourth, tried, rules)


def worst_error(entry: Entry) -> float:
    """Return the largest difference between a derivative and a four-point slope, as a share of the largest slope."""
    points = [float(x) for x in np.linspace(entry.low + 0.05, entry.high - 0.05, POINTS)]
    exact = [entry.df(x) for x in points]
    differences = (abs(slope(entry.f, x) - df) for x, df in zip(points, exact, strict=True))
    return max(differences) / max(1.0, *map(abs, exact))
