"""Tables in the terminal; and all that a run shows there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.table import Table as Grid
from rich.text import Text

from ..measure.machine import last_level_bytes
from . import busy, own, summary, tables
from .answer import answer
from .ladder import ladders
from .result import ALONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions, RenderableType

    from .result import Section
    from .tables import Table


def say(console: Console, text: str) -> None:
    """Print text as it stands: no markup, no colours, no line broken."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def show(section: Section, console: Console) -> None:
    """Print what the columns of a run's tables mean, the tables, and last the answer in words."""
    for told in own.brought(section):
        say(console, told)
    for shown in _tables(section):
        console.print(shown, highlight=False)
        console.print()
    for one in answer(section):
        if isinstance(one, str):
            say(console, one)
        else:
            console.print(table(one), highlight=False)
            console.print()


def _tables(section: Section) -> Iterator[RenderableType]:
    if any(figure.cell.situation != ALONE for figure in section.cells):
        yield Text(busy.LEGEND)
        yield from map(table, busy.tables(section.cells))
        return
    yield Text(tables.LADDER_LEGEND)
    for ladder in ladders(section):
        yield table(tables.ladder_table(ladder).without("technique", "interval"))
    yield from map(table, summary.tables(section, last_level_bytes()))


class table:  # noqa: N801  # used as a function: how wide it may be is known when it is printed
    """A table for the terminal; the line whose first cell is `mark` stands out."""

    def __init__(self, shown: Table, mark: str | None = None) -> None:
        self.shown, self.mark = shown, mark

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield _grid(self.shown.within(options.max_width), self.mark)


def _grid(shown: Table, mark: str | None) -> Group:
    """Draw a table: a group's heading before its first line, a line's note, which may be long, below the table."""
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
