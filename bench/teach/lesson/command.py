"""``looptax teach``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ... import options
from ...ending import INTERRUPTED
from ...show import storage
from ..complaints import again, complaining
from . import text
from .chapters import CHAPTERS, ChapterError, measure
from .words import LANGUAGES, Words

if TYPE_CHECKING:
    from .chapters.parts import Findings

# About how many seconds each chapter takes to measure, for the bar; and all of them to write.
SECONDS = {
    "cost": 1, "slopes": 1, "graph": 1, "loop": 3, "vectorize": 7, "compiled": 11, "simd": 1, "one_pass": 6,
    "threads": 4, "busy": 6, "ladder": 30,
}  # fmt: skip
WRITING = 4


def teach_command(
    lang: Annotated[str, typer.Option(help="en or zh.")] = "en",
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write.", dir_okay=False)] = Path(
        "lesson.html"
    ),
    show: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
    terminal: Annotated[bool, typer.Option("--terminal", help="Walk through it here, in the terminal.")] = False,
    notebooks: Annotated[
        Path | None, typer.Option(help="Write the chapters as Jupyter notebooks into this folder.", file_okay=False)
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Measure less, in about a third of the time: rougher figures.")
    ] = False,
) -> None:
    """Teach the cost of loops, from the double loop to the memory wall, with this machine's own numbers.

    Measures for a minute or so, then writes one self-contained page and opens it. Guess before you look.
    Exit code: 0, or 2 for a wrong argument, 130 after Ctrl-C.
    """
    if lang not in LANGUAGES:
        raise typer.BadParameter(f"{lang!r} is not one of {', '.join(LANGUAGES)}", param_hint="--lang")
    with complaining(lang):
        if terminal and notebooks:
            raise typer.BadParameter("give --terminal or --notebooks", param_hint="--terminal")
        options.needs("lesson")
        try:
            _teach(lang, output, show, terminal, notebooks, quick)
        except ChapterError as error:
            typer.echo(again(f"Error: {again(str(error), lang)}", lang), err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            typer.echo(Words(lang)("Interrupted."), err=True)
            raise typer.Exit(INTERRUPTED) from None


def _teach(lang: str, output: Path, show: bool, terminal: bool, notebooks: Path | None, quick: bool) -> None:
    if notebooks:
        _notebooks(notebooks, lang, quick)
    elif terminal:
        from rich.console import Console

        from .walk import walk

        walk(lang, quick, Console(), ask=sys.stdin.isatty() and watched())
    else:
        options.writable("--output", output, ".html")
        _page(output, lang, quick)
        if show and watched():
            typer.launch(output.resolve().as_uri())


def watched() -> bool:
    """Whether somebody looks at the output, for whom to open a browser, and who can be asked."""
    return sys.stdout.isatty()


def _notebooks(folder: Path, lang: str, quick: bool) -> None:
    from . import notebooks

    try:
        written = notebooks.write(folder, lang, quick=quick)
    except OSError as error:
        said = f"cannot write into the folder {folder}: {error.strerror}" if error.strerror else str(error)
        raise typer.BadParameter(said, param_hint="--notebooks") from None
    said = "{count} notebooks in {folder}. To work through them: pip install 'looptax[notebooks]', jupyter lab {folder}"
    typer.echo(Words(lang)(said, count=len(written), folder=folder))


def _page(output: Path, lang: str, quick: bool) -> None:
    """Measure every chapter, then write the page."""
    from rich.console import Console

    from . import page
    from .waiting import bar_of

    found: dict[str, Findings] = {}
    with bar_of(Console(stderr=True)) as bar:
        task = bar.add_task("", total=sum(SECONDS.values()) + WRITING)
        done = 0.0
        for name in CHAPTERS:
            bar.update(task, description=text.chapter(name, lang).title, completed=done)

            def tell(share: float, done: float = done, weight: float = SECONDS[name]) -> None:
                bar.update(task, completed=done + share * weight)

            found[name] = measure(name, quick, tell)
            done += SECONDS[name]
        html = page.html(found, lang, lambda: bar.advance(task, WRITING / len(CHAPTERS)))
        bar.update(task, completed=bar.tasks[0].total)
    storage.write_text(html, output)
    typer.echo(Words(lang)("Lesson: {path}", path=output))
