"""A grade on a terminal."""

from __future__ import annotations

from dataclasses import replace
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
from ..lesson.breaking import Wrapped
from .document import ACCURACIES
from .timing import YOURS, standing
from .words import say, translated

if TYPE_CHECKING:
    from rich.console import Console

    from ...show.tables import Table as Shown
    from .document import Failure, Grade


class Bar(Progress):
    """A progress bar that hears the worker's messages and vanishes at the end; it keeps what the timing found."""

    def __init__(self, console: Console) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
        super().__init__(*columns, console=console, transient=True)
        self.section: Section | None = None
        self._task = self.add_task(say("loading"), total=None)
        self._said: set[str] = set()

    def hear(self, message: dict[str, Any]) -> None:
        """Show how far it has come; where nothing can move, in a line for each family of cases and each rung."""
        match message:
            case {"event": "case", "where": where, "index": done, "total": total}:
                self.update(self._task, description=f"{where['family']} {where['dtype']}", completed=done, total=total)
            case {"event": "conforms"}:
                self.console.print(say("It is right in all {0:,.0f} cases.", self.tasks[0].total))
            case {"event": "failed"}:
                self.update(self._task, description=say("looking for the mistake"))
            case {"event": "turn", "rung": rung, "done": done, "total": total}:
                self.update(self._task, description=say("timing {0}", say(rung)), completed=done, total=total)
            case {"event": "timed", "section": section}:
                self.section = msgspec.convert(section, Section)
        if not self.console.is_terminal and (said := self.tasks[0].description) not in self._said:
            self._said.add(said)
            self.console.print(f"{said} …")


def show(grade: Grade, section: Section | None, console: Console) -> None:
    """Print a grade; `section` is what the timing left, for the table."""
    if grade.error is not None:
        console.print(Wrapped(Text.assemble((say("Error: "), "bold red"), grade.error)))
    elif grade.failure:
        _failed(grade, grade.failure, console)
    else:
        said = say(" all {0:,} cases, in {1}.", grade.cases.total, say(ACCURACIES[grade.accuracy]))
        console.print(Wrapped(Text.assemble((say("Passes"), "bold green"), said)))
    if grade.output and not grade.passed:
        console.print(Text(f"\n{say('The last it printed:')}", "bold"))
        console.print(Padding(Text(grade.output.rstrip()), (0, 0, 0, 4)))
    if grade.timing and section:
        console.print()
        table = _in_language(ladder_table(standing(section)).without("technique", "interval"))
        console.print(terminal.table(table, mark=say(YOURS)), highlight=False)
        console.print(Wrapped(f"{say(LADDER_LEGEND)}\n"), Wrapped(Text(grade.timing.standing, "bold")), sep="\n")


def _in_language(table: Shown) -> Shown:
    """Return a table of the ladder in the reader's language; names of rungs stay."""
    lines = [line._replace(cells=tuple(map(translated, line.cells)), note=_note(line.note)) for line in table.lines]
    notes = [translated(note) for note in table.notes]
    columns = tuple(map(say, table.columns))
    return replace(table, title=translated(table.title), columns=columns, lines=lines, notes=notes)


def _note(note: str) -> str:
    """Return why a rung has no number: its status, and the reason."""
    status, colon, reason = note.partition(": ")
    return say(status) + (say(": ") + translated(reason) if colon else "")


def where(failure: Failure) -> str:
    """Name the case that failed."""
    layout = say(", layout {0}", failure.layout) if failure.layout not in ("C", "as made") else ""
    return say('"{0}" of {1}, {2}', failure.case, failure.family, failure.dtype) + layout


def kind(failure: Failure) -> str:
    """Name a mistake, or several."""
    return " + ".join(map(say, failure.kind.split(" + ")))


def _failed(grade: Grade, failure: Failure, console: Console) -> None:
    run, total = grade.cases.run, grade.cases.total
    before = say("after {0:,} of {1:,} were right", run, total) if run else say("the first of {0:,}", total)
    on = say(" on the case {0}, {1}.\n", where(failure), before)
    console.print(Wrapped(Text.assemble((say("Fails"), "bold red"), on)))
    name = kind(failure)
    console.print(Wrapped(Text.assemble((say("{0}. ", name[0].upper() + name[1:]), "bold"), failure.explanation)))
    if failure.line:
        console.print(Wrapped(Text.assemble((f"\n{say('Where: ')}", "bold"), failure.line)))
    if failure.kind == "unknown" or (failure.line is None and not failure.outputs and failure.returned):
        console.print(Wrapped("\n" + say("What was found: {0}.", failure.problem)))
    if failure.returned:
        console.print()
        console.print(_values(failure), highlight=False)
    if there := failure.input:
        words = f"X {there.X}; y {there.y}; w {there.w}; b {there.b}"
        smallest = "The smallest input found that fails in the same way:" if there.shrunk else "The input:"
        _code(say(smallest), there.python or f"# {words}", console)
        _code(say("The case as it was tried:" if there.shrunk else "To have it:"), there.again, console)


def _values(failure: Failure) -> Padding:
    """Return a table of what was returned and what was expected."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    for column in ("", say("returned"), say("expected")):
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
