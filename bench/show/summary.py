"""How our own rung stands against the peers, the memory and itself on one thread, over all cells of a run."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from ...kernels.ladder import LADDER
from ..measure.peers import PEERS, PLAN
from .ladder import bounded
from .numbers import digits, interval, plain, threads, times
from .ratios import Ratio, mean, ratio
from .tables import Line, Table, limited

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .result import Cell, Figure, Limits, Section

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


def own_rung(found: Sequence[Figure]) -> str | None:
    """Return the last of our own rungs, the one we compare; None where there are peers alone."""
    return next((figure.cell.rung for figure in reversed(found) if figure.cell.rung in OWN), None)


def against(found: Sequence[Figure]) -> list[Against]:
    """Return for each peer, and for the best of each cell, how it compares with our `own_rung`.

    Parameters
    ----------
    found : sequence of Figure
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


def _inputs(found: Iterable[Figure]) -> Iterator[dict[str, Figure]]:
    """Go through the inputs: on each, the figures that have a number, by rung."""
    for _, group in groupby(found, key=lambda figure: figure.cell.ladder):
        yield {figure.cell.rung: figure for figure in group if figure.seconds}


def _against(name: str, pairs: list[Pair]) -> Against:
    worst = min(pairs, key=_value)
    return Against(name, len(pairs), _mean(pairs), _value(worst), worst[0].cell)


def _value(pair: Pair) -> float:
    found = ratio(pair[0].sweeps, pair[1].sweeps)
    return found.value if found else float("inf")


def _mean(pairs: list[Pair]) -> Ratio:
    """Return the geometric mean of the ratios of several cells, formed in each sweep."""
    return mean([(theirs.sweeps, ours.sweeps) for theirs, ours in pairs]) or Ratio(float("nan"), None, None, 0)


def tables(section: Section, cache: int = 0) -> Iterator[Table]:
    """Make the tables of a run with peers: against them at each number of threads, and our own rung by itself.

    Parameters
    ----------
    section : Section
    cache : int
        Bytes of the last-level caches.
    """
    for number in sorted({figure.cell.threads for figure in section.cells}):
        group = [figure for figure in section.cells if figure.cell.threads == number]
        if rows := against(group):
            yield _peers_table(rows, group)
            own = [figure for figure in section.cells if figure.cell.rung == own_rung(group) and figure.seconds]
            yield from _memory_table([f for f in own if f.cell.threads == number], section.limits, cache)
            yield from _threads_table(own, number, section.limits)


def _peers_table(rows: list[Against], group: Sequence[Figure]) -> Table:
    lines = [
        Line((row.peer, str(row.cells), plain(row.mean), interval(row.mean), times(row.worst), name_of(row.where)))
        for row in rows
    ]
    notes = ["the peer's time in units of ours; mean: geometric; below 1× the peer is faster", *_plan_line(group)]
    title = f"{own_rung(group)} against the peers, {threads(group[0].cell.threads)}"
    return Table(title, ("peer", "cells", "mean", "95 %", "worst", "worst cell"), lines, notes, text=("worst cell",))


def _plan_line(group: Iterable[Figure]) -> Iterator[str]:
    """Say how a plan compares with the first peer, NumPy; a plan is ours, and none of the peers."""
    inputs = [found for found in _inputs(group) if {PLAN.name, NAMES[0]} <= found.keys()]
    pairs = [(found[NAMES[0]], found[PLAN.name]) for found in inputs]
    small = [pair for pair in pairs if pair[0].cell.source == SMALL]
    if pairs:
        at_small = f", {plain(_mean(small))} at {SMALL}" if small else ""
        yield f"through a plan: {NAMES[0]} takes {plain(_mean(pairs))} its time{at_small}"


def _memory_table(own: list[Figure], limits: Limits | None, cache: int) -> Iterator[Table]:
    """Make a table of the cells larger than the caches: how near one read of X comes to the memory's limit."""
    rows = [bounded(figure, limits) for figure in own if cache and figure.bytes > cache]
    lines = [
        Line((name_of(row.figure.cell), digits(row.figure.gbytes), digits(row.figure.bytes / row.limit.seconds / 1e9),
              limited(row)))
        for row in rows if row.limit
    ]  # fmt: skip
    if lines:
        title = f"{own[0].cell.rung} larger than the caches, {threads(own[0].cell.threads)}"
        notes = ["one read: GB/s at which as many threads read as large an array"]
        yield Table(title, ("cell", "GB/s", "one read", "limit"), lines, notes)


def _threads_table(own: list[Figure], number: int, limits: Limits | None) -> Iterator[Table]:
    """Make a table of what the threads bring over one thread."""
    alone = {figure.cell.data: figure for figure in own if figure.cell.threads == 1}
    lines = []
    for figure in own:
        if figure.cell.threads == number > 1 and figure.cell.data in alone:
            pair = (alone[figure.cell.data], figure)
            reached = (limited(bounded(one, limits)) for one in pair)
            found = _mean([pair])
            lines.append(Line((name_of(figure.cell), plain(found), interval(found), *reached)))
    if lines:
        title = f"{own[0].cell.rung}, {threads(number)} against one"
        yield Table(title, ("cell", "speed-up", "95 %", "limit alone", "limit"), lines)


def name_of(cell: Cell) -> str:
    """Return the input of a cell, in few words."""
    return " ".join(cell.data)
