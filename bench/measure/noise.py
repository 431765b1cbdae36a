"""How quiet the machine was during a run, and why the run is not to be trusted where it was not."""

from __future__ import annotations

import os
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from ..show.ratios import floor
from ..show.result import ALONE, Noise
from .stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..show.result import Figure

    Reason = tuple[str, Mapping[str, float | None]]

# Beyond these a run is called unstable.
MAX_OTHERS = 0.5  # of a CPU
MAX_STEAL = 0.02
MAX_SPREAD = 0.10
MAX_FLOOR = 0.10  # from 1


class Watch:
    """Looks at the machine from its making to its report."""

    def __init__(self) -> None:
        self.load = _load()
        self.watch, self.own, self.all = Stopwatch(), _own_seconds(), psutil.cpu_times()
        self.mhz: list[float] = []

    def look(self) -> None:
        """Read the frequency, where this system tells it."""
        found = psutil.cpu_freq() if hasattr(psutil, "cpu_freq") else None
        if found and found.current:
            self.mhz.append(found.current)

    def report(self, figures: Sequence[Figure]) -> Noise:
        """Return how quiet the machine was, and why the run that gave these figures is not to be trusted."""
        after = _load()
        load = None if self.load is None or after is None else (self.load, after)
        mhz = (min(self.mhz), max(self.mhz)) if self.mhz else None
        found = Noise(load, self._steal(), mhz, spread(figures), [], self._others())
        found.unstable = unstable(found, floor(figures))
        return found

    def _others(self) -> float:
        """Return how many CPUs other processes kept busy, on average."""
        busy = _busy_seconds(psutil.cpu_times()) - _busy_seconds(self.all) - (_own_seconds() - self.own)
        return max(busy, 0.0) / self.watch.elapsed

    def _steal(self) -> float | None:
        """Return what share of its CPU time the hypervisor gave to others."""
        after = psutil.cpu_times()
        if not hasattr(after, "steal"):
            return None
        total = max(_busy_seconds(after) - _busy_seconds(self.all) + after.idle - self.all.idle, 0.0)
        stolen = max(after.steal - self.all.steal, 0.0)  # the counter of some machines goes back
        return stolen / (total + stolen) if total + stolen > 0 else 0.0


def spread(figures: Sequence[Figure]) -> float | None:
    """Return the median over the cells of how far apart the middle half of a cell's sweeps is, as a share of its time.

    None without two sweeps. The quartiles do not move with one bad sweep, nor with the number of sweeps.

    Cells of a machine made busy on purpose do not count.
    """
    times = [[time for time in figure.sweeps if time] for figure in figures if figure.cell.situation == ALONE]
    spreads = [np.subtract(*np.quantile(cell, (0.75, 0.25))) / median(cell) for cell in times if len(cell) > 1]
    return float(median(spreads)) if spreads else None


def unstable(found: Noise, aa: tuple[float, float] | None) -> list[str]:
    """Return why a run is not to be trusted, in sentences; none where it is.

    Parameters
    ----------
    found : Noise
    aa : tuple or None
        The A/A noise floor, see `ratios.floor`.
    """
    return [sentence.format(**numbers) for sentence, numbers in reasons(found, aa)]


def reasons(found: Noise, aa: tuple[float, float] | None) -> Iterator[Reason]:
    """Yield what `unstable` says as sentences with places for numbers, and the numbers: other languages have others."""
    if (found.others or 0) > MAX_OTHERS:
        yield "Other processes kept {others:.1f} CPUs busy.", {"others": found.others}
    if (found.steal or 0) > MAX_STEAL:
        yield "The hypervisor gave {steal:.0%} of the CPU time to other machines.", {"steal": found.steal}
    if (found.spread or 0) > MAX_SPREAD:
        sentence = "The times of a cell differ by {spread:.0%} between the middle half of its sweeps."
        yield sentence, {"spread": found.spread}
    if not aa:
        return
    ends = {"low": aa[0], "high": aa[1]}
    if not aa[0] <= 1 <= aa[1]:
        yield "A rung against itself is not 1 but {low:.3f} to {high:.3f}.", ends
    elif aa[0] < 1 - MAX_FLOOR or aa[1] > 1 + MAX_FLOOR:
        yield "A rung against itself is uncertain: {low:.3f} to {high:.3f}.", ends


def _load() -> float | None:
    """Return the load average of the last minute."""
    return psutil.getloadavg()[0] if hasattr(psutil, "getloadavg") else None


def _own_seconds() -> float:
    """Return the CPU time of this process and of its children that have ended."""
    return sum(os.times()[:4])


def _busy_seconds(times: Any) -> float:
    """Return the CPU time spent on anything; Linux counts guests in user already."""
    return sum(getattr(times, kind, 0.0) for kind in ("user", "nice", "system", "irq", "softirq"))
