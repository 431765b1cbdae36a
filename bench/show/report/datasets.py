"""What the charts draw: rows of plain data, each with the selectors it belongs to."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Any

from ..ladder import NUMPY, Ladder, Row, family
from ..numbers import interval, number, rate, seconds, shape, size, speedup, threads
from ..tables import calls_of, input_of, limited, over_numpy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..result import Limits, Parts
    from .breakeven import BreakEven

Data = list[dict[str, Any]]

CALLS = 1e7  # the right end of the break-even chart


def shares(found: Sequence[Ladder]) -> Data:
    """Return the share of the machine's limit that each row reaches."""
    return [
        {**_row(ladder, row), "share": row.fraction, "said": limited(row), "time": seconds(row.figure.seconds),
         "least": f"{seconds(row.limit.seconds)}, {row.limit.resource}"}
        for ladder in found for row in ladder.rows if row.limit
    ]  # fmt: skip


def _row(ladder: Ladder, row: Row) -> dict[str, Any]:
    shown = {"shape": shape(ladder.choice.source), "rung": row.rung, "family": family(row.rung)}
    return ladder.choice._asdict() | shown


def heat(found: Sequence[Ladder]) -> Data:
    """Return the speed-up over NumPy of every rung; ``log`` is None where there is no number, or no difference."""
    return [
        {**_row(ladder, row), "text": said if over else "–", "said": said,
         "log": log10(over.value) if over and not over.undecided else None}
        for ladder in found for row in ladder.rows for said, over in [over_numpy(ladder, row)]
    ]  # fmt: skip


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
    """Return from which call on each rung has cost less than NumPy; None where that is not before `CALLS`."""
    return [
        {**one.choice._asdict(), "start": one.start, "rung": one.rung, "family": family(one.rung),
         "said": calls_of(one), "fixed": seconds(one.fixed), "each": seconds(one.seconds),
         "calls": max(1.0, one.calls) if one.calls is not None and one.calls < CALLS else None}
        for one in found if one.rung != NUMPY
    ]  # fmt: skip


def reads(limits: Limits | None) -> Data:
    """Return how fast so many threads read a working set."""
    return [
        {"threads": one.threads, "bytes": one.bytes, "rate": one.bytes_per_second,
         "said": f"{size(one.bytes)}, {threads(one.threads)}: {rate(one.bytes_per_second)}"}
        for one in (limits.bandwidth if limits else ())
    ]  # fmt: skip


def peaks(limits: Limits | None) -> Data:
    """Return how fast so many threads multiply and add."""
    return [
        {"of": f"{one.dtype}, {threads(one.threads)}", "flops": one.flops, "said": number(one.flops / 1e9)}
        for one in (limits.fma if limits else ())
    ]  # fmt: skip
