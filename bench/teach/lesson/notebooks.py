"""The lesson as Jupyter notebooks, to work through by hand: made of the same texts, with the code to run in cells."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ...show.storage import write_text
from . import guesses, listings, text
from .chapters import CHAPTERS, measure
from .page import Writer
from .words import Words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from IPython.display import HTML

    from .text import Block

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
# Tables and pictures as a notebook shows them, whatever its theme.
STYLE = """<style>
.looptax svg { background: #fff; } .looptax table { text-align: right; } .looptax figcaption { opacity: .75; }
</style>"""

# In Markdown; the blank lines are for what is inside HTML.
FRAMES = {
    "answer": ("Answer", "<details><summary>{title}</summary>\n\n{body}\n\n</details>"),
    "remember": ("To remember", "**{title}**\n\n{body}"),
}


def write(folder: Path, language: str, *, quick: bool = False) -> list[Path]:
    """Write a notebook for each chapter, and return where; `quick` ones measure less.

    FileExistsError: a notebook is there already, in which somebody may have worked; nothing is written.
    OSError: the folder cannot be made or written to.
    """
    paths = {name: folder / f"{place:02}-{name}.ipynb" for place, name in enumerate(CHAPTERS, 1)}
    if there := [path for path in paths.values() if path.exists()]:
        raise FileExistsError(f"{there[0]} is there already")
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in paths.items():
        write_text(nbformat.writes(notebook(name, language, quick=quick)), path)
    return list(paths.values())


def notebook(name: str, language: str, *, quick: bool = False) -> Any:
    """Return a chapter as a notebook, not yet run."""
    words, chapter = Words(language), text.chapter(name, language)
    arguments = f'"{name}", "{language}"' + ", quick=True" * quick
    cells = [
        new_markdown_cell(f"# {CHAPTERS.index(name) + 1}. {chapter.title}\n\n"
                          + words("Run the cells from top to bottom. Those that measure take a moment.")),
        new_code_cell(f"from {__name__} import Lesson\n\nlesson = Lesson({arguments})"),
    ]  # fmt: skip
    for place, block in enumerate(chapter.blocks):
        cells += _cells(place, block, words)
    return new_notebook(cells=cells, metadata=KERNEL)


def _cells(place: int, block: Block, words: Words) -> Iterator[Any]:
    """Return the cells of a block: what can be shown without measuring as text, the rest as calls."""
    name = block.name
    match block.kind:
        case "guess":
            yield new_code_cell(f"lesson.show({place})") if block.measured else new_markdown_cell(block.body)
            yield new_code_cell(
                f'# {words("Put your guess in place of None, then run this cell.")}\nlesson.guess("{name}", None)'
            )
        case "source" if name.endswith(".py"):
            yield new_markdown_cell(f"{block.body}\n\n`{name}`")
            yield new_code_cell(f"{listings.imports(name)}\n\n\n{listings.source(name, block.arguments[1:])}")
        case "source":
            code = listings.source(name, block.arguments[1:])
            yield new_markdown_cell(f"```{listings.language(name)}\n{code}\n```\n{block.body}\n\n`{name}`")
        case "python":
            yield new_code_cell(block.body)
        case "exercise":
            yield new_markdown_cell(f"### {words('Exercise')}")
            for part in text.blocks(block.body):
                yield from _cells(place, part, words)
        case "answer" | "remember":
            title, shown = FRAMES[block.kind]
            yield new_markdown_cell(shown.format(title=words(title), body=block.body))
        case _ if block.measured:
            yield new_code_cell(f"lesson.show({place})")
        case "math":
            yield new_markdown_cell("\n\n".join(f"$${line}$$" for line in block.body.splitlines()))
        case _:
            yield new_markdown_cell(block.body)


class Lesson:
    """A chapter at work, in a notebook: it measures when that is needed, shows, and compares a guess."""

    def __init__(self, chapter: str, language: str = "en", *, quick: bool = False) -> None:
        self.words, self.chapter, self.quick = Words(language), text.chapter(chapter, language), quick

    @cached_property
    def writer(self) -> Writer:
        """What writes the blocks, once the chapter has been measured; shows whether the machine was busy."""
        from IPython.display import HTML, display

        found = measure(self.chapter.name, self.quick)
        for said in self.words.unstable(found.unstable):
            display(HTML(f"<b>{said}</b>"))
        return Writer(found, self.words)

    def show(self, place: int) -> HTML:
        """Return a block of the chapter, by its place in the text."""
        block = self.chapter.blocks[place]
        return self._html(self.writer.said(block.body) if block.kind == "guess" else self.writer.block(block))

    def guess(self, name: str, guess: float | None) -> HTML:
        """Compare a guess, in the unit the question asks for, with what was measured."""
        if guess is None:
            return self._html(self.words("No guess yet: put a number in place of None."))
        measured = getattr(self.writer.it, name)
        unit = next(block.arguments[1] for block in self.chapter.blocks if (block.kind, block.name) == ("guess", name))
        told = measured and guesses.told(guesses.parse(str(guess)), measured, guesses.UNITS[unit], self.words)
        return self._html(told and f"<b>{told}</b>")

    def _html(self, shown: str | None) -> HTML:
        from IPython.display import HTML

        shown = shown or self.words("There is nothing to show for it on this machine.")
        return HTML(f'{STYLE}<div class="looptax">{shown}</div>')
