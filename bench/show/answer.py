"""What a run found, in words: its last lines. What each technique brought, what a loop costs, and what spoils it."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from ..measure.limits import faults
from . import numbers
from .ladder import family, ladders, technique
from .numbers import digits, interval, seconds, speedup
from .ratios import Ratio, mean, ratio
from .result import ALONE
from .summary import BEST, against, name_of
from .tables import Line, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .ladder import Ladder
    from .result import Figure, Section


class Brought(NamedTuple):
    """How many times as fast as the rung it grew from a rung is: the mean over the inputs, the least and the most."""

    rung: str
    over: str
    mean: Ratio
    least: float
    most: float


def brought(found: Sequence[Ladder]) -> list[Brought]:
    """Return what each of our own rungs brought on one thread, over the inputs on which both have a number."""
    pairs: dict[tuple[str, str], list[tuple[Figure, Figure]]] = {}
    for ladder in found:
        figures = {row.rung: row.figure for row in ladder.own}
        for row in ladder.own:
            if row.over and row.relative and ladder.choice.threads == "1" and family(row.rung) != "plan":
                pairs.setdefault((row.rung, row.over), []).append((figures[row.over], row.figure))
    return [Brought(rung, over, *_spread(each)) for (rung, over), each in pairs.items()]


def _spread(pairs: Sequence[tuple[Figure, Figure]]) -> tuple[Ratio, float, float]:
    """Return the mean of the ratios of pairs of cells, formed in each sweep, the smallest and the largest."""
    found = filter(None, (ratio(before.sweeps, after.sweeps) for before, after in pairs))
    each = sorted(found, key=lambda one: one.value)
    whole = mean([(before.sweeps, after.sweeps) for before, after in pairs])
    return whole or each[len(each) // 2], each[0].value, each[-1].value


def technique_table(found: Sequence[Ladder]) -> Iterator[Table]:
    """Make the table of what each technique brought, where anything did."""
    lines = [
        Line((one.rung, speedup(one.mean), f"{digits(one.least)} – {digits(one.most)}", one.over, technique(one.rung)))
        for one in brought(found)
    ]
    if lines:
        columns = ("rung", "times as fast", "least – most", "as", "technique")
        title = "What each technique brought, on one thread: mean over the inputs, least and most"
        yield Table(title, columns, lines, text=("as", "technique"), spare=("technique", "least – most"))


def sentences(section: Section) -> Iterator[str]:
    """Say what a loop costs: on each shape the slowest rung against the fastest; and how the peers stand."""
    quiet = [figure for figure in section.cells if figure.cell.situation == ALONE]
    layout = quiet[0].cell.data[1:] if quiet else ()  # one that every shape has
    told = []
    for source, group in groupby(quiet, key=lambda figure: figure.cell.source):
        own = [one for one in group if family(one.cell.rung) != "peer" and one.cell.data[1:] == layout]
        timed = sorted((one for one in own if one.seconds), key=lambda one: one.seconds or 0.0)
        alone = [one for one in timed if one.cell.threads == 1]  # threads that were held up are no loop's cost
        slowest, fastest = (alone or timed)[-1:], timed[:1]
        if slowest != fastest:
            told.append(f"  {numbers.shape(source)}: {_slowest_and_fastest(*slowest, *fastest)}{_left_out(own)}")
    if told:
        yield "What a loop costs here, {}, {} order:".format(*layout)
        yield from told
    yield from _best_peer(quiet)


def _best_peer(figures: Sequence[Figure]) -> Iterator[str]:
    """Say how the best other library of each cell stands, on all threads."""
    most = max((figure.cell.threads for figure in figures), default=1)
    for row in against([figure for figure in figures if figure.cell.threads == most]):
        if row.peer == BEST:
            worst = f"at worst {numbers.times(row.worst)}, {name_of(row.where)}"
            yield f"The best other library of each cell takes {speedup(row.mean)} our time ({worst})."


def _slowest_and_fastest(slow: Figure, fast: Figure) -> str:
    found = ratio(slow.sweeps, fast.sweeps)
    ends = f" ({interval(found)})" if interval(found) else ""
    on = f" on {numbers.threads(fast.cell.threads)}" if fast.cell.threads > 1 else ""
    compared = "no difference seen" if found and found.undecided else f"{speedup(found)} as fast"
    times = f"{slow.cell.rung} takes {seconds(slow.seconds)}, {fast.cell.rung}{on} {seconds(fast.seconds)}"
    return f"{times}: {compared}{ends}"


def _left_out(figures: Sequence[Figure]) -> str:
    """Name the rungs that would have been slower still."""
    names = dict.fromkeys(figure.cell.rung for figure in figures if figure.status == "over budget")
    return f"; over budget: {', '.join(names)}" if names else ""


def warnings(section: Section) -> Iterator[str]:
    """Say why the run is not to be trusted, and which limit is not; nothing where all is well."""
    if section.unstable:
        yield "This run was unstable; do not publish its figures:"
        yield from (f"  {reason}" for reason in section.unstable)
    if section.limits and (poor := faults(section.limits)):
        yield "Limits that were measured badly, and replaced by what less was seen to reach:"
        yield from (f"  {fault}" for fault in poor)


def answer(section: Section) -> Iterator[Table | str]:
    """Return the last lines of a run, as a table and sentences."""
    yield from technique_table(ladders(section))
    yield from sentences(section)
    yield from warnings(section)
