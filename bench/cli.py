"""The command line: ``looptax``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import replace
from rich.console import Console

from ..kernels.choose.wisdom import WisdomError
from . import options
from .measure import tune
from .measure.run import RunError, run, study
from .options import INTERRUPTED
from .show import report, storage
from .show.compare import compare_command
from .show.figures import figures_command
from .show.report.command import report_command
from .show.terminal import say, show
from .teach.grade.command import grade_command
from .teach.lesson.command import teach_command

if TYPE_CHECKING:
    from .measure.matrix import Matrix
    from .show.result import Document

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="The forward/backward step of logistic regression, from two Python loops to the edge of the machine.",
)


@app.command("run")
def run_command(
    preset: Annotated[str, typer.Option(help="How much to measure: S (under a minute), M, L, peers or busy.")] = "S",
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
    with_study: Annotated[bool, typer.Option("--study", help="Then look into each rung, for two minutes.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write the results here.", dir_okay=False)] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page of it here, study included.", dir_okay=False)] = None,
) -> None:
    """Measure the step: every rung on every shape, dtype, memory order and number of threads.

    A cell gets a number only after its result has passed conformance on that very input. Ctrl-C ends
    the run and keeps what was measured. Exit code: 0, or 1 if a rung failed conformance, 2 for a wrong
    argument, 130 after Ctrl-C.
    """
    matrix = options.matrix(
        preset, peers=peers, rungs=rungs, shapes=shapes, data=data, dtypes=dtypes, orders=orders, threads=threads,
        budget=budget, sweeps=sweeps, seed=seed,
    )  # fmt: skip
    options.writable("--json", json)
    options.writable("--html", html, ".html")
    if with_study or html:
        options.needs("report")
    console, errors = Console(), Console(stderr=True)
    document, interrupted = _measured(matrix, with_study or html is not None, errors)
    show(document.looptax, console)
    for path, write in ((json, storage.write), (html, report.write)):
        try:
            if path:
                write(document, path)
                say(console, f"Written: {path}")
        except OSError as error:
            say(errors, f"{path} not written: {error}")
            raise typer.Exit(1) from None
    states = [figure.status for figure in document.looptax.cells]
    if interrupted:
        say(console, f"Interrupted: {len(states) - states.count('not run')} of {len(states)} cells done.")
        raise typer.Exit(INTERRUPTED)
    if "failed" in states:
        raise typer.Exit(1)


def _measured(matrix: Matrix, with_study: bool, errors: Console) -> tuple[Document, bool]:
    """Return the document of a run, and whether Ctrl-C ended it early."""
    try:
        document, interrupted = run(matrix, errors, shlex.join(["looptax", *sys.argv[1:]]))
    except RunError as error:
        say(errors, str(error))
        raise typer.Exit(1) from None
    if with_study and not interrupted:
        try:
            document.looptax = replace(document.looptax, **study(matrix, errors))
        except KeyboardInterrupt:
            interrupted = True
    return document, interrupted


@app.command("tune")
def tune_command(
    shapes: Annotated[str | None, typer.Option(help="Samples x features. Default: those of the preset L.")] = None,
    dtypes: Annotated[str | None, typer.Option(help="float32, float64 or both: float32,float64.")] = None,
    orders: Annotated[str | None, typer.Option(help="Memory order of X: C, F or both: C,F.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Show what is remembered; measure nothing.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Show how far what `fastest` chooses is from the best; remember nothing.")
    ] = False,
    json: Annotated[Path | None, typer.Option(help="With --check: write what was found here.", dir_okay=False)] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Forget all that is remembered; measure nothing.")] = False,
) -> None:
    """Measure which schedule and how many threads pay for each shape, dtype and order; remember it for `plan`.

    Measures anew what is remembered already. Ctrl-C ends it and keeps what was measured. Exit code: 0,
    or 1 if it cannot be remembered, 2 for a wrong argument, 130 after Ctrl-C.
    """
    if show + check + clear > 1:
        raise typer.BadParameter("give one of --show, --check and --clear", param_hint="--clear")
    if json and not check:
        raise typer.BadParameter("it goes with --check", param_hint="--json")
    options.writable("--json", json)
    console, errors = Console(), Console(stderr=True)
    matrix = options.matrix("L", shapes=shapes, dtypes=dtypes, orders=orders)
    try:
        if clear:
            tune.clear(console)
        elif show:
            tune.show(console)
        elif not (tune.check(matrix, console, errors, json) if check else tune.tune(matrix, console, errors)):
            raise typer.Exit(INTERRUPTED)
    except WisdomError as error:
        say(errors, f"Error: {error}")
        raise typer.Exit(1) from None


app.command("compare")(compare_command)
app.command("figures")(figures_command)
app.command("report")(report_command)
app.command("teach")(teach_command)
app.command("grade")(grade_command)
