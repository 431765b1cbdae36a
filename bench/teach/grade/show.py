"""A grade on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from ...show import terminal
from ...show.tables import LADDER_LEGEND, ladder_table
from .standing import YOURS, standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from ...show.result import Section
    from .document import Failure, Grade, Input


class Bar:
    """A progress bar fed with the worker's messages; it vanishes at the end."""

    def __init__(self, console: Console) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
        )
        self._task = self._bar.add_task("loading", total=None)

    def __enter__(self) -> Callable[[dict[str, Any]], None]:
        self._bar.start()
        return self._hear

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _hear(self, message: dict[str, Any]) -> None:
        match message["event"]:
            case "case":
                said = f"{message['family']} {message['dtype']}"
                self._bar.update(self._task, description=said, completed=message["index"], total=message["total"])
            case "failed":
                self._bar.update(self._task, description="looking for the mistake")
            case "turn":
                said = f"timing {message['rung']}"
                self._bar.update(self._task, description=said, completed=message["done"], total=message["total"])


def show(grade: Grade, section: Section | None, console: Console) -> None:
    """Print a grade; `section` is what the timing left, for the table."""
    if grade.error is not None:
        _print(console, Text.assemble(("Cannot be run: ", "bold red"), Text(grade.error)))
    elif grade.failure:
        _failed(grade, grade.failure, console)
    else:
        _print(
            console,
            Text.assemble(
                ("Passes", "bold green"), f" all {grade.cases.total:,} cases, in {ACCURACIES[grade.accuracy]}."
            ),
        )
    if grade.output and not grade.passed:
        _print(console, Text("\nThe last it printed:", "bold"), _indented(Text(_printable(grade.output).rstrip())))
    if grade.timing and section:
        console.print()
        table = ladder_table(standing(section)).without("interval")
        console.print(terminal.table(table, mark=YOURS), highlight=False)
        _print(console, Text(LADDER_LEGEND), Text(f"\n{grade.timing.standing}", "bold"))


ACCURACIES = {
    "relative": "full relative accuracy",
    "absolute": "the accuracy of dz = a - y",
    "notes": "the accuracy of the notes' logarithm, within its range",
}


def _failed(grade: Grade, failure: Failure, console: Console) -> None:
    where = f'"{failure.case}" of {failure.family}, {failure.dtype}'
    layout = f", layout {failure.layout}" if failure.layout not in ("C", "as made") else ""
    run, total = grade.cases.run, grade.cases.total
    before = f"after {run:,} of {total:,} were right" if run else f"the first of {total:,}"
    _print(
        console,
        Text.assemble(("Fails", "bold red"), f" on the case {where}{layout}, {before}.\n"),
        Text.assemble(
            (f"{failure.kind.capitalize() if failure.kind[0].islower() else failure.kind}. ", "bold"),
            failure.explanation,
        ),
    )
    if failure.line:
        _print(console, Text.assemble(("\nWhere: ", "bold"), failure.line))
    if failure.kind == "unknown" or (failure.line is None and not failure.outputs and failure.returned):
        _print(console, Text(f"\nWhat was found: {failure.problem}."))
    if failure.returned:
        console.print()
        console.print(_values(failure), highlight=False)
    if failure.input:
        _input(failure.input, console)


def _values(failure: Failure) -> Padding:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    for column in ("", "returned", "expected"):
        table.add_column(column, overflow="fold")
    returned, expected = failure.returned or {}, failure.expected or {}
    for name in returned if "result" in returned else expected:
        style = "red" if name in failure.outputs else ""
        table.add_row(Text(name), Text(returned.get(name, ""), style), Text(expected.get(name, "")))
    return _indented(table)


def _input(there: Input, console: Console) -> None:
    if there.python:
        said = "The smallest input found that fails in the same way:" if there.shrunk else "The input:"
        _print(console, Text(f"\n{said}", "bold"))
        _code(there.python, console)
    else:
        _print(console, Text(f"\nThe input: X {there.X}; y {there.y}; w {there.w}; b {there.b}"))
    _print(console, Text("\nThe case as it was tried:" if there.shrunk else "\nTo have it:", "bold"))
    _code(there.again, console)


def _code(text: str, console: Console) -> None:
    """Print Python as it can be copied: not indented, no line broken."""
    console.print(Syntax("", "python", theme="ansi_dark").highlight(text), end="", soft_wrap=True)


def _indented(what: Any) -> Padding:
    return Padding(what, (0, 0, 0, 4))


def _printable(text: str) -> str:
    """Return text without anything a terminal would obey."""
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")


def _print(console: Console, *shown: Any) -> None:
    for each in shown:
        console.print(each, highlight=False)
