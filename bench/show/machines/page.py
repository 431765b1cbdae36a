"""The page of a class: one file that asks the network for nothing."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any

from .. import numbers
from ..ladder import Choice
from ..report.inline import environment, inline_json, part, script_hash, vega
from . import datasets, tables
from .entry import FACTS
from .gains import gains
from .spread import FENCE, MIN_MACHINES, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..tables import Table
    from .datasets import Data
    from .entry import Entry, Fact
    from .gains import Gain
    from .gather import Told
    from .groups import Group

REPORT = "looptax.bench.show.report"  # whose style, script and macros these are


def html(entries: Sequence[Entry], found: Sequence[Group], told: Sequence[Told]) -> str:
    """Return the page."""
    steps = {group.choice: gains(group, found) for group in found}
    shown = opened(found)
    chosen = shown.choice._asdict() | {"machine": "", **_explained(steps[shown.choice], entries)}
    every = [gain for group in found for gain in steps[group.choice]]
    data, scripts = _data(entries, found, every), [vega(), part(REPORT, "page.js")]
    specs = _specs(data, chosen, found, len(entries))
    return (
        environment(__package__, REPORT)
        .get_template("class.html.j2")
        .render(
            **_told(entries, shown, told),
            tables=_tables(entries, found, steps),
            chosen=chosen,
            choices={name: list(dict.fromkeys(getattr(one.choice, name) for one in found)) for name in Choice._fields},
            machines=[one.name for one in entries],
            steps=list(dict.fromkeys(gain.step for gain in every)),
            facts=FACTS,
            shown=lambda table: table.choice.items() <= chosen.items(),
            none_seen=numbers.NO_DIFFERENCE,
            shape=numbers.shape,
            drawn=specs,
            data=inline_json(data),
            specs=inline_json(specs),
            scripts=scripts,
            hashes=[script_hash(script) for script in scripts],
            style=part(REPORT, "page.css"),
        )
    )


def opened(found: Sequence[Group]) -> Group:
    """Return the group to open with: of the most machines, then the most rungs, then the largest input."""

    def rank(group: Group) -> tuple[int, int, int]:
        ladder = group.members[0][1]
        machines = sum(not one.held_to for one, _ in group.members)
        return machines, len(group.rungs), ladder.samples * ladder.features

    return max(found, key=rank)


def _explained(found: Sequence[Gain], entries: Sequence[Entry]) -> dict[str, str]:
    """Return the step in which the machines differ most, and a fact in which they differ."""

    def apart(gain: Gain) -> float:
        values = [point.value for point in gain.points]
        return log(max(values) / min(values))

    def values(fact: Fact) -> int:
        return len({one.facts.get(fact.name) for one in entries})

    return {"step": max(found, key=apart).step if found else "", "fact": max(FACTS, key=values).name}


def _told(entries: Sequence[Entry], shown: Group, told: Sequence[Told]) -> dict[str, Any]:
    """Return what the page says in words."""
    over = spread(shown.ratios.get(shown.last, ()))
    unstable = sum(bool(one.document.looptax.unstable) for one in entries)
    dates = [one.document.datetime[:10] for one in entries if one.document.datetime]
    return {
        "title": title(entries),
        "where": " to ".join(sorted({min(dates), max(dates)})) if dates else "",
        "unstable": bool(over) and all(one.document.looptax.unstable for one, _ in shown.members if not one.held_to),
        "headline": over and headline(shown),
        "group": shown,
        "left_out": [one for one in told if one.left_out],
        "remarks": [one for one in told if not one.left_out],
        "tiles": [*_tiles(shown), ("of the runs call themselves unstable", f"{unstable} of {len(entries)}")],
        "stand_ins": [one for one in entries if one.held_to],
        "few": MIN_MACHINES,
        "fence": FENCE,
    }


def title(entries: Sequence[Entry]) -> str:
    """Return how many machines there are, and how many stand-ins."""
    stand_ins = sum(bool(one.held_to) for one in entries)
    counts = (("machine", len(entries) - stand_ins), ("stand-in", stand_ins))
    return " and ".join(f"{number} {name}{'s' * (number != 1)}" for name, number in counts if number)


def headline(shown: Group) -> str:
    """Say how far apart the machines are in what the last rung brings."""
    over = spread(shown.ratios.get(shown.last, ()))
    if over is None:
        return ""
    if over.machines == 1:
        return f"{numbers.times(over.middle)} as fast as {shown.base}"
    ends = f"{numbers.times(over.lowest.value)} to {numbers.times(over.highest.value)}"
    return f"{ends} as fast as {shown.base}, {numbers.times(over.middle)} in the middle"


def _tiles(shown: Group) -> list[tuple[str, str]]:
    """Return the figures at the top."""
    taken = spread(shown.times[shown.last])
    if taken is None or taken.machines == 1:
        return [(f"one step of {shown.last}", numbers.seconds(taken.middle))] if taken else []
    return [
        (f"the shortest step of {shown.last}: {taken.lowest.entry.name}", numbers.seconds(taken.lowest.value)),
        ("the median machine", numbers.seconds(taken.middle)),
        (f"the longest: {taken.highest.entry.name}", numbers.seconds(taken.highest.value)),
    ]


def _tables(
    entries: Sequence[Entry], found: Sequence[Group], steps: dict[Choice, list[Gain]]
) -> dict[str, list[Table]]:
    outliers = [tables.outlier_table(group) for group in found]
    return {
        "ladder": [tables.ladder_table(group) for group in found],
        "ratios": [tables.ratio_table(group) for group in found],
        "taken": [tables.time_table(group) for group in found],
        "gains": [tables.gain_table(group, steps[group.choice]) for group in found],
        "outliers": [table for table in outliers if table.lines],
        "machines": [tables.machine_table(entries)],
    }


def _data(entries: Sequence[Entry], found: Sequence[Group], every: Sequence[Gain]) -> dict[str, Data]:
    """Return the data sets, under the names the charts call them by."""
    return {
        "machines": datasets.machines(entries),
        "ratios": datasets.ratios(found),
        "taken": datasets.taken(found),
        "middles": datasets.middles(found),
        "gains": datasets.gains(every),
    }


def _specs(data: dict[str, Data], chosen: dict[str, str], found: Sequence[Group], machines: int) -> dict[str, Any]:
    """Return the charts, without those that have nothing to draw."""
    from . import charts  # Altair takes half a second to import

    def rungs(name: str) -> list[str]:
        return list(dict.fromkeys(row["rung"] for row in data[name]))

    bases = " or ".join(dict.fromkeys(group.base for group in found))
    drawn = {
        "ratios": lambda: charts.strip("ratios", chosen, rungs("ratios"), f"times as fast as {bases}"),
        "taken": lambda: charts.strip("taken", chosen, rungs("taken"), "time of a step"),
        "gains": lambda: charts.gains(chosen, machines),
    }
    return {name: draw() for name, draw in drawn.items() if data[name]}
