"""The ladder as a terminal table, one for each input and number of threads.

In the form of Leiserson et al., "There's plenty of room at the Top", Science 368 (2020), table 1:
version, running time, GFLOP/s, absolute speed-up (over the baseline version) and relative speed-up
(over the version before).
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from .data import REAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .results import Figure

COLUMNS = ("rung", "time", "ns/elem", "GFLOP/s", "GB/s", "absolute", "relative")


def tables(found: list[Figure]) -> Iterator[Table]:
    """Make one table for each input, layout and number of threads, in the order of the figures."""
    for _, group in groupby(found, key=lambda figure: figure.cell[1:]):
        yield _table(list(group))


def _table(group: list[Figure]) -> Table:
    first = group[0]
    cell = first.cell
    name = f"{cell.source}, " if cell.source in REAL else ""
    threads = "1 thread" if cell.threads == 1 else f"{cell.threads} threads"
    table = Table(
        title=f"{name}{first.samples} x {first.features}  {cell.dtype}  {cell.order} order  {threads}",
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),  # so that the widest row fits 80 columns
    )
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "rung" else "right", no_wrap=True)
    baseline = next((figure for figure in group if figure.seconds is not None), first)
    previous = baseline.seconds
    for figure in group:
        if figure.seconds is None or baseline.seconds is None or previous is None:
            table.add_row(figure.cell.rung, figure.status)
            continue
        table.add_row(
            figure.cell.rung,
            duration(figure.seconds),
            *map(three_digits, (figure.ns_per_element, figure.gflops, figure.gbytes)),
            times(baseline.seconds / figure.seconds),
            times(previous / figure.seconds),
        )
        previous = figure.seconds
    notes = [f"{f.cell.rung}: {f.status}, {f.reason}" for f in group if f.reason]
    if baseline.seconds is not None:
        notes.append(f"absolute: times as fast as {baseline.cell.rung}; relative: as the measured rung above")
    table.caption = Text("\n".join(notes))  # as it stands: a reason may hold brackets
    return table


def times(ratio: float) -> str:
    """Return a speed-up with three digits."""
    return f"{three_digits(ratio)}x"


def three_digits(value: float | None) -> str:
    """Return a number with three digits, without an exponent where it is large."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """Return a time with the unit that suits it."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.4g} {unit}"
    return f"{seconds * 1e9:.4g} ns"
