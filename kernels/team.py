"""How many threads a call gets: those that are there, if starting them costs less than they save.

What entering a parallel region costs, and what an element and a sample cost, is measured on this
machine, in each process, at the first call that is large enough to ask.
"""

from __future__ import annotations

import math
import os
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..pyimpl.contract import check_samples
from . import region, variants

if TYPE_CHECKING:
    from collections.abc import Callable

MARGIN = 2.0  # threads that have gone to sleep wake more slowly than those the measurement finds
LIMITS = ("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
AGAIN = 1.0  # seconds until the cost of a region is measured again

_regions: dict[int, tuple[float, float, float]] = {}  # threads → cost, when to measure again, and then after
_forked = False


def size(samples: int, elements: int) -> int:
    """Return how many threads pay for a call on `elements` numbers in `samples` rows."""
    threads = most()
    if threads == 1:
        return 1
    return threads if alone(samples, elements) * (1 - 1 / threads) > MARGIN * region_seconds(threads) else 1


def alone(samples: int, elements: int) -> float:
    """Return the seconds that one thread would need for such a call."""
    per_sample, per_element = work_seconds()
    return samples * per_sample + elements * per_element


def which(X: np.ndarray) -> str:
    """Say how `looptax.kernels.fastest` will go about a step on X, and why.

    Parameters
    ----------
    X : numpy.ndarray, shape (m, n)
        float32 or float64, any strides.

    Returns
    -------
    str
        The kernel and its instruction set, the way through X, and the number of threads with the
        measurements it follows from.

    Raises
    ------
    TypeError, ValueError
        X is not what the contract asks for.
    """
    check_samples(X)
    threads = size(len(X), X.size)
    reason = f"one thread would need about {alone(len(X), X.size) * 1e6:.3g} us"
    if most() > 1:
        reason += f", entering a parallel region costs {region_seconds(most()) * 1e6:.3g} us"
    return f"cython_fused for {variants.chosen('cython_fused')}, {layout(X)}, {counted(threads)}: {reason}"


def layout(X: np.ndarray) -> str:
    """Return which way through X there is: along "rows", along "columns", or "strided"."""
    return "rows" if X.flags.c_contiguous else "columns" if X.flags.f_contiguous else "strided"


def counted(threads: int) -> str:
    """Return a number of threads in words."""
    return "1 thread" if threads == 1 else f"{threads} threads"


def most() -> int:
    """Return how many threads there are: what OMP_NUM_THREADS, threadpoolctl, affinity and quota leave.

    One in a forked child: the threads of libgomp do not come along, and a region would wait for them
    forever (scikit-learn issue 19272).
    """
    return 1 if _forked else min(region.threads(), quota())


@cache
def quota() -> int:
    """Return how many CPUs the container's quota amounts to, rounded up; all of them without one."""
    for path in map(Path, LIMITS):
        try:
            words = path.read_text().split()
            period = words[1] if len(words) > 1 else path.with_name("cpu.cfs_period_us").read_text()
            if int(words[0]) > 0:
                return max(1, math.ceil(int(words[0]) / int(period)))
        except (OSError, ValueError, IndexError):  # no such file, or "max": no quota
            continue
    return os.cpu_count() or 1


def region_seconds(threads: int) -> float:
    """Return what entering a parallel region of so many threads costs: the least seen so far.

    It is measured again from time to time, ever more rarely: at first another process may have been in the way.
    """
    cost, due, wait = _regions.get(threads, (math.inf, 0.0, AGAIN))
    now = time.monotonic()
    if now >= due:
        cost = min(cost, region.seconds(threads))
        _regions[threads] = cost, now + wait, 2 * wait
    return cost


@cache
def work_seconds() -> tuple[float, float]:
    """Return what a sample and an element cost on one thread, from data small enough for the cache.

    Three shapes separate them from the cost of the call. None is large enough to come back here.
    """
    step = variants.load("cython_fused").step
    call, wide, long = (
        least_seconds(20, step, np.ones((m, n)), np.ones(m), np.ones(n), 0.0) for m, n in ((8, 8), (64, 64), (2048, 2))
    )
    element = max(wide - call, 1e-9) / 4096
    sample = max(long - wide, 1e-9) / 1984
    return sample, element


def least_seconds(calls: int, function: Callable, *arguments: Any) -> float:
    """Return the time of the fastest of several calls."""
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def _after_fork() -> None:
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
