"""The lesson in the terminal: read, guess, and watch it being measured, chapter by chapter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.markdown import Markdown
from rich.padding import Padding
from rich.panel import Panel
from rich.syntax import Syntax
from rich.text import Text

from . import guesses, listings, plain, text
from .chapters import CHAPTERS, measure
from .words import Words

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from .chapters.findings import Findings
    from .chapters.sizes import Sizes
    from .text import Block, Chapter

LEAVE = "q"


def walk(language: str, sizes: Sizes, console: Console, *, ask: bool) -> None:
    """Go through the chapters.

    Parameters
    ----------
    language : str
        One of `words.LANGUAGES`.
    sizes : Sizes
        How much to measure.
    console : rich.console.Console
    ask : bool
        Whether there is somebody to ask for guesses, and to wait for.
    """
    words, machine = Words(language), text.facts()
    for place, name in enumerate(CHAPTERS, 1):
        chapter = text.chapter(name, language)
        title = words("Chapter {place} of {all}: {title}", place=place, all=len(CHAPTERS), title=chapter.title)
        console.rule(f"[bold]{title}[/bold]", align="left")
        _Teller(chapter, words, machine, sizes, console, ask).tell()
        last = place == len(CHAPTERS)
        if ask and not last and _answer(console, words("Enter for the next chapter, q to leave")) == LEAVE:
            return
    console.print(words("That was the lesson. Your own step on the ladder: looptax grade my_step.py."))


def _answer(console: Console, question: str) -> str:
    """Return what was typed; nothing where the input has ended."""
    try:
        return console.input(f"[bold cyan]{question}:[/bold cyan] ").strip()
    except EOFError:
        return ""


class _Teller:
    """One chapter: measured when the first block needs it."""

    def __init__(
        self, chapter: Chapter, words: Words, machine: dict[str, Any], sizes: Sizes, console: Console, ask: bool
    ) -> None:
        self.chapter, self.words, self.machine, self.sizes = chapter, words, machine, sizes
        self.console, self.ask = console, ask
        self.found: Findings | None = None

    @property
    def it(self) -> Findings:
        """What the chapter found."""
        if self.found is None:
            with self.console.status(self.words("measuring")):
                self.found = measure(self.chapter.name, self.sizes)
        return self.found

    def tell(self) -> None:
        """Show every block; wait for an answer at each guess."""
        for block in self.chapter.blocks:
            if block.kind == "guess":
                self._guess(block)
            elif shown := self._shown(block):
                self.console.print(Padding(shown, (1, 0, 0, 0)))
        self.console.print()

    def _guess(self, block: Block) -> None:
        name, unit = block.arguments[0], guesses.UNITS[block.arguments[1]]
        measured = getattr(self.it, name)
        if not measured:
            return
        self.console.print(
            Padding(Panel(Markdown(self._said(block.body)), title=self.words("Predict, then measure")), (1, 0))
        )
        sign = f" [{unit.sign}]" if unit.sign else ""
        while self.ask and (
            typed := _answer(self.console, self.words("Your guess, or Enter to skip") + sign.replace("[", r"\["))
        ):
            try:
                guess = guesses.parse(typed)
            except (ValueError, OverflowError):
                self.console.print(self.words("A positive number, please: 30, 1e-8 or 10^-8."))
                continue
            self.console.print(f"[bold]{guesses.told(guess, measured, unit, self.words)}[/bold]", highlight=False)
            break

    def _shown(self, block: Block) -> RenderableType | None:
        """Return a block for the terminal; None where this machine has nothing to show for it."""
        name = block.arguments[0] if block.arguments else ""
        match block.kind:
            case "table":
                found = self.it.tables().get(name)
                return Group(plain.table(found, self.words), self._caption(block, found.notes)) if found else None
            case "picture":
                return Group(plain.draw(self.it.pictures()[name], self.words), self._caption(block))
            case "listing":
                listing = self.it.listings().get(name)
                return Group(_code(listing, "text"), self._caption(block)) if listing else None
            case "source":
                code = _code(listings.source(name, block.arguments[1:]), "cython")
                return Group(code, self._caption(block, [name]))
            case "python":
                return _code(block.body, "python")
            case "math":
                return Padding(Text(self._said(block.body), style="bold"), (0, 4))
            case "exercise":
                parts = [part for each in text.blocks(block.body) if (part := self._shown(each))]
                return Panel(Group(*parts), title=self.words("Exercise"), border_style="green")
        return Markdown(self._said(block.body))

    def _said(self, body: str) -> str:
        return text.say(body, self.it, self.machine) if text.measured(body) else body

    def _caption(self, block: Block, more: list[str] | None = None) -> RenderableType:
        caption = "\n\n".join([self._said(block.body), *(self.words(note) for note in more or [])])
        return Padding(Markdown(caption, style="dim"), (0, 2))


def _code(source: str, language: str) -> Syntax:
    return Syntax(source, language, theme="ansi_dark", background_color="default", word_wrap=True)
