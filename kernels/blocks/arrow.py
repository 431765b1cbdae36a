"""Blocks from Parquet, Arrow and all else that `pyarrow.dataset` reads."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from .sources import Piece, PieceSource

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

BATCH_BYTES = 1 << 20  # that are decoded at once, about
BUFFER = 1 << 16  # bytes of a file, of each column
WIDTHS = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4}  # bytes of a number in Parquet; all others have 8 at most
COLUMN = 1 << 20  # bytes that Arrow has for a column of Parquet: pages and a dictionary


def is_dataset(given: Any) -> bool:
    """Return whether it is a dataset of pyarrow's, without importing it."""
    return type(given).__module__ == "pyarrow._dataset"


def from_dataset(
    given: Any, label: str | None, features: Sequence[str] | None, weight: str | None, order: str | None
) -> PieceSource:
    """Return the source of a dataset, or of paths of one.

    Parameters
    ----------
    given : pyarrow.dataset.Dataset, path, or sequence of paths
    label, weight : str
        Names of columns.
    features : sequence of str, optional
        Names of columns; all others by default.
    order : str, optional
        "C" or "F"; by default "F", as Arrow has columns.
    """
    try:
        import pyarrow.dataset as arrow
    except ImportError as error:
        raise ImportError("Parquet and Arrow need pyarrow: pip install 'looptax[arrow]'") from error
    with _as_value_error():
        whole = given if is_dataset(given) else arrow.dataset(_paths(given))
    chosen, columns, dtype = _columns(whole.schema, label, features, weight)
    size = max(BATCH_BYTES // (8 * len(columns)), 1)

    def pieces() -> Generator[Piece]:
        for fragment in whole.get_fragments():
            path, row = getattr(fragment, "path", None) or "the dataset", 0
            try:
                with _as_value_error():
                    for batch in _batches(fragment, columns, size, reserved, path):
                        if batch.num_rows:
                            yield _piece(batch, path, row, bool(weight))
                            row += batch.num_rows
                        del batch  # before the next is read
            except Exception as error:
                error.add_note(f"It was raised at {path}, row {row:,}.")
                raise

    with _as_value_error():
        reserved = max((_taken(fragment, columns) for fragment in whole.get_fragments()), default=0)
    nothing = np.empty(0, dtype)
    first = Piece(None, nothing, nothing if weight else None, "", 0, [nothing] * len(chosen))
    found = PieceSource(pieces, first, order or "F", "the dataset", dtype)
    found.reserved = reserved + 8 * BATCH_BYTES
    with suppress(OSError, ValueError), _as_value_error():  # what is wrong is said in the first pass
        found.bound = whole.count_rows()  # a fragment may be a part of its file: samples are counted in a pass
    return found


@contextmanager
def _as_value_error() -> Iterator[None]:
    """Raise what Arrow has no way to read as what it is to a caller: a fault in the value of X."""
    from pyarrow.lib import ArrowIndexError, ArrowKeyError, ArrowNotImplementedError

    try:
        yield
    except (ArrowNotImplementedError, ArrowKeyError, ArrowIndexError) as error:
        raise ValueError(f"Arrow cannot read it: {error}") from error


def _columns(
    schema: Any, label: str | None, features: Sequence[str] | None, weight: str | None
) -> tuple[list[str], list[str], np.dtype]:
    """Return the names of the features, these with that of the label and of the weight, and the dtype of X."""
    if label is None:
        raise ValueError("label is None; expected the name of the column that holds y")
    index = (schema.pandas_metadata or {}).get("index_columns", ())  # which number or name rows, and are no features
    others = [name for name in schema.names if name not in (label, weight, *index)]
    chosen = others if features is None else list(features)
    if not chosen:
        raise ValueError("features is empty; expected the names of one or more columns")
    columns = [*chosen, label, *([weight] if weight else [])]
    for name in columns:
        if columns.count(name) > 1:
            raise ValueError(
                f"column {name!r} is asked for {columns.count(name)} times; expected once, as X, y or weight"
            )
        if name not in schema.names:
            raise ValueError(f"there is no column {name!r}; there are: {', '.join(schema.names)}")
    kinds = [_kind(schema, name) for name in columns]
    return chosen, columns, np.dtype(np.float32 if set(kinds[: len(chosen)]) == {"float"} else np.float64)


def _format(fragment: Any) -> str:
    """Return "parquet" or "ipc"; "" for what has no way of its own here."""
    from pyarrow.dataset import IpcFileFormat, ParquetFileFormat

    kind = getattr(fragment, "format", None)
    return "parquet" if isinstance(kind, ParquetFileFormat) else "ipc" if isinstance(kind, IpcFileFormat) else ""


def _taken(fragment: Any, columns: Sequence[str]) -> int:
    """Return about how many bytes Arrow takes to read a file: what it holds at once, and what that is made of."""
    if _format(fragment) == "parquet":
        return _taken_by_groups(fragment.metadata, columns)
    if _format(fragment) == "ipc":
        return max((_taken_by_batch(batch) for batch in islice(_whole_batches(fragment, columns), 1)), default=0)
    return 0


def _taken_by_groups(groups: Any, columns: Sequence[str]) -> int:
    """Return the bytes for the largest group of rows of a Parquet file: a number has its width, and a byte of levels.

    A file says how large each column is, but where it is damaged pyarrow ends the process when that is asked for.
    """
    kinds = (groups.schema.column(j) for j in range(len(groups.schema)))
    row = sum(WIDTHS.get(kind.physical_type, 8) + 1 for kind in kinds if kind.path in columns)
    each = (groups.row_group(number) for number in range(groups.num_row_groups))
    most = max((min(group.num_rows * row, group.total_byte_size) for group in each), default=0)
    return 2 * max(most, 0) + COLUMN * len(columns)  # a damaged file may say less than none


def _taken_by_batch(batch: Any) -> int:
    """Return the bytes for a batch that is read in one piece, and may be compressed."""
    return 2 * batch.get_total_buffer_size()


def _batches(fragment: Any, columns: Sequence[str], size: int, reserved: int, path: str) -> Iterator[Any]:
    """Yield the batches of a file. Nothing is read ahead by Arrow: it counts groups of rows, which bound no bytes."""
    if _format(fragment) == "parquet":
        yield from _parquet_batches(fragment, columns, size, reserved, path)
    elif _format(fragment) == "ipc":
        for batch in _whole_batches(fragment, columns):
            if _taken_by_batch(batch) > reserved:
                raise ValueError(f"{path} has larger batches than each file began with when the plan was made")
            yield batch
            del batch
    else:
        yield from fragment.to_batches(
            columns=columns, batch_size=size, batch_readahead=0, fragment_readahead=0, use_threads=False
        )


def _parquet_batches(fragment: Any, columns: Sequence[str], size: int, reserved: int, path: str) -> Iterator[Any]:
    """Yield parts of the groups of rows of a Parquet file."""
    from pyarrow.parquet import ParquetFile

    groups = fragment.metadata
    if _taken_by_groups(groups, columns) > reserved:
        raise ValueError(f"{path} has larger groups of rows than any file when the plan was made")
    how = {"pre_buffer": False, "buffer_size": BUFFER, "page_checksum_verification": True}
    with fragment.open() as opened, ParquetFile(opened, metadata=groups, **how) as file:
        _check_columns(file.schema_arrow, columns, path)
        rows = [group.id for group in fragment.row_groups]
        for batch in file.iter_batches(batch_size=size, row_groups=rows, columns=columns, use_threads=False):
            yield batch.select(columns)


def _whole_batches(fragment: Any, columns: Sequence[str]) -> Iterator[Any]:
    """Yield the batches of an Arrow file, each as it was written: through a dataset it would take twice as much."""
    from pyarrow import ipc

    with fragment.open() as opened, ipc.open_file(opened) as file:
        schema = file.schema
    _check_columns(schema, columns, fragment.path)
    chosen = sorted(schema.get_field_index(name) for name in columns)
    how = ipc.IpcReadOptions(included_fields=chosen, use_threads=False)
    with fragment.open() as opened, ipc.open_file(opened, options=how) as file:
        for number in range(file.num_record_batches):
            yield file.get_batch(number).select(columns)


def _check_columns(schema: Any, columns: Sequence[str], path: str) -> None:
    """Raise ValueError where a file lacks a column, TypeError where it has no numbers in one."""
    missing = [name for name in columns if name not in schema.names]
    if missing:
        raise ValueError(f"{path} has no column {missing[0]!r}, which other files have")
    for name in columns:
        _kind(schema, name)


def _kind(schema: Any, name: str) -> str:
    """Return what a column holds; TypeError where that is no numbers."""
    kind = str(schema.field(name).type)
    if not kind.startswith(("int", "uint", "float", "double", "bool", "halffloat")):
        raise TypeError(f"column {name!r} is of {kind}; expected numbers")
    return kind


def _paths(given: Any) -> Any:
    """Return paths as pyarrow wants them."""
    return os.fspath(given) if isinstance(given, (str, os.PathLike)) else [os.fspath(path) for path in given]


def _piece(batch: Any, path: str, row: int, weighted: bool) -> Piece:
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if column.null_count:
            first = int(np.argmax(np.asarray(column.is_null())))
            raise ValueError(f"{path}, row {row + first:,}: column {name!r} is null; expected a number in each row")
    arrays = [column.to_numpy(zero_copy_only=False) for column in batch.columns]
    s = arrays.pop() if weighted else None
    y = arrays.pop()
    return Piece(None, y, s, path, row, arrays)
