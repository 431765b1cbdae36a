"""How the step fares on a busy machine: the tables of a run in several situations.

One table for each input: entrants by situations, the median and the 90th percentile of single calls. And
one of our own rungs on all threads in units of themselves on one, and of the best peer there is.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from ..measure.peers import PLAN
from . import numbers
from .numbers import ROUGHLY, digits, speedup
from .ratios import Ratio, ratio
from .result import Sweeps, typical
from .summary import NAMES, own_rung
from .tables import Line, Table, input_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .result import Figure

LEGEND = f"""\
each: median / 90th percentile of single calls, then the median over the sweeps
four-callers: what each of four threads that call at the same time waits
best peer: with as many threads; one for the median, one for the percentile
{numbers.LEGEND}"""


class Who(NamedTuple):
    """A row of the table: an entrant with a number of threads."""

    rung: str
    threads: int


class Both(NamedTuple):
    """The times of a cell, sweep by sweep: the median of its calls, and their 90th percentile."""

    median: Sweeps
    p90: Sweeps | None


def tables(found: Iterable[Figure]) -> Iterator[Table]:
    """Make two tables for each input, the second where there is something to compare.

    Parameters
    ----------
    found : iterable of Figure
        Of a run whose calls were timed one by one.
    """
    said: set[str] = set()
    for _, group in groupby(found, key=lambda figure: figure.cell.data):
        figures = [figure for figure in group if figure.status != "not run"]
        if not figures:
            continue
        reasons = dict.fromkeys(f"{f.cell.rung}: {f.status}, {f.reason}" for f in figures if f.reason)
        yield _times_table(figures, [reason for reason in reasons if reason not in said])
        said |= reasons.keys()
        ratios = _ratios_table(figures)
        if ratios.lines:
            yield ratios


def _times_table(figures: Sequence[Figure], notes: list[str]) -> Table:
    first = figures[0]
    unit, factor = unit_for(figures)
    times, situations = times_of(figures), situations_of(figures)
    lines = [
        Line((f"{who.rung} {who.threads}", *(pair(times.get((who, each)), factor) for each in situations)))
        for who in dict.fromkeys(Who(figure.cell.rung, figure.cell.threads) for figure in figures)
    ]
    title = f"{input_of(first.cell)}, {first.samples * first.features:,} elements, in {unit}"
    return Table(title, ("rung, threads", *situations), lines, notes)


def _ratios_table(figures: Sequence[Figure]) -> Table:
    """Make the table of our own rungs on all threads, in units of one thread and of the best peer."""
    most = max(figure.cell.threads for figure in figures)
    times, situations = times_of(figures), situations_of(figures)
    lines = []
    for rung in dict.fromkeys(filter(None, (own_rung(figures), PLAN.name))):
        for name, against in (("1 thread", (Who(rung, 1),)), ("best peer", tuple(Who(peer, most) for peer in NAMES))):
            shown = [_against(times, Who(rung, most), against, each) for each in situations]
            if any(shown) and Who(rung, most) not in against:
                lines.append(Line((rung, name, *shown)))
    title = f"{input_of(figures[0].cell)}, on {numbers.threads(most)}, times as long as"
    return Table(title, ("rung", "as", *situations), lines, text=("as",))


def _against(times: dict[tuple[Who, str], Both], own: Who, others: tuple[Who, ...], situation: str) -> str:
    """Return our times in units of the best of others, as "median / 90th percentile"; nothing where one is missing."""
    ours = times.get((own, situation))
    theirs = [times[other, situation] for other in others if (other, situation) in times]
    if ours is None or not theirs:
        return ""
    first, second = (
        _shown(max(filter(None, (ratio(mine, other) for other in column)), key=lambda r: r.value, default=None))
        for mine, column in zip(ours, zip(*theirs, strict=True), strict=True)
    )
    return f"{first} / {second.removeprefix(ROUGHLY)}"  # of the same sweeps: one mark, for the width, says it of both


def times_of(figures: Sequence[Figure]) -> dict[tuple[Who, str], Both]:
    """Return the times of the cells that have some, by row and column."""
    return {
        (Who(figure.cell.rung, figure.cell.threads), figure.cell.situation): Both(figure.sweeps, figure.p90)
        for figure in figures
        if figure.seconds
    }


def unit_for(figures: Sequence[Figure]) -> tuple[str, float]:
    """Return the unit of all times of these figures, that of the shortest, and what to multiply seconds by."""
    return numbers.unit(min((figure.seconds for figure in figures if figure.seconds), default=1.0))


def situations_of(figures: Sequence[Figure]) -> list[str]:
    """Return the situations that figures are of, in order."""
    return list(dict.fromkeys(figure.cell.situation for figure in figures))


def pair(both: Both | None, factor: float) -> str:
    """Return "median / 90th percentile" in a unit."""
    if both is None:
        return "-"
    return " / ".join(digits(value * factor) if (value := typical(sweeps)) else "-" for sweeps in both)


def _shown(found: Ratio | None) -> str:
    return speedup(found, "{:.2g}".format) or "-"  # two digits, for the width
