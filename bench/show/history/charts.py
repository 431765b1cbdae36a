"""The chart of a history, in the style of the report's, see `report.charts`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from ..machines.charts import INPUT
from ..report.charts import FAMILIES, GREY, LIMIT, TIME, same, spec

if TYPE_CHECKING:
    from ..report.charts import Chosen, Spec

VALUE = f"measure == 'time' ? ({TIME.replace('~r', '.3~r')}) : format(datum.value, '.3~r') + '×'"


def history(chosen: Chosen) -> Spec:
    """Draw a rung run after run, the level between changes, and where it changes."""
    shown = f"{INPUT} && {same('rung', 'measure')}"
    runs = alt.Chart(alt.NamedData("points")).transform_filter(shown)
    stretches = alt.Chart(alt.NamedData("stretches")).transform_filter(shown)
    x = alt.X(
        "when:T", title=None, scale=alt.Scale(padding=20), axis=alt.Axis(grid=False, tickCount=6, labelOverlap=True)
    )
    scale = alt.Scale(type="log", nice=False, padding=30)
    y = alt.Y("value:Q", scale=scale, title=None, axis=alt.Axis(labelExpr=VALUE, tickCount=5, labelOverlap=True))
    tooltip = ["run:N", "when:T", "commit:N", alt.Tooltip("said:N", title="value"), "state:N"]
    line = runs.mark_line(strokeWidth=1, opacity=0.5, color=GREY).encode(x=x, y=y)
    quiet = runs.transform_filter("datum.state == 'quiet'").mark_point(filled=True, size=70, opacity=1)
    noisy = runs.transform_filter("datum.state == 'unstable'").mark_point(filled=False, size=60, opacity=1)
    dots = [kind.encode(x=x, y=y, tooltip=tooltip, color=alt.value(FAMILIES["numpy"])) for kind in (quiet, noisy)]
    level = stretches.mark_rule(strokeWidth=3, opacity=0.6, color=FAMILIES["numba"])
    level = level.encode(x=alt.X("from:T"), x2="to:T", y=alt.Y("level:Q"))
    changed = stretches.transform_filter("datum.factor != ''")
    rules = changed.mark_rule(strokeDash=[4, 3], strokeWidth=2, color=LIMIT).encode(x=alt.X("from:T"))
    said = changed.mark_text(align="left", dx=6).encode(x=alt.X("from:T"), y=alt.value(8), text="factor:N")
    return spec(alt.layer(line, level, rules, *dots, said), chosen, "A rung, run after run", 320)
