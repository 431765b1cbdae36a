"""How the step fares on a busy machine: the tables of a run in several situations.

One table for each input: entrants by situations, the median and the 90th percentile of single calls. And
one of our own rungs on all threads in units of themselves on one, and of the best peer there is.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from rich import box
from rich.table import Table
from rich.text import Text

from ..measure.peers import PLAN
from .ratios import Ratio, ratio
from .results import typical
from .summary import NAMES, own_rung
from .table import three_digits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..measure.matrix import Cell
    from .results import Figure

    Sweeps = tuple[float | None, ...]

UNITS = (("s", 1.0), ("ms", 1e3), ("us", 1e6), ("ns", 1e9))
LEGEND = """\
each: median / 90th percentile of single calls, then the median over the sweeps
four-callers: what each of four threads that call at the same time waits
best peer: with as many threads; one for the median, one for the percentile
≈1: no difference seen, the 95 % interval over the sweeps includes 1"""


class Who(NamedTuple):
    """A row of the table: an entrant with a number of threads."""

    rung: str
    threads: int


class Both(NamedTuple):
    """The times of a cell, sweep by sweep: the median of its calls, and their 90th percentile."""

    median: Sweeps
    p90: Sweeps


def tables(found: list[Figure]) -> Iterator[Table | Text]:
    """Make two tables for each input, and say why entrants have no number.

    Parameters
    ----------
    found : list of Figure
        Of a run whose calls were timed one by one.
    """
    for _, group in groupby(found, key=lambda figure: figure.cell[1:4]):
        figures = list(group)
        yield _times_table(figures)
        ratios = _ratios_table(figures)
        if ratios.row_count:
            yield ratios
    yield Text(LEGEND)
    reasons = dict.fromkeys(
        f"{figure.cell.rung}: {figure.status}, {figure.reason}" for figure in found if figure.reason
    )
    yield from map(Text, reasons)  # as they stand: a reason may hold brackets


def _times_table(figures: list[Figure]) -> Table:
    first = figures[0]
    unit, factor = _unit([figure.seconds for figure in figures if figure.seconds])
    title = f"{_input(first.cell)}  {first.samples * first.features:,} elements, in {unit}"
    table = _table(title, ("rung, threads",), _situations(figures))
    times = _times(figures)
    for who in dict.fromkeys(Who(figure.cell.rung, figure.cell.threads) for figure in figures):
        shown = [times.get((who, situation)) for situation in _situations(figures)]
        table.add_row(f"{who.rung} {who.threads}", *(_pair(both, factor) for both in shown))
    return table


def _ratios_table(figures: list[Figure]) -> Table:
    """Make the table of our own rungs on all threads, in units of one thread and of the best peer."""
    most = max(figure.cell.threads for figure in figures)
    times = _times(figures)
    title = f"{_input(figures[0].cell)}  on {most} thread{'s' * (most > 1)}, times as long as"
    table = _table(title, ("rung", "as"), _situations(figures))
    for rung in dict.fromkeys(filter(None, (own_rung(figures), PLAN.name))):
        for name, against in (("1 thread", (Who(rung, 1),)), ("best peer", tuple(Who(peer, most) for peer in NAMES))):
            shown = [_against(times, Who(rung, most), against, situation) for situation in _situations(figures)]
            if any(shown) and Who(rung, most) not in against:
                table.add_row(rung, name, *shown)
    return table


def _against(times: dict[tuple[Who, str], Both], own: Who, others: tuple[Who, ...], situation: str) -> str:
    """Return our times in units of the best of others, as "median / 90th percentile"; nothing where one is missing."""
    ours = times.get((own, situation))
    theirs = [times[other, situation] for other in others if (other, situation) in times]
    if ours is None or not theirs:
        return ""
    return " / ".join(
        _shown(max(filter(None, (ratio(mine, other) for other in column)), key=lambda r: r.value, default=None))
        for mine, column in zip(ours, zip(*theirs, strict=True), strict=True)
    )


def _times(figures: list[Figure]) -> dict[tuple[Who, str], Both]:
    """Return the times of the cells that have some, by row and column."""
    return {
        (Who(figure.cell.rung, figure.cell.threads), figure.cell.situation): Both(figure.sweeps, figure.p90)
        for figure in figures
        if figure.seconds
    }


def _situations(figures: list[Figure]) -> list[str]:
    return list(dict.fromkeys(figure.cell.situation for figure in figures))


def _unit(seconds: list[float]) -> tuple[str, float]:
    """Return the largest unit in which no time is less than 1, and what to multiply seconds by."""
    least = min(seconds, default=1.0)
    return next(((name, factor) for name, factor in UNITS if least * factor >= 1), UNITS[-1])


def _pair(both: Both | None, factor: float) -> str:
    if both is None:
        return "-"
    return " / ".join(three_digits(value * factor) if (value := typical(sweeps)) else "-" for sweeps in both)


def _shown(found: Ratio | None) -> str:
    if found is None:
        return "-"
    if found.low is not None and not found.differs:
        return "≈1"
    return f"{found.value:.2g}" if found.value < 1 else three_digits(found.value)  # two digits, for the width


def _input(cell: Cell) -> str:
    return "  ".join((cell.source, cell.dtype, f"{cell.order} order"))


def _table(title: str, heads: tuple[str, ...], situations: list[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    for head in heads:
        table.add_column(head, no_wrap=True)
    for situation in situations:
        table.add_column(situation, justify="right", overflow="fold")  # where it does not fit, it wraps
    return table
