"""Logistic regression as scikit-learn has it, over the kernels: see `LogisticRegression`."""

from __future__ import annotations

import warnings
from functools import partial
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.linalg import LinAlgWarning
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import BaseEstimator, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model._base import LinearClassifierMixin, SparseCoefMixin
from sklearn.utils import assert_all_finite, compute_class_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, validate_data

from ..blocks import BlockPlan
from ..choose.planner import plan
from .choose import Choice, choose
from .labels import classes_of
from .metric import sampled_bytes
from .problem import Problem
from .progress import CallbackSupportMixin, Progress, attributes
from .solvers import SOLVERS

if TYPE_CHECKING:
    from ..blocks.block import Block
    from ..choose.plans import Plan

__all__ = ["LogisticRegression"]

ROWS = 1 << 12  # of X, that are looked at together


class LogisticRegression(CallbackSupportMixin, LinearClassifierMixin, SparseCoefMixin, BaseEstimator):
    """Logistic regression with scikit-learn's parameters, attributes and optimum, fitted by the kernels of looptax.

    It minimises ``C * sum(s_i * loss_i) + ||coef||² / 2``, of two classes with one weight vector, of more with one for
    each (softmax). X is read once for each step and neither copied nor cast where it is float32 or float64, in C or F
    order, or CSR.

    Parameters
    ----------
    C : float
        The inverse of the penalty's strength; above 0, ``np.inf`` for no penalty.
    l1_ratio : float
        0.0: there is no other penalty than l2.
    tol : float
        A fit ends where no number of the gradient of the mean cost, which is the one above over C times the sum of the
        weights of samples, is larger. With newton-cholesky, where the last step has not lowered it by more, too.
    fit_intercept : bool
        Whether there is an intercept; it is not penalised.
    class_weight : dict or "balanced", optional
        What a sample of each class counts, times its own weight. "balanced" makes all classes count the same.
    random_state : int, RandomState instance, optional
        Has no effect: nothing is random.
    solver : str
        "lbfgs", "newton-cholesky", "newton-cg", or "auto" for that which should take the least time.
    max_iter : int
        Iterations of the solver at most.
    verbose : int
        Above 0 prints the choice of the solver and each iteration's cost.
    warm_start : bool
        Whether a fit begins where the last one ended.

    Attributes
    ----------
    classes_ : numpy.ndarray, shape (k,)
        The labels.
    coef_ : numpy.ndarray, shape (1, n) or (k, n)
        Weights, in the dtype of X.
    intercept_ : numpy.ndarray, shape (1,) or (k,)
        Intercepts; 0 without `fit_intercept`.
    n_features_in_ : int
        Features seen in `fit`.
    feature_names_in_ : numpy.ndarray
        Their names, where X has names that are all strings.
    n_iter_ : numpy.ndarray, shape (1,)
        Iterations made.
    solver_ : Choice
        The name of the solver, and why it was taken.

    See Also
    --------
    sklearn.linear_model.LogisticRegression : The same with more penalties and solvers.

    Notes
    -----
    KeyboardInterrupt in a fit leaves the best weights so far in `coef_` and `intercept_`, and is raised again.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = LogisticRegression().fit(X, y)
    >>> round(model.score(X, y), 2)
    0.96
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012 - the name and form are scikit-learn's
        "C": [Interval(Real, 0, None, closed="right")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
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
        class_weight: Any = None,
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

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit the weights to samples.

        Parameters
        ----------
        X : array, data frame or sparse matrix, shape (m, n)
            Samples by features. float32 and float64 are taken as they are, in any order of memory, and CSR as it is.
            Or a plan of `looptax.kernels.blocks`, over what need not fit in memory, alone.
        y : array-like, shape (m,)
            Labels of any kind; of a plan over blocks they are whole numbers from 0 on.
        sample_weight : array-like, shape (m,), optional
            What each sample counts, 0 or more.

        Returns
        -------
        LogisticRegression
            Itself.

        Raises
        ------
        TypeError, ValueError
            A parameter, or X, y or a weight, is not what is asked for.

        Warns
        -----
        ConvergenceWarning
            The solver ended before the gradient was as small as `tol`; or there is no optimum, because without a
            penalty the classes can be separated perfectly.
        """
        if self.l1_ratio != 0:
            raise ValueError(
                f"l1_ratio is {self.l1_ratio!r}; expected 0.0, the l2 penalty alone. "
                'For l1 there is sklearn.linear_model.LogisticRegression(solver="saga")'
            )
        bound: Plan
        if isinstance(X, BlockPlan):
            bound, shares = self._over_blocks(X, y, sample_weight)
        else:
            bound, y, shares = self._in_memory(X, y, sample_weight)
        problem = self._problem(bound, shares)
        with Progress(self, problem, y, sample_weight) as progress:
            problem.watch = progress.iterated
            try:
                self.solver_ = choose(bound) if self.solver == "auto" else Choice(self.solver, "asked for")
                progress.begins()
                ended = SOLVERS[self.solver_.name](problem, self.max_iter)
            except KeyboardInterrupt:
                problem.point = problem.best
                raise
            finally:
                self._keep(problem)
        if problem.singular and self.solver == "auto":
            self.solver_ = Choice("lbfgs", f"{self.solver_.why}; but the curvature is singular")
        if problem.singular and self.solver != "auto":
            warnings.warn(
                "newton-cholesky found the curvature singular, or nearly so: columns of X depend on each other. lbfgs "
                "went on from there. A smaller C makes the curvature regular.",
                LinAlgWarning,
                stacklevel=3,
            )
        if ended:
            warnings.warn(
                f"{self.solver_.name} failed to converge after {problem.iterations} iterations: {ended}. The largest "
                f"number of the gradient is {problem.point.largest:.3g}, tol is {self.tol}. Increase max_iter, or "
                "scale the columns of X.",
                ConvergenceWarning,
                stacklevel=3,
            )
        elif not bound.l2 and self._separates(bound):
            warnings.warn(
                "The weights separate the classes perfectly, and without a penalty larger ones do so ever better: "
                "there is no optimum to converge to. Use a finite C.",
                ConvergenceWarning,
                stacklevel=3,
            )
        return self

    def _in_memory(self, X: Any, y: Any, sample_weight: Any) -> tuple[Plan, np.ndarray, np.ndarray]:
        """Return a plan for arrays, the labels, and what the samples of each class weigh."""
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32],
            ensure_all_finite=False,  # the first cost tells, without another read of X
        )  # fmt: skip
        self.classes_, number = classes_of(y)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y holds samples of one class only, {self.classes_[0]!r}; expected samples of at least 2 classes"
            )
        s = self._weights_of(X, number, sample_weight)
        total = len(number) if s is None else float(s.sum(dtype=np.float64))
        several = len(self.classes_) if len(self.classes_) > 2 else None
        bound = plan(X, number, sample_weight=s, l2=1 / (self.C * total), classes=several)
        return bound, y, np.bincount(number, bound.sample_weight, len(self.classes_))

    def _over_blocks(self, blocks: BlockPlan, y: Any, sample_weight: Any) -> tuple[BlockPlan, np.ndarray]:
        """Return a plan over the same blocks with the penalty asked for, and what the samples of each class weigh."""
        for name, value in (("y", y), ("sample_weight", sample_weight), ("class_weight", self.class_weight)):
            if value is not None:
                raise ValueError(
                    f"{name} does not go with a plan over blocks, which has labels and weights; expected None"
                )
        if self.solver == "newton-cholesky":
            raise ValueError("solver is 'newton-cholesky', which has no whole Hessian over blocks; expected another")
        if blocks.l2:
            raise ValueError(f"the plan has l2={blocks.l2}; expected 0, as C tells the penalty")
        self.classes_ = np.arange(blocks.classes or 2)
        self.n_features_in_ = blocks.features
        self.__dict__.pop("feature_names_in_", None)  # of another fit
        shares, total = blocks.shares()
        if total == 0:
            raise ValueError("sample_weight is 0 for all samples; expected at least one that counts")
        if np.count_nonzero(shares) < 2:
            raise ValueError(
                f"samples of one class only count, {shares.argmax()}; expected samples of at least 2 classes"
            )
        return blocks.penalised(1 / (self.C * total), sampled_bytes(blocks.features, blocks.dtype.itemsize)), shares

    def _weights_of(self, X: Any, number: np.ndarray, sample_weight: Any) -> np.ndarray | None:
        """Return what each sample counts."""
        if sample_weight is None and self.class_weight is None:
            return None
        s = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
        if self.class_weight is None:
            return s
        if self.class_weight == "balanced":
            sums = np.bincount(number, s, len(self.classes_))
            each = sums.sum() / (len(sums) * sums.clip(1e-300))
        else:
            each = compute_class_weight(self.class_weight, classes=self.classes_, y=self.classes_)
        return s * each.astype(X.dtype)[number.astype(np.intp)]

    def _problem(self, bound: Plan, shares: np.ndarray) -> Problem:
        """Return what is to be solved, at its start: intercepts that fit alone, or where the last fit ended."""
        count, features = bound.classes or 1, bound.features
        start = np.zeros((count, features + self.fit_intercept))
        if self.warm_start and hasattr(self, "coef_"):
            if self.coef_.shape != (count, features):
                raise ValueError(
                    f"coef_ of the last fit has shape {self.coef_.shape}; expected {(count, features)} with "
                    "warm_start=True, the same classes and features"
                )
            start[:, :features] = self.coef_
            start[:, features:] = self.intercept_[:, None]
            if bound.classes:
                start -= start.mean(axis=0)  # changes no probability, and lowers the penalty
        elif self.fit_intercept:
            logs = np.log((shares / shares.sum()).clip(1e-6))
            start[:, -1] = logs - logs.mean() if bound.classes else logs[1] - logs[0]
        problem = Problem(bound, start, self.tol)
        if not (np.isfinite(problem.point.cost) and np.isfinite(problem.point.gradient).all()):
            if isinstance(bound, BlockPlan):
                bound.check_finite()
                raise ValueError(f"{bound.source.name} holds numbers so large that the cost overflows")
            assert_all_finite(bound.X, input_name="X", estimator_name=type(self).__name__)
        return problem

    def _keep(self, problem: Problem) -> None:
        """Set the attributes that tell what was found."""
        self.__dict__.update(attributes(problem), n_iter_=np.array([problem.iterations], np.int32))

    def _separates(self, bound: Plan) -> bool:
        """Return whether each sample that counts is on its own side."""
        if isinstance(bound, BlockPlan):
            return all(bound.each(partial(_block_separated, coef=self.coef_, intercept=self.intercept_)))
        return _separated(bound.X, bound.y, bound.sample_weight, self.coef_, self.intercept_)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : array, data frame or sparse matrix, shape (m, n)
            Samples by features.

        Returns
        -------
        numpy.ndarray, shape (m, k)
            In the order of `classes_`; small ones keep their relative accuracy.
        """
        z = self.decision_function(X)
        return softmax(z, axis=1) if z.ndim > 1 else np.column_stack([expit(-z), expit(z)])

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : array, data frame or sparse matrix, shape (m, n)
            Samples by features.

        Returns
        -------
        numpy.ndarray, shape (m, k)
            In the order of `classes_`; finite also where the probability is too small for a number.
        """
        z = self.decision_function(X)
        return log_softmax(z, axis=1) if z.ndim > 1 else np.column_stack([log_expit(-z), log_expit(z)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _block_separated(block: Block, coef: np.ndarray, intercept: np.ndarray) -> bool:
    """Return whether each sample of a block that counts is on its own side."""
    return _separated(block.X, block.y, block.s, coef, intercept)


def _separated(X: Any, y: np.ndarray, s: np.ndarray | None, coef: np.ndarray, intercept: np.ndarray) -> bool:
    """Return whether each sample that counts is on its own side."""
    for first in range(0, len(y), ROWS):
        rows = slice(first, first + ROWS)
        z, number = X[rows] @ coef.T + intercept, y[rows].astype(np.intp)
        if z.shape[1] > 1:
            own = np.take_along_axis(z, number[:, None], 1)[:, 0]
            np.put_along_axis(z, number[:, None], -np.inf, 1)
            margins = own - z.max(axis=1)
        else:
            margins = (2 * number - 1) * z[:, 0]
        if not (margins if s is None else margins[s[rows] > 0]).min(initial=np.inf) > 0:  # NaN is on no side
            return False
    return True
