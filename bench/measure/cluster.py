"""Steps over data that are not in memory: what `looptax run --preset cluster` measures.

On one input after the other, each way in turn, sweep by sweep: from memory; from a file that the page cache holds; from
a file that it does not, beside plain reading of that file; on a cluster of processes of this machine, one worker and
two; and dask-glm's loss and gradient there. Results are compared with the plan in memory first: all but dask-glm's have
its very bits.
"""

from __future__ import annotations

import json
import os
import pickle
import random
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...kernels import blocks, plan
from ...kernels.blocks.sums import number_of, step_of
from ...kernels.choose.planner import settle
from ..show.result import one_line
from . import data, machine
from .stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

INPUTS = ("200000x50", "1000000x28", "50000x500")
MEMORY = "memory"
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
        One for each sweep.
    tasks : int
        Of a cluster, for a step.
    shipped : int
        Bytes that go out and come back for a step, as they are pickled.
    overhead : float
        Seconds of a task that does nothing, all included.
    """

    source: str
    name: str
    problem: str = ""
    seconds: list[float] = field(default_factory=list)
    tasks: int = 0
    shipped: int = 0
    overhead: float = 0.0


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
    there = blocks.plan(*paths)
    makers: dict[str, Callable[[], Callable[[], Any]]] = {
        MEMORY: lambda: partial(plan(X, y).step, w, 0.5),
        "file": lambda: partial(there.step, w, 0.5),
        "cold file": lambda: partial(_cold, paths, partial(there.step, w, 0.5)),
        "cold reading": lambda: partial(_cold, paths, partial(_read, paths)),
        "1 worker": lambda: _on_workers(open_now, 1, paths, w, ways["1 worker"]),
        "2 workers": lambda: _on_workers(open_now, 2, paths, w, ways["2 workers"]),
        "dask-glm, 2 workers": lambda: _dask_glm(open_now, X, y, w),
    }
    ways = {name: Way(source, name) for name in makers}
    steps: dict[str, Callable[[], Any]] = {}
    right = plan(X, y).step(w, 0.5)
    for name, make in makers.items():
        try:
            steps[name] = make()
            found = steps[name]()
            if found is not None:
                _compare(name, found, right)
        except Exception as error:  # a program of others may raise anything
            ways[name].problem = one_line(f"{type(error).__name__}: {error}")
    return {name: step for name, step in steps.items() if not ways[name].problem}, ways


def _compare(name: str, found: Any, right: Any) -> None:
    """Raise ValueError unless it is the step in memory, bit by bit; dask-glm's but for rounding."""
    alike = np.allclose(found[1], right.dw) if "glm" in name else bool((found.dw == right.dw).all())
    if not (alike and np.isclose(found[0], right.cost)):
        raise ValueError("its result is another one")


def _timed(step: Callable[[], Any], way: Way) -> None:
    settle()
    watch = Stopwatch()
    step()
    way.seconds.append(watch.elapsed)


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


def _cluster(open_now: ExitStack, workers: int) -> Any:
    """Return a client of processes of this machine, closed at the end."""
    distributed = import_module("distributed")
    made = open_now.enter_context(
        distributed.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0", silence_logs=50)
    )
    return open_now.enter_context(distributed.Client(made, set_as_default=False))


def _on_workers(open_now: ExitStack, workers: int, paths: list[Path], w: np.ndarray, way: Way) -> Callable[[], Any]:
    from ...kernels.dask import plan as on_cluster

    there = on_cluster(*paths, client=_cluster(open_now, workers))
    function = partial(step_of, w=w, b=0.5, order="C", at_most=1)
    found = list(there.each(function))
    way.tasks = len(found)
    way.shipped = way.tasks * len(pickle.dumps(function)) + sum(len(pickle.dumps(one)) for one in found)
    list(there.each(number_of))
    way.overhead = there.seconds / way.tasks
    return partial(there.step, w, 0.5)


def _dask_glm(open_now: ExitStack, X: np.ndarray, y: np.ndarray, w: np.ndarray) -> Callable[[], Any]:
    """Return dask-glm's loss and gradient, of chunks that two workers hold."""
    da, families = import_module("dask.array"), import_module("dask_glm.families")
    client, rows = _cluster(open_now, 2), -(-len(X) // 8)
    ones = np.column_stack([X, np.ones(len(X))])
    held = [client.persist(da.from_array(one, chunks=(rows, *one.shape[1:]))) for one in (ones, y)]
    weights, m = np.append(w, 0.5), len(X)

    def step() -> tuple[float, np.ndarray]:
        Xw = held[0].dot(weights)
        parts = [families.Logistic.loglike(Xw, held[1]), families.Logistic.gradient(Xw, held[0], held[1])]
        cost, gradient = client.gather(client.compute(parts))
        return float(cost) / m, np.asarray(gradient)[:-1] / m

    return step
