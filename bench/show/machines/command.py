"""``looptax class``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ... import options
from .. import storage

if TYPE_CHECKING:
    from .entry import Entry


def class_command(
    files: Annotated[list[Path], typer.Argument(metavar="RESULT...", help="What looptax run --json wrote, elsewhere.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write: .html.", dir_okay=False)] = Path(
        "class.html"
    ),
    over: Annotated[
        str | None, typer.Option(help="The rung that ratios are over. Default: numpy-stable where it is there.")
    ] = None,
    newest: Annotated[
        bool, typer.Option("--newest", help="Of machines that are alike in all that is told, count the newest run.")
    ] = False,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="A folder: write the files that count into it, too, without single rounds, which takes less.",
            exists=True,
            file_okay=False,
            writable=True,
        ),
    ] = None,
) -> None:
    """Set the results of many machines side by side, on one page.

    The page is one file that needs no network. A file that cannot be used is named, in the terminal and
    on the page, and left out. Exit code: 0, or 2 for a wrong argument, or where no two machines have
    measured the same input.
    """
    options.writable("--output", output, ".html")
    options.needs("report")
    from . import page
    from .gather import Told, gathered, tell
    from .groups import chosen_groups

    entries, told = gathered(files, newest)
    tell(told)
    found = chosen_groups(entries, over)
    used = {one.file for group in found for one, _ in group.members}
    alone = [Told(one.file, "has measured no input that another has", True) for one in entries if one.file not in used]
    tell(alone)
    shown = [one for one in entries if one.file in used]
    copies = {keep / f"{one.name.replace('/', '-')}.json": one for one in shown} if keep else {}
    _check_copies(copies, shown if keep else [])
    storage.write_text(page.html(shown, found, [*told, *alone]), output)
    for path, one in copies.items():
        storage.write(one.document, path)
    typer.echo(f"{page.title(shown)}: {output}")


def _check_copies(copies: dict[Path, Entry], shown: list[Entry]) -> None:
    """Raise `typer.BadParameter` where a copy would take the place of a file, or of another copy."""
    there = next((path for path in copies if path.exists()), None)
    if there:
        raise typer.BadParameter(f"{there} is there already; give a folder without it", param_hint="--keep")
    if len(copies) < len(shown):
        raise typer.BadParameter("two files would have the same name there; rename one", param_hint="--keep")
