"""Plan once, step many times: the checks, the choice of threads and the work space are paid for once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from ...pyimpl.parts.contract import (
    check_class_labels,
    check_l2,
    check_labels,
    check_sample_weight,
    check_samples,
    shown,
)
from . import isa, team, thread_limits, wisdom
from .compressed import check_compressed, is_sparse
from .plans import DensePlan, Plan, VariantPlan
from .which import KERNEL, counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .schedule import Schedule
    from .wisdom import Times

ROUNDS = 4  # of a race: the candidates take turns, and of each the fastest call counts
MIN_SECONDS = 1e-3  # of each candidate in a round: short steps vary most
DROPPED = 1.25  # times the best: so far behind, a candidate leaves the race
NOISE = 1.05  # times that are no further apart do not differ


def plan(
    X: Any,
    y: np.ndarray,
    *,
    sample_weight: np.ndarray | None = None,
    l2: float = 0.0,
    classes: int | None = None,
    threads: int | None = None,
    effort: str = "estimate",
) -> Plan:
    """Check X and y, choose how to go about their step, and bind both to it.

    The cost is the mean of the samples' losses, each times its weight, and l2 / 2 times the square of each feature's
    weight; the intercept is not penalised.

    What is chosen is the schedule (see `looptax.kernels.choose.schedule`) and the number of threads. Neither decides
    in which order numbers are added, so that every plan of the same data returns the same bits.

    X is not copied, and y only where it has to be converted to the dtype of X or made contiguous: the plan sees what
    is written to them later. It does not check labels that are written later: see `Plan`.

    Parameters
    ----------
    X : numpy.ndarray or scipy.sparse.csr_array, shape (m, n)
        As in the contract; or SciPy's compressed rows, float32 or float64, with int32 or int64 indices, in which
        entries may be unsorted and repeated ones add up.
    y : numpy.ndarray, shape (m,)
        Labels 0 and 1; with `classes`, whole numbers from 0 to classes - 1.
    sample_weight : numpy.ndarray, shape (m,), optional
        What each sample counts: finite, 0 or more, not all 0; real numbers of any dtype, rounded to that of X. A sample
        of weight 0 adds 0 times its loss: where that is infinite or a NaN, the result is a NaN.
    l2 : float
        The strength of the penalty, 0 or more.
    classes : int, optional
        2 or more: how many classes there are, each with weights of its own (softmax). By default there are two, and
        one weight vector.
    threads : int, optional
        How many threads to use at most; by default as many as there is room for, where they pay.
    effort : str
        "estimate" decides by shape, layout and CPU, "measure" by timing the schedules there are with one thread,
        two, four and so on, and remembers that (see `looptax.kernels.choose.wisdom`). Where data of this shape,
        dtype and layout are remembered, both use it; ``looptax tune`` measures anew. For several classes and sparse
        X there is one schedule, and nothing to measure.

    Returns
    -------
    Plan

    Raises
    ------
    TypeError, ValueError
        As `contract.check`; also for weights and a penalty that are not as above, a number of threads below 1 and an
        unknown effort.

    Examples
    --------
    >>> import numpy as np
    >>> p = plan(np.array([[1.0], [2.0], [4.0]]), np.array([0, 1, 1]), l2=0.5)
    >>> round(float(p.step(np.zeros(1), 0.0).cost), 6)
    0.693147
    """
    sparse = is_sparse(X)
    (check_compressed if sparse else check_samples)(X)
    if classes is not None:
        classes = thread_limits.positive("classes", classes)
        check_class_labels(y, X.shape[0], classes)
    else:
        check_labels(y, X.shape[0])
    if sample_weight is not None:
        check_sample_weight(sample_weight, X.shape[0])
    l2 = check_l2(l2)
    if effort not in ("estimate", "measure"):
        raise ValueError(f"effort is {shown(effort)}; expected 'estimate' or 'measure'")
    asked = None if threads is None else thread_limits.positive("threads", threads)
    if sparse or classes:
        return VariantPlan(X, y, sample_weight, l2, classes, asked or thread_limits.UNLIMITED)
    at_most, how, reason = _choice(X, y, effort)
    if asked is not None:
        at_most = asked
        reason = f"{counted(at_most)} at most, as asked for" + (f", {how}" if how else "")
    return DensePlan(X, y, sample_weight, l2, None, at_most, how, reason)


def _choice(X: np.ndarray, y: np.ndarray, effort: str) -> tuple[int, Schedule | None, str | None]:
    """Return how many threads to use at most, the schedule, and why; Nones for those that `fastest` would take."""
    times, found = wisdom.recall(X), "remembered to be"
    if times is None and effort == "measure":
        times, found = measure(X, y), "measured to be"
        wisdom.remember(X, times)
    if times is None:
        return thread_limits.UNLIMITED, None, None
    how, threads = best(times)
    told = ", ".join(f"{count}: {seconds * 1e6:.3g} us" for count, seconds in times[how].items())
    return threads, how, f"{counted(threads)} and {how}, {found} as fast as any ({told})"


def best(times: Times) -> tuple[Schedule, int]:
    """Return the schedule and the fewest threads whose time is that of the fastest, up to noise."""
    least = min(min(found.values()) for found in times.values())
    threads = min(count for found in times.values() for count, seconds in found.items() if seconds <= NOISE * least)
    return min((how for how in times if threads in times[how]), key=lambda how: times[how][threads]), threads


def measure(X: np.ndarray, y: np.ndarray) -> Times:
    """Return the seconds a step takes by each schedule, with one thread, two, four and so on.

    Those that fell behind with all threads are not tried with fewer.
    """
    left: Iterable[Schedule] = isa.load(KERNEL).candidates(X)
    times: Times = {}
    for count in reversed(_counts(team.available())):
        found = race({how: DensePlan(X, y, at_most=count, how=how) for how in left})
        left = list(found)
        for how, seconds in found.items():
            times.setdefault(how, {})[count] = seconds
    return {how: dict(sorted(found.items())) for how, found in times.items()}


def race(plans: Mapping[Schedule, Plan], keep: Schedule | None = None, rounds: int = ROUNDS) -> dict[Schedule, float]:
    """Return the seconds of a step of each plan that is not far behind the best, and of the one to keep."""
    calls = {how: 1 + int(MIN_SECONDS / _seconds(plan, 1)) for how, plan in plans.items()}
    times = dict.fromkeys(plans, float("inf"))
    settle()
    for _ in range(rounds):
        times = {how: min(seconds, _seconds(plans[how], calls[how])) for how, seconds in times.items()}
        last = DROPPED * min(times.values())
        times = {how: seconds for how, seconds in times.items() if seconds <= last or how == keep}
    return times


def settle() -> None:
    """Wait until no thread of this process is busy, for a second at most.

    OpenBLAS's threads look for work for a tenth of a second after a product; meanwhile every OpenMP region
    of whoever comes next takes 4 ms longer, and a helper of ours keeps away.
    """
    end = time.perf_counter() + 1
    while time.perf_counter() < end:
        busy = time.process_time()
        time.sleep(0.002)
        if time.process_time() - busy < 0.0005:
            return


def _counts(most: int) -> list[int]:
    """Return 1, 2, 4, and so on up to `most`, and `most` itself."""
    return sorted({1 << k for k in range(most.bit_length())} | {most})


def _seconds(plan: Plan, calls: int) -> float:
    """Return the time of the fastest of several steps."""
    w, times = np.zeros(plan.features, plan.dtype), []
    for _ in range(calls):
        start = time.perf_counter()
        plan.step(w, 0.0)
        times.append(time.perf_counter() - start)
    return min(times)
