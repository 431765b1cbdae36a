"""Run a matrix: one test per turn of a cell, timed and stored by pytest-benchmark, with a progress bar on top."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import msgspec
import numpy as np
import pytest
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..show import result, storage
from ..show.result import Figure
from . import anatomy, limits, machine
from .data import OWN, samples_and_features, work
from .matrix import ROUNDS, Matrix, Turn
from .noise import Watch
from .turn import forget, record, refuse, take

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from ..show.result import Document, Limits

# Only the plugin that times is wanted: the user's own plugins, settings and caches stay out of the figures.
ISOLATED = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}

# A cell that fails conformance fails its test; it is one of the results.
ENDINGS = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)


class RunError(RuntimeError):
    """The run ended for a reason that is not a cell's."""


def run(matrix: Matrix, console: Console, command: str = "") -> tuple[Document, bool]:
    """Take every turn of a matrix.

    Parameters
    ----------
    matrix : Matrix
    console : rich.console.Console
        Where the progress bar goes.
    command : str
        What to type to repeat the run; for the document.

    Returns
    -------
    document : Document
    interrupted : bool
        Whether Ctrl-C ended the run early.

    Raises
    ------
    RunError
        Something unexpected failed; the message carries the traceback.
    """
    with _bar(console) as bar:
        task = bar.add_task("the machine's limits", total=len(matrix.turns()))
        started = False

        def show(turn: Turn | None) -> None:
            nonlocal started
            bar.update(task, description=turn.cell.id if turn else "done", advance=1 if started else 0)
            started = turn is not None

        return take_turns(matrix, show, command)


def take_turns(matrix: Matrix, on_turn: Callable[[Turn | None], None], command: str) -> tuple[Document, bool]:
    """Do what `run` does without showing it; `on_turn` is told of each turn before it is taken, and of the end."""
    forget()
    plugin = MatrixPlugin(matrix, on_turn, command)
    with patch.dict(os.environ, ISOLATED), TemporaryDirectory() as folder:
        code = pytest.main(_arguments(matrix, folder), plugins=[plugin])
    if plugin.error or plugin.document is None or code not in ENDINGS:
        raise RunError(plugin.error or f"pytest ended with {code!r}")
    return plugin.document, code == pytest.ExitCode.INTERRUPTED


def study(matrix: Matrix, console: Console) -> dict[str, list]:
    """Look into each of our own rungs of a matrix; return what a `Section` has besides: rungs and parts."""
    with _bar(console) as bar:
        task = bar.add_task("the rungs", total=None)

        def show(text: str, done: int, total: int) -> None:
            bar.update(task, description=text, completed=done, total=total)

        found = anatomy.study(matrix.rungs, show)
        show("done", int(bar.tasks[task].total or 0), int(bar.tasks[task].total or 0))
        return found


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )


def _arguments(matrix: Matrix, folder: str) -> list[str]:
    here = Path(__file__).parents[1]
    return [
        str(here / "bench_matrix.py"),
        *("--rootdir", str(here), "-c", os.devnull, "--noconftest", "--import-mode=importlib"),
        *("-p", "pytest_benchmark.plugin", "-p", "no:cacheprovider", "-p", "no:terminal", "-W", "ignore"),
        f"--benchmark-storage=file://{folder}",
        *("--benchmark-only", "--benchmark-disable-gc", "--benchmark-warmup=off", "--benchmark-min-time=0.0005"),
        *(f"--benchmark-max-time={matrix.max_time}", f"--benchmark-min-rounds={ROUNDS}"),
    ]


class MatrixPlugin:
    """Makes the turns tests, and adds what became of each cell to pytest-benchmark's JSON.

    Parameters
    ----------
    matrix : Matrix
    on_turn : callable, optional
        Called with a turn before it is taken, and with None after the last.
    command : str
        What to type to repeat the run.
    """

    def __init__(
        self,
        matrix: Matrix,
        on_turn: Callable[[Turn | None], None] = lambda turn: None,
        command: str = "pytest bench --benchmark-only",
    ) -> None:
        self.matrix, self.on_turn, self.command = matrix, on_turn, command
        self.turns = {turn.id: turn for turn in matrix.turns()}
        self.limits: list[Limits] = []  # one a sweep
        self.watch = Watch()
        cells = matrix.cells()
        shapes = {source: samples_and_features(source) for source in matrix.sources}
        self.figures = {cell: Figure(cell, *shapes[cell.source], **work(cell.source)) for cell in cells}
        self.document: Document | None = None
        self.error: str | None = None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give the one test of bench_matrix.py its turns."""
        if "turn_id" in metafunc.fixturenames:
            metafunc.parametrize("turn_id", list(self.turns))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put the turns in their order, should another plugin have shuffled them."""
        place = {f"test_step[{turn_id}]": k for k, turn_id in enumerate(self.turns)}
        items.sort(key=lambda item: place.get(item.name, -1))

    @pytest.fixture
    def measured(self, benchmark, turn_id: str) -> Figure:
        """Take the turn and return what became of the cell."""
        turn = self.turns[turn_id]
        figure = self.figures[turn.cell]
        try:
            self._take(turn, figure, benchmark)
        except Exception as error:  # of a rung, a peer or a guest: the other cells have their turns
            refuse(figure, "failed", error)
        return figure

    def _take(self, turn: Turn, figure: Figure, benchmark) -> None:
        if turn.sweep >= len(self.limits):
            threads = sorted({cell.threads for cell in self.figures})
            self.limits.append(limits.measure(threads, max(one.bytes for one in self.figures.values())))
        self.on_turn(turn)
        self.watch.look()
        take(turn, figure, self.matrix, benchmark)
        if benchmark.stats:  # there are none where the cell may have no number
            found = benchmark.stats.stats
            single = self.matrix.single_calls
            record(turn, figure, found.median, float(np.quantile(found.data, 0.9)) if single else None)
            benchmark.extra_info |= {"cell": turn.cell.id, "sweep": turn.sweep, "again": turn.again}

    def pytest_benchmark_generate_machine_info(self) -> dict[str, Any]:
        """Replace pytest-benchmark's machine facts by ours."""
        return machine.facts()

    def pytest_benchmark_generate_commit_info(self) -> dict[str, Any]:
        """Replace the commit of the current folder by that of this package."""
        return {"id": machine.commit()}

    def pytest_benchmark_update_json(self, output_json: dict[str, Any]) -> None:
        """Add what is ours, and drop the rounds of a turn that Ctrl-C cut short: it has no `extra_info`."""
        output_json["benchmarks"] = [entry for entry in output_json["benchmarks"] if entry["extra_info"]]
        cells = list(self.figures.values())
        section = result.Section(
            result.SCHEMA, cells, self.matrix.settings(), result.printable(self.command), machine.blas_override(),
            limits.typical(self.limits), self.watch.report(cells),
            data=[OWN[source].told for source in self.matrix.sources if source in OWN],
            guests=[guest.told for guest in self.matrix.guests if guest.file],
        )  # fmt: skip
        output_json["looptax"] = msgspec.to_builtins(section)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Assemble the document, also after an interrupt or with nothing measured."""
        config = session.config
        self.on_turn(None)
        made = config._benchmarksession.benchmarks  # type: ignore[attr-defined]  # pytest-benchmark's
        document = config.hook.pytest_benchmark_generate_json(
            config=config,
            benchmarks=[one for one in made if one],  # one without a round is false: Ctrl-C came in its first
            include_data=True,
            machine_info=machine.facts(),
            commit_info={"id": machine.commit()},
        )
        self.pytest_benchmark_update_json(document)
        self.document = storage.of_pytest_benchmark(document)

    def pytest_exception_interact(self, call: pytest.CallInfo) -> None:
        """Keep the first unexpected error, which the silent run would otherwise hide."""
        if self.error is None and call.excinfo is not None and not call.excinfo.errisinstance(pytest.fail.Exception):
            self.error = str(call.excinfo.getrepr(style="short"))
