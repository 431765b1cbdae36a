"""The report's charts, built with Altair's Vega-Lite and compiled to Vega.

Each draws one of the page's data sets by its name, and follows the selectors through parameters of
their names. Text, axes and grid get their colours from the page's style sheet, for light and dark;
only the data's own colours are here. They are Okabe and Ito's, which the colour-blind can tell apart.
"""

from __future__ import annotations

from typing import Any

import altair as alt

from ..ladder import NUMPY
from .datasets import CALLS

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
BAND = {"band": 0.72}
BYTES = "datum.value < pow(2, 20) ? datum.value / 1024 + ' KiB' : datum.value / pow(2, 20) + ' MiB'"
TIME = (
    "datum.value > 0.9 ? format(datum.value, '~s') + ' s' :"
    " datum.value > 9e-4 ? format(datum.value * 1e3, '~r') + ' ms' : format(datum.value * 1e6, '~r') + ' µs'"
)

Spec = dict[str, Any]
Chosen = dict[str, str]  # what the page opens with: selector → value


def shares(chosen: Chosen, rungs: list[str]) -> Spec:
    """Draw the share of the machine's limit that each rung reaches."""
    base = alt.Chart(alt.NamedData("shares")).transform_filter(same("source", "dtype", "order", "threads"))
    x = alt.X("share:Q", title="share of the limit", axis=alt.Axis(format="%", tickCount=5))
    tooltip = ["rung:N", "time:N", alt.Tooltip("least:N", title="least time"), alt.Tooltip("said:N", title="reached")]
    bars = base.mark_bar(height=BAND).encode(x=x, y=rungs_axis(rungs), color=FAMILY, tooltip=tooltip)
    whole = alt.Chart(alt.Data(values=[{"share": 1}])).mark_rule(strokeWidth=2, color=LIMIT).encode(x=x)
    return spec(alt.layer(bars, whole, said(base, rungs)), chosen, "Share of the machine's limit", alt.Step(24))


def said(base: alt.Chart, names: list[str], of: str = "rung") -> alt.Chart:
    """Write at the right of the chart, in the row of each bar, what it says."""
    return base.mark_text(align="left", dx=8).encode(x=alt.value("width"), y=rungs_axis(names, of), text="said:N")


def heat(chosen: Chosen, rungs: list[str]) -> Spec:
    """Draw rung × shape: how many times as fast as NumPy."""
    base = alt.Chart(alt.NamedData("heat")).transform_filter(same("dtype", "order", "threads"))
    base = base.encode(
        x=alt.X("shape:N", sort=None, title=None, axis=alt.Axis(orient="top", labelAngle=0, ticks=False, domain=False)),
        y=rungs_axis(rungs),
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
    return spec(alt.layer(cells, values, none), chosen, f"Speed-up over {NUMPY}, rung by shape", alt.Step(28))


def break_even(chosen: Chosen, rungs: list[str]) -> Spec:
    """Draw from which call on a rung has cost less than NumPy, import and compiling included."""
    base = alt.Chart(alt.NamedData("breakeven")).transform_filter(same("source", "dtype", "order", "threads", "start"))
    scale = alt.Scale(type="log", domain=[1, CALLS], nice=False)
    x = alt.X("calls:Q", scale=scale, title=f"calls with which it costs less in all than {NUMPY}", axis=tens())
    paid = [alt.Tooltip("fixed:N", title="before the first call"), alt.Tooltip("each:N", title="each call")]
    bars = base.transform_filter("datum.calls !== null").mark_bar(height=BAND)
    bars = bars.encode(
        x=x, x2=alt.X2Datum(CALLS), y=rungs_axis(rungs), color=FAMILY, tooltip=["rung:N", "said:N", *paid]
    )
    return spec(alt.layer(bars, said(base, rungs)), chosen, "From which call on compiling has paid", alt.Step(24))


def parts(chosen: Chosen, rungs: list[str], names: list[str]) -> Spec:
    """Draw each rung's time as one bar of its parts."""
    base = alt.Chart(alt.NamedData("parts")).transform_filter(same("input"))
    bars = base.mark_bar(height=BAND).encode(
        x=alt.X(
            "share:Q",
            stack=True,
            scale=alt.Scale(domain=[0, 1]),
            title="share of one call",
            axis=alt.Axis(format="%", tickCount=5),
        ),
        y=rungs_axis(rungs),
        color=alt.Color(
            "part:N",
            scale=alt.Scale(domain=names, range=PARTS[: len(names)]),
            legend=alt.Legend(title=None, columns=3),
        ),
        order="place:O",
        tooltip=["rung:N", "part:N", "time:N", alt.Tooltip("share:Q", format=".0%")],
    )
    return spec(bars, chosen, "Where the time of one call goes", alt.Step(26))


def peers(chosen: Chosen, rungs: list[str]) -> Spec:
    """Draw how many times our time each peer takes: here with the interval, on the other shapes as ticks."""
    base = alt.Chart(alt.NamedData("peers")).transform_filter(same("dtype", "order", "threads"))
    x = alt.X(
        "ratio:Q",
        scale=alt.Scale(type="log", nice=False, padding=20),
        title="its time in units of ours",
        axis=alt.Axis(format="~g", grid=False, tickCount=5),
    )
    y = rungs_axis(rungs)
    tooltip = ["rung:N", "shape:N", alt.Tooltip("said:N", title="its time in units of ours")]
    others = base.mark_tick(thickness=2, size=14, color=GREY).encode(x=x, y=y, tooltip=tooltip)
    here = base.transform_filter(same("source"))
    spans = here.mark_rule(strokeWidth=3, color=FAMILIES["numpy"]).encode(x=alt.X("low:Q"), x2="high:Q", y=y)
    dots = here.mark_circle(size=120, opacity=1, color=FAMILIES["numpy"]).encode(x=x, y=y, tooltip=tooltip)
    one = alt.Chart(alt.Data(values=[{"ratio": 1}])).mark_rule(strokeDash=[4, 3], color=GREY).encode(x=x)
    description = "Other libraries, their time in units of ours"
    return spec(alt.layer(one, others, spans, dots), chosen, description, alt.Step(32))


def reads(chosen: Chosen) -> Spec:
    """Draw how fast so many threads read a working set."""
    x = alt.X(
        "bytes:Q",
        scale=alt.Scale(type="log", base=2, nice=False),
        title="working set",
        axis=alt.Axis(values=[1 << k for k in range(14, 34, 4)], labelExpr=BYTES, grid=False),
    )
    y = alt.Y("rate:Q", scale=alt.Scale(type="log"), title="read, GB/s", axis=tens("format(datum.value / 1e9, '~r')"))
    colour = alt.Color("threads:O", scale=alt.Scale(range=PARTS), title="threads")
    lines = alt.Chart(alt.NamedData("reads")).mark_line(point=True).encode(x=x, y=y, color=colour, tooltip=["said:N"])
    return spec(lines, chosen, "How fast this machine reads memory", 240)


def peaks(chosen: Chosen, names: list[str]) -> Spec:
    """Draw how fast so many threads multiply and add."""
    base = alt.Chart(alt.NamedData("peaks"))
    x = alt.X("flops:Q", title="multiply and add, GFLOP/s", axis=alt.Axis(labelExpr="datum.value / 1e9", tickCount=4))
    bars = base.mark_bar(height=BAND, color=GREY).encode(x=x, y=rungs_axis(names, "of"))
    return spec(
        alt.layer(bars, said(base, names, "of")), chosen, "How fast this machine multiplies and adds", alt.Step(24)
    )


def rungs_axis(names: list[str], of: str = "rung") -> alt.Y:
    """List the rungs in the ladder's order."""
    return alt.Y(f"{of}:N", sort=names, title=None, axis=alt.Axis(ticks=False, domain=False, labelPadding=8))


def tens(label: str = "format(datum.value, '~s')") -> alt.Axis:
    """Label the powers of ten alone."""
    ten = "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) < 1e-6"
    shown = alt.condition(ten, alt.value(1), alt.value(0))
    return alt.Axis(labelExpr=f"{ten} ? {label} : ''", gridOpacity=shown, tickOpacity=shown)


def same(*selectors: str) -> str:
    """Return the condition that a row belongs to what these selectors choose."""
    return " && ".join(f"datum.{name} == {name}" for name in selectors)


def spec(
    chart: alt.Chart | alt.LayerChart | alt.FacetChart, chosen: Chosen, description: str, height: float | alt.Step
) -> Spec:
    """Finish a chart: as wide as its container, with the selectors as parameters."""
    params = [alt.param(name=name, value=value) for name, value in chosen.items()]
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    chart = chart.properties(width="container", height=height, autosize=fit, description=description)
    return chart.add_params(*params).configure(**CONFIG).to_dict(format="vega")
