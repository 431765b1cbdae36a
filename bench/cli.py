"""The command line: ``looptax``. A command imports what it needs when it is called: help and mistakes take a moment."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from .. import __version__
from . import ending, options, presets
from .ending import INTERRUPTED
from .show.command import compare_command, figures_command
from .show.duel.command import duel_command
from .show.history.command import history_command
from .show.machines.command import class_command
from .show.report.command import report_command
from .teach.grade.command import grade_command
from .teach.lesson.command import teach_command

if TYPE_CHECKING:
    from rich.console import Console

    from .measure.matrix import Matrix
    from .show.result import Document


class Commands(TyperGroup):
    """The commands; what ends one early is told in a line, before Typer ends it without a word."""

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        """Read what stands before the command."""
        with ending.told():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: Any) -> Any:
        """Read what stands after the command, and run it."""
        with ending.told():
            return super().invoke(ctx)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help and errors are plain text, which wraps at any width
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"looptax {__version__}")
        raise typer.Exit


@app.callback()
def looptax(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """The forward/backward step of logistic regression, from two Python loops to the edge of the machine."""


@app.command("run", short_help="Measure every rung on every shape, dtype, order and threads.")
def run_command(
    preset: Annotated[
        str,
        typer.Option(
            help="How much: S (under a minute), M, L, peers, busy, variants, estimators or cluster; or a TOML file."
        ),
    ] = "S",
    rungs: Annotated[str | None, typer.Option(help="Rungs or families, e.g. numpy,cython-simd. Default: all.")] = None,
    peers: Annotated[bool, typer.Option("--peers", help="Also measure the step of other libraries.")] = False,
    shapes: Annotated[str | None, typer.Option(help="Samples x features, e.g. 1000x10,100000x30.")] = None,
    dtypes: Annotated[str | None, typer.Option(help="float32, float64 or both: float32,float64.")] = None,
    orders: Annotated[str | None, typer.Option(help="Memory order of X: C, F or both: C,F.")] = None,
    threads: Annotated[str | None, typer.Option(help="Numbers of threads, e.g. 1,2. Default: 1 and all.")] = None,
    data: Annotated[
        str | None, typer.Option(help="Real data in place of shapes: flights, breast-cancer, or a file of yours.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="The column of that file that holds the labels.")] = None,
    standardise: Annotated[
        bool, typer.Option("--standardise", help="Bring each column of that file to mean 0 and variance 1.")
    ] = False,
    steps: Annotated[
        list[str] | None, typer.Option("--with", help="Your own step, my_step.py or my_step.py:function, as a rung.")
    ] = None,
    accuracy: Annotated[str | None, typer.Option(help="Of your steps, as for looptax grade.")] = None,
    budget: Annotated[float | None, typer.Option(help="Seconds a cell may take in a sweep.")] = None,
    sweeps: Annotated[int | None, typer.Option(help="How often to go through the matrix.", min=1)] = None,
    seed: Annotated[int | None, typer.Option(help="Of the random order of each sweep.", min=0)] = None,
    with_study: Annotated[bool, typer.Option("--study", help="Then look into each rung, for two minutes.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write the results here.", dir_okay=False)] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page of it here, study included.", dir_okay=False)] = None,
) -> None:
    """Measure the step: every rung on every shape, dtype, memory order and number of threads.

    A cell gets a number only after its result has passed conformance on that very input. Ctrl-C ends
    the run and keeps what was measured, as SIGTERM and SIGHUP do. Exit code: 0, or 1 if a rung failed
    or a file was not written, 2 for a wrong argument, 130 after Ctrl-C.
    """
    options.writable("--json", json)
    options.writable("--html", html, ".html")
    own = {"--label": label, "--standardise": standardise, "--with": steps, "--accuracy": accuracy}
    if preset == "estimators":
        given = own | {"--rungs": rungs, "--peers": peers, "--shapes": shapes, "--orders": orders, "--threads": threads}
        _fits({**given, "--study": with_study, "--html": html}, data, dtypes, budget, sweeps, seed, json)
        return
    if preset == "cluster":
        given = own | {"--rungs": rungs, "--peers": peers, "--orders": orders, "--threads": threads, "--dtypes": dtypes}
        more = {"--data": data, "--budget": budget, "--study": with_study, "--html": html}
        _ways({**given, **more}, shapes, sweeps, seed, json)
        return
    if with_study or html:
        options.needs("report")
    matrix = presets.matrix(
        preset, peers=peers, rungs=rungs, shapes=shapes, data=data, dtypes=dtypes, orders=orders, threads=threads,
        budget=budget, sweeps=sweeps, seed=seed, label=label, standardise=standardise, steps=steps, accuracy=accuracy,
    )  # fmt: skip
    from rich.console import Console

    from .show.terminal import say, show

    console, errors = Console(), Console(stderr=True)
    document, interrupted = _measured(matrix, with_study or html is not None, errors)
    states = [figure.status for figure in document.looptax.cells]
    done = len(states) - states.count("not run")
    if not done:
        say(errors, f"Interrupted: none of {len(states)} cells was measured, nothing is written.")
        raise typer.Exit(INTERRUPTED)
    whole = _written(document, json, html, console)  # first: whoever reads the rest may leave
    show(document.looptax, console)
    if interrupted:
        say(console, f"Interrupted: {done} of {len(states)} cells done.")
    if not whole or ("failed" in states and not interrupted):
        raise typer.Exit(1)
    if interrupted:
        raise typer.Exit(INTERRUPTED)


def _fits(
    given: dict[str, Any], data: str | None, dtypes: str | None, budget: float | None, sweeps: int | None,
    seed: int | None, json: Path | None,
) -> None:  # fmt: skip
    """Measure whole fits, and show them; Ctrl-C keeps the inputs that are done."""
    options.needs("sklearn")
    inputs, kinds = options.fits(given, data, dtypes)
    from rich.console import Console

    from .measure import fits
    from .show import fits as shown
    from .show import storage
    from .show.terminal import say, table

    console, errors = Console(), Console(stderr=True)
    found: list[fits.Fit] = []
    interrupted = False
    try:
        for some in fits.measured(
            inputs, kinds, sweeps or 3, budget or 15.0, seed or 0, lambda text: say(errors, text)
        ):
            found += some
    except KeyboardInterrupt:
        interrupted = True
    if json:
        storage.write_text(fits.document(found), json)
    for one in shown.tables(found):
        console.print(table(one))
    say(console, shown.answer(found))
    if interrupted:
        raise typer.Exit(INTERRUPTED)


def _ways(given: dict[str, Any], shapes: str | None, sweeps: int | None, seed: int | None, json: Path | None) -> None:
    """Measure steps over files and clusters, and show them; Ctrl-C keeps the inputs that are done."""
    options.needs("dask")
    inputs = options.ways(given, shapes)
    from rich.console import Console

    from .measure import cluster
    from .show import cluster as shown
    from .show import scaling, storage
    from .show.terminal import say, table

    console, errors = Console(), Console(stderr=True)
    found: list[cluster.Way] = []
    interrupted = False
    try:
        for some in cluster.measured(inputs, sweeps or 9, seed or 0, lambda text: say(errors, text)):
            found += some
    except KeyboardInterrupt:
        interrupted = True
    if json:
        storage.write_text(cluster.document(found), json)
    for one in (*shown.tables(found), shown.passes(found)):
        console.print(table(one))
    if constants := scaling.measured(found):
        console.print(table(scaling.table(constants)))
        say(console, scaling.check(found))
    if interrupted:
        raise typer.Exit(INTERRUPTED)


def _measured(matrix: Matrix, with_study: bool, errors: Console) -> tuple[Document, bool]:
    """Return the document of a run, and whether a signal ended it early."""
    from msgspec.structs import replace

    from .measure.run import RunError, run, study

    try:
        document, interrupted = run(matrix, errors, shlex.join(["looptax", *sys.argv[1:]]))
    except RunError as error:
        raise options.failed(str(error)) from None
    if with_study and not interrupted:
        try:
            document.looptax = replace(document.looptax, **study(matrix, errors))
        except KeyboardInterrupt:
            interrupted = True
    return document, interrupted


def _written(document: Document, json: Path | None, html: Path | None, console: Console) -> bool:
    """Write the files that are asked for, then say which; return whether all could be written."""
    from .show import storage
    from .show.terminal import say

    files = [(path, write) for path, write in ((json, storage.write), (html, _write_page)) if path]
    done = []
    for path, write in files:
        try:
            write(document, path)
            done.append(path)
        except OSError as error:
            typer.echo(f"Error: {path} not written: {error.strerror or error}", err=True)
    for path in done:
        say(console, f"Written: {path}")
    return len(done) == len(files)


def _write_page(document: Document, path: Path) -> None:
    from .show import report

    report.write(document, path)


@app.command("tune", short_help="Measure which schedule pays for each shape, and remember it.")
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
    matrix = options.matrix("L", shapes=shapes, dtypes=dtypes, orders=orders)
    from rich.console import Console

    from ..kernels.choose.wisdom import WisdomError
    from .measure import tune

    console, errors = Console(), Console(stderr=True)
    try:
        if clear:
            tune.clear(console)
        elif show:
            tune.show(console)
        elif not (tune.check(matrix, console, errors, json) if check else tune.tune(matrix, console, errors)):
            raise typer.Exit(INTERRUPTED)
    except WisdomError as error:
        raise options.failed(str(error)) from None


app.command("compare")(compare_command)
app.command("duel", short_help="Measure two builds of looptax against each other.")(duel_command)
app.command("figures", short_help="Write measured tables into a text, between its markers.")(figures_command)
app.command("report", short_help="Make a page of a result file, its tables or figures.")(report_command)
app.command("class", short_help="Set the results of many machines side by side, on one page.")(class_command)
app.command("history", short_help="Show the results of one machine over time, and where they changed.")(history_command)
app.command("teach", short_help="Teach the cost of loops with this machine's own numbers.")(teach_command)
app.command("grade", short_help="Try your own step, explain its first failure, and time it.")(grade_command)
