"""``looptax grade FOLDER``: a class at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import typer
from rich.console import Console

from ... import options
from ...ending import INTERRUPTED
from ...measure import threads
from ...show import storage, terminal
from ...show.ladder import NUMPY
from . import sheet
from .confine import harmless
from .document import Class
from .grading import CANNOT_RUN, FAILS, PASSES
from .submissions import found
from .together import Grading
from .words import say

if TYPE_CHECKING:
    from pathlib import Path

    from .document import Grade, Job
    from .submissions import Submission


class Outputs(NamedTuple):
    """Where the grades go besides the terminal."""

    csv: Path | None = None
    html: Path | None = None
    json: bool = False


def grade_folder(folder: Path, function: str, job: Job, jobs: int | None, outputs: Outputs) -> None:
    """Grade every submission in a folder, tell of each, and end with the class's exit code."""
    jobs = _jobs(jobs, job)
    _writable(outputs)
    submissions, left_out = _found(folder, function)
    if any(one.path.suffix.lower() == ".pyx" for one in submissions):
        options.needs("build")
    job = msgspec.structs.replace(job, rungs=[NUMPY])  # a whole ladder for each would take an hour
    document = Class(harmless(str(folder)), [], left_out)
    say_it = Console(quiet=outputs.json)
    try:
        _grade(submissions, function, job, jobs, document, say_it)
    except KeyboardInterrupt:
        document.interrupted = True
    document.exit_code = PASSES if all(one.passed for one in document.submissions) else FAILS
    _finish(document, len(submissions), outputs, say_it)


def _grade(
    submissions: list[Submission], function: str, job: Job, jobs: int, document: Class, console: Console
) -> None:
    names = [one.name for one in submissions]
    terminal.say(console, say("{0} submissions, {1} at a time:", len(names), min(jobs, len(names))))

    def tell(grade: Grade) -> None:
        document.submissions.append(grade)
        terminal.say(console, sheet.line(sheet.row(grade), names))

    grading = Grading(submissions, function, job, jobs)
    try:
        with grading:
            for grade in grading.grades():
                tell(grade)
    except KeyboardInterrupt:
        told = {grade.target for grade in document.submissions}
        for grade in grading.done():
            if grade.target not in told:
                tell(grade)
        raise


def _finish(document: Class, total: int, outputs: Outputs, console: Console) -> None:
    """Write the files, show the summary, and end."""
    rows = [sheet.row(grade) for grade in document.submissions]
    if outputs.csv:
        storage.write_text(sheet.as_csv(rows), outputs.csv)
    if outputs.html:
        storage.write_text(sheet.as_html(document, rows), outputs.html)
    if outputs.json:
        typer.echo(msgspec.json.format(msgspec.json.encode(document)))
    if rows:
        console.print()
        console.print(terminal.table(sheet.summary(rows)), highlight=False)
    for said in document.left_out:
        terminal.say(console, say("Left out: {0}", said))
    if document.interrupted:
        typer.echo(say("Interrupted: {0} of {1} were graded.", len(rows), total), err=True)
        raise typer.Exit(INTERRUPTED)
    raise typer.Exit(document.exit_code)


def _jobs(jobs: int | None, job: Job) -> int:
    """Return how many are graded at a time: what is timed must be alone."""
    if job.shape and (jobs or 1) > 1:
        said = "what is timed goes one after another; several at a time go with --no-time"
        raise typer.BadParameter(said, param_hint="--jobs")
    return jobs or (1 if job.shape else threads.usable())


def _writable(outputs: Outputs) -> None:
    options.writable("--csv", outputs.csv, ".csv")
    options.writable("--html", outputs.html, ".html")
    if outputs.html:
        options.needs("report")


def _found(folder: Path, function: str) -> tuple[list[Submission], list[str]]:
    try:
        submissions, left_out = found(folder, function)
    except OSError as error:
        raise _nothing(say("the folder {0} cannot be read: {1}", folder, error.strerror)) from None
    if not submissions:
        for said in left_out:
            typer.echo(say("Left out: {0}", said), err=True)
        raise _nothing(say("there is no .py, .pyx or .ipynb file in the folder {0}", folder))
    return submissions, left_out


def _nothing(why: str) -> typer.Exit:
    typer.echo(say("Error: ") + why, err=True)
    return typer.Exit(CANNOT_RUN)
