"""``looptax grade``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ... import options
from ...ending import INTERRUPTED
from ..complaints import complaining
from ..lesson.words import LANGUAGES
from .document import ACCURACIES, Job
from .start import STARTERS, StartError, write
from .words import say, speaking


def grade_command(
    target: Annotated[
        str | None,
        typer.Argument(help="A .py, .pyx or .ipynb file, a folder of them, or a module; :function may follow."),
    ] = None,
    family: Annotated[bool, typer.Option("--family", help="List the starters that --new writes.")] = False,
    new: Annotated[str | None, typer.Option(metavar="FAMILY", help="Write a starter: --new numpy my_step.py")] = None,
    gaps: Annotated[bool, typer.Option("--gaps", help="With --new: leave the formulas to you.")] = False,
    accuracy: Annotated[
        str,
        typer.Option(
            help="relative; absolute: dz may be formed as a - y, as most libraries do; notes: the notes' own "
            "logarithm, within its range."
        ),
    ] = "relative",
    seed: Annotated[int, typer.Option(help="Of the cases' random numbers; the same makes the same cases.", min=0)] = 0,
    seconds: Annotated[float, typer.Option(help="Limit for one case.")] = 20.0,
    memory: Annotated[float, typer.Option(metavar="GB", help="Limit of memory.")] = 4.0,
    shape: Annotated[str, typer.Option(help="Samples x features of what is timed.")] = "10000x30",
    no_time: Annotated[bool, typer.Option("--no-time", help="Try it, but do not time it.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document, and nothing else there.")] = False,
    jobs: Annotated[int | None, typer.Option(help="Of a folder: so many at a time, with --no-time.", min=1)] = None,
    csv: Annotated[Path | None, typer.Option(help="Of a folder: write a table.", dir_okay=False)] = None,
    html: Annotated[Path | None, typer.Option(help="Of a folder: write a page.", dir_okay=False)] = None,
    lang: Annotated[str, typer.Option(help="en or zh: of what is said.")] = "en",
) -> None:
    """Try your own step on every case, explain the first failure, and time it on the ladder.

    A step takes X, y, w, b and returns cost, dw, db. It runs in a process of its own with limits of time
    and memory: a crash, a hang or a sys.exit is reported, not suffered. That guards against accidents;
    it is NOT a security sandbox, and code you do not trust does not belong here.

    In a folder, each such file, and each folder with one, is a submission: all are tried on the same cases,
    in order of their names, each where only a copy of it is; what passes is timed beside numpy-stable.

    Exit code: 0 it passes; 1 it was called and failed: wrong, crashed, hung, ended or out of memory; 2 it
    cannot be run: no such file or function, it does not import, compile or take these arguments, or
    an option makes no sense; 130 after Ctrl-C. Of a folder: 0 all pass; 1 not all do; 2 there is none, or
    an option makes no sense; 130 after Ctrl-C, with what was done.
    """
    if lang not in LANGUAGES:
        raise typer.BadParameter(f"{lang!r} is not one of {', '.join(LANGUAGES)}", param_hint="--lang")
    with speaking(lang), complaining(lang):
        if family:
            _list()
        elif new is not None:
            _start(new, target, gaps)
        elif gaps:
            raise typer.BadParameter("it goes with --new", param_hint="--gaps")
        elif target is None:
            raise typer.BadParameter("give a file or module to grade, or --new or --family", param_hint="TARGET")
        else:
            job = Job(accuracy=accuracy, seed=seed, seconds=seconds, memory_gb=memory, language=lang)
            job.shape = None if no_time else shape
            _check(job)
            _grade(target, job, jobs, csv, html, json)


def _list() -> None:
    lines = [f"{starter.family:8}{say(starter.what)}" for starter in STARTERS]
    typer.echo("\n".join([*lines, "", say("looptax grade --new numpy my_step.py writes one of them.")]))


def _start(family: str, name: str | None, gaps: bool) -> None:
    if name is None:
        raise typer.BadParameter("give the file to write, as in --new numpy my_step.py", param_hint="FILE")
    try:
        write(family, Path(name), gaps=gaps)
    except StartError as error:
        raise typer.BadParameter(str(error), param_hint="--new") from None
    typer.echo(say("Written: {0}. Change it, then type: looptax grade {0}", name))


def _check(job: Job) -> None:
    if job.accuracy not in ACCURACIES:
        raise typer.BadParameter(f"{job.accuracy!r} is not one of {', '.join(ACCURACIES)}", param_hint="--accuracy")
    for option, value, unit in (("--seconds", job.seconds, "seconds"), ("--memory", job.memory_gb, "GB")):
        if not 0 < value < math.inf:
            raise typer.BadParameter(f"{value} is not a positive number of {unit}", param_hint=option)
    from ...measure import data

    try:
        job.shape = job.shape and "{}x{}".format(*data.shape(job.shape))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--shape") from None


def _grade(target: str, job: Job, jobs: int | None, csv: Path | None, html: Path | None, as_json: bool) -> None:
    """Grade a folder's submissions, or one step."""
    from .submissions import folder_of

    if place := folder_of(target):
        from .folder import Outputs, grade_folder

        return grade_folder(*place, job, jobs, Outputs(csv, html, as_json))
    for option, value in (("--jobs", jobs), ("--csv", csv), ("--html", html)):
        if value is not None:
            raise typer.BadParameter("it goes with a folder", param_hint=option)
    if ".pyx" in target:
        options.needs("build")
    try:
        return _grade_one(target, job, as_json)
    except KeyboardInterrupt:
        typer.echo(say("Interrupted."), err=True)
        raise typer.Exit(INTERRUPTED) from None


def _grade_one(target: str, job: Job, as_json: bool) -> None:
    from rich.console import Console

    from .grading import grade
    from .show import Bar, show

    with Bar(Console(stderr=True, quiet=as_json)) as bar:
        found = grade(target, job, bar.hear)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found)))
    else:
        show(found, bar.section, Console(stderr=found.error is not None))
    raise typer.Exit(found.exit_code)
