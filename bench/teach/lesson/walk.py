"""The lesson in the terminal: read, guess, and watch it being measured, chapter by chapter."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.syntax import Syntax
from rich.text import Text

from ...show import terminal
from . import formulas, guesses, listings, plain, text
from .breaking import Markdown, Wrapped
from .chapters import CHAPTERS, measure
from .waiting import waiting
from .words import Words

if TYPE_CHECKING:
    from rich.console import RenderableType

    from .chapters.parts import Findings
    from .text import Block, Chapter

LEAVE, ANSWER = "q", "a"
NEXT = "Enter for the next chapter, a for the answer, q to leave"
PANELS = {"exercise": ("Exercise", "green"), "answer": ("Answer", "green"), "remember": ("To remember", "cyan")}
END = "Enter to end, a for the answer"


def walk(language: str, quick: bool, console: Console, *, ask: bool) -> None:
    """Go through the chapters; `ask` tells whether there is somebody to ask for guesses, and to wait for."""
    words = Words(language)
    for place, name in enumerate(CHAPTERS, 1):
        chapter = text.chapter(name, language)
        title = words("Chapter {place} of {all}: {title}", place=place, all=len(CHAPTERS), title=chapter.title)
        console.rule(f"[bold]{title}[/bold]", align="left")
        teller = _Teller(chapter, words, quick, console, ask)
        teller.tell()
        if ask and teller.ends(last=place == len(CHAPTERS)):
            return
    console.print(Wrapped(words("That was the lesson. Your own step on the ladder: looptax grade my_step.py.")))


def _answer(console: Console, question: str) -> str:
    """Return what was typed; nothing where the input has ended."""
    try:
        return console.input(f"[bold cyan]{question}:[/bold cyan] ").strip()
    except EOFError:
        return ""


class _Teller:
    """One chapter: measured when the first block needs it."""

    def __init__(self, chapter: Chapter, words: Words, quick: bool, console: Console, ask: bool) -> None:
        self.chapter, self.words, self.quick, self.console, self.ask = chapter, words, quick, console, ask

    @cached_property
    def it(self) -> Findings:
        """What the chapter found."""
        with waiting(Console(stderr=True), self.words("measuring")) as tell:
            found = measure(self.chapter.name, self.quick, tell)
        for said in self.words.unstable(found.unstable):
            terminal.say(self.console, said)
        return found

    def tell(self) -> None:
        """Show every block; wait for an answer at each guess. Where nobody is asked, the exercise has its own."""
        for block in self.chapter.blocks:
            if block.kind == "guess":
                self._guess(block)
            elif shown := self._shown(block):
                self.console.print(Padding(shown, (1, 0, 0, 0)))
            if block.kind == "exercise" and not self.ask:  # nobody can ask for it
                self._show_answers()
        self.console.print()

    def ends(self, *, last: bool) -> bool:
        """Show the answer where it is asked for; return whether the reader leaves."""
        while (typed := _answer(self.console, self.words(END if last else NEXT))) == ANSWER:
            self._show_answers()
        return typed == LEAVE and not last

    def _show_answers(self) -> None:
        exercises = [block for block in self.chapter.blocks if block.kind == "exercise"]
        for answer in (part for block in exercises for part in text.blocks(block.body) if part.kind == "answer"):
            self.console.print(Padding(self._panel(answer), (1, 0)))

    def _guess(self, block: Block) -> None:
        unit, measured = guesses.UNITS[block.arguments[1]], getattr(self.it, block.name)
        if not measured:
            return
        question = Panel(Markdown(self._said(block)), title=self.words("Predict, then measure"))
        self.console.print(Padding(question, (1, 0)))
        sign = rf" \[{unit.sign}]" if unit.sign else ""
        while self.ask and (typed := _answer(self.console, self.words("Your guess, or Enter to skip") + sign)):
            try:
                told = guesses.told(guesses.parse(typed), measured, unit, self.words)
            except (ValueError, OverflowError):
                self.console.print(self.words("A positive number, please: 30, 1e-8 or 10^-8."))
            else:
                self.console.print(Wrapped(Text(told, "bold")))
                return

    def _shown(self, block: Block) -> RenderableType | None:
        """Return a block for the terminal; None where this machine has nothing to show for it."""
        name = block.name
        match block.kind:
            case "table" if table := self.it.tables().get(name):
                return self._captioned(terminal.table(self.words.table(table)), block)
            case "picture" if picture := self.it.pictures().get(name):
                return self._captioned(plain.draw(picture, self.words), block)
            case "listing" if listing := self.it.listings().get(name):
                return self._captioned(_code(listing, "text"), block)
            case "table" | "picture" | "listing":
                return None
            case "source":
                code = listings.source(name, block.arguments[1:])
                return self._captioned(_code(code, listings.language(name)), block, name)
            case "python":
                return _code(block.body, "python")
            case "math":
                lines = map(formulas.plain, self._said(block).splitlines())
                return Padding(Text("\n".join(lines), style="bold"), (0, 4))
            case "exercise" | "remember":
                return self._panel(block)
        return Markdown(self._said(block))

    def _panel(self, block: Block) -> Panel:
        """Return a frame with what is in a block, but the answer to an exercise."""
        title, colour = PANELS[block.kind]
        inside = [one for one in text.blocks(block.body) if one.kind != "answer"]
        shown = Group(*(part for one in inside if (part := self._shown(one))))
        return Panel(shown, title=self.words(title), border_style=colour)

    def _said(self, block: Block) -> str:
        return text.say(block.body, self.it) if block.measured else block.body

    def _captioned(self, shown: RenderableType, block: Block, file: str = "") -> Group:
        caption = Markdown(f"{self._said(block)}\n\n{file}", style="dim")
        return Group(shown, Padding(caption, (0, 2)))


def _code(source: str, language: str) -> Syntax:
    return Syntax(source, language, theme="ansi_dark", background_color="default", word_wrap=True)
