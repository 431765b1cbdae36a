"""What this machine can do at most, measured, and what that leaves of a step's time.

Three limits, each a lower bound on the seconds of a step:

- memory: X is read once, at the fastest rate at which as many threads read as large a working set;
- arithmetic: 4 operations per element of X, or as many as a variant does (see `Figure`), at the peak rate of fused
  multiply-adds; exp, log and division, of which a step has one each per sample, are not counted;
- call: a compiled function is entered that takes the arguments and does nothing.

The largest is the cell's limit. Before each sweep, each rate is measured as the best of many tries; as the
time of a cell is the median over the sweeps, so is a rate. (The best over the sweeps was tried: on a shared
machine one lucky moment doubled the memory's rate, and no cell came near it.) A cell that is faster than
its limit shows that the limit was measured badly: the fraction is shown as it is, above 1.
"""

from __future__ import annotations

from functools import cache, partial
from statistics import median
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import psutil
from msgspec.structs import replace

from ...kernels.choose import cpu, isa
from ..show import numbers
from ..show.numbers import rate, size
from ..show.result import Bandwidth, Fma, Limits
from . import machine
from .stopwatch import per_call, seconds
from .threads import usable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..show.result import DType, Figure

MIN_BYTES = 1 << 14  # fits every first-level cache
FAR_BYTES = 1 << 26  # beyond the caches of most machines
MAX_BYTES = 1 << 30  # some virtual machines tell of caches of hundreds of MB
TIMED_BYTES = 1 << 24  # read in one timing, in as many passes as it takes
STARTS = (0, 2)  # in numbers: on a cache line, and off it as NumPy's arrays are; each is faster somewhere
GRAIN = 64  # numbers, of which the probe wants a multiple for each thread
ROUNDS = 1_000_000  # of multiply-adds: a millisecond or so
POOR = 0.8  # of the rate that less was read at: a rate below it was measured badly
TRIES = 3  # in each sweep, of which the fastest counts


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


def measure(threads: Iterable[int], largest: int = MAX_BYTES) -> Limits:
    """Measure the limits for each number of threads, in half a second or so; without OpenMP for one thread alone.

    Parameters
    ----------
    threads : iterable of int
    largest : int
        Bytes of the largest X: larger working sets are not read, unless they are no larger than `FAR_BYTES`.
    """
    threads = tuple(threads) if cpu.openmp() else (1,)
    largest = min(_beyond_caches(), max(largest, FAR_BYTES))
    x = _aligned(largest // 8)
    dtypes: tuple[DType, ...] = ("float64", "float32")
    return Limits(
        [_bandwidth(x, size, number) for number in threads for size in _sizes(largest)],
        [_fma(dtype, number) for number in threads for dtype in dtypes],
        _call(),
    )


@cache
def here() -> Limits:
    """Return the limits for one thread and for all that there are, measured once a process."""
    return measure(sorted({1, usable()}))


def typical(found: Sequence[Limits]) -> Limits | None:
    """Return the median of each rate over several measurements, one a sweep; None of none."""
    if not found:
        return None
    reads, fmas = zip(*(one.bandwidth for one in found), strict=True), zip(*(one.fma for one in found), strict=True)
    return Limits(
        [replace(same[0], bytes_per_second=median(one.bytes_per_second for one in same)) for same in reads],
        [replace(same[0], flops=median(one.flops for one in same)) for same in fmas],
        median(one.call_seconds for one in found),
    )


def limit(figure: Figure, limits: Limits | None) -> Limit | None:
    """Return the largest of a figure's `bounds`; None where there are none."""
    return max(bounds(figure, limits), key=lambda one: one.seconds, default=None)


def bounds(figure: Figure, limits: Limits | None) -> list[Limit]:
    """Return the limits of a figure's cell, one for each resource.

    Parameters
    ----------
    figure : Figure
    limits : Limits or None

    Returns
    -------
    list of Limit
        Empty where the limits were not measured for its number of threads.
    """
    threads, dtype = figure.cell.threads, figure.cell.dtype
    read = limits.rates(threads) if limits else []
    flops = limits.flops(dtype, threads) if limits else None
    if not limits or not read or not flops:
        return []
    sizes, rates = zip(*read, strict=True)
    rate = np.interp(np.log(float(figure.bytes)), np.log(sizes), rates)
    return [
        Limit("memory", figure.bytes / float(rate)),
        Limit("arithmetic", figure.operations * figure.elements / flops),
        Limit("call", limits.call_seconds),
    ]


def faults(limits: Limits) -> list[str]:
    """Say which rates of reading were measured too low: fewer threads, or a larger working set, were read faster."""
    return [
        f"{numbers.threads(one.threads)} read {size(one.bytes)} at {rate(one.bytes_per_second)}, not at {rate(allowed)}"
        for one in limits.bandwidth
        for held, allowed in limits.rates(one.threads)
        if held == one.bytes and one.bytes_per_second < POOR * allowed
    ]


@cache
def _beyond_caches() -> int:
    """Return a working set of which the caches hold an eighth, but no more than a quarter of the free memory."""
    return min(max(8 * machine.last_level_bytes(), FAR_BYTES), MAX_BYTES, psutil.virtual_memory().available // 4)


def _sizes(largest: int) -> list[int]:
    """Return the working sets to read, in bytes: powers of two, and the largest."""
    powers = (MIN_BYTES << k for k in range(largest.bit_length()))
    return [*(size for size in powers if size < largest), largest]


def _aligned(numbers: int) -> np.ndarray:
    """Return ones from the start of a page on, and room for a later start."""
    block = np.ones(numbers + 512 + max(STARTS))
    return block[-block.ctypes.data % 4096 // 8 :]


def _bandwidth(x: np.ndarray, size: int, threads: int) -> Bandwidth:
    """Read `size` bytes, or as many as make the same whole number of grains for every thread."""
    numbers = max(size // 8 // (GRAIN * threads), 1) * GRAIN * threads
    passes = max(TIMED_BYTES // (8 * numbers), 1)
    read = isa.load("parts.probe").read
    arrays = [x[start : start + numbers] for start in STARTS]
    least = min(seconds(read, array, threads, passes) for array in arrays for _ in range(TRIES))
    return Bandwidth(threads, 8 * numbers, 8 * numbers * passes / least)


def _fma(dtype: DType, threads: int) -> Fma:
    multiply_add = isa.load("parts.probe").multiply_add
    least = min(seconds(multiply_add, dtype, threads, ROUNDS) for _ in range(TRIES))
    return Fma(dtype, threads, 2 * multiply_add(dtype, threads, ROUNDS) * ROUNDS / least)


def _call() -> float:
    call = partial(isa.load("parts.probe").nothing, None, None, None, 0.0)
    return min(per_call(call, 10_000) for _ in range(TRIES))
