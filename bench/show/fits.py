"""The table of whole fits, and what it comes to: our time in units of the best of the others."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from ..measure.fits import LEVEL, OURS
from .numbers import digits, seconds, shape, speedup, times
from .ratios import mean, ratio
from .tables import Line, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..measure.fits import Fit


def by_input(fits: Sequence[Fit]) -> Iterator[tuple[tuple[str, str], list[Fit]]]:
    """Yield (source, dtype) and the fits of it, one input after the other."""
    for key, group in groupby(fits, key=lambda fit: (fit.source, fit.dtype)):
        yield key, list(group)


def tables(fits: Sequence[Fit]) -> Iterator[Table]:
    """Make a table for each input and dtype."""
    for (source, dtype), found in by_input(fits):
        ours = next((fit.seconds for fit in found if fit.solver == OURS), [])
        least = min((fit.objective for fit in found if not fit.problem), default=0.0)
        yield Table(
            f"{shape(source)}, {dtype}",
            ("solver", "time", "iterations", "gradient", "objective above the best", "our time times"),
            [_line(fit, ours, least) for fit in found],
            text=(),
        )


def _line(fit: Fit, ours: list[float], least: float) -> Line:
    if fit.problem:
        return Line((fit.solver,), fit.problem)
    above = digits((fit.objective - least) / abs(least) if least else 0.0)
    compared = "" if fit.solver == OURS else speedup(ratio(fit.seconds, ours))
    time = seconds(float(np.median(fit.seconds)))
    return Line((fit.solver, time, str(fit.iterations), digits(fit.gradient), above, compared))


def answer(fits: Sequence[Fit]) -> str:
    """Return how many times our time the best of the others takes: geometric mean over the inputs, and the worst."""
    pairs = {}
    for key, some in by_input(fits):
        found = {fit.solver: fit.seconds for fit in some if not fit.problem}
        others = [found[name] for name in found if name != OURS]
        if OURS in found and others:
            pairs[key] = (min(others, key=np.median), found[OURS])
    if not pairs:
        return "There is no input that we and another program fitted."
    each = {key: float(np.median(theirs) / np.median(ours)) for key, (theirs, ours) in pairs.items()}
    worst = min(each, key=lambda key: each[key])
    all_of_them = mean(list(pairs.values()))
    return (
        f"The best of the others takes {speedup(all_of_them)} our time (geometric mean of {len(pairs)} inputs), "
        f"{times(each[worst])} on {' '.join(worst)}; every gradient is at most {LEVEL:g}."
    )
