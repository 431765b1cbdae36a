"""Tables in the terminal; and all that a run shows there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.table import Table as Grid
from rich.text import Text

from ..measure.machine import last_level_bytes
from . import busy, summary, tables
from .ladder import ladders
from .result import ALONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType

    from .result import Section
    from .tables import Table


def say(console: Console, text: str) -> None:
    """Print text as it stands: no markup, no colours, no line broken."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def show(section: Section, console: Console) -> None:
    """Print the tables of a run, and first what makes it unstable."""
    for reason in section.unstable:
        say(console, f"Unstable: {reason}")
    for shown in _tables(section):
        console.print(shown, highlight=False)
        console.print()


def _tables(section: Section) -> Iterator[RenderableType]:
    if any(figure.cell.situation != ALONE for figure in section.cells):
        yield from map(table, busy.tables(section.cells))
        yield Text(busy.LEGEND)
        return
    for ladder in ladders(section):
        yield table(tables.ladder_table(ladder).without("technique", "interval"))
    yield Text(tables.LADDER_LEGEND)
    yield from map(table, summary.tables(section, last_level_bytes()))


def table(shown: Table, mark: str | None = None) -> Group:
    """Return a table for the terminal; the line whose first cell is `mark` stands out.

    A group's heading stands before its first line; a line's note, which may be long, goes below the table.
    """
    notes = [f"{line.cells[0]}: {line.note}" for line in shown.lines if line.note]
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, padding=0)  # so that the widest row fits 80 columns
    for place, column in enumerate(shown.columns):
        left = place == 0 or column in shown.text
        grid.add_column(column, justify="left" if left else "right", no_wrap=place == 0, overflow="fold")
    group = ""
    for line in shown.lines:
        if line.group != group:
            group = line.group
            grid.add_row(Text(group, style="dim"))
        cells = [*line.cells, *["-"] * (len(shown.columns) > len(line.cells))]
        style = "bold green" if line.cells[0] == mark else None
        grid.add_row(*map(Text, [f"> {cells[0]}" if style else cells[0], *cells[1:]]), style=style)
    title = [Text(shown.title, "italic")] if shown.title else []
    return Group(*title, grid, *map(Text, [*shown.notes, *notes]))  # as they stand: a reason may hold brackets
