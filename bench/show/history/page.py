"""The page of a history: one file that asks the network for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import numbers
from ..ladder import Choice
from ..machines.page import REPORT, opened
from ..report.inline import environment, inline_json, part, script_hash, vega
from . import datasets, tables
from .changes import MIN_FACTOR, MIN_RUNS, PENALTY
from .series import RATIO, TIME, day, every

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..machines.entry import Entry
    from ..machines.gather import Told
    from ..machines.groups import Group
    from ..tables import Table


def html(runs: Sequence[Entry], found: Sequence[Group], told: Sequence[Told]) -> str:
    """Return the page."""
    from . import charts  # Altair takes half a second to import

    series, shown = list(every(found)), opened(found)
    changed = tables.change_table(series)
    chosen = shown.choice._asdict() | {"rung": shown.last, "measure": TIME}
    data = {"points": datasets.points(series), "stretches": datasets.stretches(series)}
    scripts, specs = [vega(), part(REPORT, "page.js")], {"history": charts.history(chosen)}
    return (
        environment(__package__, REPORT)
        .get_template("history.html.j2")
        .render(
            **_told(runs, told, changed),
            tables={"changes": [changed], "ladder": [tables.time_table(group) for group in found]},
            chosen=chosen,
            choices={name: list(dict.fromkeys(getattr(one.choice, name) for one in found)) for name in Choice._fields},
            rungs=list(dict.fromkeys(one.rung for one in series)),
            measures={TIME: "time of a step", RATIO: f"times as fast as {shown.base}"},
            shown=lambda table: table.choice.items() <= chosen.items(),
            none_seen=numbers.NO_DIFFERENCE,
            shape=numbers.shape,
            data=inline_json(data),
            specs=inline_json(specs),
            scripts=scripts,
            hashes=[script_hash(script) for script in scripts],
            style=part(REPORT, "page.css"),
        )
    )


def _told(runs: Sequence[Entry], told: Sequence[Told], changed: Table) -> dict[str, Any]:
    """Return what the page says in words."""
    days = sorted({day(one) for one in runs if day(one)})
    return {
        "title": title(runs, changed),
        "where": ", ".join(filter(None, (runs[-1].described, " to ".join(sorted({*days[:1], *days[-1:]}))))),
        "left_out": [one for one in told if one.left_out],
        "remarks": [one for one in told if not one.left_out],
        "few": MIN_RUNS,
        "penalty": PENALTY,
        "least": f"{MIN_FACTOR - 1:.0%}",
    }


def title(runs: Sequence[Entry], changed: Table) -> str:
    """Return how many runs there are, and in how many of them something changed."""
    places = len({line.group for line in changed.lines})
    said = f"something changed in {places} of them" if places else "no change was seen"
    return f"{len(runs)} runs: {said}"
