"""What this machine can do at most, measured, and what that leaves of a step's time.

Three limits, each a lower bound on the seconds of a step:

- memory: X is read once, at the fastest rate at which as many threads read as large a working set;
- arithmetic: 4 operations per element of X (see `results.Figure`) at the peak rate of fused
  multiply-adds; exp, log and division, of which a step has one each per sample, are not counted;
- call: a compiled function is entered that takes the arguments and does nothing.

The largest is the cell's limit. Before each sweep, each rate is measured as the best of many tries; as the
time of a cell is the median over the sweeps, so is a rate. (The best over the sweeps was tried: on a shared
machine one lucky moment doubled the memory's rate, and no cell came near it.) A cell that is faster than
its limit shows that the limit was measured badly: the fraction is shown as it is, above 1.
"""

from __future__ import annotations

import timeit
from functools import cache, partial
from statistics import median
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import psutil

from ...kernels.choose import cpu, isa
from ...kernels.choose.planner import least_seconds
from . import machine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..show.results import Figure

LEAST_BYTES = 1 << 14  # fits every first-level cache
MOST_BYTES = 1 << 26  # at least; and eight times the last-level caches, which still hold an eighth of it
TIMED_BYTES = 1 << 26  # read in one timing, in as many passes as it takes
STARTS = (0, 2)  # in numbers: on a cache line, and off it as NumPy's arrays are; each is faster somewhere
GRAIN = 64  # numbers, of which the probe wants a multiple for each thread
ROUNDS = 1_000_000  # of multiply-adds: a millisecond or so
TRIES = 8  # of which the fastest counts


class Limit(NamedTuple):
    """The least time a step can take here.

    Attributes
    ----------
    resource : str
        What it is spent on.
    seconds : float
        How long.
    """

    resource: Literal["memory", "arithmetic", "call"]
    seconds: float


def measure(threads: Iterable[int]) -> dict[str, Any]:
    """Measure the limits for each number of threads, in half a second or so.

    Returns
    -------
    dict
        Section ``limits`` of the result document, see `results`. Without OpenMP for one thread alone.
    """
    threads = tuple(threads) if cpu.openmp() else (1,)
    largest = _largest()
    x = _aligned(largest // 8)
    return {
        "bandwidth": [_bandwidth(x, size, number) for number in threads for size in _sizes(largest)],
        "fma": [_fma(dtype, number) for number in threads for dtype in ("float64", "float32")],
        "call_seconds": _call(),
    }


def typical(found: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the median of each rate over several measurements, one a sweep; None of none."""
    if not found:
        return None

    def middle(section: str, rate: str) -> list[dict[str, Any]]:
        same = zip(*(one[section] for one in found), strict=True)
        return [points[0] | {rate: median(point[rate] for point in points)} for points in same]

    return {
        "bandwidth": middle("bandwidth", "bytes_per_second"),
        "fma": middle("fma", "flops"),
        "call_seconds": median(one["call_seconds"] for one in found),
    }


def limit(figure: Figure, limits: dict[str, Any] | None) -> Limit | None:
    """Return the largest of a figure's `bounds`; None where there are none."""
    return max(bounds(figure, limits), key=lambda one: one.seconds, default=None)


def bounds(figure: Figure, limits: dict[str, Any] | None) -> list[Limit]:
    """Return the limits of a figure's cell, one for each resource.

    Parameters
    ----------
    figure : Figure
    limits : dict or None
        What `measure` returned.

    Returns
    -------
    list of Limit
        Empty where the limits were not measured for its number of threads.
    """
    threads, dtype = figure.cell.threads, figure.cell.dtype
    read = [point for point in limits["bandwidth"] if point["threads"] == threads] if limits else []
    if not limits or not read:
        return []
    sizes, rates = ([point[name] for point in read] for name in ("bytes", "bytes_per_second"))
    rate = np.interp(np.log(figure.bytes), np.log(sizes), rates)
    flops = next(p["flops"] for p in limits["fma"] if (p["threads"], p["dtype"]) == (threads, dtype))
    return [
        Limit("memory", figure.bytes / float(rate)),
        Limit("arithmetic", 4 * figure.samples * figure.features / flops),
        Limit("call", limits["call_seconds"]),
    ]


@cache
def _largest() -> int:
    """Return the largest working set: beyond all caches, but no more than a quarter of the free memory."""
    return min(max(8 * machine.last_level_bytes(), MOST_BYTES), psutil.virtual_memory().available // 4)


def _sizes(largest: int) -> list[int]:
    """Return the working sets to read, in bytes: powers of two, and the largest."""
    powers = (LEAST_BYTES << k for k in range(largest.bit_length()))
    return [*(size for size in powers if size < largest), largest]


def _aligned(numbers: int) -> np.ndarray:
    """Return ones from the start of a page on, and room for a later start."""
    block = np.ones(numbers + 512 + max(STARTS))
    return block[-block.ctypes.data % 4096 // 8 :]


def _bandwidth(x: np.ndarray, size: int, threads: int) -> dict[str, Any]:
    """Read `size` bytes, or as many as make the same whole number of grains for every thread."""
    numbers = max(size // 8 // (GRAIN * threads), 1) * GRAIN * threads
    passes = max(TIMED_BYTES // (8 * numbers), 1)
    read = isa.load("parts.probe").read
    seconds = min(least_seconds(TRIES, read, x[start : start + numbers], threads, passes) for start in STARTS)
    return {"threads": threads, "bytes": 8 * numbers, "bytes_per_second": 8 * numbers * passes / seconds}


def _fma(dtype: str, threads: int) -> dict[str, Any]:
    multiply_add = isa.load("parts.probe").multiply_add
    seconds = least_seconds(TRIES, multiply_add, dtype, threads, ROUNDS)
    return {"dtype": dtype, "threads": threads, "flops": 2 * multiply_add(dtype, threads, ROUNDS) * ROUNDS / seconds}


def _call() -> float:
    call = partial(isa.load("parts.probe").nothing, None, None, None, 0.0)
    number = 10_000
    return min(timeit.repeat(call, number=number, repeat=TRIES)) / number
