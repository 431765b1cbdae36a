"""Blocks from Parquet, Arrow and all else that `pyarrow.dataset` reads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .sources import Piece, PieceSource

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

BATCH = 1 << 16  # samples, at most, that Arrow decodes at once
BATCH_BYTES = 1 << 23


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
    whole = given if is_dataset(given) else arrow.dataset(_paths(given))
    if label is None:
        raise ValueError("label is None; expected the name of the column that holds y")
    names = whole.schema.names
    chosen = [name for name in names if name not in (label, weight)] if features is None else list(features)
    if not chosen:
        raise ValueError("features is empty; expected the names of one or more columns")
    columns = [*chosen, label, *([weight] if weight else [])]
    kinds = [_kind(whole.schema, name) for name in columns]
    dtype = np.dtype(np.float32 if set(kinds[: len(chosen)]) == {"float"} else np.float64)
    size = int(min(BATCH, max(BATCH_BYTES // (8 * len(columns)), 1)))

    def pieces() -> Generator[Piece]:
        for fragment in whole.get_fragments():
            path = getattr(fragment, "path", None) or "the dataset"
            row = 0
            # Nothing is read ahead by Arrow: it counts groups of rows, which is no bound in bytes.
            batches = fragment.to_batches(
                columns=columns, batch_size=size, batch_readahead=0, fragment_readahead=0, use_threads=False,
                schema=whole.schema,
            )  # fmt: skip
            try:
                for batch in batches:
                    if batch.num_rows:
                        yield _piece(batch, path, row, bool(weight))
                        row += batch.num_rows
            except Exception as error:
                error.add_note(f"It was raised at {path}, row {row:,}.")
                raise

    nothing = np.empty(0, dtype)
    first = Piece(None, nothing, nothing if weight else None, "", [nothing] * len(chosen))
    found = PieceSource(pieces, first, order or "F", "the dataset", dtype)
    try:
        found.samples = whole.count_rows()
    except (OSError, ValueError):
        found.samples = None  # the first pass says what is wrong
    return found


def _kind(schema: Any, name: str) -> str:
    """Return what a column holds; ValueError where there is none, TypeError where it holds no numbers."""
    if name not in schema.names:
        raise ValueError(f"there is no column {name!r}; there are: {', '.join(schema.names)}")
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
    return Piece(None, y, s, f"{path} from row {row:,} on", arrays)
