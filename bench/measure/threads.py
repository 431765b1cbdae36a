"""Set how many threads BLAS, OpenMP and Numba use, and verify that they do."""

from __future__ import annotations

import os
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from threadpoolctl import ThreadpoolController

from ...kernels.choose import cpu, region, team

if TYPE_CHECKING:
    from collections.abc import Iterator


class ThreadsError(RuntimeError):
    """A thread pool did not take the number of threads it was given."""


def usable() -> int:
    """Return how many CPUs this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def limited(threads: int) -> Iterator[dict[str, int]]:
    """Run the block with `threads` threads in every pool loaded so far.

    Yields
    ------
    dict
        What each pool reports after it was set: library → threads.

    Raises
    ------
    ThreadsError
        A pool reports another number.
    """
    # Numba first: starting its OpenMP pool sets the number of threads of the whole library.
    with _numba_limited(threads) as found, (pools := ThreadpoolController()).limit(limits=threads):
        found |= {f"{pool['internal_api']} ({pool['prefix']})": pool["num_threads"] for pool in pools.info()}
        wrong = {name: number for name, number in found.items() if number != threads}
        if wrong:
            raise ThreadsError(f"asked for {threads} threads, but {wrong}")
        yield found


def verify(kind: str, threads: int) -> None:
    """Raise `ThreadsError` where a rung whose threads are of that kind would get another number of them.

    What a pool reports, and `limited` verifies, is what it was told. OMP_THREAD_LIMIT, OMP_DYNAMIC and
    OMP_MAX_ACTIVE_LEVELS decide only when a region of OpenMP is entered; affinity and quota bound our own team.
    """
    if kind == "openmp" and threads > 1 and not cpu.openmp():
        raise ThreadsError("built without OpenMP, it runs on one thread")
    if kind == "openmp" and (got := region.got(threads)) != threads:
        raise ThreadsError(f"asked for {threads} threads, but OpenMP gave a parallel region {got}")
    if kind == "team" and (got := team.available()) != threads:
        raise ThreadsError(f"asked for {threads} threads, but there is room for {got}")


@contextmanager
def _numba_limited(threads: int) -> Iterator[dict[str, int]]:
    if not find_spec("numba"):
        yield {}
        return
    import numba

    most = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]  # set when Numba starts
    if threads > most:
        raise ThreadsError(f"asked for {threads} threads, but Numba was started with {most} (NUMBA_NUM_THREADS)")
    before = numba.get_num_threads()
    numba.set_num_threads(threads)
    try:
        yield {"numba": numba.get_num_threads()}
    finally:
        numba.set_num_threads(before)
