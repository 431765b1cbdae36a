"""The charts of a class, in the style of the report's, see `report.charts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from ..ladder import Choice
from ..report.charts import FAMILY, GREY, TIME, rungs_axis, said, same, spec, tens
from .entry import FACTS

if TYPE_CHECKING:
    from ..report.charts import Chosen, Spec

INPUT = "datum.input == " + " + ' ' + ".join(Choice._fields)  # as datasets.key puts it together
LABELLED = 12  # machines whose names there is room for beside their dots
RING: dict[str, Any] = {"shape": "circle", "filled": False, "size": 190, "strokeWidth": 2, "color": "#e69f00"}


def strip(name: str, chosen: Chosen, rungs: list[str], title: str) -> Spec:
    """Draw a dot for each machine in the row of each rung, with the range and the median of the machines."""
    base = alt.Chart(alt.NamedData(name)).transform_filter(INPUT)
    middles = alt.Chart(alt.NamedData("middles")).transform_filter(f"{INPUT} && datum.of == '{name}'")
    y, scale = rungs_axis(rungs), alt.Scale(type="log", nice=False, padding=14)
    x = alt.X("value:Q", scale=scale, title=title, axis=tens(TIME) if name == "taken" else _times())
    ranges = middles.mark_rule(strokeWidth=3, opacity=0.35, color=GREY).encode(x="low:Q", x2="high:Q", y=y)
    median = middles.mark_tick(thickness=3, size=18, color=GREY).encode(x="middle:Q", y=y)
    value = alt.Tooltip("value:Q", format=".3~s" if name == "taken" else ".3~r", title=title)
    tooltip = [alt.Tooltip("rung:N"), value, *_told()]
    kinds = [
        _points(base, "machine", shape="circle", filled=True, opacity=0.65, size=64),
        _points(base, "outlier", shape="circle", filled=False, opacity=1, size=110, strokeWidth=2.5),
        _points(base, "stand-in", shape="diamond", filled=False, opacity=1, size=90, strokeWidth=1.5),
    ]
    dots = [kind.encode(x=x, y=y, color=FAMILY, tooltip=tooltip) for kind in kinds]
    ring = base.transform_filter(same("machine")).mark_point(**RING).encode(x=x, y=y)
    return spec(alt.layer(ranges, median, *dots, ring, said(middles, rungs)), chosen, title, alt.Step(26))


def gains(chosen: Chosen, machines: int) -> Spec:
    """Draw what a step of the ladder brings to each machine, over a fact of the machines."""
    base = alt.Chart(alt.NamedData("gains")).transform_filter(f"{INPUT} && {same('step')}")
    base = base.transform_lookup("machine", alt.LookupData(alt.NamedData("machines"), "machine", ["at"]))
    base = base.transform_calculate(at="datum.at[fact]").transform_filter("isValid(datum.at)")
    axis = alt.Axis(labelExpr="format(datum.value, '.3~s')", grid=False, tickCount=4, labelOverlap=True)
    x = alt.X("at:Q", scale=alt.Scale(type="log", nice=False, padding=60), title=None, axis=axis)
    y = alt.Y("value:Q", scale=alt.Scale(type="log", nice=False, padding=20), title="times as fast", axis=_times())
    tooltip = [alt.Tooltip("value:Q", format=".3~r", title="times as fast"), *_told()]
    kinds = [
        _points(base, "machine", shape="circle", filled=True, opacity=0.8, size=80),
        _points(base, "stand-in", shape="diamond", filled=False, opacity=1, size=90, strokeWidth=1.5),
    ]
    dots = [kind.encode(x=x, y=y, tooltip=tooltip, color=alt.value("#0072b2")) for kind in kinds]
    ring = base.transform_filter(same("machine")).mark_point(**RING).encode(x=x, y=y)
    named = base if machines <= LABELLED else base.transform_filter(same("machine"))
    names = named.mark_text(dy=-14).encode(x=x, y=y, text="machine:N")
    return spec(alt.layer(*dots, ring, names), chosen, "What a step of the ladder brings, machine by machine", 320)


def _times() -> alt.Axis:
    """Label round values as times: 0.5×, 1×, 2×."""
    round_values = [float(f"{digit}e{power}") for power in range(-6, 7) for digit in (1, 2, 5)]
    return alt.Axis(labelExpr="format(datum.value, '~r') + '×'", values=round_values, labelOverlap="greedy")


def _points(base: alt.Chart, kind: str, *, shape: str, filled: bool, **mark: Any) -> alt.Chart:
    """Draw the points of a kind, and look up what is told of their machines."""
    told = alt.LookupData(alt.NamedData("machines"), "machine", ["described", "run", *(fact.name for fact in FACTS)])
    chosen = base.transform_filter(f"datum.kind == '{kind}'").transform_lookup("machine", told)
    return chosen.mark_point(shape=shape, filled=filled, **mark)


def _told() -> list[alt.Tooltip]:
    """What a tooltip says of a machine."""
    facts = [alt.Tooltip(f"{fact.name}:N") for fact in FACTS]
    return [alt.Tooltip("machine:N"), alt.Tooltip("described:N", title="CPU"), *facts, alt.Tooltip("run:N")]
