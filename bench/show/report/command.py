"""``looptax report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ... import options
from .. import storage
from . import FORMATS, write


def report_command(
    file: Annotated[Path, typer.Argument(metavar="RESULT", help="What looptax run --json wrote.", dir_okay=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file to write: .html, .md or .csv.", dir_okay=False)
    ] = Path("report.html"),
) -> None:
    """Make a page of a result file, or its tables as Markdown, or its figures as CSV.

    The page is one file, opened from disk, that needs no network. Exit code: 0, or 2 for a file that
    is no result of looptax or cannot be written.
    """
    if output.suffix.lower() not in FORMATS:
        raise typer.BadParameter(f"{output} does not end in {', '.join(FORMATS)}", param_hint="--output")
    options.needs("report")
    try:
        document = storage.read(file)
    except storage.ResultError as error:
        raise typer.BadParameter(str(error), param_hint="RESULT") from None
    try:
        write(document, output)
    except OSError as error:
        raise typer.BadParameter(f"cannot write {output}: {error.strerror}", param_hint="--output") from None
    typer.echo(f"Report: {output}")
