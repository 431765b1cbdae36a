"""Chapter 6: the same loops compiled, and what compiling costs before it pays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from .....kernels.ladder import rung
from ....measure import data, threads
from ....measure.anatomy import costs
from ....measure.anatomy.build import BuildError
from ....measure.stopwatch import side_by_side
from ....show.numbers import count, seconds, times
from ....show.tables import Line, Table
from ..pictures import Axis, Curves, Series
from .findings import Findings

if TYPE_CHECKING:
    from .findings import Tell
    from .sizes import Sizes

RUNGS = ("python-array", "python-floats", "numpy-stable", "numba-serial", "cython-serial")
CALLS = tuple(10**k for k in range(7))


class Price(NamedTuple):
    """What is paid before the first call. None: there is no such price, or it was not measured, for a reason."""

    rung: str
    imported: float | None
    compiled: float | None
    cached: float | None
    reason: str | None

    @property
    def first(self) -> float:
        """Seconds paid where nothing has been compiled yet."""
        return (self.imported or 0.0) + (self.compiled or 0.0)


@dataclass(frozen=True)
class Compiled(Findings):
    """The same step interpreted, vectorized and compiled, and the prices."""

    samples: int
    features: int
    seconds: dict[str, float]
    prices: dict[str, Price]

    @property
    def numba_gain(self) -> float:
        """How many times as fast as the interpreter Numba makes the very same lines."""
        return self.seconds["python-array"] / self.seconds["numba-serial"]

    @property
    def cython_gain(self) -> float:
        """How many times as fast as the interpreter Cython makes them."""
        return self.seconds["python-array"] / self.seconds["cython-serial"]

    @property
    def over_numpy(self) -> float:
        """How many times as fast as stable NumPy the loop compiled by Numba is."""
        return self.seconds["numpy-stable"] / self.seconds["numba-serial"]

    def pays(self, name: str, against: str) -> float | None:
        """Return the number of calls after which a rung has cost less; None: never."""
        saved = self.seconds[against] - self.seconds[name]
        extra = self.prices[name].first - (self.prices[against].imported or 0.0 if against in self.prices else 0.0)
        return max(1.0, extra / saved) if saved > 0 else None

    @property
    def pays_python(self) -> float | None:
        """Calls until Numba has paid, against the loop over arrays."""
        return self.pays("numba-serial", "python-array")

    @property
    def pays_numpy(self) -> float | None:
        """Calls until Numba has paid, against NumPy."""
        return self.pays("numba-serial", "numpy-stable")

    def tables(self) -> dict[str, Table]:
        first, elements = self.seconds["python-array"], self.samples * self.features
        speeds = [
            Line((name, seconds(value), f"{1e9 * value / elements:.3g} ns", times(first / value)))
            for name, value in self.seconds.items()
        ]
        prices = [
            Line((one.rung, seconds(one.imported), seconds(one.compiled), seconds(one.cached), self._after(one.rung)))
            for one in self.prices.values()
        ]
        notes = [f"{one.rung}: {one.reason}" for one in self.prices.values() if one.reason]
        columns = ("rung", "import", "compile", "again, from the cache", "pays against python-array after")
        return {
            "speeds": Table("", ("rung", "one step", "per number of X", "over python-array"), speeds),
            "prices": Table("", columns, prices, notes),
        }

    def _after(self, name: str) -> str:
        calls = self.pays(name, "python-array")
        return "never" if calls is None else count(calls)

    def pictures(self) -> dict[str, Curves]:
        curves = [
            Series(name, CALLS, [self._fixed(name) + calls * value for calls in CALLS])
            for name, value in self.seconds.items()
        ]
        return {"total": Curves(Axis("calls"), Axis("all calls, compiling included", "seconds"), curves)}

    def _fixed(self, name: str) -> float:
        return self.prices[name].first if name in self.prices else 0.0


def measure(sizes: Sizes, tell: Tell) -> Compiled:
    """Time the step side by side; start and compile the compiled rungs in processes of their own."""
    tell("compiled loops")
    m, n = sizes.compiled
    arguments = data.load(f"{m}x{n}", "float64", "C")[1:]
    with threads.limited(1):
        found = side_by_side({name: partial(rung(name).load(), *arguments) for name in RUNGS})
    prices = {}
    for share, name in ((0.1, "numba-serial"), (0.4, "cython-serial")):
        tell(f"what compiling {name} costs", share)
        prices[name] = _price(name, sizes.build)
    return Compiled(m, n, found, prices)


def _price(name: str, build: bool) -> Price:
    chosen = rung(name)
    paid = costs.start(chosen)
    if chosen.family == "numba":
        return Price(name, paid.import_seconds, paid.cold_seconds, paid.cached_seconds, None)
    if not build:
        return Price(name, paid.import_seconds, None, None, "not built in a quick run")
    try:
        return Price(name, paid.import_seconds, costs.built(chosen), None, None)
    except BuildError as error:
        return Price(name, paid.import_seconds, None, None, str(error))
