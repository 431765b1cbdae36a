"""The report's tables as Markdown, and its figures as CSV."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from .. import tables
from ..ladder import Choice, Ladder, Row, ladders
from .breakeven import break_even
from .facts import facts, noise

if TYPE_CHECKING:
    from ..result import Document
    from ..tables import Line, Table

COLUMNS = (
    *("rung", *Choice._fields, "samples", "features", "status", "reason", "seconds", "gflops", "gbytes"),
    *("absolute", "absolute_low", "absolute_high", "relative", "relative_low", "relative_high", "over"),
    *("limit", "limit_seconds", "fraction"),
)


def markdown(document: Document) -> str:
    """Return every table of the report."""
    section = document.looptax
    found = ladders(section)
    told = [("Machine", facts(document)), ("Noise", noise(section))]
    every = [
        *(tables.Table(name, ("", ""), [tables.Line(pair) for pair in pairs]) for name, pairs in told),
        *map(tables.ladder_table, found),
        *tables.peer_tables(found),
        *([tables.limit_table(section.limits)] if section.limits else []),
        *([tables.cost_table(section.rungs)] if section.rungs else []),
        *tables.part_tables(section.parts),
        *tables.break_even_tables(list(break_even(found, section.rungs))),
    ]
    warnings = [f"> **Unstable run:** {escaped(reason)}\n" for reason in section.unstable]
    return "\n".join(["# looptax report\n", *warnings, *map(markdown_table, every), tables.LADDER_LEGEND])


def markdown_table(table: Table) -> str:
    """Return a table under a heading, and its notes."""
    rule = ["---", *["--:"] * (len(table.columns) - 1)]
    lines = [table.columns, rule, *(_padded(line, len(table.columns)) for line in table.lines)]
    rows = ["| " + " | ".join(cells if cells is rule else map(escaped, cells)) + " |" for cells in lines]
    return "\n".join([f"## {escaped(table.title)}\n", *rows, "", *(f"{escaped(note)}\n" for note in table.notes)])


def _padded(line: Line, width: int) -> list[str]:
    cells = [*line.cells, line.note] if line.note else [*line.cells]
    return cells + [""] * (width - len(cells))


def escaped(text: str) -> str:
    """Return text that is no Markdown, and no HTML in it."""
    return re.sub(r"([\\`*_{}\[\]<>|#~&!])", r"\\\1", " ".join(text.split()))


def csv_text(document: Document) -> str:
    """Return one line for each cell of a ladder: its figures, unrounded, and empty where there is none."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_inert(_figures(ladder, row)) for ladder in ladders(document.looptax) for row in ladder.rows)
    return file.getvalue()


def _figures(ladder: Ladder, row: Row) -> tuple:
    figure, none = row.figure, (None, None, None)
    return (
        *(row.rung, *ladder.choice, ladder.samples, ladder.features, figure.status, figure.reason),
        *(figure.seconds, figure.gflops, figure.gbytes),
        *(row.absolute[:3] if row.absolute else none),
        *(row.relative[:3] if row.relative else none),
        row.over,
        *((row.limit.resource, row.limit.seconds, row.fraction) if row.limit else none),
    )


def _inert(cells: tuple) -> list:
    """Put an apostrophe before text that a spreadsheet would take for a formula."""
    return [
        f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
        for cell in cells
    ]
