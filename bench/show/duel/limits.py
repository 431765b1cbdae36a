"""Limits by pattern: ``cython-*/100000x30:1.05`` lets B take 1.05 times as long as A on cells that match."""

from __future__ import annotations

from fnmatch import fnmatchcase
from math import inf
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ..compare import Compared
    from ..result import Cell


class Limit(NamedTuple):
    """How many times as long B may take on some cells.

    Attributes
    ----------
    text : str
        As it was given.
    cells : frozenset of Cell
    most : float
    """

    text: str
    cells: frozenset[Cell]
    most: float

    def exceeded(self, found: list[Compared], lost: Collection[Cell] = ()) -> list[Compared] | None:
        """Return the cells that are seen to take longer; None where it cannot be told.

        As with a condition of `compare` a ratio counts only where its interval lies above 1. It cannot be told where
        none of the cells has a number, B alone has none for one (it is `lost`), or one has no interval, and none of
        the others is beyond the limit.
        """
        rows = [row for row in found if row.cell in self.cells]
        beyond = [row for row in rows if row.ratio.differs and row.ratio.value > max(self.most, 1)]
        told = rows and self.cells.isdisjoint(lost) and all(row.ratio.low is not None for row in rows)
        return beyond if beyond or told else None


def limit(text: str, cells: Iterable[Cell]) -> Limit:
    """Return the limit that a text stands for.

    Raises
    ------
    ValueError
        It is not of that form, or matches none of the cells; the message says so.
    """
    pattern, _, number = text.rpartition(":")
    most = _number(number)
    if not pattern or most is None:
        raise ValueError(f"{text!r} is not a limit; expected rung/shape:number, such as 'cython-*/100000x30:1.05'")
    names = {cell: f"{cell.rung}/{cell.source}" for cell in cells}
    matching = frozenset(cell for cell, name in names.items() if fnmatchcase(name, pattern.strip()))
    if not matching:
        there = ", ".join(sorted(set(names.values()))[:5])
        raise ValueError(f"{pattern!r} matches no cell; there are {there}{', ...' * (len(set(names.values())) > 5)}")
    return Limit(text, matching, most)


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 < found < inf else None
