"""Whole fits of logistic regression: what `looptax run --preset estimators` measures.

All are stopped at the same gradient. Programs stop by criteria of their own, so each gets the loosest tolerance, a
power of ten, with which its result is good enough: no entry of the gradient of ``mean loss + |w|^2 / (2 C m)``, divided
by the root mean square of its column, is larger than `LEVEL`. So the unit of a column does not matter. The gradient is
evaluated afterwards, in NumPy and float64, whoever made the fit. Its time is that of the fit with that tolerance.
"""

from __future__ import annotations

import json
import logging
import random
import warnings
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...kernels.choose.planner import settle
from ..show.result import one_line
from . import data, machine, threads
from .stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LEVEL = 1e-4
TOLERANCES = tuple(10.0**-k for k in range(2, 11))
MAX_ITER = 1000
NEWTON_STEPS = 100  # where a solver needs more it does not converge, but may take minutes to say so
C = 1.0
OURS = "looptax"


class Fitted(NamedTuple):
    """What a fit found: weights (k, n) and intercepts (k,), of which there is one for two classes."""

    coef: np.ndarray
    intercept: np.ndarray
    iterations: int


class UnfitError(RuntimeError):
    """A solver cannot take this input, or does not reach the gradient; the message says why."""


@dataclass(frozen=True)
class Solver:
    """A program that fits.

    Attributes
    ----------
    name : str
    fit : callable
        Takes X, y and a tolerance, returns `Fitted`; ImportError where it is not installed.
    sparse, several : bool
        Whether it takes sparse X, and more classes than two.
    most : int
        Features it is tried with: a whole Hessian of more takes minutes.
    """

    name: str
    fit: Callable[[Any, np.ndarray, float], Fitted]
    sparse: bool = True
    several: bool = True
    most: int = 10**9

    def refuse(self, X: Any, classes: int) -> None:
        """Raise `UnfitError` where it cannot take this input."""
        if not (self.sparse or isinstance(X, np.ndarray)):
            raise UnfitError("it would make sparse X dense, or falls back to scikit-learn")
        if not self.several and classes > 2:
            raise UnfitError("it takes two classes")
        if X.shape[1] * (classes if classes > 2 else 1) > self.most:
            raise UnfitError(f"a Hessian of more than {self.most} parameters takes too long")


def _like_scikit_learn(
    module: str, max_iter: int = MAX_ITER, **options: Any
) -> Callable[[Any, np.ndarray, float], Fitted]:
    def fit(X: Any, y: np.ndarray, tol: float) -> Fitted:
        model = import_module(module).LogisticRegression(C=C, tol=tol, max_iter=max_iter, **options).fit(X, y)
        return Fitted(model.coef_, model.intercept_, int(np.max(model.n_iter_)))

    return fit


class Told(logging.Handler):
    """Keeps what a logger says in a block, and lets nobody else hear it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.log = logging.getLogger(name)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self.lines.append(record.getMessage())

    def __enter__(self) -> Told:
        self.before = self.log.level, self.log.propagate, self.log.handlers
        self.log.handlers = [self]
        self.log.setLevel(logging.INFO)
        self.log.propagate = False
        return self

    def __exit__(self, *_: object) -> None:
        level, self.log.propagate, self.log.handlers = self.before
        self.log.setLevel(level)


def _intelex(X: Any, y: np.ndarray, tol: float) -> Fitted:
    """Fit by scikit-learn-intelex; raise `UnfitError` where that falls back to scikit-learn."""
    with Told("sklearnex") as told:
        found = _like_scikit_learn("sklearnex.linear_model")(X, y, tol)
    if not any("accelerated" in line for line in told.lines if ".fit" in line):
        raise UnfitError("it falls back to scikit-learn here")
    return found


def _glum(X: Any, y: np.ndarray, tol: float) -> Fitted:
    model = import_module("glum").GeneralizedLinearRegressor(
        family="binomial", alpha=1 / (C * len(y)), l1_ratio=0, gradient_tol=tol, max_iter=NEWTON_STEPS
    )
    model.fit(X, y.astype(X.dtype))
    return Fitted(np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_), int(model.n_iter_))


SOLVERS = (
    Solver(OURS, _like_scikit_learn("looptax.kernels.sklearn")),
    Solver("sklearn-lbfgs", _like_scikit_learn("sklearn.linear_model", solver="lbfgs")),
    Solver("sklearn-newton-cg", _like_scikit_learn("sklearn.linear_model", NEWTON_STEPS, solver="newton-cg")),
    Solver(
        "sklearn-newton-cholesky",
        _like_scikit_learn("sklearn.linear_model", NEWTON_STEPS, solver="newton-cholesky"),
        sparse=False,
        most=1000,
    ),
    Solver("intelex", _intelex, sparse=False),
    Solver("glum", _glum, several=False, most=2000),
)


def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    return load_digits(return_X_y=True)


def _standardised(source: str) -> tuple[np.ndarray, np.ndarray]:
    X, y = data.REAL[source]()
    return X, y.astype(int)


def _ill(m: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns that have a part in common, in units six decades apart."""
    X, y = data.synthetic(m, n)
    common = np.random.default_rng(data.SEED).standard_normal((m, 1))
    return (X + 2 * common) * np.logspace(-3, 3, n), y.astype(int)


def _sparse(m: int, n: int, entries: int) -> tuple[Any, np.ndarray]:
    X, y = data.compressed(m, n, entries)
    return X, y.astype(int)


def _synthetic(m: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = data.synthetic(m, n)
    return X, y.astype(int)


INPUTS: dict[str, Callable[[], tuple[Any, np.ndarray]]] = {
    "breast-cancer": lambda: _standardised("breast-cancer"),
    "digits": _digits,
    "flights": lambda: _standardised("flights"),
    "1000000x28": lambda: _synthetic(1_000_000, 28),
    "100000x500": lambda: _synthetic(100_000, 500),
    "ill-conditioned 100000x50": lambda: _ill(100_000, 50),
    "sparse 200000x50000": lambda: _sparse(200_000, 50_000, 50),
}


@dataclass
class Fit:
    """What became of a solver on an input.

    Attributes
    ----------
    source, dtype, solver : str
    problem : str
        Why it has no time; else empty.
    tol : float
        The tolerance it was given.
    iterations : int
    gradient : float
        The largest entry, as the module says.
    objective : float
        Mean loss and penalty.
    seconds : list of float
        One for each sweep.
    """

    source: str
    dtype: str
    solver: str
    problem: str = ""
    tol: float = 0.0
    iterations: int = 0
    gradient: float = 0.0
    objective: float = 0.0
    seconds: list[float] = field(default_factory=list)


def document(fits: Sequence[Fit]) -> str:
    """Return the fits as the text of a JSON file, with the machine they are from."""
    facts: dict[str, Any] = {"machine": machine.facts(), "commit": machine.commit(), "date": f"{date.today()}"}
    facts |= {"threads": threads.usable(), "level": LEVEL, "fits": [asdict(fit) for fit in fits]}
    return json.dumps(facts, indent=1)


def judged(X: Any, y: np.ndarray, found: Fitted) -> tuple[float, float]:
    """Return (gradient, objective) of a fit, as the module says: in NumPy and float64, whatever made it."""
    m = X.shape[0]
    coef = found.coef.astype(np.float64)
    z = np.asarray(X @ coef.T.astype(X.dtype), np.float64) + found.intercept
    z = np.column_stack([np.zeros(m), z]) if z.shape[1] == 1 else z
    z -= z.max(axis=1, keepdims=True)
    total = np.log(np.exp(z).sum(axis=1))
    loss = (total - z[np.arange(m), y]).mean() + (coef**2).sum() / (2 * C * m)
    dz = np.exp(z - total[:, None])
    dz[np.arange(m), y] -= 1
    dz = dz[:, -len(coef) :]
    squares = X.multiply(X).mean(axis=0) if hasattr(X, "multiply") else np.einsum("ij,ij->j", X, X) / m
    size = np.sqrt(np.asarray(squares, np.float64).ravel())
    slopes = np.asarray((X.T @ dz.astype(X.dtype)).T, np.float64) / m + coef / (C * m)
    slopes = np.abs(slopes[:, size > 0]) / size[size > 0]
    return float(max(slopes.max(initial=0), np.abs(dz.mean(axis=0)).max())), float(loss)


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence: it is judged afterwards
        yield


def timed(solver: Solver, X: Any, y: np.ndarray, tol: float) -> tuple[Fitted, float]:
    """Return a fit and its seconds; threads of the one before have ended by then, or sleep."""
    settle()
    watch = Stopwatch()
    with _quiet():
        found = solver.fit(X, y, tol)
    return found, watch.elapsed


def aimed(solver: Solver, X: Any, y: np.ndarray, fit: Fit, budget: float) -> None:
    """Find the loosest tolerance with which the gradient is reached, or say why there is none."""
    try:
        solver.refuse(X, len(np.unique(y)))
        spent = 0.0
        for fit.tol in TOLERANCES:
            found, seconds = timed(solver, X, y, fit.tol)
            spent += seconds
            fit.iterations = found.iterations
            fit.gradient, fit.objective = judged(X, y, found)
            if fit.gradient <= LEVEL:
                return
            if spent > budget:
                raise UnfitError(f"over budget: after {spent:.3g} s the gradient is {fit.gradient:.2g}")
        raise UnfitError(f"it came no further than a gradient of {fit.gradient:.2g}")
    except (ImportError, UnfitError) as error:
        fit.problem = one_line(error)
    except Exception as error:  # a program of others may raise anything
        fit.problem = one_line(f"{type(error).__name__}: {error}")


def measured(
    inputs: Sequence[str], dtypes: Sequence[str], sweeps: int, budget: float, seed: int, told: Callable[[str], Any]
) -> Iterator[list[Fit]]:
    """Yield the fits of one input and dtype after the other.

    Parameters
    ----------
    inputs, dtypes : sequences of str
        Keys of `INPUTS`; "float32" and "float64".
    sweeps : int
        How often each fit is timed, in an order that is shuffled each time.
    budget : float
        Seconds that fits may take before one reaches the gradient; then no tighter tolerance is tried.
    seed : int
        Of the order.
    told : callable
        Gets what is done next, in words.
    """
    order = random.Random(seed)
    with threads.limited(threads.usable()):
        for source in inputs:
            X, y = INPUTS[source]()
            for dtype in dtypes:
                there, fits = X.astype(dtype), {solver: Fit(source, dtype, solver.name) for solver in SOLVERS}
                for solver, fit in fits.items():
                    told(f"{source} {dtype} {solver.name}")
                    aimed(solver, there, y, fit, budget)
                for sweep in range(sweeps):
                    told(f"{source} {dtype} sweep {sweep + 1}")
                    for solver in order.sample(SOLVERS, len(SOLVERS)):
                        if not fits[solver].problem:
                            fits[solver].seconds.append(timed(solver, there, y, fits[solver].tol)[1])
                yield list(fits.values())
