"""The report's charts, built with Altair's Vega-Lite and compiled to Vega.

Each draws one of the page's data sets by its name, and follows the selectors through parameters of
their names. Text, axes and grid get their colours from the page's style sheet, for light and dark;
only the data's own colours are here. They are Okabe and Ito's, which the colour-blind can tell apart.
"""

from __future__ import annotations

from math import log10
from typing import Any

import altair as alt

from ..ladder import NUMPY
from .datasets import CALLS, HEIGHT, INTENSITY

FAMILIES = {
    "python": "#d55e00",
    "numpy": "#0072b2",
    "numba": "#009e73",
    "cython": "#b8528f",
    "plan": "#b8528f",
    "peer": "#808080",
    "other": "#808080",
}
GREY = "#8a8f98"
LIMIT = "#d55e00"
PARTS = ("#0072b2", "#d55e00", "#56b4e9", "#e69f00", "#009e73", "#b8528f", "#808080")
DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [1, 4], [4, 4, 1, 4], [16, 4]]
TENFOLD = 1  # the heat map's colours end at ten times as fast, and a tenth

FONT = "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None},
    "padding": {"left": 2, "top": 8, "bottom": 4, "right": 8},
    "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "titlePadding": 10, "tickSize": 4},
    "legend": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titleLimit": 400,
        "orient": "top",
    },
    "text": {"fontSize": 12},
}

FAMILY = alt.Color("family:N", scale=alt.Scale(domain=list(FAMILIES), range=list(FAMILIES.values())), legend=None)
DASH = alt.StrokeDash("place:O", scale=alt.Scale(domain=list(range(8)), range=DASHES), legend=None)
LOG = alt.Scale(type="log", nice=False)
TIME = (
    "datum.value > 0.9 ? format(datum.value, '~s') + ' s' :"
    " datum.value > 9e-4 ? format(datum.value * 1e3, '~r') + ' ms' : format(datum.value * 1e6, '~r') + ' µs'"
)

Spec = dict[str, Any]
Chosen = dict[str, str]  # what the page opens with: selector → value


def roofline(chosen: Chosen, heights: list[float]) -> Spec:
    """Draw the roofs and, on the line of the step's intensity, every rung."""
    x = alt.X(
        "x:Q",
        scale=alt.Scale(type="log", domain=list(INTENSITY), nice=False),
        title="arithmetic intensity, FLOP per byte of X",
        axis=alt.Axis(values=[0.1, 0.5, 1, 10], format="~g", grid=False),
    )
    y = alt.Y(
        "y:Q",
        scale=alt.Scale(type="log", domain=heights, nice=False),
        title="GFLOP/s",
        axis=tens("format(datum.value, '~g')"),
    )
    return _spec(alt.layer(*_roofs(x, y, heights), *_points(x, y)), chosen, "Roofline with the rungs on it", HEIGHT)


def _roofs(x: alt.X, y: alt.Y, heights: list[float]) -> list[alt.Chart]:
    """Draw the lines, each with its name along it."""
    base = alt.Chart(alt.NamedData("roofs")).transform_filter(_same("dtype", "threads"))
    lines = base.mark_rule(strokeWidth=1.5, color=GREY).encode(x=x, y=y, x2="x2:Q", y2="y2:Q")
    wide, high = (log10(max(ends) / min(ends)) for ends in (INTENSITY, heights))
    slope = alt.ExprRef(f"-atan(height / {high} / (width / {wide})) * 180 / PI")
    slanted = base.transform_filter("datum.y < datum.y2").mark_text(align="left", dx=8, dy=-6, fontSize=11, angle=slope)
    level = base.transform_filter("datum.y == datum.y2").mark_text(align="right", dy=-8, fontSize=11)
    ends = alt.X("x2:Q"), alt.Y("y2:Q")
    return [lines, slanted.encode(x=x, y=y, text="label:N"), level.encode(*ends, text="label:N")]


def _points(x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Draw the cell's limit, and its rungs, with names led to from their points."""
    base = (
        alt.Chart(alt.NamedData("points"))
        .transform_filter(_same("source", "dtype", "order", "threads"))
        .transform_calculate(x="datum.intensity", y="datum.gflops", beside="datum.intensity * 1.6")
    )
    tooltip = ["rung:N", "time:N", alt.Tooltip("y:Q", title="GFLOP/s", format=".3~g"), "limited by:N"]
    limit = base.transform_filter("datum.limit").mark_tick(thickness=4, size=30, orient="horizontal", color=LIMIT)
    leaders = base.mark_rule(strokeWidth=0.75, color=GREY).encode(x=x, y=y, x2="beside:Q", y2="label:Q")
    dots = base.mark_circle(size=90, opacity=1).encode(x=x, y=y, color=FAMILY, tooltip=tooltip)
    names = base.mark_text(align="left", dx=4).encode(x=alt.X("beside:Q"), y=alt.Y("label:Q"), text="rung:N")
    return [limit.encode(x=x, y=alt.Y("max(limit):Q")), leaders, dots, names]


def heat(chosen: Chosen, rungs: list[str]) -> Spec:
    """Draw rung × shape: how many times as fast as NumPy."""
    base = alt.Chart(alt.NamedData("heat")).transform_filter(_same("dtype", "order", "threads"))
    base = base.encode(
        x=alt.X("shape:N", sort=None, title=None, axis=alt.Axis(orient="top", labelAngle=0, ticks=False, domain=False)),
        y=_rungs(rungs),
        tooltip=["rung:N", "shape:N", alt.Tooltip("said:N", title=f"over {NUMPY}")],
    )
    colour = alt.Color(
        "log:Q",
        scale=alt.Scale(scheme="blueorange", reverse=True, domain=[-TENFOLD, 0, TENFOLD], clamp=True),
        legend=alt.Legend(
            title=f"times as fast as {NUMPY}",
            values=[-TENFOLD, -TENFOLD / 2, 0, TENFOLD / 2, TENFOLD],
            labelExpr="format(pow(10, datum.value), '.2~r') + '×'",
            orient="bottom",
            gradientLength=240,
        ),
    )
    measured = base.transform_filter("datum.log !== null")
    white = alt.condition(f"abs(datum.log) > {0.78 * TENFOLD}", alt.value("#fff"), alt.value("#111"))
    cells = measured.mark_rect(cornerRadius=4).encode(color=colour)
    values = measured.mark_text().encode(text="text:N", color=white).properties(name="values")
    none = base.transform_filter("datum.log === null").mark_text().encode(text="text:N")
    return _spec(alt.layer(cells, values, none), chosen, f"Speed-up over {NUMPY}, rung by shape", alt.Step(28))


def break_even(chosen: Chosen) -> Spec:
    """Draw the time of all calls so far, import and compiling included."""
    base = alt.Chart(alt.NamedData("breakeven")).transform_filter(_same("source", "dtype", "order", "threads", "start"))
    x = alt.X("calls:Q", scale=LOG, title="calls", axis=tens())
    y = alt.Y("total:Q", scale=LOG, title="all calls", axis=tens(TIME))
    curves = (
        base.transform_calculate(power="sequence(0, 7.01, 0.1)")
        .transform_flatten(["power"])
        .transform_calculate(calls="pow(10, datum.power)", total="datum.fixed + datum.seconds * datum.calls")
        .mark_line(strokeWidth=2)
        .encode(x=x, y=y, color=FAMILY, strokeDash=DASH, detail="rung:N", tooltip=["rung:N"])
    )
    crossings = (
        base.transform_filter("datum.calls !== null")
        .transform_calculate(total="datum.fixed + datum.seconds * datum.calls")
        .mark_circle(size=80, opacity=1)
        .encode(x=x, y=y, color=FAMILY, tooltip=["rung:N", alt.Tooltip("calls:Q", title="break-even", format=",.0f")])
    )
    ends = base.transform_calculate(calls=f"{CALLS:.0f}")
    layers = alt.layer(curves, crossings, *_names(ends, x, y, "total", "rung"))
    return _spec(layers, chosen, "Time of all calls, import and compiling included", HEIGHT)


def _names(base: alt.Chart, x: alt.X, y: alt.Y, end: str, name: str) -> tuple[alt.Chart, alt.Chart]:
    """Write the curves' names to the right of the chart, and lead from each curve's end to its name."""
    last = base.transform_filter("isValid(datum.label)")
    right = alt.value("width")
    leaders = last.mark_rule(strokeWidth=0.75, strokeDash=[1, 2], color=GREY).encode(x=x, x2=right, y=y, y2="label:Q")
    names = last.mark_text(align="left", dx=6).encode(x=right, y=alt.Y("label:Q"), text=f"{name}:N")
    return leaders, names


def parts(chosen: Chosen, rungs: list[str], names: list[str]) -> Spec:
    """Draw each rung's time as one bar of its parts."""
    base = alt.Chart(alt.NamedData("parts")).transform_filter(_same("input"))
    bars = base.mark_bar(height={"band": 0.72}).encode(
        x=alt.X(
            "share:Q",
            stack=True,
            scale=alt.Scale(domain=[0, 1]),
            title="share of one call",
            axis=alt.Axis(format="%", tickCount=5),
        ),
        y=_rungs(rungs),
        color=alt.Color(
            "part:N",
            scale=alt.Scale(domain=names, range=PARTS[: len(names)]),
            legend=alt.Legend(title=None, columns=3),
        ),
        order="place:O",
        tooltip=["rung:N", "part:N", "time:N", alt.Tooltip("share:Q", format=".0%")],
    )
    return _spec(bars, chosen, "Where the time of one call goes", alt.Step(26))


def peers(chosen: Chosen, rungs: list[str]) -> Spec:
    """Draw how many times our time each peer takes: here with the interval, on the other shapes as ticks."""
    base = alt.Chart(alt.NamedData("peers")).transform_filter(_same("dtype", "order", "threads"))
    x = alt.X(
        "ratio:Q",
        scale=alt.Scale(type="log", nice=False, padding=20),
        title="its time in units of ours",
        axis=alt.Axis(format="~g", grid=False, tickCount=5),
    )
    y = _rungs(rungs)
    tooltip = ["rung:N", "shape:N", alt.Tooltip("said:N", title="its time in units of ours")]
    others = base.mark_tick(thickness=2, size=14, color=GREY).encode(x=x, y=y, tooltip=tooltip)
    here = base.transform_filter(_same("source"))
    spans = here.mark_rule(strokeWidth=3, color=FAMILIES["numpy"]).encode(x=alt.X("low:Q"), x2="high:Q", y=y)
    dots = here.mark_circle(size=120, opacity=1, color=FAMILIES["numpy"]).encode(x=x, y=y, tooltip=tooltip)
    one = alt.Chart(alt.Data(values=[{"ratio": 1}])).mark_rule(strokeDash=[4, 3], color=GREY).encode(x=x)
    description = "Other libraries, their time in units of ours"
    return _spec(alt.layer(one, others, spans, dots), chosen, description, alt.Step(32))


def _rungs(names: list[str]) -> alt.Y:
    """List the rungs in the ladder's order."""
    return alt.Y("rung:N", sort=names, title=None, axis=alt.Axis(ticks=False, domain=False, labelPadding=8))


def tens(label: str = "format(datum.value, '~s')") -> alt.Axis:
    """Label the powers of ten alone."""
    ten = "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) < 1e-6"
    shown = alt.condition(ten, alt.value(1), alt.value(0))
    return alt.Axis(labelExpr=f"{ten} ? {label} : ''", gridOpacity=shown, tickOpacity=shown)


def _same(*selectors: str) -> str:
    return " && ".join(f"datum.{name} == {name}" for name in selectors)


def _spec(
    chart: alt.Chart | alt.LayerChart | alt.FacetChart, chosen: Chosen, description: str, height: float | alt.Step
) -> Spec:
    """Finish a chart: as wide as its container, with the selectors as parameters."""
    params = [alt.param(name=name, value=value) for name, value in chosen.items()]
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    chart = chart.properties(width="container", height=height, autosize=fit, description=description)
    return chart.add_params(*params).configure(**CONFIG).to_dict(format="vega")
