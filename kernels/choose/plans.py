"""Plans: X and y bound once, the step and the curvature of their cost taken many times. `planner.plan` makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ...pyimpl.parts.contract import (
    Step,
    check_array,
    check_class_weights,
    check_scalar,
    check_weights,
    described,
    plain,
)
from . import isa, team
from .compressed import check_compressed, is_sparse
from .which import KERNEL, counted, shared, which

if TYPE_CHECKING:
    from .schedule import Schedule

VARIANTS = "variants.several"  # several classes, sparse X, curvature
Bound: Any = isa.load(KERNEL).Bound


class Plan:
    """The step on one X and y, bound and ready. Make it with `looptax.kernels.plan`.

    X is not copied: change its values and the plan sees the change. y and the weights of samples are copied where they
    had to be converted; where they were not, a change of them is seen too, and new values are not checked: what comes
    of labels and weights that `plan` would refuse is no answer.

    Any number of Python threads may call one plan at once, with a GIL or without: each call has memory of its own to
    work in, and all return the bits that they would one after the other. What is written is not to be shared: each
    thread gives `step_into` a dw of its own, and while a call reads X, y, weights or w, their numbers stay as they are,
    or it returns numbers without a meaning; the next call is right again. Their shape and memory must stay while they
    are in use: who changes those in place (``X.shape = ...``, ``X.resize(...)``) may end the process.

    The limits of `looptax.kernels.threads` and threadpoolctl, and the affinity, hold at each call, also where they
    have changed since the plan was made. A plan works in a forked child too.

    A copy, or one that is unpickled, has the schedule and the bound of threads of this one. ``copy.copy`` shares X and
    y; ``copy.deepcopy`` copies them, and a pickle takes all of them along.

    Attributes
    ----------
    X : numpy.ndarray or scipy.sparse.csr_array
        The samples it is bound to.
    y : numpy.ndarray, shape (m,)
        In the dtype of X.
    sample_weight : numpy.ndarray, shape (m,), or None
        In the dtype of X.
    l2 : float
        The penalty: l2 / 2 times the square of each weight is added to the cost.
    classes : int or None
        How many classes y has, each with weights of its own; None for two classes that share a weight vector.
    samples, features : int
        The shape of X.
    dtype : numpy.dtype
        That of X, of the weights and of the results.
    """

    X: Any
    y: np.ndarray
    sample_weight: np.ndarray | None
    l2: float
    classes: int | None
    samples: int
    features: int
    dtype: np.dtype
    _at_most: int
    _how: Schedule | None
    _reason: str | None
    _bound: Any

    def _keep(
        self,
        X: Any,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        l2: float,
        classes: int | None,
        at_most: int,
        how: Schedule | None,
        reason: str | None,
    ) -> None:
        self.X, self.y, self.sample_weight, self.l2, self.classes = X, y, sample_weight, l2, classes
        self.samples, self.features = X.shape
        self.dtype = X.dtype
        self._at_most, self._how, self._reason, self._bound = at_most, how, reason, None

    def __reduce__(self) -> tuple[type[Plan], tuple[Any, ...]]:
        return type(self), (
            self.X, self.y, self.sample_weight, self.l2, self.classes, self._at_most, self._how, self._reason,
        )  # fmt: skip

    @property
    def threads(self) -> int:
        """How many threads a call made now would use, if helpers are free; see `thread_limits`."""
        raise NotImplementedError

    def step(self, w: np.ndarray, b: Any) -> Step:
        """Return the cost and its gradients at (w, b).

        Parameters
        ----------
        w : numpy.ndarray, shape (n,) or (classes, n)
            Weights, in the dtype of X.
        b : real number, or numpy.ndarray of shape (classes,)
            The intercept, or one for each class.

        Returns
        -------
        Step
            cost; dw, a fresh array of the shape of w; db, like b.

        Raises
        ------
        TypeError, ValueError
            w or b is not what was asked for.
        """
        dw = np.empty((self.classes, self.features) if self.classes else self.features, self.dtype)
        cost, db = self.step_into(w, b, dw)
        return Step(cost, dw, db)

    def step_into(self, w: np.ndarray, b: Any, dw: np.ndarray) -> tuple[np.floating, Any]:
        """Write the gradient to dw, of the shape and dtype of w, and return (cost, db); else as `step`."""
        raise NotImplementedError

    def _checked(self, w: np.ndarray, b: Any, dw: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return w and b as `step_into` needs them, or say what is wrong with them or with dw."""
        if self.classes:
            check_class_weights(w, b, self.features, self.classes, self.dtype)
        else:
            check_weights(w, self.features, self.dtype)
            w, b = plain(w, self.dtype), check_scalar("b", b, self.dtype)
        if not (isinstance(dw, np.ndarray) and dw.shape == w.shape and dw.dtype == self.dtype and dw.flags.writeable):
            raise ValueError(
                f"dw is a {type(dw).__name__} of shape {np.shape(dw)}, {getattr(dw, 'dtype', 'no dtype')}; expected a "
                f"writeable {self.dtype} array of shape {w.shape}"
            )
        return w, b

    def objective(self, params: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the cost and its gradient, as ``scipy.optimize.minimize(..., jac=True)`` wants them.

        Parameters
        ----------
        params : numpy.ndarray, shape (n + 1,) or (classes * (n + 1),)
            The weights and then the intercept, class after class: ``np.column_stack([W, b]).ravel()``. Real numbers of
            any dtype.

        Returns
        -------
        J : float
        grad : numpy.ndarray, of the shape of params, float64
            A fresh array at each call: SciPy keeps it.

        Raises
        ------
        TypeError, ValueError
            `params` is no array of so many real numbers. Complex ones are refused, whose imaginary part would be
            lost: there is no complex-step derivative of this cost.
        """
        cost, grad = self._variants.step(self._params("params", params))
        return cost, grad.reshape(-1).astype(np.float64, copy=False)

    def hessp(self, params: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return the Hessian of the cost at `params` times v, with one read of X.

        Parameters
        ----------
        params, v : numpy.ndarray, shape (n + 1,) or (classes * (n + 1),)
            As `objective` takes them.

        Returns
        -------
        numpy.ndarray, of the shape of params, float64
            A fresh array.

        Raises
        ------
        TypeError, ValueError
            As `objective`.
        """
        both = np.concatenate([self._params("params", params), self._params("v", v)])
        return self._variants.hessp(both).reshape(-1).astype(np.float64, copy=False)

    def hessian(self, params: np.ndarray) -> np.ndarray:
        """Return the Hessian of the cost at `params`: of p parameters p² numbers, half of which are computed.

        Parameters
        ----------
        params : numpy.ndarray, shape (n + 1,) or (classes * (n + 1),)
            As `objective` takes them.

        Returns
        -------
        numpy.ndarray, shape (p, p), float64
            Symmetric. A sparse X makes a dense one all the same.

        Raises
        ------
        TypeError, ValueError
            As `objective`.
        """
        params, size, count = self._params("params", params), self.features + 1, self.classes or 1
        blocks, below = np.empty((count, size, count, size)), np.tri(size, k=-1, dtype=bool)
        for row in range(count):
            for column in range(row, count):
                block = self._curvature(params, row, column)
                blocks[row, :, column] = blocks[column, :, row] = np.where(below, block.T, block)
        found = blocks.reshape(count * size, count * size)
        diagonal = found.reshape(-1)[:: len(found) + 1].reshape(count, size)  # np.einsum loses memory where it runs out
        diagonal[:, :-1] += self.l2
        return found

    def _curvature(self, params: np.ndarray, row: int, column: int) -> np.ndarray:
        """Return the block of the Hessian for two classes, without the penalty: on and above the diagonal."""
        return self._variants.hessian(params, row, column).astype(np.float64)

    @property
    def _variants(self) -> Any:
        """What is compiled for several weight vectors, bound when it is first asked for, by each who asks then."""
        if self._bound is None:
            self._bound = isa.load(VARIANTS).Bound(
                self.X, self.y, self.sample_weight, self.l2, self.classes or 1, self._at_most
            )
        return self._bound

    def _params(self, name: str, params: Any) -> np.ndarray:
        """Return parameters in the dtype of X."""
        size = (self.features + 1) * (self.classes or 1)
        check_array(name, params, 1, "the weights and then the intercept, class after class")
        if params.dtype.kind not in "iuf":
            raise TypeError(f"{name} has dtype {described(params.dtype)}; expected real numbers")
        if params.shape != (size,):
            raise ValueError(f"{name} has shape {params.shape}; expected ({size},), an intercept last")
        return plain(params, self.dtype)

    def explain(self) -> str:
        """Say what was chosen and why; where nothing was, what a call made now would do."""
        raise NotImplementedError

    def __repr__(self) -> str:
        classes = f", classes={self.classes}" if self.classes else ""
        return f"<Plan: {self.samples} x {self.features} {self.dtype}{classes}, threads={self.threads}>"


class DensePlan(Bound, Plan):
    """The plan for two classes and dense X: `step` and `step_into` are the kernel's own."""

    def __new__(
        cls, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None, l2: float = 0.0,
        classes: None = None, at_most: int = 1, how: Schedule | None = None, reason: str | None = None,
    ) -> Self:  # fmt: skip
        """Bind what is checked; a call has at most so many threads, `how` is None for what suits X."""
        y = plain(y, X.dtype)
        s = None if sample_weight is None else plain(sample_weight, X.dtype)
        made = super().__new__(cls, X, y, at_most, how, s, l2)
        made._keep(X, y, s, l2, classes, at_most, how, reason)
        return made

    __reduce__ = Plan.__reduce__

    def objective(self, params: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the cost and its gradient: see `Plan`."""
        params, grad = self._params("params", params), np.empty(self.features + 1, self.dtype)
        cost, grad[-1] = self.step_into(params[:-1], params[-1], grad[:-1])
        return float(cost), grad.astype(np.float64, copy=False)

    @property
    def threads(self) -> int:
        """How many threads a call made now would use, if helpers are free."""
        return min(self._at_most, shared(self.X))

    def explain(self) -> str:
        """Say what was chosen and why."""
        return self._reason or which(self.X)


class VariantPlan(Plan):
    """The plan for several classes, or for sparse X."""

    def __init__(
        self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None, l2: float = 0.0,
        classes: int | None = None, at_most: int = 1, how: Schedule | None = None, reason: str | None = None,
    ) -> None:  # fmt: skip
        s = None if sample_weight is None else plain(sample_weight, X.dtype)
        self._keep(X, plain(y, X.dtype), s, l2, classes, at_most, how, reason)

    def step_into(self, w: np.ndarray, b: Any, dw: np.ndarray) -> tuple[np.floating, Any]:
        """Write the gradient to dw and return (cost, db): see `Plan`."""
        w, b = self._checked(w, b, dw)
        weights = np.empty((self.classes or 1, self.features + 1), self.dtype)
        weights[:, :-1], weights[:, -1] = w, b
        cost, grad = self._variants.step(weights)
        dw[...] = grad[:, :-1].reshape(dw.shape)
        return self.dtype.type(cost), grad[:, -1].copy() if self.classes else grad[0, -1]

    def _curvature(self, params: np.ndarray, row: int, column: int) -> np.ndarray:
        """Return the block of the Hessian for two classes; of sparse X by SciPy's product."""
        if not is_sparse(self.X):
            return super()._curvature(params, row, column)
        check_compressed(self.X)  # SciPy's product does not look
        d = self._second_derivatives(params.reshape(-1, self.features + 1).astype(np.float64), row, column)
        X = self.X.astype(np.float64)
        found = np.empty((self.features + 1,) * 2)
        found[:-1, :-1] = (X.T @ X.multiply(d[:, None]).tocsr()).toarray()
        found[:-1, -1] = X.T @ d
        found[-1, -1] = d.sum()
        return found

    def _second_derivatives(self, weights: np.ndarray, row: int, column: int) -> np.ndarray:
        """Return of each sample the second derivative of its loss with respect to z of two classes, over all weight."""
        z = self.X @ weights[:, :-1].T + weights[:, -1]
        if not self.classes:
            z = np.column_stack([np.zeros(len(z)), z])  # the same probabilities
            row = column = 1
        e = np.exp(z - z.max(axis=1, keepdims=True))
        a = e / e.sum(axis=1, keepdims=True)
        d = a[:, row] * (np.delete(a, row, axis=1).sum(axis=1) if row == column else -a[:, column])
        s = np.ones(self.samples) if self.sample_weight is None else self.sample_weight.astype(np.float64)
        return d * s / s.sum()

    @property
    def threads(self) -> int:
        """How many threads a call made now has at most."""
        return min(self._at_most, team.available())

    def explain(self) -> str:
        """Say how a call goes about it."""
        kind = "compressed rows" if is_sparse(self.X) else "dense"
        weights = f"{self.classes} weight vectors" if self.classes else "one weight vector"
        level = isa.chosen(VARIANTS)
        return f"{VARIANTS} for {level}, {kind}, {weights} at once, {counted(self.threads)} at most"
