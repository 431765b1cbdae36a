"""The lesson as one HTML page: all of it, script and pictures too, in a file that asks the network for nothing."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from markdown_it import MarkdownIt
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from ...measure import machine, threads
from ...show.report.inline import environment, inline_json, part, script_hash
from . import formulas, listings, play, svg, text
from .chapters import CHAPTERS
from .guesses import UNITS, VERDICTS
from .pictures import Playable
from .words import UNSTABLE, Words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .chapters.parts import Findings
    from .text import Block, Chapter


SCRIPTS = ("lesson.js", "growth.js", "traffic.js", "play.js")  # one after the other they are the page's


class Piece(NamedTuple):
    """A block as HTML, and the guess that hides it, or None."""

    html: Markup
    guess: str | None


def html(found: dict[str, Findings], language: str, tell: Callable[[], None] = lambda: None) -> str:
    """Return the page of what each chapter found; `tell` is told of each that is written, which takes a moment."""
    words, facts = Words(language), machine.facts()
    script = "\n".join(part(__package__, name) for name in SCRIPTS)
    chapters, unstable, plays = [], [], dict[str, Any]()
    for name in CHAPTERS:
        chapter = text.chapter(name, language)
        unstable += [(chapter, said) for said in words.unstable(found[name].unstable)[1:]]
        writer = Writer(found[name], words)
        chapters.append((chapter, list(_pieces(chapter, writer))))
        plays |= {key: play.data(picture) for key, picture in writer.plays.items()}
        tell()
    data = {  # what the script says of a guess, and what it plays
        "plays": plays,
        "verdicts": [[min(most, 1e9), words(said)] for most, said in VERDICTS],
        "told": words("You guessed {guess}, measured: {measured} — {verdict}."),
        "near": VERDICTS[1][0],
        "score": words("{near} of {all} guesses of the right order of magnitude."),
    }
    return environment(__package__).get_template("lesson.html.j2").render(
        language=language,
        words=words,
        cpu=facts["cpu"]["brand"],
        python=facts["python"]["version"],
        cores=threads.usable(),
        chapters=chapters,
        warning=UNSTABLE,
        unstable=unstable,
        data=inline_json(data),
        script=script,
        hash=script_hash(script),
        style=part("looptax.bench.show.report", "page.css") + part(__package__, "lesson.css") + _code_style(),
    )  # fmt: skip


def _pieces(chapter: Chapter, writer: Writer) -> Iterator[Piece]:
    """Write the blocks; those from a guess on, up to the next or to the exercise, are hidden by it."""
    hidden_by = None
    for block in chapter.blocks:
        if block.kind == "guess":  # where this machine has no number there is nothing to guess
            hidden_by = f"{chapter.name}-{block.name}" if getattr(writer.it, block.name) else None
            if hidden_by:
                yield Piece(writer.guess(block, hidden_by), None)
            continue
        if block.kind == "exercise":
            hidden_by = None
        yield Piece(writer.block(block), hidden_by)


class Writer:
    """Turns the blocks of one chapter into HTML: for the page, and for what a notebook shows."""

    def __init__(self, it: Findings, words: Words) -> None:
        self.it, self.words = it, words
        self.tables, self.pictures, self.listings = it.tables(), it.pictures(), it.listings()
        self.plays = {name: one for name, one in self.pictures.items() if isinstance(one, Playable)}

    def block(self, block: Block) -> Markup:
        """Return any block but a guess; nothing for what is not there on this machine."""
        macros, name = _macros(), block.name
        match block.kind:
            case "table" if name in self.tables:
                caption = self.said(block.body)
                return macros.table(self.words.table(self.tables[name]), caption, _label(caption))
            case "picture" if name in self.pictures:
                caption, drawn = self.said(block.body), Markup(svg.draw(self.pictures[name], self.words))
                return macros.picture(drawn, caption, _label(caption), name if name in self.plays else "")
            case "listing" if self.listings.get(name):
                return macros.code(_highlighted(self.listings[name], "text"), self.said(block.body), "")
            case "table" | "picture" | "listing":
                return Markup("")
            case "source":
                code = listings.source(name, block.arguments[1:])
                return macros.code(_highlighted(code, listings.language(name)), self.said(block.body), name)
            case "python":
                return macros.code(_highlighted(block.body, "python"), "", "")
            case "math":
                lines = text.say(block.body, self.it).splitlines()
                return macros.formulas([Markup(formulas.mathml(line, block=True)) for line in lines])
            case "exercise":
                return macros.exercise([self.block(part) for part in text.blocks(block.body)], self.words)
            case "answer" | "remember":
                return getattr(macros, block.kind)(self.said(block.body), self.words)
        return self.said(block.body)

    def guess(self, block: Block, key: str) -> Markup:
        """Return the form of a guess, which the page's script knows by `key`."""
        unit, measured = UNITS[block.arguments[1]], getattr(self.it, block.name)
        return _macros().guess(key, self.said(block.body), unit, measured, self.words)

    def said(self, body: str) -> Markup:
        """Return a text with its numbers filled in; HTML in it is shown, not obeyed."""
        parser = formulas.reading(MarkdownIt("commonmark", {"html": False}))
        return Markup(parser.render(text.say(body, self.it)))


def _label(caption: Markup) -> str:
    """Return a caption without markup; its formulas in one line of text."""
    return Markup(re.sub(r'<math alttext="([^"]*)".*?</math>', r"\1", str(caption))).striptags()


def _highlighted(code: str, language: str) -> Markup:
    """Return code with its parts marked; `_code_style` has their colours."""
    return Markup(highlight(code, get_lexer_by_name(language), HtmlFormatter(nowrap=True)))


@cache
def _code_style() -> str:
    """Return the colours of code, for light and for dark; the page has its own background."""
    light, dark = (
        "\n".join(line for line in HtmlFormatter(style=name).get_style_defs("pre.code").splitlines()
                  if line.startswith("pre.code .") and ".err" not in line)
        for name in ("default", "github-dark")
    )  # fmt: skip
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"


def _macros() -> Any:
    return environment(__package__).get_template("blocks.html.j2").module
