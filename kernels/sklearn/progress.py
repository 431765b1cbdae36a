"""What is told while a fit runs: lines that are printed, and scikit-learn's callbacks where its version has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from .problem import Problem

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing to support."""


class Progress:
    """Tells of a fit, from its first iteration to its last.

    Parameters
    ----------
    estimator : LogisticRegression
    problem : Problem
    y, sample_weight : array-like
        As `fit` was given them.
    """

    def __init__(self, estimator: Any, problem: Problem, y: Any, sample_weight: Any) -> None:
        self.estimator, self.problem = estimator, problem
        self.fit = self.iteration = None
        if hasattr(estimator, "_init_callback_context"):
            self.fit = estimator._init_callback_context(max_subtasks=None)
            self.data = {
                "X": problem.plan.X,
                "y": y,
                "metadata": None if sample_weight is None else {"sample_weight": sample_weight},
            }

    def __enter__(self) -> Self:
        if self.fit:
            self.fit.call_on_fit_task_begin(estimator=self.estimator, **self.data)
        return self

    def begins(self) -> None:
        """Tell of the solver."""
        if self.estimator.verbose:
            name, why = self.estimator.solver_
            print(f"{name}: {why}")
            self._line()

    def iterated(self) -> bool:
        """Tell of an iteration that has ended; return whether a callback wants it to be the last."""
        if self.estimator.verbose:
            self._line()
        if not hasattr(self.estimator, "_skl_callbacks"):
            return False
        assert self.fit
        found = {"reconstruction_attributes": lambda: attributes(self.problem)}
        iteration = self.fit.subcontext(task_name="iteration")
        iteration.call_on_fit_task_begin(estimator=self.estimator, **self.data)
        return bool(iteration.call_on_fit_task_end(estimator=self.estimator, **self.data, **found))

    def __exit__(self, kind: Any, *error: Any) -> None:
        if self.fit and kind is None:
            self.fit.call_on_fit_task_end(estimator=self.estimator, reconstruction_attributes={}, **self.data)

    def _line(self) -> None:
        problem = self.problem
        print(
            f"iteration {problem.iterations:4}   cost {problem.point.cost:.10g}   "
            f"largest gradient {problem.point.largest:.3g}   reads of X {problem.reads}",
            flush=True,
        )


def attributes(problem: Problem) -> dict[str, np.ndarray]:
    """Return `coef_` and `intercept_` of the point a problem is at."""
    weights = problem.point.weights.astype(problem.plan.dtype)
    features = problem.plan.features
    intercept = weights[:, features] if weights.shape[1] > features else np.zeros(len(weights), weights.dtype)
    return {"coef_": np.ascontiguousarray(weights[:, :features]), "intercept_": intercept.copy()}
