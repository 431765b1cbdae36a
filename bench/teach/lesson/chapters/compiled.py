"""Chapter 6: the same loops compiled, and what compiling costs before it pays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .....kernels.ladder import rung
from ....measure.anatomy import costs
from ....measure.anatomy.build import BuildError
from ....show.numbers import count, seconds, times
from ..pictures import Axis, Curves, Series
from .parts import Findings, Pictures, Sizes, Tables, Tell, nanoseconds, table, time_steps

RUNGS = ("python-array", "python-floats", "numpy-stable", "numba-serial", "cython-serial")
CALLS = tuple(10**k for k in range(7))


class Price(NamedTuple):
    """Seconds paid before the first call. None: there is no such price, or it was not measured, for a reason."""

    imported: float | None
    compiled: float | None = None
    cached: float | None = None
    reason: str | None = None


@dataclass
class Compiled(Findings):
    """The seconds of a step interpreted, vectorized and compiled, and the prices of the compiled rungs."""

    samples: int
    features: int
    seconds: dict[str, float]
    prices: dict[str, Price]

    def __post_init__(self) -> None:
        loop, numba = self.seconds["python-array"], self.seconds["numba-serial"]
        self.numba_gain, self.cython_gain = loop / numba, loop / self.seconds["cython-serial"]
        self.over_numpy = self.seconds["numpy-stable"] / numba
        self.pays_python = self.pays("numba-serial", "python-array")
        self.pays_numpy = self.pays("numba-serial", "numpy-stable")

    def pays(self, name: str, against: str) -> float | None:
        """Return the number of calls after which a rung has cost less than one without a price; None: never."""
        saved = self.seconds[against] - self.seconds[name]
        return max(1.0, self.price(name) / saved) if saved > 0 else None

    def price(self, name: str) -> float:
        """Return the seconds paid before the first call where nothing has been compiled yet."""
        paid = self.prices.get(name, Price(None))
        return (paid.imported or 0.0) + (paid.compiled or 0.0)

    def tables(self) -> Tables:
        first, numbers = self.seconds["python-array"], self.samples * self.features
        speeds = [
            (name, seconds(value), nanoseconds(value / numbers), times(first / value))
            for name, value in self.seconds.items()
        ]
        prices = []
        for name, one in self.prices.items():
            calls = self.pays(name, "python-array")
            prices.append((name, *map(seconds, one[:3]), "never" if calls is None else count(calls)))
        notes = [f"{name}: {one.reason}" for name, one in self.prices.items() if one.reason]
        columns = ("rung", "import", "compile", "load from the cache", "calls until it beats python-array")
        return {
            "speeds": table(("rung", "one step", "per number of X", "times as fast as python-array"), speeds),
            "prices": table(columns, prices, notes),
        }

    def pictures(self) -> Pictures:
        curves = [
            Series(name, CALLS, [self.price(name) + calls * value for calls in CALLS])
            for name, value in self.seconds.items()
        ]
        return {"total": Curves(Axis("calls"), Axis("all calls, compiling included", "seconds"), curves)}


def measure(sizes: Sizes, tell: Tell) -> Compiled:
    """Time the step side by side; start and compile the compiled rungs in processes of their own."""
    found = time_steps(RUNGS, *sizes.compiled)
    prices = {}
    for share, name in ((0.1, "numba-serial"), (0.4, "cython-serial")):
        tell(share)
        prices[name] = _price(name, sizes)
    return Compiled(*sizes.compiled, found, prices)


def _price(name: str, sizes: Sizes) -> Price:
    chosen = rung(name)
    paid = costs.start(chosen, sizes.starts)
    price = Price(paid.import_seconds, paid.cold_seconds, paid.cached_seconds)
    if chosen.family == "numba":
        return price
    if not sizes.build:
        return price._replace(reason="not built in a quick run")
    try:
        return price._replace(compiled=costs.built(chosen))
    except BuildError as error:
        return price._replace(reason=str(error))
