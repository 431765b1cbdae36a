"""How our own rung stands against the peers, over all cells of a run."""

from __future__ import annotations

from itertools import groupby
from statistics import geometric_mean
from typing import TYPE_CHECKING, NamedTuple

from rich import box
from rich.table import Table

from .peers import PEERS
from .table import times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .matrix import Cell
    from .results import Figure

BEST = "best peer of each cell"
NAMES = tuple(peer.name for peer in PEERS)


class Ratios(NamedTuple):
    """How many times our time a peer takes.

    Attributes
    ----------
    peer : str
        Its name, or `BEST`.
    cells : int
        In how many cells both have a number.
    mean : float
        Geometric mean of the ratios.
    worst : float
        The smallest ratio: below 1 the peer is faster.
    where : Cell
        The peer's cell in which it occurs.
    """

    peer: str
    cells: int
    mean: float
    worst: float
    where: Cell


def own_rung(found: list[Figure]) -> str | None:
    """Return the last of our own rungs, the one we compare; None where there are peers alone."""
    return next((figure.cell.rung for figure in reversed(found) if figure.cell.rung not in NAMES), None)


def ratios(found: list[Figure]) -> list[Ratios]:
    """Return for each peer, and for the best of each cell, how it compares with our `own_rung`.

    Parameters
    ----------
    found : list of Figure
        All for the same number of threads.
    """
    own = own_rung(found)
    pairs: dict[str, list[tuple[float, Cell]]] = {name: [] for name in (*NAMES, BEST)}
    for _, group in groupby(found, key=lambda figure: figure.cell[1:]):
        seconds = {figure.cell: figure.seconds for figure in group if figure.seconds}
        ours = next((time for cell, time in seconds.items() if cell.rung == own), None)
        against = [(time / ours, cell) for cell, time in seconds.items() if cell.rung in NAMES] if ours else []
        for pair in against:
            pairs[pair[1].rung].append(pair)
        if against:
            pairs[BEST].append(min(against))
    return [
        Ratios(name, len(pair), geometric_mean(ratio for ratio, _ in pair), *min(pair))
        for name, pair in pairs.items()
        if pair
    ]


def tables(found: list[Figure]) -> Iterator[Table]:
    """Make one table for each number of threads at which a peer was measured."""
    for number in sorted({figure.cell.threads for figure in found}):
        group = [figure for figure in found if figure.cell.threads == number]
        if rows := ratios(group):
            yield _table(rows, f"{own_rung(group)} against the peers, {number} thread{'s' * (number > 1)}")


def _table(rows: list[Ratios], title: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("peer", "cells", "mean", "worst", "worst cell"):
        table.add_column(column, justify="right" if column in ("cells", "mean", "worst") else "left")
    for row in rows:
        table.add_row(row.peer, str(row.cells), times(row.mean), times(row.worst), " ".join(row.where[1:4]))
    table.caption = "the peer's time in units of ours; mean: geometric; below 1x the peer is faster"
    return table
