"""Break-even: after how many calls a compiled rung has paid for its import and its compiling."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..ladder import NUMPY, Choice, Ladder, Row
from ..ratios import ratio

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..result import Costs

STARTS = {
    "later": ("import_seconds", "cached_seconds"),
    "first": ("import_seconds", "cold_seconds", "build_seconds"),
}  # a process that finds everything compiled, and one that has to compile it


class BreakEven(NamedTuple):
    """What calling a rung costs in all, and from when on that is less than NumPy.

    Attributes
    ----------
    choice : Choice
    rung : str
    start : str
        A key of `STARTS`: what is paid before the first call.
    fixed : float
        Seconds paid before the first call.
    seconds : float
        Seconds of each call.
    calls : float or None
        From this many calls on it has cost less than NumPy: 0 from the start, infinity never; None
        where no difference was seen between their calls.
    """

    choice: Choice
    rung: str
    start: str
    fixed: float
    seconds: float
    calls: float | None


def break_even(found: Sequence[Ladder], costs: Sequence[Costs]) -> Iterator[BreakEven]:
    """Find it for NumPy itself and each compiled rung of each ladder that has both.

    Parameters
    ----------
    found : sequence of Ladder
    costs : sequence of Costs
        What a result has under `rungs`.
    """
    for start, names in STARTS.items():
        compiled = [cost for cost in costs if cost.rung == NUMPY or cost.family in ("numba", "cython")]
        fixed = {cost.rung: _sum(cost, names) for cost in compiled if cost.import_seconds is not None}
        for ladder in found:
            rows = {row.rung: row for row in ladder.own if row.figure.seconds and row.rung in fixed}
            if NUMPY in rows:
                for row in rows.values():
                    calls = _calls(row, rows[NUMPY], fixed[row.rung] - fixed[NUMPY])
                    yield BreakEven(ladder.choice, row.rung, start, fixed[row.rung], row.figure.seconds or 0, calls)


def _sum(cost: Costs, names: tuple[str, ...]) -> float:
    return sum(getattr(cost, name) or 0.0 for name in names)


def _calls(row: Row, numpy: Row, extra: float) -> float | None:
    """Return the number of calls that save `extra` seconds."""
    compared = ratio(numpy.sweeps, row.sweeps)
    if compared is None or compared.undecided or not row.figure.seconds or not numpy.figure.seconds:
        return None
    saved = numpy.figure.seconds - row.figure.seconds
    return float("inf") if saved <= 0 else max(0.0, extra / saved)
