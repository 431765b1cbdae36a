"""The ladder as a terminal table, one for each input and number of threads.

In the form of Leiserson et al., "There's plenty of room at the Top", Science 368 (2020), table 1:
version, running time, GFLOP/s, absolute speed-up (over the baseline version), relative speed-up
(over the version it grew from) and the fraction reached of the machine's limit.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from ...kernels.ladder import nearest, rung
from ..measure.data import REAL
from ..measure.limits import limit
from .ratios import LEAST_SWEEPS, Ratio, ratio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .results import Figure

COLUMNS = ("rung", "time", "ns/elem", "GFLOP/s", "GB/s", "absolute", "relative", "limit")
SHORT = {"memory": "mem", "arithmetic": "ari", "call": "call"}
LEGEND = """\
absolute: times as fast as the first measured rung; relative: as the rung it grew from
no diff.: no difference seen, the 95 % interval over the sweeps includes 1x
limit: what bounds any step on this input, and the fraction of it reached;
       mem one read of X, ari 4 operations per element, call an empty call;
       above 100% the limit itself was measured badly"""


def tables(found: list[Figure], limits: dict[str, Any] | None = None) -> Iterator[Table]:
    """Make one table for each input, layout and number of threads, in the order of the figures."""
    for _, group in groupby(found, key=lambda figure: figure.cell[1:]):
        yield ladder_table(list(group), limits)


def ladder_table(group: list[Figure], limits: dict[str, Any] | None, mark: str | None = None) -> Table:
    """Make the table of one input, layout and number of threads; the rung named `mark` stands out."""
    first = group[0]
    cell = first.cell
    name = f"{cell.source}, " if cell.source in REAL else ""
    threads = "1 thread" if cell.threads == 1 else f"{cell.threads} threads"
    table = Table(
        title=f"{name}{first.samples} x {first.features}  {cell.dtype}  {cell.order} order  {threads}",
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=0,  # so that the widest row fits 80 columns
    )
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "rung" else "right", no_wrap=True)
    measured = {figure.cell.rung: figure for figure in group if figure.seconds is not None}
    baseline = next(iter(measured.values()), first)
    for figure in group:
        name, style = (f"> {mark}", "bold green") if figure.cell.rung == mark else (figure.cell.rung, None)
        if figure.seconds is None:
            table.add_row(name, "-", style=style)
            continue
        table.add_row(
            name,
            duration(figure.seconds),
            *map(three_digits, (figure.ns_per_element, figure.gflops, figure.gbytes)),
            speed_up(baseline, figure),
            relative(measured, figure),
            fraction(figure, limits),
            style=style,
        )
    table.caption = Text("\n".join(_notes(group)))  # as it stands: a reason may hold brackets
    return table


def _notes(group: list[Figure]) -> Iterator[str]:
    """Say why rungs have no number, over which another than the one it grew from is compared, and what the noise is."""
    measured = {figure.cell.rung: figure for figure in group if figure.seconds is not None}
    for name in measured:
        over = nearest(name, measured)
        if over and over != rung(name).grew_from:
            yield f"{name}: relative to {over}"
    for figure in group:
        if figure.reason:
            yield f"{figure.cell.rung}: {figure.status}, {figure.reason}"
    for figure in group:
        if found := ratio(figure.again, figure.sweeps):
            yield f"A/A: {figure.cell.rung} takes {interval(found)} of its own time"


def relative(measured: dict[str, Figure], figure: Figure) -> str:
    """Return how many times as fast a figure is as the nearest that its rung grew from; nothing where none is there."""
    over = nearest(figure.cell.rung, measured)
    if over:
        return speed_up(measured[over], figure)
    return "1x" if figure is next(iter(measured.values())) else ""


def speed_up(slower: Figure, faster: Figure) -> str:
    """Return how many times as fast one figure is as another; "no diff." where no difference is seen."""
    found = ratio(slower.sweeps, faster.sweeps)
    if slower is faster or found is None:
        return "1x" if slower is faster else ""
    return "no diff." if found.low is not None and not found.differs else times(found.value)


def interval(found: Ratio) -> str:
    """Return a ratio with its 95 % interval; without one where there are too few sweeps for it."""
    if found.low is None or found.high is None:
        return f"{found.value:.3f} (no interval: fewer than {LEAST_SWEEPS} sweeps)"
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def fraction(figure: Figure, limits: dict[str, Any] | None) -> str:
    """Return what bounds a figure's cell and the fraction of it reached, as "mem 83%"."""
    bound = limit(figure, limits)
    if bound is None or figure.seconds is None:
        return ""
    share = bound.seconds / figure.seconds
    return f"{SHORT[bound.resource]} {f'{share:.0%}' if share >= 0.01 else '<1%'}"


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
