"""A grade on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from ...show import terminal
from ...show.result import Section
from ...show.tables import LADDER_LEGEND, ladder_table
from .document import ACCURACIES
from .timing import YOURS, standing

if TYPE_CHECKING:
    from rich.console import Console

    from .document import Failure, Grade


class Bar(Progress):
    """A progress bar that hears the worker's messages and vanishes at the end; it keeps what the timing found."""

    def __init__(self, console: Console) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
        super().__init__(*columns, console=console, transient=True)
        self.section: Section | None = None
        self._task = self.add_task("loading", total=None)
        self._said: set[str] = set()

    def hear(self, message: dict[str, Any]) -> None:
        """Show how far it has come; where nothing can move, in a line for each family of cases and each rung."""
        match message:
            case {"event": "case", "where": where, "index": done, "total": total}:
                self.update(self._task, description=f"{where['family']} {where['dtype']}", completed=done, total=total)
            case {"event": "conforms"}:
                self.console.print(f"It is right in all {self.tasks[0].total:,.0f} cases.")
            case {"event": "failed"}:
                self.update(self._task, description="looking for the mistake")
            case {"event": "turn", "rung": rung, "done": done, "total": total}:
                self.update(self._task, description=f"timing {rung}", completed=done, total=total)
            case {"event": "timed", "section": section}:
                self.section = msgspec.convert(section, Section)
        if not self.console.is_terminal and (said := self.tasks[0].description) not in self._said:
            self._said.add(said)
            self.console.print(f"{said} …")


def show(grade: Grade, section: Section | None, console: Console) -> None:
    """Print a grade; `section` is what the timing left, for the table."""
    if grade.error is not None:
        console.print(Text.assemble(("Error: ", "bold red"), grade.error))
    elif grade.failure:
        _failed(grade, grade.failure, console)
    else:
        said = f" all {grade.cases.total:,} cases, in {ACCURACIES[grade.accuracy]}."
        console.print(Text.assemble(("Passes", "bold green"), said))
    if grade.output and not grade.passed:
        console.print(Text("\nThe last it printed:", "bold"))
        console.print(Padding(Text(grade.output.rstrip()), (0, 0, 0, 4)))
    if grade.timing and section:
        console.print()
        table = ladder_table(standing(section)).without("technique", "interval")
        console.print(terminal.table(table, mark=YOURS), highlight=False)
        console.print(Text(f"{LADDER_LEGEND}\n"), Text(grade.timing.standing, "bold"), sep="\n")


def _failed(grade: Grade, failure: Failure, console: Console) -> None:
    layout = f", layout {failure.layout}" if failure.layout not in ("C", "as made") else ""
    where = f'"{failure.case}" of {failure.family}, {failure.dtype}{layout}'
    run, total = grade.cases.run, grade.cases.total
    before = f"after {run:,} of {total:,} were right" if run else f"the first of {total:,}"
    kind = failure.kind[0].upper() + failure.kind[1:]
    console.print(Text.assemble(("Fails", "bold red"), f" on the case {where}, {before}.\n"))
    console.print(Text.assemble((f"{kind}. ", "bold"), failure.explanation))
    if failure.line:
        console.print(Text.assemble(("\nWhere: ", "bold"), failure.line))
    if failure.kind == "unknown" or (failure.line is None and not failure.outputs and failure.returned):
        console.print(Text(f"\nWhat was found: {failure.problem}."))
    if failure.returned:
        console.print()
        console.print(_values(failure), highlight=False)
    if there := failure.input:
        smallest = "The smallest input found that fails in the same way:" if there.shrunk else "The input:"
        words = f"X {there.X}; y {there.y}; w {there.w}; b {there.b}"
        _code(smallest, there.python or f"# {words}", console)
        _code("The case as it was tried:" if there.shrunk else "To have it:", there.again, console)


def _values(failure: Failure) -> Padding:
    """Return a table of what was returned and what was expected."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    for column in ("", "returned", "expected"):
        table.add_column(column, overflow="fold")
    returned, expected = failure.returned or {}, failure.expected or {}
    for name in returned if "result" in returned else expected:
        style = "red" if name in failure.outputs else ""
        table.add_row(Text(name), Text(returned.get(name, ""), style), Text(expected.get(name, "")))
    return Padding(table, (0, 0, 0, 4))


def _code(title: str, text: str, console: Console) -> None:
    """Print Python as it can be copied: not indented, no line broken."""
    console.print(Text(f"\n{title}", "bold"))
    console.print(Syntax("", "python", theme="ansi_dark").highlight(text), end="", soft_wrap=True)
