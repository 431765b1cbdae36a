"""The report as one HTML page: figures, scripts and style in a single file that asks the network for nothing."""

from __future__ import annotations

import base64
import gzip
from typing import TYPE_CHECKING, Any

import msgspec

from .. import numbers, tables
from ..ladder import NUMPY, Choice, Ladder, Row, ladders, largest
from ..ratios import ratio
from . import datasets
from .breakeven import STARTS, BreakEven, break_even
from .facts import Facts, facts, noise
from .inline import environment, inline_json, part, script_hash, vega

if TYPE_CHECKING:
    from ..result import Document, Section
    from ..tables import Table
    from .datasets import Data

EMBEDDED = 2_000_000  # characters of the whole result file, compressed; a longer one goes in without single rounds


def html(document: Document) -> str:
    """Return the page."""
    section = document.looptax
    found = ladders(section)
    even = list(break_even(found, section.rungs))
    inputs = list(dict.fromkeys(map(tables.input_of, section.parts)))
    chosen = _chosen(found) | {"start": next(iter(STARTS)), "input": inputs[-1] if inputs else ""}
    data = _data(section, found, even)
    specs = _specs(data, chosen)
    scripts = [vega(), part(__package__, "page.js")]
    return (
        environment(__package__)
        .get_template("page.html.j2")
        .render(
            **_told(document, found),
            tables=_tables(section, found, even),
            chosen=chosen,
            inputs=inputs,
            shown=lambda table: table.choice.items() <= chosen.items(),
            drawn=specs,
            data=inline_json(data),
            specs=inline_json(specs),
            scripts=scripts,
            hashes=[script_hash(script) for script in scripts],
            style=part(__package__, "page.css"),
            download=_download(document),
        )
    )


def _chosen(found: list[Ladder]) -> dict[str, str]:
    """Return the choice the page opens with: that of the largest speed-up, else the first."""
    top = largest(found)
    shown = top[0] if top else next(iter(found), None)
    return shown.choice._asdict() if shown else dict.fromkeys(Choice._fields, "")


def _told(document: Document, found: list[Ladder]) -> dict[str, Any]:
    """Return what the page says in words."""
    section = document.looptax
    sweeps = max((len(figure.sweeps) for figure in section.cells), default=0)
    top = None if section.unstable else largest(found)
    return {
        "section": section,
        "headline": top and _headline(*top, noise(section)),
        "title": _title(section, top),
        "where": _where(document),
        "unstable": section.unstable,
        "sweeps": "once" if sweeps <= 1 else f"{sweeps} times",
        "choices": {name: list(dict.fromkeys(getattr(one.choice, name) for one in found)) for name in Choice._fields},
        "starts": tables.STARTING,
        "shape": numbers.shape,
        "call": numbers.seconds(section.limits.call_seconds if section.limits else None),
        "none_seen": numbers.NO_DIFFERENCE,
        "facts": facts(document),
        "noise": noise(section),
    }


def _title(section: Section, top: tuple[Ladder, Row] | None) -> str:
    """Return what the page says first; of an unstable run that it is one, and no figure."""
    if section.unstable:
        return "This run was unstable"
    if top:
        return f"{numbers.speedup(top[1].absolute)} as fast"
    return "No speed-up was seen" if any(figure.seconds for figure in section.cells) else "Nothing was measured"


def _headline(ladder: Ladder, row: Row, watched: Facts) -> dict[str, Any]:
    """Return the largest speed-up in words, and the figures that put it in proportion."""
    tiles = [(f"one step of {row.rung}", numbers.seconds(row.figure.seconds))]
    if ladder.numpy and ladder.numpy is not row:
        tiles.append((f"as fast as {NUMPY}", numbers.speedup(ratio(ladder.numpy.sweeps, row.sweeps))))
    if row.limit and row.fraction:
        tiles.append((f"of the machine's limit, {row.limit.resource}", numbers.percent(row.fraction)))
    tiles += [(f"{name}: the same rung twice", text) for name, text in watched if name == "A/A floor"]
    return {"rung": row.rung, "first": ladder.first, "title": ladder.title, "tiles": tiles}


def _where(document: Document) -> str:
    cores = document.machine_info.get("cpu", {}).get("cores")
    told = dict(facts(document)).get("CPU"), f"{cores} cores" if cores else None, (document.datetime or "")[:10]
    return ", ".join(filter(None, told))


def _tables(section: Section, found: list[Ladder], even: list[BreakEven]) -> dict[str, list[Table]]:
    return {
        "ladder": [tables.ladder_table(ladder) for ladder in found],
        "shares": [tables.share_table(ladder) for ladder in found],
        "numpy": list(tables.numpy_tables(found)),
        "peers": list(tables.peer_tables(found)),
        "parts": list(tables.part_tables(section.parts)),
        "costs": [tables.cost_table(section.rungs)] if section.rungs else [],
        "breakeven": list(tables.break_even_tables(even)),
        "limits": [tables.limit_table(section.limits)] if section.limits else [],
    }


def _data(section: Section, found: list[Ladder], even: list[BreakEven]) -> dict[str, Data]:
    """Return the data sets, under the names the charts call them by."""
    return {
        "shares": datasets.shares(found),
        "heat": datasets.heat(found),
        "parts": datasets.parts(section.parts),
        "breakeven": datasets.break_even(even),
        "peers": datasets.peers(found),
        "reads": datasets.reads(section.limits),
        "peaks": datasets.peaks(section.limits),
    }


def _specs(data: dict[str, Data], chosen: dict[str, str]) -> dict[str, Any]:
    """Return the charts, without those that have nothing to draw."""
    from . import charts  # Altair takes half a second to import

    def names(name: str, key: str = "rung") -> list[str]:
        return list(dict.fromkeys(row[key] for row in data[name]))

    drawn = {
        "shares": lambda: charts.shares(chosen, names("shares")),
        "heat": lambda: charts.heat(chosen, names("heat")),
        "parts": lambda: charts.parts(chosen, names("parts"), names("parts", "part")),
        "breakeven": lambda: charts.break_even(chosen, names("breakeven")),
        "peers": lambda: charts.peers(chosen, names("peers")),
        "reads": lambda: charts.reads(chosen),
        "peaks": lambda: charts.peaks(chosen, names("peaks", "of")),
    }
    return {name: draw() for name, draw in drawn.items() if data[name]}


def _download(document: Document) -> str:
    """Return the result file, compressed, as the address of a link."""
    whole = _packed(document)
    if len(whole) > EMBEDDED:
        entries = [{**one, "stats": {**one["stats"], "data": []}} for one in document.benchmarks]
        whole = _packed(msgspec.structs.replace(document, benchmarks=entries))
    return f"data:application/gzip;base64,{whole}"


def _packed(document: Document) -> str:
    return base64.b64encode(gzip.compress(msgspec.json.encode(document), mtime=0)).decode()
