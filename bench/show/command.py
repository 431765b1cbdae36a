"""``looptax compare`` and ``looptax figures``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from msgspec import json

from .. import options
from . import storage

OPTIONS = {"memory": "peers", "scaling": "cluster"}  # of blocks that are not called as their option is
PLAIN = ("regret", "fits", "cluster", "scaling")  # blocks of what is no result file of `looptax run`'s matrix


def compare_command(
    before: Annotated[Path, typer.Argument(metavar="A.json", help="What `looptax run --json` wrote.")],
    after: Annotated[Path, typer.Argument(metavar="B.json", help="The same, later or elsewhere.")],
    fail_if: Annotated[str | None, typer.Option(help="E.g. 'ratio>1.1', 'mean>1.05', 'worst>=1.2'.")] = None,
) -> None:
    """Compare two runs: B's times in units of A's, cell by cell.

    Exit code: 0, or 1 if --fail-if is true, 2 for what cannot be compared. With --fail-if a ratio counts
    only where a difference is seen: its 95 % interval lies above 1. Where it cannot be told for want of
    intervals, because a run has too few sweeps, the exit code is 2.
    """
    documents = options.result(before, "A.json"), options.result(after, "B.json")
    from rich.console import Console

    from . import compare, terminal

    try:
        fails = None if fail_if is None else compare.condition(fail_if)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--fail-if") from None
    try:
        found = compare.compare(*documents)
    except compare.NotComparableError as error:
        raise typer.BadParameter(str(error), param_hint="B.json") from None
    console = Console()
    for remark in compare.remarks(*documents):
        terminal.say(console, remark)
    console.print(terminal.table(compare.table(found)), highlight=False)
    true = fails(found) if fails else False
    if true is None:
        raise typer.BadParameter(
            f"{fail_if} cannot be told: no interval, for a run has fewer than {compare.MIN_SWEEPS} sweeps",
            param_hint="--fail-if",
        )
    if true:
        terminal.say(console, f"Failed: {fail_if}")
        raise typer.Exit(1)


def figures_command(
    text: Annotated[Path, typer.Argument(help="The file that has the blocks.", exists=True, dir_okay=False)],
    ladder: Annotated[Path | None, typer.Option(help="A result file.", exists=True)] = None,
    peers: Annotated[Path | None, typer.Option(help="A result file of the preset peers.", exists=True)] = None,
    busy: Annotated[Path | None, typer.Option(help="A result file of the preset busy.", exists=True)] = None,
    regret: Annotated[Path | None, typer.Option(help="What tune --check wrote.", exists=True)] = None,
    fits: Annotated[Path | None, typer.Option(help="A result file of the preset estimators.", exists=True)] = None,
    cluster: Annotated[Path | None, typer.Option(help="A result file of the preset cluster.", exists=True)] = None,
    age: Annotated[bool, typer.Option("--age", help="Say which blocks are older than the kernels.")] = False,
) -> None:
    """Write measured tables into a text, between its markers. Exit code: 0, or 2 for a wrong argument."""
    from . import figures

    given = {"ladder": ladder, "peers": peers, "memory": peers, "busy": busy, "regret": regret, "fits": fits}
    given |= {"cluster": cluster, "scaling": cluster}
    try:
        written = text.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        raise typer.BadParameter(f"{text} cannot be read: {error}", param_hint="TEXT") from None
    for name, path in given.items():
        if path is None:
            continue
        found, option = figures.block(written, name), f"--{OPTIONS.get(name, name)}"
        if not found:
            raise typer.BadParameter(f"{text} has no block '<!-- figures: {name} -->'", param_hint="TEXT")
        try:
            held = json.decode(path.read_bytes()) if name in PLAIN else options.result(path, option)
            written = figures.renewed(written, found, figures.BLOCKS[name](held))
        except (LookupError, TypeError, ValueError, OSError) as error:
            said = f"{path} does not have what the block {name} shows: {type(error).__name__}: {error}"
            raise typer.BadParameter(said, param_hint=option) from None
    if any(given.values()):
        storage.write_text(written, text)
    if age:
        for line in figures.ages(written):
            typer.echo(line)
