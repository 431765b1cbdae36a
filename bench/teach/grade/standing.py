"""Where the reader's step stands on the ladder: the figures, sorted, and a sentence about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...show.ladder import Ladder, Row, ladder
from ...show.numbers import percent, times
from ...show.ratios import ratio
from .document import RungTime, Timing

if TYPE_CHECKING:
    from ...show.result import Section

YOURS = "yours"
RESOURCES = {"memory": "reading X once", "arithmetic": "its arithmetic", "call": "an empty call"}


def standing(section: Section) -> Ladder:
    """Return the ladder from the slowest rung to the fastest; those without a number first."""
    figures = sorted(section.cells, key=lambda figure: -(figure.seconds or float("inf")))
    return ladder(figures, section.limits)


def timing(section: Section, shape: str) -> Timing:
    """Return what the document says of the timing."""
    rows = standing(section).rows
    return Timing(shape, sentence(rows), [_rung(row) for row in rows])


def _rung(row: Row) -> RungTime:
    f = row.figure
    figures = (f.seconds, f.ns_per_element, f.gflops, f.gbytes)
    return RungTime(row.rung, f.status, f.reason, *figures, row.limit and row.limit.resource, row.fraction)


def sentence(rows: list[Row]) -> str:
    """Say where the reader's step stands among rows sorted from the slowest to the fastest."""
    yours = next(row for row in rows if row.rung == YOURS)
    if yours.figure.seconds is None:
        figure = yours.figure
        return f"Your step has no number: {figure.status}" + (f", {figure.reason}." if figure.reason else ".")
    ratios = [(row.rung, ratio(row.sweeps, yours.sweeps)) for row in rows if row.figure.seconds and row is not yours]
    slower = [(name, r.value) for name, r in ratios if r and r.differs and r.value > 1]
    faster = [(name, 1 / r.value) for name, r in ratios if r and r.differs and r.value < 1]
    alike = [name for name, r in ratios if r and not r.differs]
    return " ".join(filter(None, (_place(slower, faster), _alike(alike), _share(yours))))


def _place(slower: list[tuple[str, float]], faster: list[tuple[str, float]]) -> str:
    below, above = slower[-1:], faster[:1]
    said = [f"{times(by)} as fast as {name}" for name, by in below]
    said += [f"{name} is {times(by)} as fast as it" for name, by in above]
    if below and above:
        return f"Your step stands between {below[0][0]} and {above[0][0]}: {'; '.join(said)}."
    if below:
        return f"Your step is the fastest of them: {said[0]}."
    return f"Your step is the slowest of them: {said[0]}." if above else ""


def _alike(names: list[str]) -> str:
    return f"No difference is seen between it and {', '.join(names)}." if names else ""


def _share(yours: Row) -> str:
    if yours.limit is None or yours.fraction is None:
        return ""
    return f"It reaches {percent(yours.fraction)} of this machine's limit, which is {RESOURCES[yours.limit.resource]}."
