"""The matrix: which cells there are, and in which order they have their turns."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby, product
from typing import TYPE_CHECKING, Any, NamedTuple

from ...kernels.ladder import LADDER, Rung
from ...kernels.variants.ladder import VARIANTS, VariantRung
from ..show.result import ALONE, Cell
from . import threads
from .data import NAMES, variant
from .guest import Guest
from .peers import ENTRANTS, PEERS, PLAN, VARIANT_PEERS, VARIANT_PLANS, Peer
from .situations import SITUATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..show.result import DType, Order

ROUNDS = 3  # at least, of pytest-benchmark's, in each sweep


class Turn(NamedTuple):
    """One of the times a cell is measured."""

    cell: Cell
    sweep: int
    again: bool = False  # the cell's second time in this sweep: what its ratio to the first is, is noise

    @property
    def id(self) -> str:
        """The turn in one word, as pytest calls it."""
        return f"{self.cell.id}-sweep{self.sweep}{'-again' * self.again}"


@dataclass(frozen=True)
class Matrix:
    """The cells to measure, how often, and how long each may take.

    Attributes
    ----------
    rungs, sources, dtypes, orders, threads
        What the cells are made of, peers among the rungs; a rung that has one thread appears only
        at one thread, one of a variant of the step only on sources of that variant, and sparse X, which has
        no memory order, only under the first of them.
    max_time : float
        Seconds pytest-benchmark spends on a cell's rounds in a sweep; a call that takes longer is timed once.
    budget : float
        Seconds a cell may need in a sweep; a cell that needs more is shown as over budget.
    sweeps : int
        How many times the whole matrix is gone through.
    seed : int
        Of the random order in which each sweep does so.
    alone : tuple of str
        Rungs measured with one thread too, whatever `threads` says.
    situations : tuple of str
        What else the machine is doing, see `situations`.
    guests : tuple of Guest
        More rungs, which only this matrix knows.
    study : dict
        What a preset of one's own says, and its file; empty where there is none.
    """

    rungs: tuple[str, ...] = tuple(r.name for r in LADDER)
    sources: tuple[str, ...] = ("100x2", "1000x100", "100000x30")
    dtypes: tuple[DType, ...] = ("float64",)
    orders: tuple[Order, ...] = ("C", "F")
    threads: tuple[int, ...] = field(default_factory=lambda: tuple(sorted({1, threads.usable()})))
    max_time: float = 0.01
    budget: float = 1.0
    sweeps: int = 9
    seed: int = 0
    alone: tuple[str, ...] = ()
    situations: tuple[str, ...] = (ALONE,)
    guests: tuple[Guest, ...] = ()
    study: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def single_calls(self) -> bool:
        """Whether calls are timed one by one: on a busy machine the slowest of them are what matters."""
        return self.situations != (ALONE,)

    def entrant(self, name: str) -> Rung | VariantRung | Peer:
        """Return the rung or peer of that name, the guests among them; KeyError where there is none."""
        return {known.name: known for known in (*ENTRANTS, *self.guests)}[name]

    def cells(self) -> list[Cell]:
        """Return the cells, those on the same data next to each other."""
        numbers = sorted({*self.threads, 1})
        return [
            Cell(name, source, dtype, order, number, situation)
            for source, dtype, order, number, situation, name in product(
                self.sources, self.dtypes, self.orders, numbers, self.situations, self.rungs
            )
            if self._meet(source, order, name)
            and (
                (number in self.threads and (number == 1 or self.entrant(name).threads != "one"))
                or (number == 1 and name in self.alone)
            )
        ]

    def _meet(self, source: str, order: Order, name: str) -> bool:
        """Whether a rung is for a source, in a memory order."""
        known = variant(source)
        return known == self.entrant(name).variant and (known != "sparse" or order == self.orders[0])

    def turns(self) -> list[Turn]:
        """Return every cell's turns in the order they are taken: sweep by sweep, each in an order of its own.

        A sweep shuffles the sources, the dtypes and orders of each source, and the rungs and numbers of
        threads on each of those: cells on the same data stay together, because making the data of a large
        shape takes longer than measuring a rung on it.
        """
        rng = random.Random(self.seed)
        cells = self.cells()
        twice = set(self._last_own(cells))
        found = []
        for sweep in range(self.sweeps):
            for source in _shuffled(rng, _groups(cells, lambda cell: cell.source)):
                for data_group in _shuffled(rng, _groups(source, lambda cell: cell.data)):
                    turns = [Turn(cell, sweep) for cell in data_group]
                    turns += [Turn(cell, sweep, again=True) for cell in data_group if cell in twice]
                    found += _shuffled(rng, turns)
        return found

    def _last_own(self, cells: list[Cell]) -> list[Cell]:
        """Return the last rung of the ladder on each input and number of threads, where it is alone."""
        others = {known.name for known in (*ENTRANTS, *self.guests) if isinstance(known, Peer | Guest)}
        own = [cell for cell in cells if cell.rung not in others and cell.situation == ALONE]
        return [group[-1] for group in _groups(own, lambda cell: cell.ladder)]

    def settings(self) -> dict[str, Any]:
        """Return what was asked for, as plain data."""
        found = asdict(replace(self, guests=()))
        del found["guests"]  # the result has them
        return found


def _groups(cells: list[Cell], key: Callable[[Cell], Any]) -> list[list[Cell]]:
    return [list(group) for _, group in groupby(cells, key)]


def _shuffled(rng: random.Random, things: list) -> list:
    return rng.sample(things, len(things))


_M = ("100x2", "1000x10", "1000x100", "10000x20", "10000x100", "100000x30")
_L = (*_M, "1000000x28", "100000x500", "2000x10000")
PRESETS: dict[str, dict[str, Any]] = {
    "S": {},
    "M": {"sources": _M, "dtypes": ("float64", "float32"), "max_time": 0.03, "budget": 2.0},
    "L": {"sources": _L, "dtypes": ("float64", "float32"), "max_time": 0.1, "budget": 25.0},
    "peers": {
        "rungs": ("cython-tuned", PLAN.name, *(peer.name for peer in PEERS)),
        "sources": _L,
        "dtypes": ("float64", "float32"),
        "threads": (threads.usable(),),
        "max_time": 0.03,
        "budget": 8.0,
        "alone": ("cython-tuned",),
    },
    "busy": {
        "rungs": ("cython-tuned", PLAN.name, "peer-numpy", "peer-sklearn", "peer-torch-manual", "peer-onedal"),
        "sources": ("1000x100", "10000x20", "100000x30"),
        "orders": ("C",),
        "max_time": 0.03,
        "budget": 10.0,
        "situations": tuple(SITUATIONS),
    },
    "variants": {
        "rungs": (*(rung.name for rung in VARIANTS), *(peer.name for peer in (*VARIANT_PLANS, *VARIANT_PEERS))),
        "sources": tuple(
            f"{name}-{shape}"
            for name in NAMES
            for shape in (("1000x100", "10000x1000", "100000x10000") if name == "sparse" else Matrix.sources)
        ),
        "dtypes": ("float64", "float32"),
        "max_time": 0.03,
        "budget": 2.0,
    },
}
