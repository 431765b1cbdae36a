"""Pictures and tables in the terminal: curves by uniplot, everything else by Rich."""

from __future__ import annotations

from functools import singledispatch
from math import log10
from typing import TYPE_CHECKING, Any

import uniplot
from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from ...show.numbers import number, rate, seconds, size, times
from .pictures import Bars, Bowl, Curves, Graph

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from ...show.tables import Table as Figures
    from .pictures import Box, Picture, Unit
    from .words import Words

HEIGHT, WIDTH, BAR = 14, 56, 40
WRITE: dict[Unit, Callable[[float], str]] = {
    "": number, "seconds": seconds, "bytes": size, "bytes/s": rate, "times": times,
}  # fmt: skip
SHADES = " ·░▒▓█"  # from low to high
ROWS, COLUMNS = 20, 60  # of the bowl


def table(figures: Figures, words: Words, caption: str = "") -> Table:
    """Return a table for the terminal, in the reader's language."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption=escape(caption), caption_justify="left")
    for column in figures.columns:
        made.add_column(escape(words(column)), justify="left" if column == figures.columns[0] else "right")
    group = ""
    for line in figures.lines:
        if line.group and line.group != group:
            made.add_row(f"[dim]{escape(words(line.group))}[/dim]")
            group = line.group
        cells = line.cells if len(line.cells) > 1 else (*line.cells, line.note)
        made.add_row(*(escape(words(cell)) for cell in cells))
    return made


def draw(picture: Picture, words: Words) -> RenderableType:
    """Return a picture for the terminal, its names in the reader's language."""
    return _draw(picture, words)


@singledispatch
def _draw(picture: Any, words: Words) -> RenderableType:
    raise TypeError(f"no picture is a {type(picture).__name__}")


@_draw.register(Curves)
def _curves(picture: Curves, words: Words) -> Text:
    series = list(picture.series)
    points = [one.points for one in series if one.points]
    drawn = uniplot.plot_to_string(
        xs=[[x for x, _ in some] for some in points],
        ys=[[y for _, y in some] for some in points],
        lines=[not one.dots for one in series if one.points],
        x_as_log=picture.x.log, y_as_log=picture.y.log, width=WIDTH, height=HEIGHT, color=True,
        title=f"{words(picture.y.title)} | {words(picture.x.title)}",
        legend_labels=[words(one.name) for one in series if one.points],
        y_gridlines=[picture.level[1]] if picture.level and not picture.y.log else [],
    )  # fmt: skip
    return Text.from_ansi(drawn)


@_draw.register(Bars)
def _bars(picture: Bars, words: Words) -> Table:
    made = Table.grid(padding=(0, 1))
    values = [bar.value for bar in picture.bars if bar.value]
    for bar in picture.bars:
        if bar.value:
            length = round(BAR * _share(bar.value, min(values), max(values), picture.axis.log))
            made.add_row(escape(words(bar.name)), "█" * max(length, 1), WRITE[picture.axis.unit](bar.value))
    made.caption = escape(words(picture.axis.title)) + (f" ({words('logarithmic')})" if picture.axis.log else "")
    return made


def _share(value: float, least: float, most: float, log: bool) -> float:
    """Return how long a bar is; on a logarithmic axis the shortest has a tenth."""
    if not log or least == most:
        return value / most
    return 0.1 + 0.9 * log10(value / least) / log10(most / least)


@_draw.register(Bowl)
def _bowl(picture: Bowl, words: Words) -> Text:
    """Shade the surface by its height, and write each walk's points as its number."""
    low, high = float(picture.J.min()), float(picture.J.max())
    cells = [[" "] * COLUMNS for _ in range(ROWS)]
    for r in range(ROWS):
        for c in range(COLUMNS):
            J = picture.J[_at(ROWS - 1 - r, ROWS, len(picture.b)), _at(c, COLUMNS, len(picture.w))]
            cells[r][c] = SHADES[min(int(len(SHADES) * log10(J / low) / log10(high / low)), len(SHADES) - 1)]
    for mark, walk in enumerate(picture.walks, 1):
        for w, b in zip(walk.w, walk.b, strict=True):
            c = round((w - picture.w[0]) / (picture.w[-1] - picture.w[0]) * (COLUMNS - 1))
            r = ROWS - 1 - round((b - picture.b[0]) / (picture.b[-1] - picture.b[0]) * (ROWS - 1))
            if 0 <= r < ROWS and 0 <= c < COLUMNS:
                cells[r][c] = str(mark)
    legend = "   ".join(f"{mark}: {words(walk.name)}" for mark, walk in enumerate(picture.walks, 1))
    ends = f"w {picture.w[0]:.2g} … {picture.w[-1]:.2g}, b {picture.b[0]:.2g} … {picture.b[-1]:.2g}"
    return Text("\n".join("".join(row) for row in cells) + f"\n{ends}   {legend}")


def _at(place: int, places: int, length: int) -> int:
    return round(place / (places - 1) * (length - 1))


@_draw.register(Graph)
def _graph(picture: Graph, words: Words) -> Tree:
    """Draw the graph as a tree from the output back: what each node is computed from is below it."""
    boxes = {one.name: one for one in picture.boxes}
    output = next(one for one in picture.boxes if not any(a == one.name for a, _ in picture.arrows))
    tree = Tree(_node(output, picture))
    _grow(tree, output, picture, boxes)
    return tree


def _grow(tree: Tree, node: Box, picture: Graph, boxes: dict[str, Box]) -> None:
    for name, to in picture.arrows:
        if to == node.name:
            _grow(tree.add(_node(boxes[name], picture)), boxes[name], picture, boxes)


def _node(one: Box, picture: Graph) -> str:
    grad = f"d{picture.output}/d{one.name.partition(' ')[0]} = [yellow]{one.grad:.4g}[/yellow]"
    return f"{escape(one.name)}: [bold]{one.value:.4g}[/bold]   {grad}"
