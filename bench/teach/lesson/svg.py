"""Pictures for the page and for notebooks: drawn by Altair, turned into SVG, so that nothing runs to show them."""

from __future__ import annotations

import re
from functools import singledispatch
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import vl_convert

from ...show.report.charts import CONFIG, FAMILIES, GREY, LIMIT, PARTS, TIME, tens
from .pictures import Axis, Bars, Bowl, Curves, Graph

if TYPE_CHECKING:
    from .pictures import Picture
    from .words import Words

Chart = alt.LayerChart | alt.FacetChart

WIDTH, HEIGHT = 560, 300
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
HEAT = ["#f1ece4", "#cfc3b4", "#9fa8b5", "#5d7ea3", "#2d4f7c"]


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
    names = [words(series.name) for series in picture.series]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("x:Q", scale=_scale(picture.x), title=words(picture.x.title), axis=_axis(picture.x, rows, "x")),
        y=alt.Y("y:Q", scale=_scale(picture.y), title=words(picture.y.title), axis=_axis(picture.y, rows, "y")),
        color=alt.Color("name:N", sort=names, scale=alt.Scale(domain=names, range=list(PARTS[: len(names)])),
                        legend=alt.Legend(title=None, columns=1) if len(names) > 1 else None),
    )  # fmt: skip
    longest = max((len(series.points) for series in picture.series), default=0)
    lines = base.transform_filter("!datum.dots").mark_line(strokeWidth=2, point=longest <= 40, clip=True)
    dots = base.transform_filter("datum.dots").mark_circle(size=120, opacity=1)
    return alt.layer(*_level(picture.level, "y", words), lines, dots).properties(width=WIDTH, height=HEIGHT)


@_chart.register(Bars)
def _bars(picture: Bars, words: Words) -> Chart:
    rows = [{"name": words(bar.name), "value": bar.value, "family": bar.family} for bar in picture.bars if bar.value]
    names = list(dict.fromkeys(words(bar.name) for bar in picture.bars))
    wide = CHARACTER * max(len(name) for name in names)  # the page's font may be wider than the one measured here
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("name:N", sort=names, scale=alt.Scale(domain=names), title=None,
                axis=alt.Axis(ticks=False, domain=False, labelPadding=8, labelLimit=400, minExtent=wide)),
    )  # fmt: skip
    x = alt.X(
        "value:Q", scale=_scale(picture.axis), title=words(picture.axis.title),
        axis=_axis(picture.axis, rows, "value"),
    )  # fmt: skip
    colour = alt.Color("family:N", scale=alt.Scale(domain=list(FAMILIES), range=list(FAMILIES.values())), legend=None)
    if picture.axis.log:  # a bar has no length from zero on such an axis: dots have a place
        marks = base.mark_circle(size=140, opacity=1).encode(x=x, color=colour)
    else:
        marks = base.mark_bar(height={"band": 0.7}).encode(x=x, color=colour)
    layers = alt.layer(*_level(picture.level, "x", words), marks)
    return layers.properties(width=WIDTH - wide, height=alt.Step(24))


@_chart.register(Bowl)
def _bowl(picture: Bowl, words: Words) -> Chart:
    width, height = (float(np.diff(ends[:2])[0]) for ends in (picture.w, picture.b))
    cells = [
        {"w": float(w), "b": float(b), "J": float(picture.J[i, j])}
        for i, b in enumerate(picture.b) for j, w in enumerate(picture.w)
    ]  # fmt: skip
    for cell in cells:
        cell |= {"w2": cell["w"] + width, "b2": cell["b"] + height}
    x = alt.X("w:Q", title="w", scale=alt.Scale(domain=_ends(picture.w, width), nice=False), axis=alt.Axis(grid=False))
    y = alt.Y("b:Q", title="b", scale=alt.Scale(domain=_ends(picture.b, height), nice=False), axis=alt.Axis(grid=False))
    low, high = float(picture.J.min()), float(picture.J.max())
    scale = alt.Scale(type="threshold", domain=list(np.geomspace(low * 1.05, high, 12)), range=_shades(13))
    heat = alt.Chart(alt.Data(values=cells)).mark_rect(strokeWidth=1).encode(
        x=x, y=y, x2="w2:Q", y2="b2:Q",
        color=alt.Color("J:Q", scale=scale, legend=None), stroke=alt.Stroke("J:Q", scale=scale, legend=None),
    )  # fmt: skip
    steps = [
        {"w": float(w), "b": float(b), "name": words(walk.name), "place": place}
        for walk in picture.walks for place, (w, b) in enumerate(zip(walk.w, walk.b, strict=True))
    ]  # fmt: skip
    names = [words(walk.name) for walk in picture.walks]
    # White under each walk: it is seen on light and on dark ground.
    walks = alt.Chart(alt.Data(values=steps)).encode(x=x, y=y, order="place:O")
    name = alt.Color("name:N", sort=names, scale=alt.Scale(domain=names, range=list(PARTS[: len(names)])),
                     legend=alt.Legend(title=None))  # fmt: skip
    under = walks.mark_line(color="#fff", strokeWidth=4, opacity=0.7, clip=True).encode(detail="name:N")
    over = walks.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=36), clip=True).encode(color=name)
    layers = alt.layer(heat, under, over).resolve_scale(color="independent")
    return layers.properties(width=WIDTH, height=HEIGHT + 40)


@_chart.register(Graph)
def _graph(picture: Graph, words: Words) -> Chart:
    place = {box.name: box for box in picture.boxes}
    arrows = [
        {"x": place[a].x, "y": place[a].y, "x2": place[b].x, "y2": place[b].y} for a, b in picture.arrows
    ]  # fmt: skip
    boxes = [
        {"x": box.x, "y": box.y, "name": _lowered(box.name), "value": f"{box.value:.3g}",
         "grad": f"d{picture.output}/d{_lowered(box.name.partition(' ')[0])} = {box.grad:.3g}".replace("-", "−")}
        for box in picture.boxes
    ]  # fmt: skip
    wide = max(box.x for box in picture.boxes)
    rows = max(box.y for box in picture.boxes)
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-0.45, wide + 0.45], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[rows + 0.5, -0.5], nice=False))
    lines = (
        alt.Chart(alt.Data(values=arrows)).mark_rule(strokeWidth=1.5, color=GREY).encode(x=x, y=y, x2="x2:Q", y2="y2:Q")
    )
    base = alt.Chart(alt.Data(values=boxes)).encode(x=x, y=y)
    dots = base.mark_circle(size=NODE, opacity=1, color="#fff", stroke=GREY, strokeWidth=1.5)
    values = (
        base.mark_text(fontSize=13, fontWeight="bold", color="#0072b2").encode(text="value:N").properties(name="values")
    )
    named = base.mark_text(dy=-32, fontSize=13).encode(text="name:N")
    grads = base.mark_text(dy=33, fontSize=12, color=LIMIT).encode(text="grad:N").properties(name="grads")
    return alt.layer(lines, dots, values, named, grads).properties(width=WIDTH, height=96 * (rows + 1))


def _lowered(name: str) -> str:
    """Write the digits behind a letter as indices: x₁."""
    return re.sub(r"(?<=[a-z])\d", lambda digit: chr(ord("₀") + int(digit[0])), name)


def _level(level: tuple[str, float] | None, channel: str, words: Words) -> list[alt.Chart]:
    """Draw a dashed line across, and its name at its end."""
    if level is None:
        return []
    base = alt.Chart(alt.Data(values=[{"at": level[1], "name": words(level[0])}]))
    rule = base.mark_rule(strokeDash=[5, 4], color=LIMIT)
    if channel == "x":
        label = base.mark_text(align="left", baseline="bottom", dx=4, fontSize=11)
        return [rule.encode(x="at:Q"), label.encode(x="at:Q", y=alt.value(-2), text="name:N")]
    label = base.mark_text(align="right", dy=-7, fontSize=11)
    return [rule.encode(y="at:Q"), label.encode(y="at:Q", x=alt.value(WIDTH), text="name:N")]


def _scale(axis: Axis) -> alt.Scale:
    return alt.Scale(type="log", nice=False, padding=12) if axis.log else alt.Scale(zero=True)


def _axis(axis: Axis, rows: list[dict[str, Any]], name: str) -> alt.Axis:
    values = [abs(row[name]) for row in rows if row[name]]
    far = axis.unit == "" and values and (min(values) < 1e-3 or max(values) > 1e7)
    label = POWERS if far else LABELS[axis.unit]
    if not axis.log:
        return alt.Axis(labelExpr=label, tickCount=6)
    decades = values and max(values) / min(values) >= 100
    return tens(label) if decades else alt.Axis(labelExpr=label, tickCount=6)


def _ends(values: np.ndarray, step: float) -> list[float]:
    return [float(values[0]), float(values[-1]) + step]


def _shades(number: int) -> list[str]:
    """Return colours from light to dark, evenly between those of `HEAT`."""
    anchors = np.array([[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in HEAT])
    at = np.linspace(0, len(HEAT) - 1, number)
    mixed = np.stack([np.interp(at, range(len(HEAT)), anchors[:, k]) for k in range(3)], axis=1)
    return ["#{:02x}{:02x}{:02x}".format(*row.round().astype(int)) for row in mixed]
