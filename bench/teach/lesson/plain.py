"""Pictures in the terminal: curves by uniplot, everything else by Rich; those to play with are tables."""

from __future__ import annotations

from functools import singledispatch
from math import log10
from typing import TYPE_CHECKING, Any

import numpy as np
import uniplot
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from ...show import terminal
from ...show.numbers import number, rate, seconds, size, times
from .pictures import Bars, Bowl, Curves, Graph, Growth, Traffic

if TYPE_CHECKING:
    from rich.console import RenderableType

    from .pictures import Box, Playable
    from .words import Words

HEIGHT, WIDTH, BAR = 14, 56, 40
WRITE = {"": number, "seconds": seconds, "bytes": size, "bytes/s": rate, "times": times}
SHADES = np.array(list(" ·░▒▓█"))  # from low to high
ROWS, COLUMNS = 20, 60  # of the bowl


@singledispatch
def draw(picture: Any, words: Words) -> RenderableType:
    """Return a picture for the terminal, its names in the reader's language."""
    raise TypeError(f"no picture is a {type(picture).__name__}")


@draw.register(Curves)
def _curves(picture: Curves, words: Words) -> Text:
    series = [one for one in picture.series if one.points]
    drawn = uniplot.plot_to_string(
        xs=[[x for x, _ in one.points] for one in series],
        ys=[[y for _, y in one.points] for one in series],
        lines=[not one.dots for one in series],
        x_as_log=picture.x.log, y_as_log=picture.y.log, width=WIDTH, height=HEIGHT, color=True,
        title=f"{words(picture.y.title)} | {words(picture.x.title)}",
        legend_labels=[words(one.name) for one in series],
        y_gridlines=[picture.level[1]] if picture.level and not picture.y.log else [],
    )  # fmt: skip
    return Text.from_ansi(drawn)


@draw.register(Bars)
def _bars(picture: Bars, words: Words) -> Table:
    """Draw bars from zero; on a logarithmic axis the shortest has a tenth of the length."""
    axis, bars = picture.axis, [(bar.name, bar.value) for bar in picture.bars if bar.value]
    shortest, longest = (end(value for _, value in bars) for end in (min, max))
    made = Table.grid(padding=(0, 1))
    for name, value in bars:
        share = 1 - 0.9 * log10(longest / value) / max(log10(longest / shortest), 1e-9) if axis.log else value / longest
        made.add_row(escape(words(name)), "█" * max(round(BAR * share), 1), WRITE[axis.unit](value))
    made.caption = escape(words(axis.title)) + (f" ({words('logarithmic')})" if axis.log else "")
    return made


@draw.register(Bowl)
def _bowl(picture: Bowl, words: Words) -> Text:
    """Shade the surface by its height, and write each walk's points as its number."""
    w = np.linspace(picture.w[0], picture.w[-1], COLUMNS)
    b = np.linspace(picture.b[-1], picture.b[0], ROWS)
    J = np.log(picture.J[np.ix_(_nearest(b, picture.b), _nearest(w, picture.w))])
    shades = (len(SHADES) * (J - J.min()) / (np.ptp(J) + 1e-9)).astype(int)
    cells = SHADES[shades]
    for mark, walk in enumerate(picture.walks, 1):
        seen = [point for point in walk.points if w[0] <= point[0] <= w[-1] and b[-1] <= point[1] <= b[0]]
        for column, row in seen:
            cells[_nearest(row, b), _nearest(column, w)] = mark
    legend = "   ".join(f"{mark}: {words(walk.name)}" for mark, walk in enumerate(picture.walks, 1))
    ends = f"w {w[0]:.2g} … {w[-1]:.2g}, b {b[-1]:.2g} … {b[0]:.2g}"
    return Text("\n".join("".join(row) for row in cells) + f"\n{ends}   {legend}")


def _nearest(values: Any, grid: np.ndarray) -> np.ndarray:
    """Return for each value the place of the nearest number of a grid."""
    return np.abs(np.subtract.outer(values, grid)).argmin(axis=-1)


@draw.register(Growth)
@draw.register(Traffic)
def _table(picture: Playable, words: Words) -> RenderableType:
    return terminal.table(words.table(picture.table))


@draw.register(Graph)
def _graph(picture: Graph, words: Words) -> Tree:
    """Draw the graph as a tree from the output back: what each node is computed from is below it."""
    boxes = {one.name: one for one in picture.boxes}
    output = next(name for name in boxes if not any(start == name for start, _ in picture.arrows))
    tree = Tree(_node(boxes[output], picture.output))
    grow = [(tree, output)]
    while grow:
        branch, name = grow.pop()
        grow += [(branch.add(_node(boxes[a], picture.output)), a) for a, b in picture.arrows if b == name]
    return tree


def _node(one: Box, output: str) -> str:
    grad = f"d{output}/d{one.name.partition(' ')[0]} = [yellow]{one.grad:.4g}[/yellow]"
    return f"{escape(one.name)}: [bold]{one.value:.4g}[/bold]   {grad}"
