"""Run a matrix: pytest and pytest-benchmark underneath, a progress bar on top."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from . import anatomy
from .matrix import ROUNDS, Matrix, Turn
from .plugin import MatrixPlugin

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

# Only the plugin that times is wanted: the user's own plugins, settings and caches stay out of the figures.
ISOLATED = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}


# A cell that fails conformance fails its test; it is one of the results.
ENDINGS = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)


class RunError(RuntimeError):
    """The run ended for a reason that is not a cell's."""


def run(matrix: Matrix, console: Console, command: str = "") -> tuple[dict[str, Any], bool]:
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
    document : dict
        pytest-benchmark's JSON document, with ``document["looptax"]`` added; see `results`.
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


def take_turns(matrix: Matrix, on_turn: Callable[[Turn | None], None], command: str) -> tuple[dict[str, Any], bool]:
    """Do what `run` does without showing it; `on_turn` is told of each turn before it is taken, and of the end."""
    plugin = MatrixPlugin(matrix, on_turn, command)
    with patch.dict(os.environ, ISOLATED), TemporaryDirectory() as storage:
        code = pytest.main(_arguments(matrix, storage), plugins=[plugin])
    if plugin.error or plugin.document is None or code not in ENDINGS:
        raise RunError(plugin.error or f"pytest ended with {code!r}")
    return plugin.document, code == pytest.ExitCode.INTERRUPTED


def study(matrix: Matrix, console: Console) -> dict[str, Any]:
    """Look into each of our own rungs of a matrix; return the sections `anatomy.study` adds to the document."""
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


def _arguments(matrix: Matrix, storage: str) -> list[str]:
    here = Path(__file__).parents[1]
    return [
        str(here / "bench_matrix.py"),
        *("--rootdir", str(here), "-c", os.devnull, "--noconftest", "--import-mode=importlib"),
        *("-p", "pytest_benchmark.plugin", "-p", "no:cacheprovider", "-p", "no:terminal", "-W", "ignore"),
        f"--benchmark-storage=file://{storage}",
        *("--benchmark-only", "--benchmark-disable-gc", "--benchmark-warmup=off", "--benchmark-min-time=0.0005"),
        *(f"--benchmark-max-time={matrix.max_time}", f"--benchmark-min-rounds={ROUNDS}"),
    ]
