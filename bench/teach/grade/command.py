"""``looptax grade``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ... import options
from .document import ACCURACIES, Job
from .start import STARTERS, StartError, write


def grade_command(
    target: Annotated[
        str | None, typer.Argument(help="my_step.py, my_step.pyx or module, each with :function or without.")
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
) -> None:
    """Try your own step on every case, explain the first failure, and time it on the ladder.

    A step takes X, y, w, b and returns cost, dw, db. It runs in a process of its own with limits of time
    and memory: a crash, a hang or a sys.exit is reported, not suffered. That guards against accidents;
    it is NOT a security sandbox, and code you do not trust does not belong here.

    Exit code: 0 it passes; 1 it was called and failed: wrong, crashed, hung, ended or out of memory; 2 it
    cannot be run: no such file or function, it does not import, compile or take these arguments, or
    an option makes no sense; 130 after Ctrl-C.
    """
    if family:
        lines = [f"{starter.family:8}{starter.what}" for starter in STARTERS]
        typer.echo("\n".join([*lines, "\nlooptax grade --new numpy my_step.py writes one of them."]))
    elif new is not None:
        _start(new, target, gaps)
    elif gaps:
        raise typer.BadParameter("it goes with --new", param_hint="--gaps")
    elif target is None:
        raise typer.BadParameter("give a file or module to grade, or --new or --family", param_hint="TARGET")
    else:
        if ".pyx" in target:
            options.needs("build")
        job = Job(accuracy=accuracy, seed=seed, seconds=seconds, memory_gb=memory, shape=None if no_time else shape)
        _check(job)
        _grade(job, target, json)


def _start(family: str, name: str | None, gaps: bool) -> None:
    if name is None:
        raise typer.BadParameter("give the file to write, as in --new numpy my_step.py", param_hint="FILE")
    try:
        write(family, Path(name), gaps=gaps)
    except StartError as error:
        raise typer.BadParameter(str(error), param_hint="--new") from None
    typer.echo(f"Written: {name}. Change it, then type: looptax grade {name}")


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


def _grade(job: Job, target: str, as_json: bool) -> None:
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
