"""Results: the document a run leaves, how it is read back, and the figures read from it.

The document is pytest-benchmark's JSON (``benchmarks``, ``machine_info``, ``commit_info``,
``datetime``, ``version``) with one section added, ``looptax``, of schema 2:

- ``schema``: 2
- ``command``: what to type to repeat the run
- ``settings``: the matrix that was asked for
- ``blas_override``: environment variables that force an OpenBLAS kernel
- ``cells``: for every cell its ``cell`` (rung, source, dtype, order, threads, and ``situation``: absent
  means alone), ``samples``, ``features``, ``status``, ``reason``, ``error_used`` and ``pools``;
  ``seconds``, the median round of each sweep (null where a sweep has none, empty where the cell has no
  number); ``again``, the same for the second time the cell was measured in each sweep, null where it was
  not; ``p90``, the 90th percentile of the single calls of each sweep, absent or null where the rounds
  were not single calls
- ``limits``: ``bandwidth``, ``fma`` and ``call_seconds``, see `limits`
- ``noise``: ``load``, ``others``, ``steal``, ``mhz``, ``spread`` and ``unstable``, see `noise`
- ``rungs``, ``parts``, ``growth``: what the anatomy of the rungs found, ``parts`` for some of them alone; absent
  where it was not asked for

Nothing that follows from other figures is stored. An entry of ``benchmarks`` has in its ``extra_info``
the ``cell``, the ``sweep`` and whether it is the ``again``.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from pytest_benchmark.utils import safe_dumps

from ..measure.matrix import Cell
from .document import Document

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = 2
MOST_BYTES = 200_000_000  # of a file; a run of preset L leaves a tenth


class ResultError(ValueError):
    """A file is not a result that can be read; the message says why, in one line."""


class Figure(NamedTuple):
    """A cell with its figures; those are None where it was not measured.

    ``seconds`` is the median over the sweeps of each sweep's median round; ``sweeps`` are those, and
    ``again`` the same of the second time in each sweep, where there is one; ``p90`` is the 90th percentile
    of each sweep's calls, where they were timed one by one. An element is a number of X; a step does 4
    operations per element (a multiplication and an addition for z, and again for dw).
    ``gbytes`` counts X once, however often a rung reads it.
    """

    cell: Cell
    samples: int
    features: int
    status: str
    reason: str | None
    seconds: float | None
    sweeps: tuple[float | None, ...] = ()
    again: tuple[float | None, ...] = ()
    p90: tuple[float | None, ...] = ()

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
        return self.seconds and 1e-9 * self.bytes / self.seconds

    @property
    def bytes(self) -> int:
        """Size of X."""
        return self.samples * self.features * (4 if self.cell.dtype == "float32" else 8)


def figures(document: dict[str, Any]) -> list[Figure]:
    """Return the figures of a document, in the order its cells were asked for."""
    return [_figure(cell) for cell in document["looptax"]["cells"]]


def _figure(c: dict[str, Any]) -> Figure:
    found = (c["samples"], c["features"], c["status"], c["reason"], typical(c["seconds"]))
    return Figure(Cell(**c["cell"]), *found, *(tuple(c.get(name) or ()) for name in ("seconds", "again", "p90")))


def typical(sweeps: Sequence[float | None]) -> float | None:
    """Return the median over the sweeps that have a time; None where none has."""
    times = [time for time in sweeps if time]
    return median(times) if times else None


def read(path: Path) -> dict[str, Any]:
    """Return the document of a file.

    Raises
    ------
    ResultError
        The file cannot be read, is none of ours, of another schema, damaged, or larger than `MOST_BYTES`.
    """
    try:
        return _checked(msgspec.json.decode(_bytes(path)))
    except OSError as error:
        raise ResultError(f"{path} cannot be read: {error.strerror or error}") from None
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise ResultError(f"{path} is not a result of looptax: {error}") from None


def _bytes(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise ResultError("it is not a file")
    if path.stat().st_size > MOST_BYTES:
        raise ResultError(f"it has {path.stat().st_size / 1e6:,.0f} MB, more than {MOST_BYTES / 1e6:.0f}")
    return path.read_bytes()


def _checked(document: Any) -> dict[str, Any]:
    section = document.get("looptax") if isinstance(document, dict) else None
    schema = section.get("schema") if isinstance(section, dict) else None
    if type(schema) is not int:
        raise ResultError("it has no section looptax with a schema")
    if schema != SCHEMA:
        raise ResultError(f"it has schema {schema}; this version of looptax reads {SCHEMA}")
    msgspec.convert(document, Document)
    names = [cell["id"] for cell in document["looptax"]["cells"]]
    if len(set(names)) < len(names):
        raise ResultError("a cell occurs twice")
    return document


def write(document: dict[str, Any], path: Path) -> None:
    """Write a document as JSON: whole or not at all, replacing what was there."""
    write_text(safe_dumps(document, indent=1), path)


def write_text(text: str, path: Path) -> None:
    """Write a text file: whole or not at all, replacing what was there."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
