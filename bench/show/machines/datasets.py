"""What the charts of a class draw: rows of plain data, each with the selectors it belongs to.

What is told of a machine is in a set of its own, which the charts look up: thirty machines with hundreds of cells each
would repeat it thousands of times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..ladder import family
from ..numbers import seconds, times
from .entry import FACTS
from .spread import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .entry import Entry
    from .gains import Gain
    from .groups import Group
    from .spread import Point

Data = list[dict[str, Any]]


def key(group: Group) -> str:
    """Return an input and a number of threads in one word, as the charts put it together of the selectors."""
    return " ".join(group.choice)


def machines(entries: Sequence[Entry]) -> Data:
    """Return what is told of each machine."""
    return [
        {"machine": one.name, "described": one.described,
         "run": "unstable" if one.document.looptax.unstable else "quiet",
         **dict.fromkeys((fact.name for fact in FACTS), "not told"), **dict(one.told()), "at": one.facts}
        for one in entries
    ]  # fmt: skip


def ratios(found: Iterable[Group]) -> Data:
    """Return how many times as fast as the base each rung is on each machine."""
    return [row for group in found for rung, points in group.ratios.items() for row in _points(group, rung, points)]


def taken(found: Iterable[Group]) -> Data:
    """Return the seconds of each rung on each machine."""
    return [row for group in found for rung, points in group.times.items() for row in _points(group, rung, points)]


def _points(group: Group, rung: str, points: Sequence[Point]) -> Data:
    beyond = spread(points)
    out = {point.entry.file for point in beyond.outliers} if beyond else set()
    return [
        {"input": key(group), "rung": rung, "family": family(rung), "machine": point.entry.name,
         "kind": "outlier" if point.entry.file in out else point.entry.kind, "value": short(point.value)}
        for point in points
    ]  # fmt: skip


def middles(found: Iterable[Group]) -> Data:
    """Return the median of each rung and the ends of its range, of the ratios and of the times."""
    return [
        {"input": key(group), "rung": rung, "of": name, "middle": short(made.middle),
         "low": short(made.lowest.value), "high": short(made.highest.value), "said": write(made.middle)}
        for group in found for name, measure, write in _measures(group)
        for rung, points in measure.items() if (made := spread(points))
    ]  # fmt: skip


def _measures(group: Group) -> list[tuple[str, dict[str, list[Point]], Callable[[float], str]]]:
    return [("ratios", group.ratios, times), ("taken", group.times, seconds)]


def gains(found: Iterable[Gain]) -> Data:
    """Return how many times as fast a step of the ladder made each machine."""
    return [
        {"input": key(gain.group), "step": gain.step, "machine": point.entry.name, "kind": point.entry.kind,
         "value": short(point.value)}
        for gain in found for point in gain.points
    ]  # fmt: skip


def short(value: float) -> float:
    """Return a number with four digits: what a chart can show."""
    return float(f"{value:.4g}")
