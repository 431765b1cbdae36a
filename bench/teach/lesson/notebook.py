"""What the lesson's notebooks call: measure when it is needed, show, and compare a guess."""

from __future__ import annotations

from functools import cached_property

from IPython.display import HTML

from . import guesses, text
from .chapters import measure
from .chapters.sizes import FULL, QUICK
from .html import Writer, markdown
from .words import Words

#: Tables and pictures as a notebook shows them, whatever its theme.
STYLE = """<style>
.looptax svg { background: #fff; } .looptax table { text-align: right; } .looptax figcaption { opacity: .75; }
</style>"""


class Lesson:
    """A chapter at work.

    Parameters
    ----------
    chapter : str
        One of `chapters.CHAPTERS`.
    language : str
        One of `words.LANGUAGES`.
    quick : bool
        Whether to measure less.
    """

    def __init__(self, chapter: str, language: str = "en", *, quick: bool = False) -> None:
        self.words = Words(language)
        self.chapter = text.chapter(chapter, language)
        self.sizes = QUICK if quick else FULL

    @cached_property
    def writer(self) -> Writer:
        """What writes the blocks, once the chapter has been measured."""
        return Writer(measure(self.chapter.name, self.sizes), self.words, text.facts())

    def show(self, place: int) -> HTML:
        """Return a block of the chapter, by its place in the text."""
        block = self.chapter.blocks[place]
        shown = self.writer.said(block.body) if block.kind == "guess" else self.writer.block(block)
        return _html(shown or self.words("There is nothing to show for it on this machine."))

    def guess(self, name: str, guess: float | None) -> HTML:
        """Compare a guess, in the unit the question asks for, with what was measured."""
        if guess is None:
            return _html(self.words("No guess yet: put a number in place of None."))
        value = guesses.parse(str(guess))
        block = next(block for block in self.chapter.blocks if block.kind == "guess" and block.arguments[0] == name)
        measured = getattr(self.writer.it, name)
        if not measured:
            return _html(self.words("There is nothing to show for it on this machine."))
        unit = guesses.UNITS[block.arguments[1]]
        return _html(markdown(f"**{guesses.told(value, measured, unit, self.words)}**"))


def _html(shown: str) -> HTML:
    return HTML(f'{STYLE}<div class="looptax">{shown}</div>')
