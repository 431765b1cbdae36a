"""What a step on X will do, and why, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...pyimpl.parts.contract import check_samples
from . import isa, schedule, team

if TYPE_CHECKING:
    import numpy as np

KERNEL = "cython_tuned"


def which(X: np.ndarray) -> str:
    """Say how `looptax.kernels.fastest` will go about a step on X, and why.

    Parameters
    ----------
    X : numpy.ndarray, shape (m, n)
        float32 or float64, any strides.

    Returns
    -------
    str
        The kernel and its instruction set, the way through X, the schedule, and the number of threads with the
        reason.

    Raises
    ------
    TypeError, ValueError
        X is not what the contract asks for.
    """
    check_samples(X)
    room = team.available()
    how, shared = isa.load(KERNEL).schedule_of(X, room)
    if room == 1:
        reason = "there is room for no more"
    elif not shared:
        reason = "too little work to share"
    else:
        reason = "enough work to share with those that are free"
    threads = counted(room if shared else 1)
    return f"{KERNEL} for {isa.chosen(KERNEL)}, {layout(X)}, {how} ({schedule.source()}), {threads}: {reason}"


def shared(X: np.ndarray) -> int:
    """Return how many threads a call on X gets, if helpers are there."""
    room = team.available()
    return room if isa.load(KERNEL).schedule_of(X, room)[1] else 1


def layout(X: np.ndarray) -> str:
    """Return which way through X there is: along "rows", along "columns", or "strided"."""
    return "rows" if X.flags.c_contiguous else "columns" if X.flags.f_contiguous else "strided"


def counted(threads: int) -> str:
    """Return a number of threads in words."""
    return "1 thread" if threads == 1 else f"{threads} threads"
