"""Logistic regression as scikit-learn has it, on the kernels of looptax: one import changes, and no other line."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from scipy.linalg import LinAlgError
from scipy.special import expit, log_softmax, softmax
from sklearn.base import BaseEstimator, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model._base import LinearClassifierMixin, SparseCoefMixin
from sklearn.utils import compute_class_weight
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from . import plan
from .fit import SOLVERS, Walk, chosen, walk_by

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """No callbacks here."""

    def with_callbacks(method: Any) -> Any:
        """Return the method as it is."""
        return method


class LogisticRegression(CallbackSupportMixin, LinearClassifierMixin, SparseCoefMixin, BaseEstimator):
    """Logistic regression with an L2 penalty, for two classes or more (softmax).

    Minimises ``C * sum(sample_weight * loss) + sum(coef_ ** 2) / 2``, as scikit-learn's estimator of this name does, to
    the same optimum. X is read where it lies: C and F order, float32 and float64 and compressed rows are kept.

    Parameters
    ----------
    C : float, default=1.0
        The inverse of the strength of the penalty; ``np.inf`` for none.
    l1_ratio : float, default=0.0
        There is no L1 penalty: only 0 is accepted.
    tol : float, default=1e-4
        The fit ends where no entry of the gradient of the mean cost is larger.
    fit_intercept : bool, default=True
    class_weight : dict or "balanced", default=None
        What each class counts; "balanced": all as much.
    random_state : default=None
        Nothing here is random.
    solver : {"auto", "lbfgs", "newton-cg", "newton-cholesky"}, default="auto"
        "auto": by what a Hessian costs here; see `looptax.kernels.fit.chosen`.
    max_iter : int, default=100
        Of a solver's iterations; all together.
    verbose : int, default=0
        1 tells what "auto" chose, and of each iteration.
    warm_start : bool, default=False
        Begin where the last fit ended.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        In the dtype of X.
    intercept_ : ndarray of shape (1,) or (n_classes,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Where all columns of X have names.
    n_iter_ : ndarray of shape (1,)
    solver_ : str
        The solvers that were used, one after the other, and why.

    Notes
    -----
    After a KeyboardInterrupt, which is passed on, the estimator is fitted with the best point that was found.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> float(LogisticRegression().fit(X, y).score(X, y)) > 0.95
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "C": [Interval(Real, 0, None, closed="right")],
        "l1_ratio": [Options(Real, {0})],
        "tol": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "random_state": ["random_state"],
        "solver": [StrOptions({"auto", *SOLVERS})],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
    }

    def __init__(
        self,
        *,
        C: float = 1.0,
        l1_ratio: float = 0.0,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        class_weight: dict | str | None = None,
        random_state: Any = None,
        solver: str = "auto",
        max_iter: int = 100,
        verbose: int = 0,
        warm_start: bool = False,
    ) -> None:
        self.C = C
        self.l1_ratio = l1_ratio
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the weights to X and y.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Compressed rows are kept, other sparse formats converted.
        y : array-like of shape (n_samples,)
            Two or more classes, of any type.
        sample_weight : array-like of shape (n_samples,), default=None
            What each sample counts; 1 by default.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            X holds NaN or infinity, or there is one class only.
        """
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32])
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        count = len(self.classes_)
        if count < 2:
            raise ValueError(
                "This solver needs samples of at least 2 classes in the data, but the data contains only one class: "
                f"{self.classes_[0]!r}"
            )
        s = self._weights(X, y, labels, sample_weight)
        total = len(labels) if s is None else float(s.sum(dtype=np.float64))
        l2 = 1 / (self.C * total)  # 0 where C is infinite
        bound = plan(X, labels, sample_weight=s, l2=l2, classes=count if count > 2 else None)
        told = self._watch(X, y, sample_weight)
        walk = Walk(bound, self._start(bound), self.fit_intercept, self.tol, self.max_iter, told)
        try:
            self._go(walk)
        finally:  # also after Ctrl-C
            self._take(walk)
        self._warn(walk, labels)
        return self

    def _weights(self, X: Any, y: Any, labels: np.ndarray, sample_weight: Any) -> np.ndarray | None:
        """Return what each sample counts, its class included."""
        if sample_weight is None and self.class_weight is None:
            return None
        s = _check_sample_weight(sample_weight, X, dtype=X.dtype, copy=True, ensure_non_negative=True)
        if self.class_weight is not None:
            of_class = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
            if isinstance(self.class_weight, str):  # balanced: by their weights, not by their number
                mass = np.bincount(labels, weights=s)
                of_class = mass.sum() / (len(mass) * np.where(mass > 0, mass, 1))
            s *= of_class[labels].astype(s.dtype)
        return s

    def _start(self, bound: Any) -> np.ndarray:
        shape = (bound.classes or 1, bound.features + 1)
        start = np.zeros(shape)
        if self.warm_start and getattr(self, "coef_", np.empty(0)).shape == (shape[0], bound.features):
            start[:, :-1], start[:, -1] = self.coef_, self.intercept_ if self.fit_intercept else 0
        return start.ravel()

    def _go(self, walk: Walk) -> None:
        """Walk by the solver that was asked for, or by those that are worth having."""
        ways, reason = chosen(walk.plan) if self.solver == "auto" else ([(self.solver, None)], "as asked for")
        used = []
        for name, limit in ways:
            left = walk.max_iter - walk.iterations
            if walk.arrived or left <= 0:
                break
            used.append(name)
            self.solver_ = f"{', then '.join(used)}: {reason}"
            if self.verbose:
                print(self.solver_)
            try:
                walk_by(name, walk, min(left, limit or left))
            except LinAlgError as error:
                warnings.warn(
                    f"The Hessian cannot be divided by ({error}), L-BFGS goes on: give a finite C, or leave out "
                    "columns that depend on others.",
                    ConvergenceWarning,
                    stacklevel=4,
                )
                walk_by("lbfgs", walk, walk.max_iter - walk.iterations)
        if not used:
            self.solver_ = f"none: {reason}"

    def _take(self, walk: Walk) -> None:
        """Set what was found so far."""
        self.coef_, self.intercept_ = self._split(walk)
        self.n_iter_ = np.array([walk.iterations], dtype=np.int32)

    def _split(self, walk: Walk) -> tuple[np.ndarray, np.ndarray]:
        table = walk.best.params.reshape(-1, walk.plan.features + 1).astype(walk.plan.dtype)
        return np.ascontiguousarray(table[:, :-1]), table[:, -1].copy()

    def _warn(self, walk: Walk, labels: np.ndarray) -> None:
        if walk.plan.l2 == 0 and _separated(walk, labels):
            warnings.warn(
                "The classes can be separated perfectly: without a penalty there is no optimum, the weights would grow "
                "for ever. Give a finite C.",
                ConvergenceWarning,
                stacklevel=4,
            )
        elif not walk.arrived:
            reason = (
                "Increase the number of iterations (max_iter) or scale the data."
                if walk.iterations >= walk.max_iter
                else f"With {walk.plan.dtype} it came no further."
            )
            warnings.warn(
                f"{self.solver_.partition(':')[0]} failed to converge: the gradient is {walk.best.slope:.2g} after "
                f"{walk.iterations} iterations, tol is {walk.tol:.2g}. {reason}",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _watch(self, X: Any, y: Any, sample_weight: Any) -> Any:
        """Return what is called after each iteration: it tells of it, and calls scikit-learn's callbacks."""
        callbacks = getattr(self, "_init_callback_context", None)
        context = callbacks(max_subtasks=self.max_iter) if callbacks and hasattr(self, "_skl_callbacks") else None
        more = {"estimator": self, "X": X, "y": y}
        if sample_weight is not None:
            more["metadata"] = {"sample_weight": sample_weight}
        if context:
            context.call_on_fit_task_begin(**more)

        def told(walk: Walk) -> None:
            if self.verbose:
                best = walk.best
                print(f"iteration {walk.iterations:4}  cost {best.cost:.10g}  gradient {best.slope:.3g}", flush=True)
            if context:
                coef, intercept = self._split(walk)
                here = {"reconstruction_attributes": {"coef_": coef, "intercept_": intercept}}
                task = context.subcontext(task_name="iteration")
                task.call_on_fit_task_begin(**more, **here)
                task.call_on_fit_task_end(**more, **here)

        return told

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`; small ones keep their relative accuracy.
        """
        check_is_fitted(self)
        z = self.decision_function(X)
        return np.column_stack([expit(-z), expit(z)]) if z.ndim == 1 else softmax(z, axis=1)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithm of the probability of each class, finite also where that rounds to 0.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self)
        z = self.decision_function(X)
        return np.column_stack([-np.logaddexp(0, z), -np.logaddexp(0, -z)]) if z.ndim == 1 else log_softmax(z, axis=1)


def _separated(walk: Walk, labels: np.ndarray) -> bool:
    """Return whether all samples that count are on the right side."""
    table = walk.best.params.reshape(-1, walk.plan.features + 1)
    z = walk.plan.X @ table[:, :-1].T.astype(walk.plan.dtype) + table[:, -1]
    right = z.argmax(axis=1) == labels if z.shape[1] > 1 else (z[:, 0] > 0) == labels
    counts = np.ones(len(labels), bool) if walk.plan.sample_weight is None else walk.plan.sample_weight > 0
    return bool(right[counts].all())
