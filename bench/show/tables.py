"""The tables of a result, as text: the terminal, the page and Markdown show these."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import groupby, zip_longest
from math import ceil, isinf
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from .ladder import NUMPY, Choice, Ladder, Row, family, grew_from, technique
from .numbers import (
    LEGEND,
    NO_DIFFERENCE,
    count,
    digits,
    interval,
    itself,
    number,
    rate,
    seconds,
    shape,
    size,
    speedup,
    threads,
)  # fmt: skip
from .ratios import MIN_SWEEPS, ratio

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .ratios import Ratio
    from .report.breakeven import BreakEven
    from .result import Cell, Costs, Limits, Parts

LADDER = (
    *("rung", "technique", "time", "absolute", "relative", "interval", "limit"),  # what a narrow screen shows, first
    *("ns/elem", "GFLOP/s", "GB/s"),
)
SHORT = {"memory": "mem", "arithmetic": "arith", "call": "call"}
SPARE = ("technique", "GB/s", "ns/elem", "GFLOP/s", "interval", "limit")  # of the ladder, on a narrow terminal
LADDER_LEGEND = f"""\
absolute: times as fast as the first measured rung
relative: times as fast as the rung it grew from
{LEGEND}
limit: what bounds any step on this input, and the fraction of it reached;
       mem one read of X, arith the operations on each element, call an empty call"""
STARTING = {  # the keys are those of breakeven.STARTS
    "later": "every later process: import, compiled code from the cache",
    "first": "the first time: import and compile",
}


class Line(NamedTuple):
    """A table's row: its cells, or the first one and a note in place of the others.

    `detail` says where the numbers come from; `group` is a heading shown before the first line that has it.
    """

    cells: tuple[str, ...]
    note: str = ""
    detail: str = ""
    group: str = ""


@dataclass(frozen=True)
class Table:
    """A table of text.

    `choice` holds the selectors it belongs to; one that it has not does not matter. `text` names the columns, besides
    the first, that hold words and not numbers; `spare` those to do without where there is no room, the first one first.
    """

    title: str
    columns: tuple[str, ...]
    lines: list[Line]
    notes: list[str] = field(default_factory=list)
    choice: dict[str, str] = field(default_factory=dict)
    text: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()

    def without(self, *columns: str) -> Table:
        """Return the table without some of its columns."""
        kept = [k for k, name in enumerate(self.columns) if name not in columns]
        lines = [line._replace(cells=tuple(line.cells[k] for k in kept if k < len(line.cells))) for line in self.lines]
        return replace(self, columns=tuple(self.columns[k] for k in kept), lines=lines)

    def within(self, width: int) -> Table:
        """Return the table without as many of its `spare` columns as it takes to be so many characters wide."""
        shown, spare = self, list(self.spare)
        while spare and shown.width > width:
            shown = shown.without(spare.pop(0))
        return shown

    @property
    def width(self) -> int:
        """Characters of its widest line: columns are a space apart."""
        cells = [self.columns, *(line.cells for line in self.lines)]
        columns = zip_longest(*cells, fillvalue="")
        return sum(1 + max(map(cell_len, column)) for column in columns) - 1


def ladder_table(ladder: Ladder) -> Table:
    """Make the table of a ladder, in the form of Leiserson et al., Science 368 (2020), table 1."""
    lines = [_ladder_line(row, "") for row in ladder.own] + [
        _ladder_line(row, "other libraries") for row in ladder.peers
    ]
    notes, chosen = list(_ladder_notes(ladder)), ladder.choice._asdict()
    return Table(ladder.title, LADDER, lines, notes, chosen, text=("technique",), spare=SPARE)


def _ladder_notes(ladder: Ladder) -> Iterable[str]:
    """Say what is compared with what, and what the noise is."""
    if ladder.peers and ladder.last:
        yield f"other libraries: relative to {ladder.last}"
    for row in ladder.own:
        if row.over and (family(row.rung) == "other" or row.over != (grew_from(row.rung) or row.over)):
            yield f"{row.rung}: relative to {row.over}"
    for row in ladder.rows:
        if found := ratio(row.figure.again, row.sweeps):
            ends = found.low is not None and found.high is not None and itself(found.low, found.high)
            of = ends or f"no interval: fewer than {MIN_SWEEPS} sweeps"
            yield f"A/A: {row.rung} takes {found.value:.3f} ({of}) of its own time"
    if any((row.fraction or 0) > 1 for row in ladder.rows):
        yield "More than 100% of a limit is a fault of the limit's measurement: it was measured too low."


def _ladder_line(row: Row, group: str) -> Line:
    figure, head = row.figure, (row.rung, technique(row.rung))
    if figure.seconds is None:
        return Line(head, ": ".join(filter(None, (figure.status, figure.reason))), technique(row.rung), group)
    rates = map(digits, (figure.ns_per_element, figure.gflops, figure.gbytes))
    absolute = speedup(row.absolute) or "1×"
    spread = (interval(row.relative) or "too few sweeps") if row.relative else ""
    cells = (*head, seconds(figure.seconds), absolute, speedup(row.relative), spread, limited(row), *rates)
    return Line(cells, detail=_provenance(row), group=group)


def limited(row: Row) -> str:
    """Return the share of the limit that a row reaches, and what limits it: "83% mem"."""
    if row.limit is None or row.fraction is None:
        return ""
    share = f"{row.fraction:.0%}" if row.fraction >= 0.01 else "<1%"
    return f"{share} {SHORT[row.limit.resource]}"


def _provenance(row: Row) -> str:
    """Say what was measured: every sweep's time, and the interval of the absolute speed-up."""
    sweeps = ", ".join(seconds(value) or "none" for value in row.sweeps)
    parts = [technique(row.rung), f"median of each sweep: {sweeps}"]
    if row.absolute:
        parts.append(f"absolute: {interval(row.absolute) or 'too few sweeps'}")
    if row.limit:
        parts.append(f"limit: {seconds(row.limit.seconds)} ({row.limit.resource})")
    return "; ".join(filter(None, parts))


def share_table(ladder: Ladder) -> Table:
    """Make the table of how near each row comes to its limit."""
    lines = [
        Line((row.rung, digits(row.figure.gflops), seconds(row.figure.seconds), seconds(row.limit.seconds),
              limited(row)))
        for row in ladder.rows if row.limit
    ]  # fmt: skip
    columns = ("rung", "GFLOP/s", "time", "least time", "limit")
    return Table(ladder.title, columns, lines, [], ladder.choice._asdict())


def numpy_tables(found: Sequence[Ladder]) -> Iterable[Table]:
    """Make tables rung × shape of the speed-up over NumPy: what the heat map shows."""
    for choice, group in _by_layout(found):
        names = dict.fromkeys(row.rung for ladder in group for row in ladder.rows)
        lines = [Line((name, *(_over_numpy(ladder, name) for ladder in group))) for name in names]
        yield Table(_layout(choice), ("rung", *map(_shape, group)), lines, [], choice)


def _over_numpy(ladder: Ladder, name: str) -> str:
    row = next((row for row in ladder.rows if row.rung == name), None)
    return over_numpy(ladder, row)[0] if row else ""


def over_numpy(ladder: Ladder, row: Row) -> tuple[str, Ratio | None]:
    """Return how many times as fast as `NUMPY` a row is, in words and as a ratio; its status where it is neither."""
    over = ratio(ladder.numpy.sweeps, row.sweeps) if ladder.numpy else None
    return row.figure.status if over is None else "1×" if row.rung == NUMPY else speedup(over), over


def peer_tables(found: Sequence[Ladder]) -> Iterable[Table]:
    """Make tables peer × shape of how many times our time it takes, with the interval."""
    for choice, group in _by_layout([ladder for ladder in found if ladder.peers]):
        names = dict.fromkeys(row.rung for ladder in group for row in ladder.peers)
        lines = [Line((name, *(_against_us(ladder, name) for ladder in group))) for name in names]
        yield Table(_layout(choice), ("library", *map(_shape, group)), lines, [], choice)


def _against_us(ladder: Ladder, name: str) -> str:
    row = next((row for row in ladder.peers if row.rung == name), None)
    if row is None or row.relative is None:
        return row.figure.status if row else ""
    inverse = row.relative.inverse
    return f"{speedup(inverse)} ({interval(inverse) or 'too few sweeps'})"


def _by_layout(found: Sequence[Ladder]) -> Iterable[tuple[dict[str, str], list[Ladder]]]:
    """Group ladders by all but their input: pairs of the choice and its ladders."""

    def layout(ladder: Ladder) -> tuple[str, ...]:
        return ladder.choice[1:]

    for key, group in groupby(sorted(found, key=layout), layout):
        yield dict(zip(Choice._fields[1:], key, strict=True)), list(group)


def _layout(choice: dict[str, str]) -> str:
    return f"{choice['dtype']}, {choice['order']} order, {threads(choice['threads'])}"


def _shape(ladder: Ladder) -> str:
    return shape(ladder.choice.source)


def part_tables(parts: Sequence[Parts]) -> Iterable[Table]:
    """Make tables of where the time of one call goes."""
    for title, group in groupby(parts, input_of):
        rows = list(group)
        names = tuple(dict.fromkeys(name for row in rows for name in row.seconds or ()))
        columns = ("rung", "one call", *names, "passes over X", "temporaries")
        yield Table(title, columns, [_part_line(row, names) for row in rows], [], {"input": title})


def input_of(one: Cell | Parts) -> str:
    """Return what a cell, or the parts of a step, were measured on."""
    return f"{shape(one.source)}, {one.dtype}, {one.order} order"


def _part_line(row: Parts, names: tuple[str, ...]) -> Line:
    if row.total is None or row.seconds is None:
        return Line((row.rung,), row.reason or "not measured")
    held = f"{count(row.temporaries.count)}: {size(row.temporaries.bytes)}" if row.temporaries else ""
    split = (seconds(max(row.seconds[name], 0.0)) if name in row.seconds else "" for name in names)
    return Line((row.rung, seconds(row.total), *split, f"{row.passes or '':}", held))


def cost_table(costs: Sequence[Costs]) -> Table:
    """Make the table of what a rung costs before its first call, and to write."""
    columns = ("rung", "lines", "import", "cold JIT", "cached JIT", "build", "SIMD: packed / scalar")
    lines = []
    for cost in costs:
        simd = cost.simd
        counts = f"{simd.packed} / {simd.scalar} ({simd.instruction_set}, {simd.tool})" if simd else ""
        paid = map(seconds, (cost.import_seconds, cost.cold_seconds, cost.cached_seconds, cost.build_seconds))
        lines.append(Line((cost.rung, str(cost.lines), *paid, counts), detail=cost.reason or ""))
    return Table("What a rung costs before its first call, and to write", columns, lines)


def break_even_tables(found: Sequence[BreakEven]) -> Iterable[Table]:
    """Make tables of the calls after which a compiled rung has paid for itself."""
    columns = ("rung", "before the first call", "each call", f"cheaper than {NUMPY}")
    for choice, group in groupby(found, lambda one: {**one.choice._asdict(), "start": one.start}):
        lines = [
            Line((one.rung, seconds(one.fixed), seconds(one.seconds), calls_of(one)))
            for one in group if one.rung != NUMPY
        ]  # fmt: skip
        yield Table(STARTING[choice["start"]], columns, lines, [], choice)


def calls_of(one: BreakEven) -> str:
    """Say from which call on a rung has cost less than NumPy."""
    if one.calls is None:
        return NO_DIFFERENCE
    if isinf(one.calls):
        return "never"
    return f"from call {max(1, ceil(one.calls)):,} on"


def limit_table(limits: Limits) -> Table:
    """Make the table of the limits measured on this machine."""
    bandwidth = [
        Line(("read", size(one.bytes), str(one.threads), rate(one.bytes_per_second))) for one in limits.bandwidth
    ]
    fma = [
        Line(("multiply and add", one.dtype, str(one.threads), f"{number(one.flops / 1e9)} GFLOP/s"))
        for one in limits.fma
    ]
    call = Line(("empty compiled call", "", "1", seconds(limits.call_seconds)))
    return Table("Limits of this machine", ("limit", "of", "threads", "measured"), [*bandwidth, *fma, call])
