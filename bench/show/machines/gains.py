"""Who gains from what: how many times as fast each step up the ladder makes each machine, and what goes with that.

Which fact of the machines goes with a gain is told by Spearman's rank correlation, where at least eight machines differ
in it, and only where its p-value, times the number of facts that were tried, is below 5 %. It is no cause: on most
machines that have more CPUs, the caches are larger too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scipy import stats

from ....kernels.ladder import LADDER
from ..ratios import ratio
from .entry import FACTS
from .groups import ALL, Group, row_of
from .spread import Point

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..ratios import Ratio
    from .entry import Entry

MIN_RANKED = 8  # machines
SIGNIFICANT = 0.05
THREADED = {rung.name for rung in LADDER if rung.threads != "one"}


class Gain(NamedTuple):
    """A step up the ladder, in words, and how many times as fast it makes each machine."""

    group: Group
    step: str
    points: list[Point]


def gains(group: Group, found: Iterable[Group]) -> list[Gain]:
    """Return the steps of a group that at least two machines took: each rung over what it grew from, and threads."""
    one = next((other for other in found if other.choice == group.choice._replace(threads="1")), None)
    every = [*_rungs(group), *(_threads(group, one) if one and group.choice.threads == ALL else ())]
    return [gain for gain in every if len(gain.points) > 1]


def _rungs(group: Group) -> Iterator[Gain]:
    """Yield each rung over the one below it; where machines have another below it, each by itself."""
    steps: dict[str, list[Point]] = {}
    for rung in group.rungs:
        for entry, ladder in group.members:
            row = row_of(ladder, rung)
            if row and row.relative and any(own is row for own in ladder.own):
                steps.setdefault(f"{rung} over {row.over}", []).append(_point(entry, row.relative))
    return (Gain(group, step, points) for step, points in steps.items())


def _threads(group: Group, one: Group) -> Iterator[Gain]:
    """Yield all threads over one, of each rung that has threads, on the machines that have several."""
    alone = {entry.file: ladder for entry, ladder in one.members}
    for rung in group.rungs:
        points = []
        for entry, ladder in group.members:
            before = row_of(alone[entry.file], rung) if entry.file in alone and entry.most_threads > 1 else None
            after = row_of(ladder, rung)
            if rung in THREADED and before and after and (found := ratio(before.sweeps, after.sweeps)):
                points.append(_point(entry, found))
        yield Gain(group, f"{rung}, all threads over 1", points)


def _point(entry: Entry, found: Ratio) -> Point:
    return Point(entry, found.value, found.low, found.high)


def goes_with(gain: Gain) -> str:
    """Say which fact of the machines goes with a gain: "more with memory rate (ρ = 0.93)"; nothing where none does."""
    found = [(fact.name, *_ranked(gain, fact.name)) for fact in FACTS]
    seen = [(name, rho) for name, rho, p in found if p * len(FACTS) < SIGNIFICANT]
    if not seen:
        return ""
    name, rho = max(seen, key=lambda pair: abs(pair[1]))
    return f"{'more' if rho > 0 else 'less'} with {name} (ρ = {rho:.2f})"


def _ranked(gain: Gain, fact: str) -> tuple[float, float]:
    """Return Spearman's ρ of a gain and a fact, and its p-value; 0 and 1 where it cannot be told."""
    pairs = [(point.entry.facts[fact], point.value) for point in gain.points
             if fact in point.entry.facts and not point.entry.held_to]  # fmt: skip
    if len(pairs) < MIN_RANKED or any(len(set(column)) < 2 for column in zip(*pairs, strict=True)):
        return 0.0, 1.0
    found = stats.spearmanr(pairs)
    return float(found.statistic), float(found.pvalue)
