"""How our own rung stands against the peers, the memory and itself on one thread, over all cells of a run."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from rich import box
from rich.table import Table

from ...kernels.ladder import LADDER
from ..measure.limits import limit
from ..measure.peers import PEERS, PLAN
from .ratios import Ratio, geometric, ratio
from .table import fraction, three_digits, times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..measure.matrix import Cell
    from .results import Figure

    Pair = tuple[Figure, Figure]  # of the same cell: theirs, ours

BEST = "best peer of each cell"
NAMES = tuple(peer.name for peer in PEERS)
OWN = tuple(rung.name for rung in LADDER)
SMALL = "100x2"  # where a call costs more than its arithmetic, and a plan pays


class Against(NamedTuple):
    """How many times our time a peer takes.

    Attributes
    ----------
    peer : str
        Its name, or `BEST`.
    cells : int
        In how many cells both have a number.
    mean : Ratio
        Geometric mean over the cells.
    worst : float
        The smallest ratio: below 1 the peer is faster.
    where : Cell
        The peer's cell in which it occurs.
    """

    peer: str
    cells: int
    mean: Ratio
    worst: float
    where: Cell


def own_rung(found: list[Figure]) -> str | None:
    """Return the last of our own rungs, the one we compare; None where there are peers alone."""
    return next((figure.cell.rung for figure in reversed(found) if figure.cell.rung in OWN), None)


def against(found: list[Figure]) -> list[Against]:
    """Return for each peer, and for the best of each cell, how it compares with our `own_rung`.

    Parameters
    ----------
    found : list of Figure
        All for the same number of threads.
    """
    own = own_rung(found)
    rows: dict[str, list[Pair]] = {name: [] for name in (*NAMES, BEST)}
    for group in _inputs(found):
        pairs = [(figure, group[own]) for name, figure in group.items() if name in NAMES and own in group]
        for pair in pairs:
            rows[pair[0].cell.rung].append(pair)
        if pairs:
            rows[BEST].append(min(pairs, key=_value))
    return [_against(name, pairs) for name, pairs in rows.items() if pairs]


def _inputs(found: list[Figure]) -> Iterator[dict[str, Figure]]:
    """Go through the inputs: on each, the figures that have a number, by rung."""
    for _, group in groupby(found, key=lambda figure: figure.cell[1:]):
        yield {figure.cell.rung: figure for figure in group if figure.seconds}


def _against(name: str, pairs: list[Pair]) -> Against:
    worst = min(pairs, key=_value)
    return Against(name, len(pairs), _mean(pairs), _value(worst), worst[0].cell)


def _value(pair: Pair) -> float:
    found = ratio(pair[0].sweeps, pair[1].sweeps)
    return found.value if found else float("inf")


def _mean(pairs: list[Pair]) -> Ratio:
    """Return the geometric mean of the ratios of several cells, formed in each sweep."""
    theirs, ours = (geometric([pair[k].sweeps for pair in pairs]) for k in (0, 1))
    return ratio(theirs, ours) or Ratio(float("nan"), None, None, 0)


def tables(found: list[Figure], limits: dict[str, Any] | None = None, cache: int = 0) -> Iterator[Table]:
    """Make the tables of a run with peers: against them at each number of threads, and our own rung by itself.

    Parameters
    ----------
    found : list of Figure
    limits : dict or None
        What `limits.measure` returned.
    cache : int
        Bytes of the last-level caches.
    """
    for number in sorted({figure.cell.threads for figure in found}):
        group = [figure for figure in found if figure.cell.threads == number]
        if rows := against(group):
            yield _peers_table(rows, group)
            own = [figure for figure in found if figure.cell.rung == own_rung(group) and figure.seconds]
            yield from _memory_table([figure for figure in own if figure.cell.threads == number], limits, cache)
            yield from _threads_table(own, number, limits)


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=0,
        min_width=len(title),
    )
    for column in columns:
        table.add_column(column, justify="left" if column in ("peer", "cell", "worst cell") else "right", no_wrap=True)
    return table


def _peers_table(rows: list[Against], group: list[Figure]) -> Table:
    title = f"{own_rung(group)} against the peers, {_threads(group[0].cell.threads)}"
    table = _table(title, "peer", "cells", "mean", "95 %", "worst", "worst cell")
    for row in rows:
        table.add_row(
            row.peer, str(row.cells), times(row.mean.value), _interval(row.mean), times(row.worst), _name(row.where)
        )
    table.caption = "\n".join(
        ["the peer's time in units of ours; mean: geometric; below 1x the peer is faster", *_plan_line(group)]
    )
    return table


def _plan_line(group: list[Figure]) -> Iterator[str]:
    """Say how a plan compares with the first peer, NumPy; a plan is ours, and none of the peers."""
    inputs = [found for found in _inputs(group) if {PLAN.name, NAMES[0]} <= found.keys()]
    pairs = [(found[NAMES[0]], found[PLAN.name]) for found in inputs]
    small = [pair for pair in pairs if pair[0].cell.source == SMALL]
    if pairs:
        at_small = f", {times(_mean(small).value)} at {SMALL}" if small else ""
        yield f"through a plan: {NAMES[0]} takes {times(_mean(pairs).value)} its time{at_small}"


def _memory_table(own: list[Figure], limits: dict[str, Any] | None, cache: int) -> Iterator[Table]:
    """Make a table of the cells larger than the caches: how near one read of X comes to the memory's limit."""
    large = [figure for figure in own if cache and limit(figure, limits) and figure.bytes > cache]
    if not large:
        return
    table = _table(
        f"{own[0].cell.rung} larger than the caches, {_threads(own[0].cell.threads)}",
        *("cell", "GB/s", "one read", "fraction"),
    )
    for figure in large:
        bound = limit(figure, limits)
        rate = figure.bytes / bound.seconds / 1e9 if bound else None
        table.add_row(_name(figure.cell), *map(three_digits, (figure.gbytes, rate)), fraction(figure, limits))
    table.caption = "one read: GB/s at which as many threads read as large an array"
    yield table


def _threads_table(own: list[Figure], number: int, limits: dict[str, Any] | None) -> Iterator[Table]:
    """Make a table of what the threads bring over one thread."""
    alone = {figure.cell[:4]: figure for figure in own if figure.cell.threads == 1}
    pairs = [(alone[f.cell[:4]], f) for f in own if f.cell.threads == number > 1 and f.cell[:4] in alone]
    if not pairs:
        return
    table = _table(
        f"{own[0].cell.rung}, {_threads(number)} against one", "cell", "speed-up", "95 %", "limit alone", "limit"
    )
    for pair in pairs:
        bounds = (fraction(figure, limits) for figure in pair)
        table.add_row(_name(pair[1].cell), times(_value(pair)), _interval(_mean([pair])), *bounds)
    yield table


def _threads(number: int) -> str:
    return f"{number} thread{'s' * (number > 1)}"


def _name(cell: Cell) -> str:
    return " ".join(cell[1:4])


def _interval(found: Ratio) -> str:
    return "" if found.low is None else f"{three_digits(found.low)}–{three_digits(found.high)}"
