"""The blocks of a chapter as HTML: for the page, and for what a notebook shows."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from . import listings, svg, text
from .guesses import UNITS

if TYPE_CHECKING:
    from markupsafe import Markup

    from .chapters.findings import Findings
    from .text import Block
    from .words import Words


class Writer:
    """Turns the blocks of one chapter into HTML.

    Parameters
    ----------
    it : Findings
        What the chapter measured.
    words : Words
    machine : dict
        See `text.facts`.
    """

    def __init__(self, it: Findings, words: Words, machine: dict[str, Any]) -> None:
        self.it, self.words, self.machine = it, words, machine
        self.tables, self.pictures, self.listings = it.tables(), it.pictures(), it.listings()

    def block(self, block: Block) -> Markup:
        """Return any block but a guess; nothing for what is not there on this machine."""
        from markupsafe import Markup

        macros, name = _macros(), block.arguments[0] if block.arguments else ""
        match block.kind:
            case "table" if name in self.tables:
                return macros.table(self.tables[name], self.said(block.body), self.words)
            case "picture" if name in self.pictures:
                drawn = Markup(svg.draw(self.pictures[name], self.words))
                return macros.picture(name, drawn, self.said(block.body))
            case "listing" if self.listings.get(name):
                return macros.code(highlighted(self.listings[name], "text"), self.said(block.body), "")
            case "table" | "picture" | "listing":
                return Markup("")
            case "source":
                shown = listings.source(name, block.arguments[1:])
                return macros.code(highlighted(shown, "cython"), self.said(block.body), name)
            case "python":
                return macros.code(highlighted(block.body, "python"), "", "")
            case "math":
                return macros.formulas(text.say(block.body, self.it, self.machine).splitlines())
            case "exercise":
                return macros.exercise([self.block(part) for part in text.blocks(block.body)], self.words)
        return self.said(block.body)

    def guess(self, block: Block, key: str) -> Markup:
        """Return the form of a guess, which the page's script knows by `key`."""
        return _macros().guess(key, self.said(block.body), UNITS[block.arguments[1]].sign, self.words)

    def said(self, body: str) -> Markup:
        """Return a text with its numbers filled in."""
        return markdown(text.say(body, self.it, self.machine))


def markdown(source: str) -> Markup:
    """Return Markdown as HTML; HTML in it is shown, not obeyed."""
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    return Markup(MarkdownIt("commonmark", {"html": False}).render(source))


def highlighted(code: str, language: str) -> Markup:
    """Return code with its parts marked; `code_style` has their colours."""
    from markupsafe import Markup
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    return Markup(highlight(code, get_lexer_by_name(language), HtmlFormatter(nowrap=True)))


@cache
def environment() -> Any:
    """Return where templates are found; what they are given is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _macros() -> Any:
    return environment().get_template("blocks.html.j2").module
