"""``looptax history``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ... import options
from .. import storage
from ..result import printable


def history_command(
    files: Annotated[
        list[Path], typer.Argument(metavar="RESULT...", help="What looptax run --json wrote, in any order.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write: .html.", dir_okay=False)] = Path(
        "history.html"
    ),
    over: Annotated[
        str | None, typer.Option(help="The rung that ratios are over. Default: numpy-stable where it is there.")
    ] = None,
) -> None:
    """Show the results of one machine over time, and where they changed, on one page.

    The machine is that of the newest run; files of others, and those that cannot be used, are named and
    left out. Exit code: 0, or 2 for a wrong argument, or where no two runs have measured the same input.
    """
    options.writable("--output", output, ".html")
    options.needs("report")
    from ..machines.gather import read, tell
    from ..machines.groups import chosen_groups
    from . import page, tables
    from .series import every, runs

    entries, told = read(files)
    kept, others = runs(entries)
    tell([*told, *others])
    found = chosen_groups(kept, over)
    storage.write_text(page.html(kept, found, [*told, *others]), output)
    changed = tables.change_table(list(every(found)))
    for line in changed.lines:
        typer.echo(printable(f"{line.group}: {line.cells[0]}, {line.cells[1]}, {line.cells[2]}: {line.cells[3]}"))
    typer.echo(f"{page.title(kept, changed)}: {output}")
