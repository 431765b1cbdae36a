"""The report's tables, as text: the page, Markdown and CSV are made of these."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from math import isinf
from typing import TYPE_CHECKING, Any, NamedTuple

from ..ratios import ratio
from ..table import duration
from .ladders import NUMPY, Ladder, Row, grew_from, technique, undecided

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..ratios import Ratio
    from .breakeven import BreakEven

NO_DIFFERENCE = "no difference seen"
LADDER = ("version", "time", "GFLOP/s", "GB/s", "absolute", "relative", "interval", "of the limit")
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
    """A table of text. `choice` holds the selectors it belongs to; one that it has not does not matter."""

    title: str
    columns: tuple[str, ...]
    lines: list[Line]
    notes: list[str] = field(default_factory=list)
    choice: dict[str, str] = field(default_factory=dict)


def seconds(value: float | None) -> str:
    """Return a time with its unit."""
    return "" if value is None else duration(value).replace("us", "µs")


def digits(value: float | None) -> str:
    """Return a number with three digits, zeros at the end included: in a column they line up."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 99.95 else f"{value:#.3g}"


def times(value: float) -> str:
    """Return a speed-up with three digits."""
    return f"{digits(value)}×"


def interval(found: Ratio) -> str:
    """Return an interval's ends."""
    if found.low is None or found.high is None:
        return "too few sweeps"
    return f"{digits(found.low)} – {digits(found.high)}"


def speedup(found: Ratio | None) -> str:
    """Return a ratio, or that it is none where its interval includes 1."""
    if found is None:
        return ""
    return NO_DIFFERENCE if undecided(found) else times(found.value)


def fraction(row: Row) -> str:
    """Return the share of the limit a row reaches, and what limits it."""
    return "" if row.limit is None or row.fraction is None else f"{digits(100 * row.fraction)}% {row.limit.resource}"


def ladder_table(ladder: Ladder) -> Table:
    """Make the table of a ladder, in the form of Leiserson et al., Science 368 (2020), table 1."""
    notes = []
    if ladder.first:
        notes.append(f"absolute: times as fast as {ladder.first}; relative: as the version it grew from")
    if ladder.peers and ladder.last:
        notes[-1] += f", for other libraries: as {ladder.last}"
    if any((row.fraction or 0) > 1 for row in ladder.rows):
        notes.append("More than 100 % of a limit is a fault of the limit's measurement: it was measured too low.")
    others = [row for row in ladder.own if row.over and row.over != (grew_from(row.rung) or row.over)]
    notes += [f"{row.rung}: relative to {row.over}" for row in others]
    lines = [_ladder_line(row, "") for row in ladder.own] + [
        _ladder_line(row, "other libraries") for row in ladder.peers
    ]
    return Table(ladder.title, LADDER, lines, notes, ladder.choice._asdict())


def _ladder_line(row: Row, group: str) -> Line:
    figure = row.figure
    if figure.seconds is None:
        return Line((row.rung,), ": ".join(filter(None, (figure.status, figure.reason))), technique(row.rung), group)
    numbers = (digits(figure.gflops), digits(figure.gbytes))
    cells = (row.rung, seconds(figure.seconds), *numbers, times(row.absolute.value) if row.absolute else "1×")
    against = (speedup(row.relative), interval(row.relative) if row.relative else "")
    return Line((*cells, *against, fraction(row)), detail=_provenance(row), group=group)


def _provenance(row: Row) -> str:
    """Say what was measured: every sweep's time, and the interval of the absolute speed-up."""
    sweeps = ", ".join(seconds(value) if value is not None else "none" for value in row.sweeps)
    parts = [technique(row.rung), f"median of each sweep: {sweeps}"]
    if row.absolute:
        parts.append(f"absolute: {interval(row.absolute)}")
    if row.limit:
        parts.append(f"limit: {seconds(row.limit.seconds)} ({row.limit.resource})")
    return "; ".join(filter(None, parts))


def roofline_table(ladder: Ladder) -> Table:
    """Make the table of how near each row comes to its limit."""
    lines = [
        Line(
            (
                row.rung,
                digits(row.figure.gflops),
                seconds(row.figure.seconds),
                seconds(row.limit.seconds),
                fraction(row),
            )
        )
        for row in ladder.rows
        if row.limit
    ]
    return Table(
        ladder.title, ("version", "GFLOP/s", "time", "limit", "of the limit"), lines, [], ladder.choice._asdict()
    )


def numpy_tables(found: list[Ladder]) -> Iterable[Table]:
    """Make tables rung × shape of the speed-up over NumPy: what the heat map shows."""
    for choice, group in _by_layout(found):
        names = list(dict.fromkeys(row.rung for ladder in group for row in ladder.rows))
        lines = [Line((name, *(_over_numpy(ladder, name) for ladder in group))) for name in names]
        yield Table(_layout_title(choice), ("version", *(_shape(ladder) for ladder in group)), lines, [], choice)


def _over_numpy(ladder: Ladder, name: str) -> str:
    rows = {row.rung: row for row in ladder.rows}
    if name not in rows:
        return ""
    if NUMPY not in rows or not rows[name].figure.seconds or not rows[NUMPY].figure.seconds:
        return rows[name].figure.status
    return "1×" if name == NUMPY else speedup(ratio(rows[NUMPY].sweeps, rows[name].sweeps))


def peer_tables(found: list[Ladder]) -> Iterable[Table]:
    """Make tables peer × shape of how many times our time it takes, with the interval."""
    for choice, group in _by_layout([ladder for ladder in found if ladder.peers]):
        names = list(dict.fromkeys(row.rung for ladder in group for row in ladder.peers))
        lines = [Line((name, *(_against_us(ladder, name) for ladder in group))) for name in names]
        yield Table(_layout_title(choice), ("library", *(_shape(ladder) for ladder in group)), lines, [], choice)


def _against_us(ladder: Ladder, name: str) -> str:
    row = next((row for row in ladder.peers if row.rung == name), None)
    if row is None or row.relative is None:
        return row.figure.status if row else ""
    inverse = inverted(row.relative)
    return f"{speedup(inverse)} ({interval(inverse)})"


def inverted(found: Ratio) -> Ratio:
    """Return the ratio the other way round."""
    low, high = (end and 1 / end for end in (found.high, found.low))
    return found._replace(value=1 / found.value, low=low, high=high)


def _by_layout(found: list[Ladder]):
    """Group ladders by all but their input: pairs of the choice and its ladders."""

    def layout(ladder: Ladder) -> tuple[str, ...]:
        return ladder.choice[1:]

    for key, group in groupby(sorted(found, key=layout), layout):
        yield dict(zip(("dtype", "order", "threads"), key, strict=True)), list(group)


def _layout_title(choice: dict[str, str]) -> str:
    return f"{choice['dtype']}, {choice['order']} order, {choice['threads']} thread{'s' * (choice['threads'] != '1')}"


def _shape(ladder: Ladder) -> str:
    return source_name(ladder.choice.source)


def source_name(source: str) -> str:
    """Return a shape as people write it; the name of a data set as it is."""
    m, x, n = source.partition("x")
    return f"{int(m):,} × {int(n):,}" if x and m.isdecimal() and n.isdecimal() else source


def part_tables(parts: list[dict[str, Any]]) -> Iterable[Table]:
    """Make tables of where the time of one call goes."""
    for title, group in groupby(parts, part_input):
        rows = list(group)
        names = tuple(dict.fromkeys(name for row in rows for name in row["seconds"] or ()))
        columns = ("version", "one call", *names, "passes over X", "temporaries")
        yield Table(title, columns, [_part_line(row, names) for row in rows], [], {"input": title})


def part_input(part: dict[str, Any]) -> str:
    """Return what the parts were measured on."""
    return f"{source_name(part['source'])}, {part['dtype']}, {part['order']} order"


def _part_line(row: dict[str, Any], names: tuple[str, ...]) -> Line:
    if row["total"] is None or row["seconds"] is None:
        return Line((row["rung"],), row.get("reason") or "not measured")
    temporaries = row["temporaries"]
    held = f"{temporaries['count']:,}: {size(temporaries['bytes'])}" if temporaries else ""
    split = (seconds(max(row["seconds"][name], 0.0)) if name in row["seconds"] else "" for name in names)
    return Line((row["rung"], seconds(row["total"]), *split, f"{row['passes'] or '':}", held))


def size(bytes_: float) -> str:
    """Return a number of bytes with its unit."""
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if bytes_ >= factor:
            return f"{bytes_ / factor:.3g} {unit}"
    return f"{bytes_:.0f} B"


def cost_table(costs: list[dict[str, Any]]) -> Table:
    """Make the table of what a rung costs before its first call, and to write."""
    columns = ("version", "lines", "import", "cold JIT", "cached JIT", "build", "SIMD: packed / scalar")
    names = ("import_seconds", "cold_seconds", "cached_seconds", "build_seconds")
    lines = []
    for cost in costs:
        simd = cost["simd"]
        counts = f"{simd['packed']} / {simd['scalar']} ({simd['instruction_set']}, {simd['tool']})" if simd else ""
        cells = (cost["rung"], str(cost["lines"]), *(seconds(cost.get(name)) for name in names), counts)
        lines.append(Line(cells, detail=cost["reason"] or ""))
    return Table("What a rung costs before its first call, and to write", columns, lines)


def break_even_tables(found: list[BreakEven]) -> Iterable[Table]:
    """Make tables of the calls after which a compiled rung has paid for itself."""
    for choice, group in groupby(found, lambda one: {**one.choice._asdict(), "start": one.start}):
        lines = [
            Line((one.rung, seconds(one.fixed), seconds(one.seconds), _calls(one)))
            for one in group
            if one.rung != NUMPY
        ]
        columns = ("version", "before the first call", "each call", f"cheaper than {NUMPY}")
        yield Table(STARTING[choice["start"]], columns, lines, [], choice)


def _calls(one: BreakEven) -> str:
    if one.calls is None:
        return NO_DIFFERENCE
    if isinf(one.calls):
        return "never"
    return f"from {max(1, round(one.calls)):,} calls on" if one.calls > 1 else "from the first call on"


def growth_table(growth: list[dict[str, Any]]) -> Table:
    """Make the table of the fitted exponents."""
    lines = [
        Line(
            (
                one["rung"],
                one["along"],
                f"{one['fixed']:,} {'features' if one['along'] == 'samples' else 'samples'}",
                f"{one['points'][0][0]:,} – {one['points'][-1][0]:,}" if one["points"] else "",
                "" if one["exponent"] is None else f"{one['exponent']:.2f}",
                "{:.2f} – {:.2f}".format(*one["interval"]) if one["interval"] else "",
            ),
            detail=one.get("reason") or "",
        )
        for one in growth
    ]
    return Table("Fitted exponents", ("version", "along", "at", "sizes", "exponent", "interval"), lines)


def limit_table(limits: dict[str, Any]) -> Table:
    """Make the table of the limits measured on this machine."""
    bandwidth = [
        Line(("read", f"{size(one['bytes'])}", str(one["threads"]), f"{one['bytes_per_second'] / 1e9:.3g} GB/s"))
        for one in limits["bandwidth"]
    ]
    fma = [
        Line(("multiply and add", one["dtype"], str(one["threads"]), f"{one['flops'] / 1e9:.3g} GFLOP/s"))
        for one in limits["fma"]
    ]
    call = Line(("empty compiled call", "", "1", seconds(limits["call_seconds"])))
    return Table("Limits of this machine", ("limit", "of", "threads", "measured"), [*bandwidth, *fma, call])
