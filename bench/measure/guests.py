"""Others on a cluster: dask-glm's loss and gradient, and a fit of dask-ml's estimator, which stands on them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from .workers import ITERATIONS, through

if TYPE_CHECKING:
    from collections.abc import Callable

    from .cluster import Way

CHUNKS = 8  # as many as we have blocks on two workers


def _held(client: Any, *arrays: np.ndarray) -> list[Any]:
    """Return arrays in chunks that workers hold."""
    da, rows = import_module("dask.array"), -(-len(arrays[0]) // CHUNKS)
    return [client.persist(da.from_array(one, chunks=(rows, *one.shape[1:]))) for one in arrays]


def step(client: Any, X: np.ndarray, y: np.ndarray, w: np.ndarray) -> Callable[[], Any]:
    """Return dask-glm's loss and gradient."""
    families = import_module("dask_glm.families")
    there, labels = _held(client, np.column_stack([X, np.ones(len(X))]), y)
    weights, m = np.append(w, 0.5), len(X)

    def called() -> tuple[float, np.ndarray]:
        Xw = there.dot(weights)
        parts = [families.Logistic.loglike(Xw, labels), families.Logistic.gradient(Xw, there, labels)]
        cost, gradient = client.gather(client.compute(parts))
        return float(cost) / m, np.asarray(gradient)[:-1] / m

    return called


def fit(client: Any, X: np.ndarray, y: np.ndarray, way: Way) -> Callable[[], Any]:
    """Return the fit of dask-ml's estimator; the way learns how often SciPy asks it for loss and gradient."""
    algorithms, linear_model = import_module("dask_glm.algorithms"), import_module("dask_ml.linear_model")
    model = linear_model.LogisticRegression(solver="lbfgs", tol=0.0, max_iter=ITERATIONS)
    there, minimise = _held(client, X, y), algorithms.fmin_l_bfgs_b

    def counted(*arguments: Any, **options: Any) -> Any:
        found = minimise(*arguments, **options)
        way.evaluations = found[2]["funcalls"]
        return found

    def fitted() -> None:
        with patch.object(algorithms, "fmin_l_bfgs_b", counted):
            model.fit(*there)

    return through(client, fitted)
