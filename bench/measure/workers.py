"""Our step and our fit on a cluster of processes of this machine, and what a pass costs there whatever is done."""

from __future__ import annotations

import pickle
import warnings
from functools import partial
from importlib import import_module
from statistics import median
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from ...kernels.blocks.sums import number_of, step_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from pathlib import Path

    from ...kernels.dask import ClusterPlan
    from .cluster import Way

ITERATIONS = 5  # of a fit
FEW, MANY = 1, 64  # tasks of a pass
WIDE = 50_000  # numbers that go out, and come back, for a task of a wide pass
ROUNDS = 5


class Clients:
    """Clients of clusters of so many processes, each made when it is asked for first, and closed at the end."""

    def __init__(self, open_now: ExitStack) -> None:
        self._open_now = open_now
        self._made: dict[int, Any] = {}

    def of(self, workers: int) -> Any:
        """Return the client of a cluster of so many workers, of one thread each."""
        if workers not in self._made:
            distributed = import_module("distributed")
            cluster = self._open_now.enter_context(
                distributed.LocalCluster(
                    n_workers=workers, threads_per_worker=1, dashboard_address=":0", silence_logs=50
                )
            )
            self._made[workers] = self._open_now.enter_context(distributed.Client(cluster, set_as_default=False))
        return self._made[workers]


def through(client: Any, step: Callable[[], Any]) -> Callable[[], Any]:
    """Return a step during which a client is the current one, as parts of Dask ask for; there are several here."""

    def called() -> Any:
        with client.as_current(), warnings.catch_warnings(action="ignore"):  # fits end before they converge
            return step()

    return called


def step(client: Any, paths: list[Path], w: np.ndarray, way: Way) -> Callable[[], Any]:
    """Return our step over blocks that workers hold; the way learns what a pass costs."""
    from ...kernels.dask import plan

    with client.as_current():
        there = plan(*paths, client=client)
        function = partial(step_of, w=w, b=0.5, order="C", at_most=1)
        found = list(there.each(function))
        way.tasks = len(found)
        way.shipped = way.tasks * len(pickle.dumps(function)) + sum(len(pickle.dumps(one)) for one in found)
        way.latency, way.per_task, way.per_byte = costs(there)
    return through(client, partial(there.step, w, 0.5))


def fit(client: Any, paths: list[Path], way: Way) -> Callable[[], Any]:
    """Return our estimator's fit of a few iterations; the way learns how often it asks for loss and gradient."""
    from ...kernels.dask import ClusterPlan, plan
    from ...kernels.sklearn import LogisticRegression

    with client.as_current():
        there = plan(*paths, client=client)
    model, objective = LogisticRegression(tol=0.0, max_iter=ITERATIONS), ClusterPlan.objective

    def counted(self: ClusterPlan, params: np.ndarray) -> Any:
        way.evaluations += 1
        return objective(self, params)

    def fitted() -> None:
        way.evaluations = 0
        with patch.object(ClusterPlan, "objective", counted):
            model.fit(there)

    return through(client, fitted)


def costs(there: ClusterPlan) -> tuple[float, float, float]:
    """Return the seconds of a pass in which nothing is done: its fixed part, for each task, for each byte shipped.

    From passes of few tasks, of many, and of many that carry numbers to and fro, one after the other in each round. A
    pass of few comes before each, during which the scheduler may still be forgetting the tasks of the one before.
    """
    numbers = np.random.default_rng(0).random(WIDE)  # Dask would compress zeros
    kinds: list[tuple[int, Callable[[Any], Any]]] = [
        (FEW, number_of),
        (MANY, number_of),
        (MANY, partial(_echo, numbers=numbers)),
    ]
    found = []
    for _ in range(ROUNDS):
        round_of = []
        for tasks, function in kinds:
            _pass(there, FEW, number_of)
            round_of.append(_pass(there, tasks, function))
        found.append(round_of)
    task = median(many - few for few, many, _ in found) / (MANY - FEW)
    byte = median(wide - many for _, many, wide in found) / (MANY * 2 * numbers.nbytes)
    fixed = median(few for few, _, _ in found) - FEW * task
    return max(fixed, 0.0), max(task, 0.0), max(byte, 0.0)


def _pass(there: ClusterPlan, tasks: int, function: Callable[[Any], Any]) -> float:
    """Return the seconds of a pass of so many tasks, over the blocks there are."""
    other = there.penalised(there.l2)
    other.blocks = [there.blocks[k % len(there.blocks)] for k in range(tasks)]
    list(other.each(function))
    return other.seconds


def _echo(_: Any, numbers: np.ndarray) -> np.ndarray:
    """Return numbers to where they came from."""
    return numbers
