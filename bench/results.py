"""Results: the document a run leaves, and the figures read from it.

The document is pytest-benchmark's JSON (``benchmarks``, ``machine_info``, ``commit_info``,
``datetime``, ``version``) with one section added, ``looptax``:

- ``schema``: 1
- ``settings``: the matrix that was asked for
- ``blas_override``: environment variables that force an OpenBLAS kernel
- ``cells``: for every cell its ``cell`` (rung, source, dtype, order, threads), ``samples``,
  ``features``, ``status``, ``reason``, ``error_used`` and ``pools``; its ``id`` is the ``param`` of its entry in
  ``benchmarks`` where its status is "measured".
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from pytest_benchmark.utils import safe_dumps

from .matrix import Cell


class Figure(NamedTuple):
    """A cell with its figures; those are None where it was not measured.

    ``seconds`` is the median round. An element is a number of X; a step does 4 operations per
    element (a multiplication and an addition for z, and again for dw). ``gbytes`` counts X once,
    however often a rung reads it.
    """

    cell: Cell
    samples: int
    features: int
    status: str
    reason: str | None
    seconds: float | None

    @property
    def ns_per_element(self) -> float | None:
        """Nanoseconds per element of X."""
        return self.seconds and self.seconds * 1e9 / (self.samples * self.features)

    @property
    def gflops(self) -> float | None:
        """10⁹ floating-point operations per second."""
        return self.seconds and 4e-9 * self.samples * self.features / self.seconds

    @property
    def gbytes(self) -> float | None:
        """10⁹ bytes of X per second."""
        size = 4 if self.cell.dtype == "float32" else 8
        return self.seconds and 1e-9 * size * self.samples * self.features / self.seconds


def figures(document: dict[str, Any]) -> list[Figure]:
    """Return the figures of a document, in the order its cells were asked for."""
    medians = {entry["param"]: entry["stats"]["median"] for entry in document["benchmarks"]}
    return [
        Figure(Cell(**c["cell"]), c["samples"], c["features"], c["status"], c["reason"], medians.get(c["id"]))
        for c in document["looptax"]["cells"]
    ]


def write(document: dict[str, Any], path: Path) -> None:
    """Write a document as JSON: whole or not at all, replacing what was there."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(safe_dumps(document, indent=1))
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
