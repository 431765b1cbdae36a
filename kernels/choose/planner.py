"""Plan once, step many times: the checks, the choice of threads and the work space are paid for once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ...pyimpl.parts.contract import Step, check_array, check_labels, check_samples, described, plain, shown
from . import isa, team, thread_limits, wisdom
from .which import KERNEL, counted, shared, which

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .schedule import Schedule
    from .wisdom import Times

ROUNDS = 4  # of a race: the candidates take turns, and of each the fastest call counts
MIN_SECONDS = 1e-3  # of each candidate in a round: short steps vary most
DROPPED = 1.25  # times the best: so far behind, a candidate leaves the race
NOISE = 1.05  # times that are no further apart do not differ

Bound: Any = isa.load(KERNEL).Bound


class Plan(Bound):
    """The step on one X and y, bound and ready. Make it with `plan`.

    X is not copied: change its values and the plan sees the change. y is copied where it had to be converted; where
    it was not, a change of it is seen too, and the new labels are not checked: what comes of others than 0 and 1 is
    no answer. Calls from several Python threads at once are safe.

    The limits of `looptax.kernels.threads`, threadpoolctl, affinity and quota hold at each call, also where they
    have changed since the plan was made. A plan works in a forked child too.

    A copy, or one that is unpickled, has the schedule and the bound of threads of this one. ``copy.copy`` shares X and
    y; ``copy.deepcopy`` copies them, and a pickle takes all of them along.

    Attributes
    ----------
    X, y : numpy.ndarray
        The data it is bound to; y in the dtype of X.
    samples, features : int
        The shape of X.
    dtype : numpy.dtype
        That of X, of the weights and of the results.
    """

    X: np.ndarray
    y: np.ndarray
    samples: int
    features: int
    dtype: np.dtype
    step: Callable[[np.ndarray, float], Step]
    step_into: Callable[[np.ndarray, float, np.ndarray], tuple[np.floating, np.floating]]

    def __new__(
        cls, X: np.ndarray, y: np.ndarray, at_most: int, how: Schedule | None = None, reason: str | None = None
    ) -> Self:
        """Bind X and y, which are checked; a call has at most so many threads, `how` is None for what suits X."""
        y = plain(y, X.dtype)
        made = super().__new__(cls, X, y, at_most, how)
        made.X, made.y, made.dtype = X, y, X.dtype
        made.samples, made.features = X.shape
        made._at_most, made._how, made._reason = at_most, how, reason
        return made

    def __reduce__(self) -> tuple[type[Plan], tuple[Any, ...]]:
        return Plan, (self.X, self.y, self._at_most, self._how, self._reason)

    @property
    def threads(self) -> int:
        """How many threads a call made now would use, if helpers are free; see `thread_limits`."""
        return min(self._at_most, shared(self.X))

    def objective(self, params: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the cost and its gradient, as ``scipy.optimize.minimize(..., jac=True)`` wants them.

        Parameters
        ----------
        params : numpy.ndarray, shape (n + 1,)
            The weights, and the intercept last; real numbers of any dtype.

        Returns
        -------
        J : float
        grad : numpy.ndarray, shape (n + 1,), float64
            A fresh array at each call: SciPy keeps it.

        Raises
        ------
        TypeError, ValueError
            `params` is no array of so many real numbers. Complex ones are refused, whose imaginary part would be
            lost: there is no complex-step derivative of this cost.
        """
        check_array("params", params, 1, "the weights and then the intercept")
        if params.dtype.kind not in "iuf":
            raise TypeError(f"params has dtype {described(params.dtype)}; expected real numbers")
        if params.shape != (self.features + 1,):
            raise ValueError(f"params has shape {params.shape}; expected ({self.features + 1},), the intercept last")
        result = self.step(params[:-1].astype(self.dtype), float(params[-1]))
        grad = np.empty(self.features + 1)
        grad[:-1], grad[-1] = result.dw, result.db
        return float(result.cost), grad

    def explain(self) -> str:
        """Say what was chosen and why; where nothing was, what a call made now would do."""
        return self._reason or which(self.X)

    def __repr__(self) -> str:
        return f"<Plan: {self.samples} x {self.features} {self.dtype}, threads={self.threads}>"


def plan(X: np.ndarray, y: np.ndarray, *, threads: int | None = None, effort: str = "estimate") -> Plan:
    """Check X and y, choose how to go about their step, and bind both to it.

    What is chosen is the schedule (see `looptax.kernels.choose.schedule`) and the number of threads. Neither decides
    in which order numbers are added, so that every plan of the same data returns the same bits.

    X is not copied, and y only where it has to be converted to the dtype of X or made contiguous: the plan sees what
    is written to them later. It does not check labels that are written later: see `Plan`.

    Parameters
    ----------
    X, y
        As in the contract.
    threads : int, optional
        How many threads to use at most; by default as many as there is room for, where they pay.
    effort : str
        "estimate" decides by shape, layout and CPU, "measure" by timing the schedules there are with one thread,
        two, four and so on, and remembers that (see `looptax.kernels.choose.wisdom`). Where data of this shape,
        dtype and layout are remembered, both use it; ``looptax tune`` measures anew.

    Returns
    -------
    Plan

    Raises
    ------
    TypeError, ValueError
        As `contract.check`; also for a number of threads below 1 and an unknown effort.
    """
    check_samples(X)
    check_labels(y, X.shape[0])
    if effort not in ("estimate", "measure"):
        raise ValueError(f"effort is {shown(effort)}; expected 'estimate' or 'measure'")
    asked = None if threads is None else thread_limits.positive("threads", threads)
    at_most, how, reason = _choice(X, y, effort)
    if asked is not None:
        at_most = asked
        reason = f"{counted(at_most)} at most, as asked for" + (f", {how}" if how else "")
    return Plan(X, y, at_most, how, reason)


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
        found = race({how: Plan(X, y, count, how) for how in left})
        left = list(found)
        for how, seconds in found.items():
            times.setdefault(how, {})[count] = seconds
    return {how: dict(sorted(found.items())) for how, found in times.items()}


def race(plans: dict[Schedule, Plan], keep: Schedule | None = None, rounds: int = ROUNDS) -> dict[Schedule, float]:
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
