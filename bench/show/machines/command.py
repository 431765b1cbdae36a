"""``looptax class``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ... import options
from .. import storage


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
) -> None:
    """Set the results of many machines side by side, on one page.

    The page is one file that needs no network. A file that cannot be used is named, in the terminal and
    on the page, and left out. Exit code: 0, or 2 for a wrong argument, or where no two machines have
    measured the same input.
    """
    options.writable("--output", output, ".html")
    options.needs("report")
    from .gather import Told, gathered
    from .groups import groups

    entries, told = gathered(files, newest)
    found = groups(entries, over)
    used = {one.file for group in found for one, _ in group.members}
    alone = [one for one in entries if one.file not in used]
    told += [Told(one.file, "has measured no input that another machine has", True) for one in alone]
    for one in told:
        typer.echo(f"{one.file}{' left out' * one.left_out}: {one.what}", err=True)
    if not found:
        raise typer.BadParameter("no two machines have measured the same input", param_hint="RESULT...")
    known = dict.fromkeys(rung for group in found for rung in group.rungs)
    if over and over not in known:
        raise typer.BadParameter(f"{over!r} is not one of {', '.join(known)}", param_hint="--over")
    from . import page

    shown = [one for one in entries if one.file in used]
    storage.write_text(page.html(shown, found, told), output)
    typer.echo(f"{page.title(shown)}: {output}")
