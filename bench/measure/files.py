"""One's own data: a file that X and y are read from.

Numbers stay as they are, true and false are 1 and 0. Text is a category: each category becomes a column of 0 and 1.
An index that pandas stored is no feature: it may number the rows, or repeat the label.
Of the label's two values the one that sorts last is 1, as in scikit-learn. Nothing is guessed and nothing is filled
in: what is missing, infinite, or neither number nor text is an error that names the column.
"""

from __future__ import annotations

import hashlib
import warnings
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import psutil

from ..show.result import Data, one_line, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

MAX_NUMBER = 1e30  # float32 ends at 3.4e38, and products of numbers are added up
MAX_NAMED = 20  # columns, or values, that an error names


class FileError(ValueError):
    """A file cannot be measured on; the message says why, and what is expected."""


class Arrays(NamedTuple):
    """What a file holds: a name for each column of X, X in float64, and the labels as they are written."""

    names: list[str]
    X: np.ndarray
    y: np.ndarray


class Own(NamedTuple):
    """What a step is measured on: X, whether each label is the one that is 1, and what is told of it."""

    X: np.ndarray
    y: np.ndarray
    told: Data


class Format(NamedTuple):
    """How files with some ending are read, by which packages; `labelled` are those that hold labels beside X."""

    read: Callable[[Path, str | None], Arrays]
    packages: tuple[str, ...]
    labelled: bool = False


def ending(path: Path) -> str:
    """Return the ending that tells a file's format, such as ".csv.gz"; FileError where it tells none."""
    found = [known for known in FORMATS if path.name.lower().endswith(known)]
    if not found:
        raise FileError(
            f"{path} has none of the endings {', '.join(known for known in FORMATS if known.count('.') < 2)}"
        )
    return found[0]


def read(path: Path, name: str, label: str | None = None, *, standardise: bool = False) -> Own:
    """Return what a file holds.

    Parameters
    ----------
    path : Path
    name : str
        What it is called in the result.
    label : str, optional
        The column that holds the labels; None for a file of a format that holds them beside X.
    standardise : bool
        Whether each column of X is brought to mean 0 and variance 1.

    Raises
    ------
    FileError
        It cannot be read, or a step cannot be measured on it.
    """
    chosen = FORMATS[ending(path)]
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        names, X, y = chosen.read(path, label)
    except FileError as error:
        raise FileError(f"{path} {error}") from None
    except Exception as error:  # what the readers raise of a damaged file has no class in common
        raise FileError(f"{path} cannot be read: {one_line(error)}") from None
    try:
        zero, one = _two(y)
        _finite(names, X)
        X = _standardised(names, X) if standardise else X
    except FileError as error:
        raise FileError(f"{path} {error}") from None
    column = None if label is None else printable(label)
    told = Data(name, printable(path.name), digest, column, _word(one), _word(zero), standardised=standardise)
    return Own(X, np.array([value == one for value in y.tolist()]), told)


def _two(y: np.ndarray) -> list[Any]:
    """Return the two values of the labels, the one that is 0 first."""
    values = list(dict.fromkeys(y.tolist()))
    if len(values) == 2:
        try:
            return sorted(values)
        except TypeError:  # a number and a text
            return sorted(values, key=str)
    shown = _listed(map(_word, values), len(values))
    raise FileError(
        f"has {len(values):,} {'value' if len(values) == 1 else 'values'} in the label, {shown}; expected 2"
    )


def _word(value: Any) -> str:
    """Return a label's value as text."""
    return printable(f"{value:g}" if isinstance(value, float) else str(value))


def _listed(words: Iterable[str], count: int) -> str:
    """Return words as a list that ends, where there are more than can be read, with how many there are."""
    more = f" and {count - MAX_NAMED:,} more" if count > MAX_NAMED else ""
    return printable(", ".join(islice(words, MAX_NAMED))) + more


def _counted(counts: Mapping[str, int]) -> str:
    """Return what was counted in each column, the most first."""
    falling = sorted(counts.items(), key=lambda pair: -pair[1])
    return _listed((f"{name} {count:,}" for name, count in falling), len(falling))


def _no_missing(counts: Mapping[str, int]) -> None:
    found = {name: int(count) for name, count in counts.items() if count}
    if found:
        raise FileError(f"has missing values: {_counted(found)}; leave out these rows or columns, or fill them in")


def _finite(names: list[str], X: np.ndarray) -> None:
    """Refuse numbers that a step, in float32 too, can make nothing of."""
    _no_missing(dict(zip(names, np.isnan(X).sum(axis=0), strict=True)))
    large = (np.abs(X) > MAX_NUMBER).sum(axis=0)
    found = {name: int(count) for name, count in zip(names, large, strict=True) if count}
    if found:
        raise FileError(f"has numbers that are infinite, or larger than {MAX_NUMBER:g}: {_counted(found)}")
    if not X.any():
        raise FileError("has no number but 0 in X")


def _standardised(names: list[str], X: np.ndarray) -> np.ndarray:
    constant = [name for name, one in zip(names, np.ptp(X, axis=0) == 0, strict=True) if one]
    if constant:
        shown = _listed(constant, len(constant))
        raise FileError(f"has constant columns, which have no variance to bring to 1: {shown}; leave them out")
    return (X - X.mean(axis=0)) / X.std(axis=0)


def _no_larger_than_memory(m: int, n: int, why: str) -> None:
    """Refuse X that would not fit: as drawn, as cast to a memory order, and for the copies that NumPy's rungs make."""
    needed, free = 3 * 8 * m * n, psutil.virtual_memory().available
    if needed > free:
        size = f"{m:,} × {n:,} numbers, which need {needed / 1e9:,.3g} GB of memory"
        raise FileError(f"has {why} {size}; {free / 1e9:,.3g} GB are free")


def _csv(path: Path, label: str | None) -> Arrays:
    import pandas as pd

    separator = "\t" if ".tsv" in path.name.lower() else ","
    with warnings.catch_warnings(action="error", category=pd.errors.ParserWarning):  # lines longer than the first
        table = pd.read_csv(
            path, sep=separator, na_values=["?"], skipinitialspace=True, index_col=False, low_memory=False
        )
    return _of_table(table, label)


def _parquet(path: Path, label: str | None) -> Arrays:
    import pandas as pd

    return _of_table(pd.read_parquet(path, engine="pyarrow"), label)


def _arrow(path: Path, label: str | None) -> Arrays:
    """Read Feather, which is Arrow's file, or Arrow's stream."""
    import pyarrow
    from pyarrow import feather, ipc

    try:
        table = feather.read_table(path)
    except pyarrow.ArrowInvalid:
        with pyarrow.memory_map(str(path)) as file, ipc.open_stream(file) as stream:
            table = stream.read_all()
    return _of_table(table.to_pandas(), label)


def _arff(path: Path, label: str | None) -> Arrays:
    import pandas as pd
    from scipy.io import arff

    table = pd.DataFrame(arff.loadarff(path)[0])
    for name in table.select_dtypes(object):  # categories, as bytes
        words = table[name].str.decode("utf-8")
        table[name] = words.mask(words == "?")
    return _of_table(table, label)


def _npz(path: Path, label: str | None) -> Arrays:
    with np.load(path, allow_pickle=False) as held:
        if not {"X", "y"} <= set(held.files):
            raise FileError(f"has the arrays {_listed(held.files, len(held.files))}; expected X and y")
        X, y = held["X"], held["y"]
    if X.ndim != 2 or y.ndim != 1 or len(X) != len(y):
        raise FileError(f"has X of shape {X.shape} and y of shape {y.shape}; expected (m, n) and (m,)")
    if X.dtype.kind not in "biuf":
        raise FileError(f"has X of dtype {X.dtype}; expected numbers")
    if y.dtype.kind == "f":
        _no_missing({"y": np.isnan(y).sum()})
    return _of_arrays(X.astype(np.float64), y)


def _svmlight(path: Path, label: str | None) -> Arrays:
    from sklearn.datasets import load_svmlight_file

    X, y = load_svmlight_file(str(path))
    m, n = X.shape
    _no_larger_than_memory(m, n, f"{X.nnz:,} numbers, and with all zeros")
    return _of_arrays(X.toarray(), y)


def _of_arrays(X: np.ndarray, y: np.ndarray) -> Arrays:
    if not X.size:
        raise FileError(f"has X of shape {X.shape}; expected a row and a column at least")
    return Arrays([f"column {place}" for place in range(X.shape[1])], X, y)


def _of_table(table: Any, label: str | None) -> Arrays:
    """Return a table of pandas' as numbers, the columns of its categories last."""
    import pandas as pd

    table.columns = [str(name) for name in table.columns]
    columns = _listed(table.columns, len(table.columns))
    if label is None:
        raise FileError(f"needs --label, the column that holds the labels; it has {columns}")
    if label not in table.columns:
        raise FileError(f"has no column {label!r}; it has {columns}")
    if not table.columns.is_unique:
        raise FileError(f"has several columns of the same name: {columns}")
    if table.empty or len(table.columns) == 1:
        raise FileError(
            f"has {len(table):,} rows and the columns {columns}; expected a row, and one column more at least"
        )
    _no_missing(table.isna().sum().to_dict())
    y = table.pop(label)
    found = {name: _as_numbers_or_text(name, table[name]) for name in table.columns}
    numbers = {name: column for name, column in found.items() if column.dtype == np.float64}
    texts = {name: column for name, column in found.items() if name not in numbers}
    counts = {name: column.nunique() for name, column in texts.items()}
    many = f"as many columns as its text has values ({_counted(counts)}):"
    _no_larger_than_memory(len(table), len(numbers) + sum(counts.values()), many)
    parts = [pd.DataFrame(numbers, index=table.index)]
    if texts:
        parts.append(pd.get_dummies(pd.DataFrame(texts, index=table.index)))
    whole = pd.concat(parts, axis=1)
    return Arrays([*whole.columns], whole.to_numpy(np.float64), y.to_numpy(object))


def _as_numbers_or_text(name: str, column: Any) -> Any:
    """Return a column in float64, or as text: its categories; FileError where it is neither."""
    import pandas as pd

    kind = pd.api.types.infer_dtype(column)
    if kind in ("floating", "integer", "mixed-integer-float", "boolean", "decimal"):
        return column.astype(np.float64)
    if kind in ("string", "categorical"):
        return column.astype(str)
    raise FileError(f"has {kind} in the column {printable(name)}; expected numbers, true and false, or text")


def _packed(endings: str, packing: str, chosen: Format) -> dict[str, Format]:
    return {f"{ending}{packed}": chosen for ending in endings.split() for packed in ("", *packing.split())}


FORMATS: dict[str, Format] = {
    **_packed(".csv .tsv", ".gz .zip .bz2 .xz", Format(_csv, ("pandas",))),
    ".parquet": Format(_parquet, ("pandas", "pyarrow")),
    **_packed(".feather .arrow", "", Format(_arrow, ("pandas", "pyarrow"))),
    ".arff": Format(_arff, ("pandas", "scipy")),
    ".npz": Format(_npz, (), labelled=True),
    **_packed(".svm .svmlight .libsvm", ".gz .bz2", Format(_svmlight, ("scikit-learn",), labelled=True)),
}
