"""The command line: ``looptax``."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from . import data, machine, results, summary, table, threads
from .matrix import PRESETS, Matrix
from .peers import ENTRANTS
from .report.command import report_command
from .run import RunError, run

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="The forward/backward step of logistic regression, from two Python loops to the edge of the machine.",
)

app.command("report")(report_command)

INTERRUPTED = 130  # what a shell reports for a program ended by Ctrl-C


@app.command("run")
def run_command(
    preset: Annotated[str, typer.Option(help="How much to measure: S (under a minute), M, L or peers.")] = "S",
    rungs: Annotated[str | None, typer.Option(help="Rungs or families, e.g. numpy,cython-simd. Default: all.")] = None,
    peers: Annotated[bool, typer.Option("--peers", help="Also measure the step of other libraries.")] = False,
    shapes: Annotated[str | None, typer.Option(help="Samples x features, e.g. 1000x10,100000x30.")] = None,
    dtypes: Annotated[str | None, typer.Option(help="float32, float64 or both: float32,float64.")] = None,
    orders: Annotated[str | None, typer.Option(help="Memory order of X: C, F or both: C,F.")] = None,
    threads: Annotated[str | None, typer.Option(help="Numbers of threads, e.g. 1,2. Default: 1 and all.")] = None,
    data: Annotated[str | None, typer.Option(help="Real data in place of shapes: flights, breast-cancer.")] = None,
    budget: Annotated[float | None, typer.Option(help="Seconds a cell may take in a sweep.")] = None,
    sweeps: Annotated[int | None, typer.Option(help="How often to go through the matrix.", min=1)] = None,
    seed: Annotated[int | None, typer.Option(help="Of the random order of each sweep.", min=0)] = None,
    json: Annotated[Path | None, typer.Option(help="Write the results here.", dir_okay=False)] = None,
) -> None:
    """Measure the step: every rung on every shape, dtype, memory order and number of threads.

    A cell gets a number only after its result has passed conformance on that very input. Ctrl-C ends
    the run and keeps what was measured. Exit code: 0, or 1 if a rung failed conformance, 2 for a wrong
    argument, 130 after Ctrl-C.
    """
    matrix = _matrix(preset, rungs, shapes, dtypes, orders, threads, data, budget, sweeps, seed)
    if peers:
        matrix = replace(matrix, rungs=tuple(dict.fromkeys((*matrix.rungs, *_rungs("peer")))))
    if json and not (json.parent.is_dir() and os.access(json.parent, os.W_OK)):
        raise typer.BadParameter(f"cannot write into the folder {json.parent}", param_hint="--json")
    console = Console()
    try:
        document, interrupted = run(matrix, Console(stderr=True), shlex.join(["looptax", *sys.argv[1:]]))
    except RunError as error:
        Console(stderr=True).print(str(error), markup=False, highlight=False)
        raise typer.Exit(1) from None
    found = results.figures(document)
    limits, noise = (document["looptax"].get(name) for name in ("limits", "noise"))
    for reason in noise["unstable"] if noise else ():
        console.print(f"Unstable: {reason}", markup=False, highlight=False)
    measured = [figure for figure in found if figure.status != "not run"]
    for shown in (
        *table.tables(measured, limits),
        table.LEGEND,
        *summary.tables(found, limits, machine.last_level_bytes()),
    ):
        console.print(shown, highlight=False)
        console.print()
    if json:
        try:
            results.write(document, json)
        except OSError as error:
            Console(stderr=True).print(f"Results not written: {error}", markup=False, highlight=False)
            raise typer.Exit(1) from None
        console.print(f"Results: {json}", markup=False, highlight=False)
    if interrupted:
        done = sum(figure.status != "not run" for figure in found)
        console.print(f"Interrupted: {done} of {len(found)} cells done.")
        raise typer.Exit(INTERRUPTED)
    if any(figure.status == "failed" for figure in found):
        raise typer.Exit(1)


def _matrix(preset, rungs, shapes, dtypes, orders, numbers, source, budget, sweeps, seed) -> Matrix:
    """Return the preset with what was asked for in its place; BadParameter where that makes no sense."""
    if preset not in PRESETS:
        raise typer.BadParameter(f"{preset!r} is not one of {', '.join(PRESETS)}", param_hint="--preset")
    if source and shapes:
        raise typer.BadParameter("a data set has its own shape; give --shapes or --data", param_hint="--data")
    if budget is not None and not budget > 0:
        raise typer.BadParameter(f"{budget} is not a positive number of seconds", param_hint="--budget")
    matrix = Matrix(**PRESETS[preset])
    changes = {
        "rungs": rungs and _rungs(rungs),
        "sources": (source and _data_sets(source)) or (shapes and _shapes(shapes)),
        "dtypes": _choices(dtypes, "--dtypes", ("float32", "float64")),
        "orders": _choices(orders, "--orders", ("C", "F")),
        "threads": numbers and _threads(numbers),
        "budget": budget,
        "sweeps": sweeps,
        "seed": seed,
    }
    return replace(matrix, **{name: value for name, value in changes.items() if value})


def _split(text: str, option: str) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if not words:
        raise typer.BadParameter("the list is empty", param_hint=option)
    return words


def _choices(text: str | None, option: str, allowed: tuple[str, ...]) -> tuple[str, ...] | None:
    if text is None:
        return None
    words = _split(text, option)
    for word in words:
        if word not in allowed:
            raise typer.BadParameter(f"{word!r} is not one of {', '.join(allowed)}", param_hint=option)
    return words


def _rungs(text: str) -> tuple[str, ...]:
    families = {rung.family for rung in ENTRANTS}
    wanted = _choices(text, "--rungs", (*(rung.name for rung in ENTRANTS), *sorted(families))) or ()
    return tuple(rung.name for rung in ENTRANTS if rung.name in wanted or rung.family in wanted)


def _data_sets(text: str) -> tuple[str, ...]:
    words = _choices(text, "--data", tuple(data.REAL)) or ()
    try:
        for word in words:
            data.samples_and_features(word)
    except ImportError as error:
        raise typer.BadParameter(str(error), param_hint="--data") from None
    return words


def _shapes(text: str) -> tuple[str, ...]:
    words = _split(text, "--shapes")
    try:
        return tuple("{}x{}".format(*data.shape(word)) for word in words)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--shapes") from None


def _threads(text: str) -> tuple[int, ...]:
    words = _split(text, "--threads")
    most = threads.usable()
    for word in words:
        if not (word.isascii() and word.isdigit() and 1 <= int(word) <= most):
            raise typer.BadParameter(
                f"{word!r} is not a number from 1 to {most}, the CPUs there are", param_hint="--threads"
            )
    return tuple(sorted(map(int, words)))


def main() -> None:
    """Run the command line."""
    app(prog_name="looptax")
