"""The grades of a folder as rows: lines on a terminal, a summary, CSV and a page."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len, set_cell_size

from ...show.ladder import NUMPY
from ...show.numbers import seconds, times
from ...show.report.inline import environment, part
from ...show.tables import Line, Table
from . import show
from .timing import YOURS
from .words import language, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .document import Class, Grade, RungTime

COLUMNS = (
    "submission", "verdict", "cases right", "cases", "mistake", "where", "explanation",
    "seconds", f"seconds of {NUMPY}", f"times as fast as {NUMPY}",
)  # fmt: skip
VERDICTS = ("passes", "fails", "cannot be run")  # by the exit code of one
MAX_NAME = 32  # cells of a name on a terminal
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what begins a text that a spreadsheet would calculate


class Row(NamedTuple):
    """A submission's line."""

    name: str
    verdict: str
    grade: Grade
    mistake: str = ""
    where: str = ""
    explanation: str = ""
    yours: RungTime | None = None
    reference: RungTime | None = None

    @property
    def cases(self) -> str:
        """How many cases were right, of how many; nothing where none was tried."""
        cases = self.grade.cases
        return f"{cases.run:,}/{cases.total:,}" if cases.total else ""

    @property
    def ratio(self) -> float | None:
        """How many times as fast as the reference it is."""
        both = self.yours, self.reference
        mine, theirs = (one.seconds if one else None for one in both)
        return theirs / mine if mine and theirs else None

    @property
    def found(self) -> str:
        """Say the time against the reference, or the first failure, in a line."""
        if self.mistake:
            return say("{0}: {1}", self.mistake, self.where)
        if self.explanation:
            return self.explanation.strip().splitlines()[-1]
        if self.ratio and self.yours:
            return f"{seconds(self.yours.seconds)}{say(', ')}{say('{0} as fast as {1}', times(self.ratio), NUMPY)}"
        return say(self.yours.status) if self.yours else ""


def row(grade: Grade) -> Row:
    """Return a grade's line."""
    said = Row(grade.target, say(VERDICTS[grade.exit_code]), grade)
    if failure := grade.failure:
        where = show.where(failure)
        told = failure.explanation or failure.problem
        return said._replace(mistake=show.kind(failure), where=where, explanation=told)
    timed = {one.name: one for one in grade.timing.rungs} if grade.timing else {}
    return said._replace(explanation=grade.error or "", yours=timed.get(YOURS), reference=timed.get(NUMPY))


def line(one: Row, names: Sequence[str]) -> str:
    """Return a row as a line of text; `names` are those of all rows, which shall line up."""
    width = min(max(map(cell_len, names)), MAX_NAME)
    name = one.name if cell_len(one.name) > width else set_cell_size(one.name, width)
    verdict = set_cell_size(one.verdict, max(cell_len(say(each)) for each in VERDICTS))
    return f"{name}  {verdict}  {one.cases:>11}  {one.found}".rstrip()


def summary(rows: Sequence[Row]) -> Table:
    """Return how many have passed, and made which mistake first, the most frequent first."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for one in rows:
        groups[one.verdict + (say(": ") + one.mistake if one.mistake else "")].append(one.name)
    most = sorted(groups.items(), key=lambda group: -len(group[1]))
    columns = say("outcome"), say("submissions"), say("which")
    lines = [Line((outcome, str(len(names)), say(", ").join(names))) for outcome, names in most]
    return Table("", columns, lines, text=columns[2:])


def as_csv(rows: Sequence[Row]) -> str:
    """Return rows as comma-separated values, their header in the reader's language; numbers are plain."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([say(column) for column in COLUMNS])
    for one in rows:
        cases = one.grade.cases
        words = [one.name, one.verdict], [one.mistake, one.where, one.explanation]
        times = [each.seconds if each else None for each in (one.yours, one.reference)]
        writer.writerow([*map(_plain, words[0]), cases.run, cases.total, *map(_plain, words[1]), *times, one.ratio])
    return file.getvalue()


def _plain(text: str) -> str:
    """Return text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def as_html(found: Class, rows: Sequence[Row]) -> str:
    """Return rows as a page that asks the network for nothing, with what failed and why."""
    return environment(__package__).get_template("class.html.j2").render(
        language=language(), say=say, name=Path(found.folder).resolve().name, found=found, rows=rows,
        summary=summary(rows), style=part("looptax.bench.show.report", "page.css"),
    )  # fmt: skip
