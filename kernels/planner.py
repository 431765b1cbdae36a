"""Plan once, step many times: the checks, the choice of threads and the work space are paid for once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..pyimpl.contract import Step, check_labels, check_samples, plain
from . import team, variants, wisdom

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 6  # at least, of each candidate, of which the fastest counts; the first fetches the work space's pages
LEAST_SECONDS = 1e-3  # to spend on each: so short a step varies most
NOISE = 1.05  # times that are no further apart do not differ


class Plan:
    """The step on one X and y, bound and ready. Make it with `plan`.

    X is not copied: change its values and the plan sees the change; y is copied where it had to be
    converted, and must not change where it was not. Calls from several Python threads at once are safe.

    Attributes
    ----------
    samples, features : int
        The shape of X.
    dtype : numpy.dtype
        That of X, of the weights and of the results.
    threads : int
        How many threads each call uses.
    """

    def __init__(self, X: np.ndarray, y: np.ndarray, threads: int, reason: str) -> None:
        bound = variants.load("cython_plan").Bound(X, y, threads)
        self.samples, self.features = X.shape
        self.dtype = X.dtype
        self.threads = threads
        self.step: Callable[[np.ndarray, float], Step] = bound.step
        self.step_into: Callable[[np.ndarray, float, np.ndarray], tuple[np.floating, np.floating]] = bound.step_into
        self._reason = reason

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
        """Say what was chosen and why."""
        return self._reason

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
        How many threads to use; by default as many as pay.
    effort : str
        "estimate" decides by a model with this machine's measured costs, "measure" by timing a step with
        one thread, two, four and so on, and remembers that (see `looptax.kernels.wisdom`). Where data of
        this shape, dtype and layout are remembered, both use it; ``looptax tune`` measures anew.

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
        if not isinstance(threads, (int, np.integer)) or isinstance(threads, bool) or threads < 1:
            raise ValueError(f"threads is {threads!r}; expected a positive integer")
        return Plan(X, y, int(threads), f"{team.counted(threads)}, as asked for")
    return Plan(X, y, *_choice(X, y, effort))


def _choice(X: np.ndarray, y: np.ndarray, effort: str) -> tuple[int, str]:
    """Return how many threads to use, and why; where there is one alone, nothing is measured."""
    times, found = None, "remembered to be"
    if team.most() > 1:
        times = wisdom.recall(X)
        if times is None and effort == "measure":
            times, found = measure(X, y), "measured to be"
            wisdom.remember(X, times)
    if times is None:
        return team.size(len(X), X.size), team.which(X)
    threads = best(times)
    told = ", ".join(f"{count}: {seconds * 1e6:.3g} us" for count, seconds in times.items())
    return threads, f"{team.counted(threads)}, {found} as fast as any ({told})"


def best(times: dict[int, float]) -> int:
    """Return the fewest threads whose time is that of the fastest, up to noise."""
    return min(count for count, seconds in times.items() if seconds <= NOISE * min(times.values()))


def measure(X: np.ndarray, y: np.ndarray) -> dict[int, float]:
    """Return the seconds a step takes with one thread, two, four and so on; y has the dtype of X."""
    return {count: _seconds(Plan(X, y, count, "")) for count in _counts(team.most())}


def _counts(most: int) -> list[int]:
    """Return 1, 2, 4, and so on up to `most`, and `most` itself."""
    return sorted({1 << k for k in range(most.bit_length())} | {most})


def _seconds(candidate: Plan) -> float:
    arguments = candidate.step, np.zeros(candidate.features, candidate.dtype), 0.0
    once = team.least_seconds(1, *arguments)
    return team.least_seconds(CALLS + int(LEAST_SECONDS / once), *arguments)
