"""Chapter 1: the bowl of J(w, b) on a small data set, and gradient descent walking down it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from .....kernels import fastest, plan
from .....pyimpl.course.descent import descend
from ....measure.stopwatch import side_by_side
from ....show.numbers import count, digits
from ..pictures import Axis, Bowl, Curves, Series, Walk
from .parts import Findings, Pictures, Sizes, Tables, Tell, table

SAMPLES = 60
RATES = {"too small": 0.05, "right": 1.0, "too large": 12.0}  # in units of 1/L, see `descend`
CLOSE = 1.01  # of the least cost: arrived
PAIRS = 1000  # of points, between which the bowl is tried for convexity
ROWS, COLUMNS = 160, 320  # of the bowl
WALKED, COSTS = 10, 200  # points of a journey that are drawn in the bowl, and as costs


class Journey(NamedTuple):
    """Gradient descent at one learning rate: the points (w, b) visited, and the cost at each."""

    rate: float
    points: list[tuple[float, float]]
    costs: list[float]

    def arrives(self, least: float) -> int | None:
        """After how many updates the cost is near the least and stays there; None where it does not."""
        far = np.array(self.costs) > CLOSE * least
        return None if far[-1] else len(far) - int(np.argmax(far[::-1]))

    @property
    def rises(self) -> int:
        """How many updates made the cost larger."""
        return int((np.diff(self.costs) > 1e-12).sum())


@dataclass
class Cost(Findings):
    """The data, the least cost and where it is, a journey for each of `RATES`, and how convex the bowl is."""

    X: np.ndarray
    y: np.ndarray
    least: float
    best: tuple[float, float]
    journeys: dict[str, Journey]
    convex: int  # pairs of points between which the bowl is nowhere above the straight line
    update_seconds: float

    def __post_init__(self) -> None:
        self.pairs = PAIRS
        self.start = self.journeys["right"].costs[0]  # J at w = b = 0
        self.updates = self.journeys["right"].arrives(self.least)

    def tables(self) -> Tables:
        columns = ("learning rate", "α", "J after 10 updates", "J at the end", "updates to within 1 %", "times J rose")
        rows = []
        for name, one in self.journeys.items():
            arrived = one.arrives(self.least)
            updates = "never" if arrived is None else count(arrived)
            rows.append((name, *map(digits, (one.rate, one.costs[10], one.costs[-1])), updates, count(one.rises)))
        return {"rates": table(columns, rows)}

    def pictures(self) -> Pictures:
        walks = [Walk(name, one.points[:WALKED]) for name, one in self.journeys.items()]
        seen = [self.best, *(point for walk in walks for point in walk.points)]
        low, high = np.min(seen, axis=0), np.max(seen, axis=0)
        margin = 0.25 * (high - low) + 0.5
        (w_low, b_low), (w_high, b_high) = low - margin, high + margin
        w, b = np.linspace(w_low, w_high, COLUMNS), np.linspace(b_low, b_high, ROWS)
        z = w[:, None] * self.X[:, 0] + b[:, None, None]
        J = (np.logaddexp(0, z) - self.y * z).mean(axis=-1)  # of all these w and b at once
        curves = [Series(name, range(1, COSTS + 1), one.costs[:COSTS]) for name, one in self.journeys.items()]
        return {
            "bowl": Bowl(w, b, J, [Walk("start", [(0.0, 0.0)])]),
            "walks": Bowl(w, b, J, walks),
            "costs": Curves(Axis("updates"), Axis("cost J"), curves, ("least J", self.least)),
        }


def measure(sizes: Sizes, tell: Tell) -> Cost:
    """Make the data, walk down with each rate, and try the bowl for convexity."""
    rng = np.random.default_rng(2)
    X = rng.standard_normal((SAMPLES, 1))
    y = (rng.random(SAMPLES) < 1 / (1 + np.exp(-(2.5 * X[:, 0] - 1)))).astype(float)
    found = minimize(plan(X, y).objective, np.zeros(2), jac=True, method="L-BFGS-B", options={"gtol": 1e-10})
    extended = np.column_stack([X, np.ones(SAMPLES)])
    L = np.linalg.eigvalsh(extended.T @ extended).max() / (4 * SAMPLES)
    journeys = {name: _journey(X, y, rate / L, sizes.updates) for name, rate in RATES.items()}
    timed = side_by_side({"updates": lambda: descend(fastest, X, y, learning_rate=0.1, iterations=100)})
    best = (float(found.x[0]), float(found.x[1]))
    return Cost(X, y, float(found.fun), best, journeys, _convex(X, y, rng), timed["updates"] / 100)


def _journey(X: np.ndarray, y: np.ndarray, rate: float, updates: int) -> Journey:
    w, b = np.zeros(1), 0.0
    found = Journey(rate, [(0.0, 0.0)], [])
    for _ in range(updates):
        w, moved, (before, after) = descend(fastest, X, y, w, b, learning_rate=rate, iterations=1)
        b = float(moved)
        found.costs.append(float(before))
        found.points.append((float(w[0]), b))
    found.costs.append(float(after))
    return found


def _J(X: np.ndarray, y: np.ndarray, w: float, b: float) -> float:
    return float(fastest(X, y, np.array([w]), float(b)).cost)


def _convex(X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> int:
    """Return between how many of `PAIRS` pairs of points the bowl lies on or below the straight line, halfway."""
    pairs = rng.uniform(-10, 10, (PAIRS, 2, 2))
    return sum(_J(X, y, *(p + q) / 2) <= (_J(X, y, *p) + _J(X, y, *q)) / 2 * (1 + 1e-12) for p, q in pairs)
