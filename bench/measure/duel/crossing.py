"""What crosses from one process to another: a cell's data in a file, a result as JSON."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from ....pyimpl.parts.contract import Step

if TYPE_CHECKING:
    from collections.abc import Iterator


def returned(result: dict[str, Any]) -> Step:
    """Return what a build returned, as it was before it went through a pipe."""
    return Step(**{name: _part(told) for name, told in result.items()})


def _part(told: dict[str, Any]) -> Any:
    """Return an array or a number of the dtype it had; what had none is a plain number, or a list."""
    if told["dtype"] is None:
        return told["numbers"]
    found = np.array(told["numbers"], np.float64).astype(told["dtype"])
    return found if told["type"] == "ndarray" else found[()]


def bits(result: dict[str, Any]) -> bytes:
    """Return the numbers of a result as they are in memory."""
    return b"".join(np.asarray(part).tobytes() for part in returned(result))


@contextmanager
def written(case: Any) -> Iterator[str]:
    """Write a cell's data to a file, which is there as long as the block."""
    with TemporaryDirectory() as folder:
        path = str(Path(folder, "case.npz"))
        np.savez(path, X=case.X, y=case.y, w=case.w, b=case.b)
        yield path
