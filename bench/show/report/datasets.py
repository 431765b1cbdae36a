"""What the charts draw: rows of plain data, each with the selectors it belongs to."""

from __future__ import annotations

from itertools import groupby
from math import log10
from typing import TYPE_CHECKING, Any

from ..ladder import KNOWN, Ladder, Row, family
from ..numbers import interval, number, rate, seconds, shape, size, speedup, times
from ..ratios import ratio
from ..tables import input_of, limited

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..result import Limits, Parts
    from .breakeven import BreakEven

Data = list[dict[str, Any]]

HEIGHT = 440  # of a chart, in pixels
LINE = 14  # from one label to the next
CALLS = 1e7  # the right end of the break-even curves
INTENSITY = (0.04, 16.0)  # the roofline's width, flops per byte
ITEM = {"float32": 4, "float64": 8}


def roofline(found: Sequence[Ladder], limits: Limits | None) -> tuple[Data, Data]:
    """Return the rungs' points, and the lines of the roofs they stand under.

    The intensity is that of the step itself: 4 operations for each number of X, which has to be read
    once. All points of a dtype have it; their labels are moved apart, so that each can be read.
    """
    roofs = list(_roofs(found, limits)) if limits else []
    points = [_point(ladder, row) for ladder in found for row in ladder.rows if row.figure.seconds]
    shown = roofline_heights(points, roofs)
    for choice in {ladder.choice for ladder in found}:
        spread_labels([point for point in points if choice._asdict().items() <= point.items()], "gflops", shown)
    return points, roofs


def roofline_heights(points: Data, roofs: Data) -> list[float]:
    """Return the ends of the roofline's upright axis, the same for every choice."""
    heights = [point["gflops"] for point in points] + [roof["y2"] for roof in roofs]
    return [min(heights) / 1.6, max(heights) * 2] if heights else []


def _point(ladder: Ladder, row: Row) -> dict[str, Any]:
    gflops = row.figure.gflops
    limit = row.limit and 4e-9 * ladder.samples * ladder.features / row.limit.seconds
    shown = {"time": seconds(row.figure.seconds), "limited by": limited(row)}
    return {**_row(ladder, row), "gflops": gflops, "intensity": 4 / ITEM[ladder.choice.dtype], "limit": limit, **shown}


def _row(ladder: Ladder, row: Row) -> dict[str, Any]:
    return {**ladder.choice._asdict(), "shape": shape(ladder.choice.source), **_who(row.rung)}


def _who(name: str) -> dict[str, Any]:
    """Name the rung, its family, and its place in it: the line's colour and dashes."""
    kin = [known for known in KNOWN if family(known) == family(name)]
    return {"rung": name, "family": family(name), "place": kin.index(name) % 8 if name in kin else 0}


def spread_labels(rows: Data, of: str, shown: Sequence[float]) -> None:
    """Give each row a height for its label: its own where there is room, else a line's distance from the next.

    Parameters
    ----------
    rows : list of dict
        They get a ``label``, in the unit of the axis.
    of : str
        The key of what is drawn.
    shown : sequence of float
        All that the axis, which is logarithmic, has to show.
    """
    rows.sort(key=lambda row: row[of])
    heights = [log10(row[of]) for row in rows]
    apart = LINE / HEIGHT * (log10(max(shown) / min(shown)) if rows else 0)
    for _ in range(200):  # neighbours that are too close push each other away, a little each time
        for i in range(len(heights) - 1):
            missing = max(0.0, apart - (heights[i + 1] - heights[i])) / 2
            heights[i] -= missing
            heights[i + 1] += missing
    for row, height in zip(rows, heights, strict=True):
        row["label"] = 10**height


def _roofs(found: Sequence[Ladder], limits: Limits) -> Iterator[dict[str, Any]]:
    """One slanted line for each level of the memory, one level line for the arithmetic."""
    for dtype, threads in dict.fromkeys((ladder.choice.dtype, ladder.choice.threads) for ladder in found):
        peak, read = limits.flops(dtype, int(threads)), limits.rates(int(threads))
        if peak is None:
            continue
        head = {"dtype": dtype, "threads": threads}
        low, high = INTENSITY
        for held, speed in _levels(read):
            line = {"x": low, "y": speed * low / 1e9, "x2": peak / speed, "y2": peak / 1e9}
            yield {**head, **line, "label": f"{size(held)}: {rate(speed)}"}
        knee = peak / max(speed for _, speed in read)
        line = {"x": knee, "y": peak / 1e9, "x2": high, "y2": peak / 1e9}
        yield {**head, **line, "label": f"FMA peak {number(peak / 1e9)} GFLOP/s"}


def _levels(read: Sequence[tuple[int, float]], apart: float = 1.6) -> list[tuple[int, float]]:
    """Return the working sets from the largest down, each read at least `apart` times as fast as the one before."""
    kept: list[tuple[int, float]] = []
    for held, speed in sorted(read, reverse=True):
        if not kept or speed > apart * kept[-1][1]:
            kept.append((held, speed))
    return kept


def heat(found: Sequence[Ladder]) -> Data:
    """Return the speed-up over NumPy of every rung; ``log`` is None where there is no number."""
    return [
        {**_row(ladder, row), "text": text if log is not None else "–", "log": log, "said": text}
        for ladder in found
        for row in ladder.rows
        for text, log in [_speedup_over_numpy(ladder, row)]
    ]


def _speedup_over_numpy(ladder: Ladder, row: Row) -> tuple[str, float | None]:
    if ladder.numpy is None or not row.figure.seconds:
        return row.figure.status, None
    over = ratio(ladder.numpy.sweeps, row.sweeps)
    return (times(over.value), log10(over.value)) if over else ("no common sweep", None)


def peers(found: Sequence[Ladder]) -> Data:
    """Return how many times our time each peer takes, with the interval."""
    return [
        {**_row(ladder, row), "ratio": turned.value, "low": turned.low, "high": turned.high,
         "said": f"{speedup(turned)} ({interval(turned)})"}
        for ladder in found
        for row in ladder.peers
        if row.relative
        for turned in [row.relative.inverse]
    ]  # fmt: skip


def parts(found: Sequence[Parts]) -> Data:
    """Return the parts of each rung's time, each as a share of all; one below zero is noise, and left out."""
    rows = []
    for one in found:
        positive = {name: taken for name, taken in (one.seconds or {}).items() if taken > 0}
        rows += [
            {"rung": one.rung, "input": input_of(one), "part": name, "place": list(positive).index(name),
             "share": taken / sum(positive.values()), "time": seconds(taken)}
            for name, taken in positive.items()
        ]  # fmt: skip
    return rows


def break_even(found: Sequence[BreakEven]) -> Data:
    """Return what calling each rung costs: before the first call, and for each."""
    rows: Data = []
    for _, group in groupby(found, lambda one: (one.choice, one.start)):
        here = [_cost(one) for one in group]
        spread_labels(here, "total", [end for row in here for end in (row["fixed"] + row["seconds"], row["total"])])
        rows += here
    return rows


def _cost(one: BreakEven) -> dict[str, Any]:
    calls = one.calls if one.calls is not None and 1 <= one.calls <= CALLS else None
    return {**one.choice._asdict(), "start": one.start, **_who(one.rung), "fixed": one.fixed, "seconds": one.seconds,
            "calls": calls, "total": one.fixed + CALLS * one.seconds}  # fmt: skip
