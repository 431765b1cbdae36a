"""Pictures for the page and for notebooks: drawn by Altair, turned into SVG, so that nothing runs to show them."""

from __future__ import annotations

import re
from functools import singledispatch
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import vl_convert

from ...show.report.charts import CONFIG, FAMILY, GREY, LIMIT, PARTS, TIME, tens
from .pictures import Axis, Bars, Bowl, Curves, Graph, Growth, Traffic

if TYPE_CHECKING:
    from .pictures import Level, Picture, Playable
    from .words import Words

Chart = alt.LayerChart | alt.FacetChart
Rows = list[dict[str, Any]]

WIDTH, HEIGHT = 420, 240  # the style sheet fits them to the page: larger on a desk, smaller on a phone
NODE = 1900  # area of a graph's box
CHARACTER = 7.2  # its width, in a wide font
LABELS = {
    "": "format(datum.value, abs(datum.value) >= 1e4 ? '~s' : '~g')",
    "seconds": f"datum.value > 9e-7 ? ({TIME}) : format(datum.value * 1e9, '~r') + ' ns'",
    "bytes": "format(datum.value, '~s') + 'B'",
    "bytes/s": "format(datum.value, '~s') + 'B/s'",
    "times": "format(datum.value, '~r') + '×'",
}
POWERS = "format(datum.value, '~e')"  # where the numbers are far from 1
SHADES = (  # of the bowl, from low to high: greys, on which the walks' colours stand out
    "#f7f7f5", "#efefec", "#e6e6e3", "#ddddda", "#d3d3d0", "#c9c9c6", "#bfbfbc",
    "#b4b4b1", "#a9a9a6", "#9d9d9a", "#91918e", "#858582", "#797976",
)  # fmt: skip
COLOURS = [PARTS[place] for place in (0, 4, 1, 5, 3, 2, 6)]  # those next to each other are clearly different


def draw(picture: Picture, words: Words) -> str:
    """Return a picture as SVG, its names in the reader's language."""
    chart = _chart(picture, words)
    spec = chart.configure(**CONFIG | {"legend": CONFIG["legend"] | {"labelLimit": 400}}).to_dict()
    return vl_convert.vegalite_to_svg(spec)


@singledispatch
def _chart(picture: Any, words: Words) -> Chart:
    raise TypeError(f"no picture is a {type(picture).__name__}")


@_chart.register(Curves)
def _curves(picture: Curves, words: Words) -> Chart:
    rows = [
        {"x": x, "y": y, "name": words(series.name), "dots": series.dots}
        for series in picture.series for x, y in series.points
    ]  # fmt: skip
    base = _chart_of(rows).encode(
        x=alt.X("x:Q", **_along(picture.x, rows, "x", words)),
        y=alt.Y("y:Q", **_along(picture.y, rows, "y", words)),
        color=_names([words(series.name) for series in picture.series]),
    )
    longest = max((len(series.points) for series in picture.series), default=0)
    lines = base.transform_filter("!datum.dots").mark_line(strokeWidth=2, point=longest <= 40, clip=True)
    dots = base.transform_filter("datum.dots").mark_circle(size=120, opacity=1)
    return alt.layer(*_level(picture.level, "y", words), lines, dots).properties(width=WIDTH, height=HEIGHT)


@_chart.register(Bars)
def _bars(picture: Bars, words: Words) -> Chart:
    rows = [{"name": words(bar.name), "value": bar.value, "family": bar.family} for bar in picture.bars if bar.value]
    names = list(dict.fromkeys(words(bar.name) for bar in picture.bars))
    wide = CHARACTER * max(len(name) for name in names)  # the page's font may be wider than the one measured here
    axis = alt.Axis(ticks=False, domain=False, labelPadding=8, labelLimit=400, minExtent=wide)
    base = _chart_of(rows).encode(
        x=alt.X("value:Q", **_along(picture.axis, rows, "value", words)),
        y=alt.Y("name:N", sort=names, scale=alt.Scale(domain=names), title=None, axis=axis),
        color=FAMILY,
    )
    # On a logarithmic axis a bar has no length from zero: dots have a place.
    marks = base.mark_circle(size=140, opacity=1) if picture.axis.log else base.mark_bar(height={"band": 0.7})
    layers = alt.layer(*_level(picture.level, "x", words), marks)
    return layers.properties(width=WIDTH - wide, height=alt.Step(24))


@_chart.register(Bowl)
def _bowl(picture: Bowl, words: Words) -> Chart:
    """Shade the surface by height, a run of equal shades at a time; each walk has white under it, to be seen."""
    width, height = np.ptp(picture.w[:2]), np.ptp(picture.b[:2])
    ends = [picture.w[0], picture.w[-1] + width], [picture.b[0], picture.b[-1] + height]
    scales = [alt.Scale(domain=domain, nice=False) for domain in ends]
    x = alt.X("w:Q", title="w", scale=scales[0], axis=alt.Axis(grid=False))
    y = alt.Y("b:Q", title="b", scale=scales[1], axis=alt.Axis(grid=False))
    heights = np.geomspace(picture.J.min() * 1.05, picture.J.max(), len(SHADES) - 1)
    w, runs = np.append(picture.w, ends[0][1]), []
    for b, shades in zip(picture.b, np.searchsorted(heights, picture.J), strict=True):
        changes = np.flatnonzero(np.diff(shades, prepend=-1, append=-1))
        for start, end in pairwise(changes):
            runs.append({"w": w[start], "w2": w[end], "b": b, "b2": b + height, "shade": SHADES[shades[start]]})
    heat = _chart_of(runs).mark_rect(strokeWidth=1).encode(
        x=x, y=y, x2="w2:Q", y2="b2:Q",
        color=alt.Color("shade:N", scale=None), stroke=alt.Stroke("shade:N", scale=None),
    )  # fmt: skip
    steps = [
        {"w": w, "b": b, "name": words(walk.name), "place": place}
        for walk in picture.walks for place, (w, b) in enumerate(walk.points)
    ]  # fmt: skip
    walks = _chart_of(steps).encode(x=x, y=y, order="place:O")
    under = walks.mark_line(color="#fff", strokeWidth=4, opacity=0.7, clip=True).encode(detail="name:N")
    over = walks.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=36), clip=True)
    over = over.encode(color=_names([words(walk.name) for walk in picture.walks], columns=alt.Undefined))
    layers = alt.layer(heat, under, over).resolve_scale(color="independent")
    return layers.properties(width=WIDTH, height=HEIGHT + 60)


@_chart.register(Graph)
def _graph(picture: Graph, words: Words) -> Chart:
    place = {box.name: box for box in picture.boxes}
    arrows = [{"x": place[a].x, "y": place[a].y, "x2": place[b].x, "y2": place[b].y} for a, b in picture.arrows]
    boxes = [
        {"x": box.x, "y": box.y, "name": _lowered(box.name), "value": f"{box.value:.3g}",
         "grad": f"d{picture.output}/d{_lowered(box.name.partition(' ')[0])} = {box.grad:.3g}".replace("-", "−")}
        for box in picture.boxes
    ]  # fmt: skip
    wide, rows = max(box.x for box in picture.boxes), max(box.y for box in picture.boxes)
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-0.45, wide + 0.45], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[rows + 0.5, -0.5], nice=False))
    lines = _chart_of(arrows).mark_rule(strokeWidth=1.5, color=GREY).encode(x=x, y=y, x2="x2:Q", y2="y2:Q")
    base = _chart_of(boxes).encode(x=x, y=y)
    dots = base.mark_circle(size=NODE, opacity=1, color="#fff", stroke=GREY, strokeWidth=1.5)
    values = base.mark_text(fontSize=13, fontWeight="bold", color="#0072b2").encode(text="value:N")
    named = base.mark_text(dy=-32, fontSize=13).encode(text="name:N")
    grads = base.mark_text(dy=33, fontSize=12, color=LIMIT).encode(text="grad:N").properties(name="grads")
    layers = alt.layer(lines, dots, values.properties(name="values"), named, grads)
    return layers.properties(width=WIDTH, height=96 * (rows + 1))


@_chart.register(Growth)
@_chart.register(Traffic)
def _still(picture: Playable, words: Words) -> Chart:
    return _chart(picture.still, words)


def _lowered(name: str) -> str:
    """Write the digits behind a letter as indices: x₁."""
    return re.sub(r"(?<=[a-z])\d", lambda digit: chr(ord("₀") + int(digit[0])), name)


def _chart_of(rows: Rows) -> alt.Chart:
    return alt.Chart(alt.Data(values=rows))


def _names(names: list[str], columns: Any = 1) -> alt.Color:
    """Return a colour for each name, and a legend where there are several."""
    scale = alt.Scale(domain=names, range=COLOURS[: len(names)])
    legend = alt.Legend(title=None, columns=columns) if len(names) > 1 else None
    return alt.Color("name:N", sort=names, scale=scale, legend=legend)


def _along(axis: Axis, rows: Rows, name: str, words: Words) -> dict[str, Any]:
    """Return the scale, the title and the labels along an axis of these rows."""
    values = [abs(row[name]) for row in rows if row[name]] or [1.0]
    far = axis.unit == "" and (min(values) < 1e-3 or max(values) > 1e7)
    label = POWERS if far else LABELS[axis.unit]
    decades = axis.log and max(values) / min(values) >= 100
    return {
        "title": words(axis.title),
        "scale": alt.Scale(type="log", nice=False, padding=12) if axis.log else alt.Scale(zero=True),
        "axis": tens(label) if decades else alt.Axis(labelExpr=label, tickCount=6),
    }


def _level(level: Level, channel: str, words: Words) -> list[alt.Chart]:
    """Draw a dashed line across, and its name at its end."""
    if level is None:
        return []
    base = _chart_of([{"at": level[1], "name": words(level[0])}])
    rule = base.mark_rule(strokeDash=[5, 4], color=LIMIT)
    if channel == "x":
        label = base.mark_text(align="left", baseline="bottom", dx=4, fontSize=11)
        return [rule.encode(x="at:Q"), label.encode(x="at:Q", y=alt.value(-2), text="name:N")]
    label = base.mark_text(align="right", dy=-7, fontSize=11)
    return [rule.encode(y="at:Q"), label.encode(y="at:Q", x=alt.value(WIDTH), text="name:N")]
