"""Steps over data that are not in memory: what `looptax run --preset cluster` measures.

On one input after the other, each way in turn, sweep by sweep: from memory; from a file that the page cache holds; from
a file that it does not, beside plain reading of that file; on a cluster of processes of this machine, one worker and
two (workers.py); dask-glm's loss and gradient there, and whole fits, ours and dask-ml's (guests.py), in seconds for
each evaluation. Steps are compared with the plan in memory first: all but dask-glm's have its very bits.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...kernels import blocks, plan
from ...kernels.choose.planner import settle
from ..show.result import one_line
from . import data, guests, machine, workers
from .stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

INPUTS = ("200000x50", "1000000x28", "50000x500")
MEMORY, ALONE = "memory", "memory, 1 thread"
ONE, TWO = "1 worker", "2 workers"
READ = 1 << 20  # bytes at once, of plain reading


@dataclass
class Way:
    """A way to the same step.

    Attributes
    ----------
    source, name : str
    problem : str
        Why it has no time; else empty.
    seconds : list of float
        One for each sweep: of a step, or of a fit divided by its evaluations.
    evaluations : int
        Of a fit: how often it asked for loss and gradient.
    tasks : int
        Of a cluster, for a step.
    shipped : int
        Bytes that go out and come back for a step, as they are pickled.
    latency, per_task, per_byte : float
        Seconds of a pass in which nothing is done: its fixed part, for each task, and for each byte shipped.
    """

    source: str
    name: str
    problem: str = ""
    seconds: list[float] = field(default_factory=list)
    evaluations: int = 0
    tasks: int = 0
    shipped: int = 0
    latency: float = 0.0
    per_task: float = 0.0
    per_byte: float = 0.0


def document(ways: Sequence[Way]) -> str:
    """Return the ways as the text of a JSON file, with the machine they are from."""
    facts: dict[str, Any] = {"machine": machine.facts(), "commit": machine.commit(), "date": f"{date.today()}"}
    return json.dumps({**facts, "ways": [asdict(way) for way in ways]}, indent=1)


def measured(
    inputs: Sequence[str], sweeps: int, seed: int, told: Callable[[str], Any], folder: str | None = None
) -> Iterator[list[Way]]:
    """Yield the ways of one input after the other.

    Parameters
    ----------
    inputs : sequence of str
        Shapes, such as "1000x10".
    sweeps : int
    seed : int
        Of the order of the ways.
    told : callable
        Gets what is done next, in words.
    folder : str, optional
        Where the files go, for the disk that is measured; by default where temporary files are.
    """
    order = random.Random(seed)
    for source in inputs:
        m, n = map(int, source.split("x"))
        X, y = data.synthetic(m, n)
        with tempfile.TemporaryDirectory(dir=folder) as place, ExitStack() as open_now:
            told(f"{source}: files and clusters")
            paths = [Path(place, f"{name}.npy") for name in ("X", "y")]
            for path, array in zip(paths, (X, y), strict=True):
                np.save(path, array)
                np.save(_twin(path), array)
            steps, ways = _steps(open_now, source, X, y, paths)
            for sweep in range(sweeps):
                told(f"{source}: sweep {sweep + 1}")
                for name in order.sample([*steps], len(steps)):
                    if not ways[name].problem:
                        _timed(steps[name], ways[name])
        yield [*ways.values()]


def _steps(
    open_now: ExitStack, source: str, X: np.ndarray, y: np.ndarray, paths: list[Path]
) -> tuple[dict[str, Callable[[], Any]], dict[str, Way]]:
    """Return a step for each way, and the ways; each has been called once, and compared."""
    w = np.linspace(-1, 1, X.shape[1])
    there, cold = blocks.plan(*paths), [*map(_twin, paths)]
    clients = workers.Clients(open_now)
    makers: dict[str, Callable[[Way], Callable[[], Any]]] = {
        MEMORY: lambda _: partial(plan(X, y).step, w, 0.5),
        ALONE: lambda _: partial(plan(X, y, threads=1).step, w, 0.5),
        "file": lambda _: partial(there.step, w, 0.5),
        "cold file": lambda _: partial(_cold, cold, lambda: blocks.plan(*cold).step(w, 0.5)),
        "cold reading": lambda _: partial(_cold, cold, partial(_read, cold)),
        ONE: lambda way: workers.step(clients.of(1), paths, w, way),
        TWO: lambda way: workers.step(clients.of(2), paths, w, way),
        "dask-glm, 2 workers": lambda _: guests.step(clients.of(2), X, y, w),
        "fit, 2 workers": lambda way: workers.fit(clients.of(2), paths, way),
        "dask-ml fit, 2 workers": lambda way: guests.fit(clients.of(2), X, y, way),
    }
    ways = {name: Way(source, name) for name in makers}
    steps: dict[str, Callable[[], Any]] = {}
    right = plan(X, y).step(w, 0.5)
    for name, make in makers.items():
        try:
            steps[name] = make(ways[name])
            found = steps[name]()
            if found is not None:
                _compare(name, found, right)
        except Exception as error:  # a program of others may raise anything
            ways[name].problem = one_line(f"{type(error).__name__}: {error}")
    return {name: step for name, step in steps.items() if not ways[name].problem}, ways


def _twin(path: Path) -> Path:
    """Return the path of the same file once more: what a plan has mapped, the page cache does not let go of."""
    return path.with_stem(f"{path.stem}-cold")


def _compare(name: str, found: Any, right: Any) -> None:
    """Raise ValueError unless it is the step in memory, bit by bit; dask-glm's but for rounding."""
    alike = np.allclose(found[1], right.dw) if "glm" in name else bool((found.dw == right.dw).all())
    if not (alike and np.isclose(found[0], right.cost)):
        raise ValueError("its result is another one")


def _timed(step: Callable[[], Any], way: Way) -> None:
    settle()
    watch = Stopwatch()
    step()
    way.seconds.append(watch.elapsed / max(way.evaluations, 1))


def _cold(paths: list[Path], step: Callable[[], Any]) -> Any:
    """Call a step after the page cache has let go of files."""
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return step()


def _read(paths: list[Path]) -> None:
    """Read files from end to end."""
    buffer = bytearray(READ)
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass
