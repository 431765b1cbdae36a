"""What blocks are made of, by pure functions: Dask arrays, columns of tables, and files that all workers see."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...pyimpl.parts.contract import check_floats
from ..blocks.block import Block
from ..blocks.files import FileArray
from ..blocks.sources import fitted
from .cluster import gathered

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


def is_table(X: Any, label: str | None) -> bool:
    """Return whether it is a table of Dask's, or paths of one."""
    columns = label is not None or hasattr(X, "to_dask_array") or isinstance(X, (str, os.PathLike, list))
    return columns and not is_npy(X)


def from_arrays(client: Any, X: Any, y: Any, s: Any) -> Data:
    """Return the data of Dask arrays."""
    for what, array, dimensions in (("X", X, 2), ("y", y, 1), ("sample_weight", s, 1)):
        if array is None and what == "sample_weight":
            continue
        if not hasattr(array, "rechunk"):
            raise TypeError(f"{what} is a {type(array).__name__}; expected a Dask array: dask.array.from_array({what})")
        if array.ndim != dimensions:
            raise ValueError(f"{what} has {array.ndim} dimensions; expected {dimensions}")
    check_floats(X)
    X, y, s = (None if one is None else _with_known_chunks(client, one) for one in (X, y, s))
    for what, array in (("y", y), ("sample_weight", s)):
        if array is not None and array.shape[0] != X.shape[0]:
            raise ValueError(f"{what} has {array.shape[0]} numbers; expected {X.shape[0]}, one for each row of X")

    def cut(rows: int, order: str) -> list[Any]:
        from dask import delayed

        make = delayed(made, pure=True, traverse=False)
        parts = [_as_told("X", X).rechunk((rows, X.shape[1])).to_delayed().ravel()]
        parts.append(_as_told("y", y).rechunk((rows,)).to_delayed())
        weights = None if s is None else _as_told("sample_weight", s).rechunk((rows,)).to_delayed()
        parts.append([None] * len(parts[1]) if weights is None else weights)
        return [make(*three, k * rows, order) for k, three in enumerate(zip(*parts, strict=True))]

    m, n = X.shape
    return Data(m, n, X.dtype, s is not None, "the Dask arrays", cut)


def _with_known_chunks(client: Any, array: Any) -> Any:
    """Return an array whose chunks have lengths: they are counted where they do not."""
    from dask import array as da
    from dask import delayed

    chunks = list(array.chunks)
    for axis, sizes in enumerate(array.chunks):
        if np.isnan(sizes).any():
            line = np.moveaxis(array.to_delayed(), axis, 0).reshape(len(sizes), -1)[:, 0]
            chunks[axis] = tuple(gathered(client, client.compute([delayed(np.size)(chunk, axis) for chunk in line])))
    return da.Array(array.dask, array.name, tuple(chunks), dtype=array.dtype, meta=array._meta)


def _as_told(what: str, array: Any) -> Any:
    """Return an array whose chunks are looked at: what Dask says of them need not be so, and `rechunk` believes it."""
    return array.map_blocks(checked, what, array.dtype, dtype=array.dtype, meta=array._meta)


def checked(chunk: Any, what: str, dtype: np.dtype, block_info: Any) -> np.ndarray:
    """Return a chunk; raise TypeError or ValueError where it is not what Dask says of it."""
    told, number = block_info[None]["chunk-shape"], block_info[None]["chunk-location"]
    where = f"{what}, chunk {number if len(number) > 1 else number[0]},"
    if not isinstance(chunk, np.ndarray) or isinstance(chunk, np.ma.MaskedArray):
        raise TypeError(f"{where} is a {type(chunk).__name__}; expected a numpy.ndarray")
    if chunk.shape != told:
        raise ValueError(f"{where} has shape {chunk.shape}; expected {told}, as Dask says of it")
    if what == "X" and chunk.dtype != dtype:
        raise TypeError(f"{where} has dtype {chunk.dtype}; expected {dtype}, as Dask says of it")
    if chunk.dtype.kind not in "biuf":
        raise TypeError(f"{where} has dtype {chunk.dtype}; expected real numbers")
    return chunk


def from_columns(
    client: Any, X: Any, y: Any, s: Any, label: str | None, features: Sequence[str] | None, weight: str | None
) -> Data:
    """Return the data of a table, or of Parquet."""
    if y is not None or s is not None:
        raise ValueError("y and sample_weight do not go with a table; its columns have names: label=..., weight=...")
    name, X = _table(X)
    chosen, columns = _columns(X, label, features, weight)
    kinds = {one: getattr(X[one].dtype, "numpy_dtype", X[one].dtype) for one in chosen}
    dtype = np.dtype(np.float32 if set(kinds.values()) == {np.dtype(np.float32)} else np.float64)
    floats = [one for one in chosen if _has_no_null(X[one].dtype)]

    from dask import array as da
    from dask import delayed

    parts = X[columns].to_delayed()
    lengths = gathered(client, client.compute([delayed(len)(part) for part in parts]))

    def cut(rows: int, order: str) -> list[Any]:
        take = delayed(numbers, pure=True, traverse=False)
        make = delayed(of_columns, pure=True, traverse=False)
        arrays = []
        for k, (part, length) in enumerate(zip(parts, lengths, strict=True)):
            taken = take(part, columns, len(chosen), floats, dtype, length, f"{name}, partition {k}")
            arrays.append(da.from_delayed(taken, (length, len(columns)), dtype))
        pieces = da.concatenate(arrays).rechunk((rows, len(columns))).to_delayed().ravel()
        return [make(piece, weight is not None, k * rows, order) for k, piece in enumerate(pieces)]

    return Data(sum(lengths), len(chosen), dtype, weight is not None, name, cut)


def _table(X: Any) -> tuple[str, Any]:
    """Return the name of a table, and the table: of paths, so that a null is no NaN."""
    if isinstance(X, (str, os.PathLike, list)):
        from dask.dataframe import read_parquet

        return str(X), read_parquet(X, dtype_backend="pyarrow")
    if not hasattr(X, "to_dask_array") or X.ndim != 2:
        raise TypeError(f"X is a {type(X).__name__}; expected a Dask table, or paths of Parquet")
    return "the table", X


def _columns(
    X: Any, label: str | None, features: Sequence[str] | None, weight: str | None
) -> tuple[list[str], list[str]]:
    """Return the names of the features, and these with that of the label and of the weight."""
    if label is None:
        raise ValueError("label is None; expected the name of the column that holds y")
    chosen = list(features) if features is not None else [one for one in X.columns if one not in (label, weight)]
    if not chosen:
        raise ValueError("features is empty; expected the names of one or more columns")
    columns = [*chosen, label, *([] if weight is None else [weight])]
    there = list(X.columns)
    for one in columns:
        if one not in there:
            raise ValueError(f"there is no column {one!r}; there are: {', '.join(map(str, there))}")
        if columns.count(one) > 1:
            raise ValueError(
                f"column {one!r} is asked for {columns.count(one)} times; expected once, as X, y or weight"
            )
        if there.count(one) > 1:
            raise ValueError(f"there are {there.count(one)} columns {one!r}; expected one")
        if X[one].dtype.kind not in "biuf":
            raise TypeError(f"column {one!r} is of {X[one].dtype}; expected numbers")
    return chosen, columns


def numbers(
    part: Any, columns: list[str], features: int, floats: list[str], dtype: np.dtype, length: int, where: str
) -> np.ndarray:
    """Return columns of a partition; raise ValueError where one has a null.

    NumPy has no null, and pandas takes NaN instead. In labels, in weights and in what should be integers it is refused.
    In `floats`, the columns of X that are NumPy's floats, it stays: it may have been NaN from the start, which is no
    error in memory either.
    """
    if len(part) != length:
        raise ValueError(f"{where}, has {len(part):,} rows; expected {length:,}, as when the plan was made")
    for one in columns:
        missing = part[one].isna().to_numpy()
        if missing.any() and not (one in floats and _has_no_null(part[one].dtype)):
            row = int(np.argmax(missing))
            raise ValueError(f"{where}, row {row:,}: column {one!r} is null; expected a number in each row")
    for one, meaning in zip(columns[features:], ("y", "sample_weight"), strict=False):
        fitted(meaning, part[one].to_numpy(), dtype, 0, where)
    return part[columns].astype(dtype).to_numpy()


def _has_no_null(dtype: Any) -> bool:
    """Return whether it is one of NumPy's floats."""
    return isinstance(dtype, np.dtype) and dtype.kind == "f"


def of_columns(part: np.ndarray, weighted: bool, first: int, order: str) -> Block:
    """Return a block of columns: X, then y, then the weights."""
    n = part.shape[1] - 1 - weighted
    s = part[:, -1].copy() if weighted else None
    return made(part[:, :n].copy(), part[:, n].copy(), s, first, order)


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
        if vector is None:
            continue
        if vector.dtype.kind not in "biuf":
            raise TypeError(f"{what} has dtype {vector.dtype}; expected real numbers")
        if vector.shape[0] != whole.shape[0]:
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
    X, y, s = parts
    return made(X, y, s, first, order)


def made(X: np.ndarray, y: np.ndarray, s: np.ndarray | None, first: int, order: str) -> Block:
    """Return a block of arrays, as the kernel wants them."""
    X = np.asarray(X, order=order)  # type: ignore[call-overload]
    y = fitted("y", y, X.dtype, first)
    return Block(X, y, None if s is None else fitted("sample_weight", s, X.dtype, first), first)
