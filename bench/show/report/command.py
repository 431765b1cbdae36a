"""``looptax report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ... import options
from . import FORMATS, write


def report_command(
    file: Annotated[Path, typer.Argument(metavar="RESULT", help="What looptax run --json wrote.", dir_okay=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file to write: .html, .md or .csv.", dir_okay=False)
    ] = Path("report.html"),
) -> None:
    """Make a page of a result file, or its tables as Markdown, or its figures as CSV.

    The page is one file, opened from disk, that needs no network. Exit code: 0, or 2 for a file that
    is no result of looptax, 1 where the report cannot be written.
    """
    if output.suffix.lower() not in FORMATS:
        raise typer.BadParameter(f"{output} does not end in {', '.join(FORMATS)}", param_hint="--output")
    options.writable("--output", output)
    options.needs("report")
    write(options.result(file, "RESULT"), output)
    typer.echo(f"Report: {output}")
