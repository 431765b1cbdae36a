"""The lesson as Jupyter notebooks, to work through by hand: made of the same texts, with the code to run in cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ...show.result import write_text
from . import listings, text
from .chapters import CHAPTERS
from .words import Words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .text import Block

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def write(folder: Path, language: str, *, quick: bool = False) -> list[Path]:
    """Write a notebook for each chapter.

    Parameters
    ----------
    folder : pathlib.Path
        Made where it is not there.
    language : str
        One of `words.LANGUAGES`.
    quick : bool
        Whether the notebooks measure less.

    Returns
    -------
    list of pathlib.Path

    Raises
    ------
    FileExistsError
        A notebook is there already: somebody may have worked in it. Nothing is written.
    OSError
        The folder cannot be written to.
    """
    paths = {name: folder / f"{place:02}-{name}.ipynb" for place, name in enumerate(CHAPTERS, 1)}
    there = [path for path in paths.values() if path.exists()]
    if there:
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
        new_code_cell(f"from looptax.bench.teach.lesson.notebook import Lesson\n\nlesson = Lesson({arguments})"),
    ]  # fmt: skip
    for place, block in enumerate(chapter.blocks):
        cells += _cells(place, block, words)
    return new_notebook(cells=cells, metadata=KERNEL)


def _cells(place: int, block: Block, words: Words) -> Iterator[Any]:
    """Return the cells of a block: what can be shown without measuring as text, the rest as calls."""
    name = block.arguments[0] if block.arguments else ""
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
            yield new_markdown_cell(f"```cython\n{code}\n```\n{block.body}\n\n`{name}`")
        case "python":
            yield new_code_cell(block.body)
        case "exercise":
            yield new_markdown_cell(f"### {words('Exercise')}")
            for part in text.blocks(block.body):
                yield from _cells(place, part, words)
        case "math" if not block.measured:
            yield new_markdown_cell(
                "\n".join("> " + line.replace("  ", "&emsp;") + "  " for line in block.body.splitlines())
            )
        case _ if block.measured:
            yield new_code_cell(f"lesson.show({place})")
        case _:
            yield new_markdown_cell(block.body)
