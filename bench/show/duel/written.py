"""A duel as Markdown for a pull request, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ..report.export import escaped, markdown_table
from ..result import printable
from . import tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...measure.duel.builds import Build
    from ...measure.duel.contest import Contest

SCHEMA = 1


def markdown(contest: Contest, said: Sequence[str], ending: Sequence[str]) -> str:
    """Return the tables, after what is said of the duel; `ending` says how it came out."""
    found = tables.rows(contest)
    mean = tables.mean(found) if found else None
    verdict = "no common number" if not found else tables.verdict(mean, len(found))
    parts = [f"# Duel: {escaped(verdict)}\n", *(f"**{escaped(line)}**\n" for line in ending)]
    parts += [f"- {escaped(line)}" for line in said]
    return "\n".join([*parts, "", *map(markdown_table, tables.tables(contest))])


def document(contest: Contest, builds: Mapping[str, Build], about: Mapping[str, dict[str, Any]], command: str) -> str:
    """Return what was measured, as JSON."""
    sides = {name: {"given": printable(build.what), **about.get(name, {})} for name, build in builds.items()}
    cells = [
        {
            "cell": cell,
            **{name: contest.figures[name][cell] for name in builds},
            "counts": {name: contest.counts.get((name, cell), {}) for name in builds},
            "same_bits": cell not in contest.other_bits,
        }
        for cell in contest.figures["A"]
    ]
    ratios = [{"cell": row.cell, **row.ratio._asdict()} for row in tables.rows(contest)]
    held = {"duel": SCHEMA, "command": printable(command), "builds": sides, "settings": contest.matrix.settings()}
    held["unstable"] = contest.unstable
    return msgspec.json.format(msgspec.json.encode(held | {"cells": cells, "ratios": ratios}), indent=1).decode()
