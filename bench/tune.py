"""``looptax tune``: measure how many threads pay, and keep it as `wisdom` for `plan`."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from rich import box
from rich.progress import Progress
from rich.table import Table

from ..kernels.choose import planner, team, wisdom
from .matrix import drawn
from .table import duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

    from .matrix import Matrix

    Row = tuple[str, dict[int, float]]  # the problem, and seconds by the number of threads


def tune(matrix: Matrix, console: Console, errors: Console) -> bool:
    """Measure each source, dtype and order of a matrix, remember it, and print a table of it.

    Parameters
    ----------
    matrix : Matrix
    console, errors : rich.console.Console
        Where the table goes; where the progress bar and the reasons for what is left out go.

    Returns
    -------
    bool
        False where Ctrl-C ended it early.

    Raises
    ------
    WisdomError
        What was measured cannot be remembered.
    """
    path = _file()
    if team.available() == 1:
        _say(console, "One thread is all there is here: nothing to choose.")
        return True
    found: list[Row] = []
    whole = True
    try:
        found.extend(_measured(matrix, errors))
    except KeyboardInterrupt:
        whole = False
    console.print(_table(found))
    _say(console, f"{'Kept' if whole else 'Interrupted; kept'} in {path}")
    return whole


def _measured(matrix: Matrix, errors: Console) -> Iterator[Row]:
    """Measure and remember one problem after the other."""
    inputs = list(product(matrix.sources, matrix.dtypes, matrix.orders))
    with Progress(console=errors) as bar:
        task = bar.add_task("", total=len(inputs))
        for source, dtype, order in inputs:
            bar.update(task, description=f"{source} {dtype} {order}")
            try:
                case = drawn(source, dtype, order)
                times = planner.measure(case.X, case.y)
            except MemoryError as error:
                _say(bar.console, f"Left out: {error}")
            else:
                wisdom.store(case.X, times)
                yield wisdom.problem(case.X), times
            bar.advance(task)


def show(console: Console) -> None:
    """Print what is remembered for this machine, and where; WisdomError where it cannot be read."""
    path, here = _file(), wisdom.known()
    others = sum(map(len, wisdom.load().values())) - len(here)
    if here:
        console.print(_table(list(here.items())))
    else:
        _say(console, "Nothing is remembered for this CPU, version and number of threads.")
    if others:
        _say(console, f"And {others} for others.")
    _say(console, f"Kept in {path}")


def clear(console: Console) -> None:
    """Remove the file and say so; WisdomError where it cannot be removed."""
    path = _file()
    _say(console, f"Removed {path}" if wisdom.clear() else f"There is no {path}")


def _file() -> Path:
    path = wisdom.file()
    if path is None:
        raise wisdom.WisdomError("platformdirs and filelock are not installed; they come with looptax[bench]")
    return path


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _table(rows: list[Row]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("shape", "dtype", "layout", "threads", "measured"):
        table.add_column(column, justify="right" if column == "threads" else "left")
    for problem, times in rows:
        measured = ", ".join(f"{count}: {duration(seconds)}" for count, seconds in times.items())
        table.add_row(*problem.split(), str(planner.best(times)), measured)
    return table
