"""Plan once, step many times: the checks, the choice of threads and the work space are paid for once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from ..pyimpl.contract import Step, check_labels, check_samples, plain
from . import team, thread_limits, variants, wisdom

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 6  # at least, of each candidate, of which the fastest counts; the first fetches the work space's pages
LEAST_SECONDS = 1e-3  # to spend on each: so short a step varies most
NOISE = 1.05  # times that are no further apart do not differ


class Plan:
    """The step on one X and y, bound and ready. Make it with `plan`.

    X is not copied: change its values and the plan sees the change; y is copied where it had to be
    converted, and must not change where it was not. Calls from several Python threads at once are safe.

    The limits of `looptax.kernels.threads`, threadpoolctl, affinity and quota hold at each call, also where they
    have changed since the plan was made. A plan works in a forked child too.

    Attributes
    ----------
    samples, features : int
        The shape of X.
    dtype : numpy.dtype
        That of X, of the weights and of the results.
    """

    def __init__(self, X: np.ndarray, y: np.ndarray, at_most: int, reason: str | None = None) -> None:
        bound = variants.load("cython_plan").Bound(X, y, at_most)
        self.samples, self.features = X.shape
        self.dtype = X.dtype
        self._at_most = at_most
        self.step: Callable[[np.ndarray, float], Step] = bound.step
        self.step_into: Callable[[np.ndarray, float, np.ndarray], tuple[np.floating, np.floating]] = bound.step_into
        self._X, self._reason = X, reason

    @property
    def threads(self) -> int:
        """How many threads a call made now would use, if helpers are free; see `thread_limits`."""
        return min(self._at_most, thread_limits.shared(self._X))

    def objective(self, params: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the cost and its gradient, as ``scipy.optimize.minimize(..., jac=True)`` wants them.

        Parameters
        ----------
        params : numpy.ndarray, shape (n + 1,)
            The weights, and the intercept last.

        Returns
        -------
        J : float
        grad : numpy.ndarray, shape (n + 1,), float64
            A fresh array at each call: SciPy keeps it.
        """
        params = np.asarray(params)
        if params.shape != (self.features + 1,):
            raise ValueError(f"params has shape {params.shape}; expected ({self.features + 1},), the intercept last")
        result = self.step(params[:-1].astype(self.dtype), float(params[-1]))
        grad = np.empty(self.features + 1)
        grad[:-1], grad[-1] = result.dw, result.db
        return float(result.cost), grad

    def explain(self) -> str:
        """Say what was chosen and why; where nothing was, what a call made now would do."""
        return self._reason or thread_limits.which(self._X)

    def __repr__(self) -> str:
        return f"<Plan: {self.samples} x {self.features} {self.dtype}, threads={self.threads}>"


def plan(X: np.ndarray, y: np.ndarray, *, threads: int | None = None, effort: str = "estimate") -> Plan:
    """Check X and y, choose how to go about their step, and bind both to it.

    The choice is the number of threads alone; the way through X follows from its shape and layout, so
    that every plan of the same data returns the same bits.

    Parameters
    ----------
    X, y
        As in the contract.
    threads : int, optional
        How many threads to use at most; by default as many as there is room for, where they pay.
    effort : str
        "estimate" decides by the amount of work, "measure" by timing a step with one thread, two, four and so
        on, and remembers that (see `looptax.kernels.wisdom`). Where data of this shape, dtype and layout are
        remembered, both use it; ``looptax tune`` measures anew.

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
    y = plain(y, X.dtype)
    if effort not in ("estimate", "measure"):
        raise ValueError(f"effort is {effort!r}; expected 'estimate' or 'measure'")
    if threads is not None:
        at_most = thread_limits.positive("threads", threads)
        return Plan(X, y, at_most, f"{thread_limits.counted(at_most)} at most, as asked for")
    return Plan(X, y, *_choice(X, y, effort))


def _choice(X: np.ndarray, y: np.ndarray, effort: str) -> tuple[int, str | None]:
    """Return how many threads to use at most, and why; where there is one alone, nothing is measured."""
    times, found = None, "remembered to be"
    if team.available() > 1:
        times = wisdom.recall(X)
        if times is None and effort == "measure":
            times, found = measure(X, y), "measured to be"
            wisdom.remember(X, times)
    if times is None:
        return thread_limits.UNLIMITED, None
    threads = best(times)
    told = ", ".join(f"{count}: {seconds * 1e6:.3g} us" for count, seconds in times.items())
    return threads, f"{thread_limits.counted(threads)}, {found} as fast as any ({told})"


def best(times: dict[int, float]) -> int:
    """Return the fewest threads whose time is that of the fastest, up to noise."""
    return min(count for count, seconds in times.items() if seconds <= NOISE * min(times.values()))


def measure(X: np.ndarray, y: np.ndarray) -> dict[int, float]:
    """Return the seconds a step takes with one thread, two, four and so on; y has the dtype of X."""
    return {count: _seconds(Plan(X, y, count)) for count in _counts(team.available())}


def _counts(most: int) -> list[int]:
    """Return 1, 2, 4, and so on up to `most`, and `most` itself."""
    return sorted({1 << k for k in range(most.bit_length())} | {most})


def _seconds(candidate: Plan) -> float:
    arguments = candidate.step, np.zeros(candidate.features, candidate.dtype), 0.0
    once = least_seconds(1, *arguments)
    return least_seconds(CALLS + int(LEAST_SECONDS / once), *arguments)


def least_seconds(calls: int, function: Callable, *arguments: Any) -> float:
    """Return the time of the fastest of several calls."""
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)
