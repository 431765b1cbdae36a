"""Where the reader's step stands on the ladder: the figures, sorted, and a sentence about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...measure.limits import limit
from ...show import results
from ...show.ratios import ratio
from ...show.table import times
from .document import RungTime, Timing

if TYPE_CHECKING:
    from ...show.results import Figure

YOURS = "yours"
RESOURCES = {"memory": "reading X once", "arithmetic": "its arithmetic", "call": "an empty call"}


def ladder(section: dict[str, Any]) -> list[Figure]:
    """Return the figures from the slowest to the fastest; those without a number first."""
    return sorted(results.figures({"looptax": section}), key=lambda figure: -(figure.seconds or float("inf")))


def timing(section: dict[str, Any], shape: str) -> Timing:
    """Return what the document says of the timing."""
    found = ladder(section)
    return Timing(shape, sentence(found, section["limits"]), [_rung(figure, section["limits"]) for figure in found])


def _rung(f: Figure, limits: dict[str, Any] | None) -> RungTime:
    bound = limit(f, limits)
    share = bound.seconds / f.seconds if bound and f.seconds else None
    figures = (f.seconds, f.ns_per_element, f.gflops, f.gbytes)
    return RungTime(f.cell.rung, f.status, f.reason, *figures, bound and bound.resource, share)


def sentence(found: list[Figure], limits: dict[str, Any] | None) -> str:
    """Say where the reader's step stands among figures sorted from the slowest to the fastest."""
    yours = next(figure for figure in found if figure.cell.rung == YOURS)
    if yours.seconds is None:
        return f"Your step has no number: {yours.status}" + (f", {yours.reason}." if yours.reason else ".")
    others = [figure for figure in found if figure.seconds and figure is not yours]
    ratios = [(figure.cell.rung, ratio(figure.sweeps, yours.sweeps)) for figure in others]
    slower = [(name, r.value) for name, r in ratios if r and r.differs and r.value > 1]
    faster = [(name, 1 / r.value) for name, r in ratios if r and r.differs and r.value < 1]
    alike = [name for name, r in ratios if r and not r.differs]
    return " ".join(filter(None, (_place(slower, faster), _alike(alike), _share(yours, limits))))


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


def _share(yours: Figure, limits: dict[str, Any] | None) -> str:
    bound = limit(yours, limits)
    if bound is None or not yours.seconds:
        return ""
    share = bound.seconds / yours.seconds
    reached = f"{share:.0%}" if share >= 0.01 else "less than 1%"
    return f"It reaches {reached} of this machine's limit, which is {RESOURCES[bound.resource]}."
