"""The lesson as one HTML page: all of it, script and pictures too, in a file that asks the network for nothing."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from ...show.report.inline import inline_json, script_hash
from . import text
from .chapters import CHAPTERS
from .guesses import UNITS, VERDICTS
from .html import Writer, environment
from .words import Words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from markupsafe import Markup

    from .chapters.findings import Findings


class Piece(NamedTuple):
    """A block as HTML, and the guess that hides it, or None."""

    html: Markup
    guess: str | None


def html(
    found: dict[str, Findings], language: str, machine: dict[str, Any], tell: Callable[[str], None] = lambda name: None
) -> str:
    """Return the page.

    Parameters
    ----------
    found : dict
        What each chapter measured.
    language : str
        One of `words.LANGUAGES`.
    machine : dict
        See `text.facts`.
    tell : callable
        Told of each chapter before it is written: its pictures take a moment.
    """
    words, script = Words(language), _file(__package__, "lesson.js")
    guesses: dict[str, dict[str, Any]] = {}
    chapters = []
    for name in CHAPTERS:
        tell(name)
        chapter = text.chapter(name, language)
        pieces = list(_pieces(chapter, Writer(found[name], words, machine), guesses))
        chapters.append({"name": name, "title": chapter.title, "pieces": pieces})
    return environment().get_template("lesson.html.j2").render(
        language=language,
        words=words,
        machine=machine,
        chapters=chapters,
        data=inline_json(_data(guesses, words)),
        script=script,
        hash=script_hash(script),
        style=_file("looptax.bench.show.report", "page.css") + _file(__package__, "lesson.css") + _code_style(),
    )  # fmt: skip


def _pieces(chapter: text.Chapter, writer: Writer, guesses: dict[str, dict[str, Any]]) -> Iterator[Piece]:
    """Write the blocks; those from a guess on, up to the next or to the exercise, are hidden by it."""
    hidden_by = None
    for block in chapter.blocks:
        if block.kind == "guess":
            name, unit = block.arguments[0], UNITS[block.arguments[1]]
            measured = getattr(writer.it, name)
            hidden_by = f"{chapter.name}-{name}" if measured else None  # there is nothing to guess without a number
            if hidden_by:
                told = unit.write(measured)
                guesses[hidden_by] = {"measured": measured, "told": told, "sign": unit.sign, "factor": unit.factor}
                yield Piece(writer.guess(block, hidden_by), None)
            continue
        if block.kind == "exercise":
            hidden_by = None
        yield Piece(writer.block(block), hidden_by)


def _data(guesses: dict[str, dict[str, Any]], words: Words) -> dict[str, Any]:
    """Return what the script needs to judge a guess."""
    return {
        "guesses": guesses,
        "verdicts": [[min(most, 1e9), words(said)] for most, said in VERDICTS],
        "told": words("You guessed {guess}, measured: {measured} — {verdict}."),
        "score": words("{near} of {all} guesses within a factor of ten."),
    }


@cache
def _code_style() -> str:
    """Return the colours of code, for light and for dark."""
    from pygments.formatters import HtmlFormatter

    light, dark = (HtmlFormatter(style=name).get_style_defs("pre.code") for name in ("default", "github-dark"))
    return "\n".join((_colours(light), "@media (prefers-color-scheme: dark) {", _colours(dark), "}"))


def _colours(style: str) -> str:
    """Leave out what is not about tokens: the page has its own background."""
    return "\n".join(line for line in style.splitlines() if line.startswith("pre.code .") and ".err" not in line)


def _file(package: str, name: str) -> str:
    return files(package).joinpath("templates", name).read_text(encoding="utf-8")
