"""What blocks are made of, by pure functions: Dask arrays, columns of tables, and files that all workers see."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...pyimpl.parts.contract import check_floats, check_samples, plain
from ..blocks.block import Block
from ..blocks.files import FileArray

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Data(NamedTuple):
    """The whole, before it is cut.

    Attributes
    ----------
    samples, features : int
    dtype : numpy.dtype
    weighted : bool
    name : str
    cut : callable
        Called with (rows, order), returns a delayed block for each so many samples.
    """

    samples: int
    features: int
    dtype: np.dtype
    weighted: bool
    name: str
    cut: Callable[[int, str], list[Any]]


def is_npy(X: Any) -> bool:
    """Return whether it is the path of an ``.npy`` file."""
    return isinstance(X, (str, os.PathLike)) and os.fspath(X).endswith(".npy")


def is_frame(X: Any) -> bool:
    """Return whether it is a table of Dask's, or paths of one."""
    return hasattr(X, "to_dask_array") or isinstance(X, (str, os.PathLike, list))


def from_arrays(X: Any, y: Any, s: Any, name: str = "X") -> Data:
    """Return the data of Dask arrays."""
    for what, array, dimensions in (("X", X, 2), ("y", y, 1), ("sample_weight", s, 1)):
        if array is None and what == "sample_weight":
            continue
        if not hasattr(array, "rechunk"):
            raise TypeError(f"{what} is a {type(array).__name__}; expected a Dask array: dask.array.from_array({what})")
        if array.ndim != dimensions:
            raise ValueError(f"{what} has {array.ndim} dimensions; expected {dimensions}")
    X, y, s = (None if one is None else _with_known_chunks(one) for one in (X, y, s))
    check_floats(X)
    for what, array in (("y", y), ("sample_weight", s)):
        if array is not None and array.shape[0] != X.shape[0]:
            raise ValueError(f"{what} has {array.shape[0]} numbers; expected {X.shape[0]}, one for each row of X")

    def cut(rows: int, order: str) -> list[Any]:
        from dask import delayed

        make = delayed(made, pure=True, traverse=False)
        parts = [X.rechunk((rows, X.shape[1])).to_delayed().ravel(), y.rechunk((rows,)).to_delayed()]
        parts.append([None] * len(parts[1]) if s is None else s.rechunk((rows,)).to_delayed())
        more = (order, *X.shape[1:], X.dtype)
        return [make(*three, k * rows, *more) for k, three in enumerate(zip(*parts, strict=True))]

    m, n = X.shape
    return Data(m, n, X.dtype, s is not None, name, cut)


def _with_known_chunks(array: Any) -> Any:
    """Return an array whose chunks have lengths: they are counted where they do not."""
    if any(np.isnan(size) for size in array.shape):
        array = array.copy()
        array.compute_chunk_sizes()
    return array


def from_columns(X: Any, label: str | None, features: Sequence[str] | None, weight: str | None) -> Data:
    """Return the data of a table, or of Parquet."""
    name = "the table"
    if not hasattr(X, "to_dask_array"):
        from dask.dataframe import read_parquet

        name = str(X)
        X = read_parquet(X)
    if label is None:
        raise ValueError("label is None; expected the name of the column that holds y")
    chosen = list(features) if features is not None else [one for one in X.columns if one not in (label, weight)]
    for one in [*chosen, label, *([weight] if weight else [])]:
        if one not in X.columns:
            raise ValueError(f"there is no column {one!r}; there are: {', '.join(map(str, X.columns))}")
    columns = [*chosen, label, *([weight] if weight else [])]
    for one in columns:
        if X[one].dtype.kind not in "biuf":
            raise TypeError(f"column {one!r} is of {X[one].dtype}; expected numbers")
    dtype = np.dtype(np.float32 if {X[one].dtype for one in chosen} == {np.dtype(np.float32)} else np.float64)
    whole = _with_known_chunks(X[columns].astype(dtype).to_dask_array())

    def cut(rows: int, order: str) -> list[Any]:
        from dask import delayed

        make = delayed(of_columns, pure=True, traverse=False)
        parts = whole.rechunk((rows, len(columns))).to_delayed().ravel()
        return [make(part, bool(weight), k * rows, order) for k, part in enumerate(parts)]

    return Data(whole.shape[0], len(chosen), dtype, bool(weight), name, cut)


def of_columns(part: np.ndarray, weighted: bool, first: int, order: str) -> Block:
    """Return a block of columns: X, then y, then the weights."""
    n = part.shape[1] - 1 - weighted
    s = part[:, -1].copy() if weighted else None
    return made(part[:, :n].copy(), part[:, n].copy(), s, first, order, n, part.dtype)


def from_npy(X: Any, y: Any, s: Any) -> Data:
    """Return the data of ``.npy`` files, parts of which each worker reads."""
    held: list[Any] = []
    for what, path, dimensions in (("X", X, 2), ("y", y, 1), ("sample_weight", s, 1)):
        if path is None and what == "sample_weight":
            held.append(None)
            continue
        if not is_npy(path):
            raise TypeError(f"{what} is a {type(path).__name__}; expected the path of an .npy file, as X is one")
        found = FileArray.npy(os.path.abspath(path))  # workers may be elsewhere
        found.check(what, dimensions, "numbers")
        held.append(found)
    whole, labels, weights = held
    assert whole is not None
    check_floats(whole)
    for what, vector in (("y", labels), ("sample_weight", weights)):
        if vector is not None and vector.shape[0] != whole.shape[0]:
            raise ValueError(f"{what} has {vector.shape[0]} numbers; expected {whole.shape[0]}, one for each row of X")

    def cut(rows: int, order: str) -> list[Any]:
        from dask import delayed

        load = delayed(loaded, pure=True, traverse=False)
        m = whole.shape[0]
        known = [None if one is None else identity(one.path) for one in held]
        return [load(held, known, first, min(first + rows, m), order) for first in range(0, m, rows)]

    return Data(whole.shape[0], whole.shape[1], whole.dtype, weights is not None, whole.path, cut)


def identity(path: str) -> tuple[int, int]:
    """Return what is another one where a file has been written anew."""
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns


def loaded(files: list[FileArray | None], known: list[Any], first: int, end: int, order: str) -> Block:
    """Return a block of ``.npy`` files, in memory."""
    parts: list[Any] = []
    for one, before in zip(files, known, strict=True):
        if one is None:
            parts.append(None)
            continue
        if identity(one.path) != before:
            raise ValueError(f"{one.path} was changed since the plan was made; make another one")
        file = one.open()
        try:
            part, window = file.part(first, end)
            part = np.array(part)
            file.check(window)
        finally:
            file.close()
        parts.append(part)
    whole = files[0]
    assert whole is not None
    X, y, s = parts
    return made(X, y, s, first, order, whole.shape[1], whole.dtype)


def made(X: Any, y: Any, s: Any, first: int, order: str, features: int, dtype: np.dtype) -> Block:
    """Return a block of arrays, as the kernel wants them; what Dask says of arrays need not be so."""
    where = f"the samples from {first:,} on"
    X = np.asarray(X, order=order)  # type: ignore[call-overload]
    check_samples(X)
    if X.shape[1] != features or X.dtype != dtype:
        raise ValueError(f"{where} have {X.shape[1]} features of {X.dtype}; expected {features} of {dtype}, as told")
    vectors: list[Any] = []
    for name, vector in (("y", y), ("sample_weight", s)):
        if vector is None:
            vectors.append(None)
            continue
        vector = np.asarray(vector)
        if vector.dtype.kind not in "biuf":
            raise TypeError(f"{where}: {name} has dtype {vector.dtype}; expected real numbers")
        if vector.shape != (len(X),):
            raise ValueError(f"{where}: {name} has shape {vector.shape}; expected ({len(X)},), one for each row of X")
        vectors.append(plain(vector, X.dtype))
    return Block(X, vectors[0], vectors[1], first)
