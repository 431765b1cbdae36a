"""``looptax duel``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ... import options
from ...ending import INTERRUPTED

if TYPE_CHECKING:
    from rich.console import Console

    from ...measure.duel.builds import Build
    from ...measure.duel.contest import Contest
    from ...measure.matrix import Matrix
    from .verdict import Asked


def duel_command(
    a: Annotated[str, typer.Argument(metavar="A", help="A commit, a wheel or a Python interpreter.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same; its times are shown in units of A's.")],
    rungs: Annotated[str | None, typer.Option(help="Rungs or families, e.g. numpy,cython-simd. Default: all.")] = None,
    shapes: Annotated[str | None, typer.Option(help="Samples x features, e.g. 1000x10,100000x30.")] = None,
    dtypes: Annotated[str | None, typer.Option(help="float32, float64 or both: float32,float64.")] = None,
    orders: Annotated[str | None, typer.Option(help="Memory order of X: C, F or both: C,F.")] = None,
    threads: Annotated[str | None, typer.Option(help="Numbers of threads, e.g. 1,2. Default: 1 and all.")] = None,
    budget: Annotated[float | None, typer.Option(help="Seconds a cell may take in a sweep.")] = None,
    sweeps: Annotated[int | None, typer.Option(help="How often to go through the matrix.", min=1)] = None,
    seed: Annotated[int | None, typer.Option(help="Of the random order of each sweep.", min=0)] = None,
    limit: Annotated[list[str] | None, typer.Option(help="E.g. 'cython-*/100000x30:1.05'; may be repeated.")] = None,
    fail_if: Annotated[str | None, typer.Option(help="E.g. 'ratio>1.1', 'mean>1.05', 'worst>=1.2'.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the results here.", dir_okay=False)] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables here.", dir_okay=False)] = None,
) -> None:
    """Measure two builds of looptax against each other, in alternation inside the same sweeps.

    A commit of this repository is built once, which takes minutes, and kept in the user's cache folder. A
    build whose result is wrong on a cell's data gets no number there. A limit is one for rung/shape: it is
    exceeded where the 95 % interval of B's time over A's lies above 1, and the ratio above the limit. Ctrl-C
    ends the duel and shows what was measured. Exit code: 0, or 1 if a limit is exceeded, --fail-if is true,
    a result is wrong, or a build cannot be made or dies; 2 for a wrong argument, and where a limit or
    --fail-if cannot be told; 130 after Ctrl-C.
    """
    options.writable("--json", json)
    options.writable("--markdown", markdown)
    matrix = _matrix(
        rungs=rungs, shapes=shapes, dtypes=dtypes, orders=orders, threads=threads, budget=budget, sweeps=sweeps,
        seed=seed,
    )  # fmt: skip
    asked = _asked(matrix, limit or [], fail_if)
    from rich.console import Console

    console, errors = Console(), Console(stderr=True)
    builds = _builds({"A": a, "B": b}, errors)
    contest, about, end = _fought(matrix, builds, errors)
    code, said = asked.outcome(contest)
    whole = _shown(Shown(contest, builds, about, [*said, *([end.said] if end else [])]), json, markdown, console)
    if end:
        typer.echo(end.said, err=True)
    raise typer.Exit(end.code if end else code or int(not whole))


class End(NamedTuple):
    """What ended a duel early: the exit code, and a line."""

    code: int
    said: str


class Shown(NamedTuple):
    """What is shown of a duel."""

    contest: Contest
    builds: dict[str, Build]
    about: dict[str, dict[str, Any]]
    ending: list[str]


def _matrix(**given: Any) -> Matrix:
    """Return what is measured: rungs of the plain step and plans, which old builds have too."""
    matrix = options.matrix("S", **given)
    from ....kernels.ladder import LADDER
    from ...measure.peers import PLAN

    allowed = {PLAN.name, *(rung.name for rung in LADDER)}
    if others := [name for name in matrix.rungs if name not in allowed]:
        raise typer.BadParameter(f"{', '.join(others)} is no rung of a build's ladder", param_hint="--rungs")
    return matrix


def _asked(matrix: Matrix, limits: list[str], fail_if: str | None) -> Asked:
    from .limits import limit
    from .verdict import Asked

    hint = "--limit"
    try:
        found = [limit(text, matrix.cells()) for text in limits]
        hint = "--fail-if"
        asked = Asked(found, fail_if)
        asked.condition  # noqa: B018  # said before anything is built
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=hint) from None
    return asked


def _builds(given: dict[str, str], errors: Console) -> dict[str, Build]:
    """Return both builds; what cannot be one is told before the other is made."""
    from ...measure.duel import builds
    from ..terminal import say

    recognised = {}
    for name, text in given.items():
        try:
            recognised[name] = builds.recognised(text)
        except builds.UnknownError as error:
            raise typer.BadParameter(str(error), param_hint=name) from None
    try:
        return {name: builds.made(name, one, lambda text: say(errors, text)) for name, one in recognised.items()}
    except builds.BuildError as error:
        raise options.failed(str(error)) from None


def _fought(
    matrix: Matrix, builds: dict[str, Build], errors: Console
) -> tuple[Contest, dict[str, dict[str, Any]], End | None]:
    """Return the duel, what the builds said of themselves, and what ended it early."""
    from rich.progress import Progress

    from ...measure.duel.contest import Contest
    from ...measure.duel.link import WorkerError
    from ...measure.duel.workers import Workers

    cells, end = matrix.cells(), None
    workers = Workers(builds, {cell.threads for cell in cells})
    contest = Contest(matrix, workers.started)
    with Progress(console=errors, transient=True) as bar:
        task = bar.add_task("", total=len(cells) * matrix.sweeps)
        try:
            contest.run(lambda cell: bar.update(task, description=cell.id, advance=1))
        except KeyboardInterrupt:
            end = End(INTERRUPTED, "Interrupted: what was measured is shown.")
        except WorkerError as error:
            if error.name not in workers.about:  # it was never there
                raise typer.BadParameter(str(error), param_hint=error.name) from None
            end = End(1, f"Error: {error}")
    return contest, workers.about, end


def _shown(shown: Shown, json: Path | None, markdown: Path | None, console: Console) -> bool:
    """Write the files, then show the tables; return whether all could be written."""
    from .. import storage, terminal
    from . import tables, written

    contest, builds, about, ending = shown
    said, whole = list(tables.remarks(contest, builds, about)), True
    texts = {
        markdown: lambda: written.markdown(contest, said, ending),
        json: lambda: written.document(contest, builds, about, shlex.join(["looptax", *sys.argv[1:]])),
    }
    for path, text in texts.items():
        try:
            if path:
                storage.write_text(text(), path)
        except OSError as error:
            typer.echo(f"Error: {path} not written: {error.strerror or error}", err=True)
            whole = False
    for line in said:
        terminal.say(console, line)
    for table in tables.tables(contest):
        console.print(terminal.table(table), highlight=False)
    for line in ending:
        terminal.say(console, line)
    return whole
