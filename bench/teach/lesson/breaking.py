"""Where lines break in the terminal: Chinese between any two letters, which are two cells wide, but for punctuation.

Rich breaks at spaces, and Chinese has few: what stands between two of them would go to the next line as a whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from markdown_it import MarkdownIt
from rich import markdown
from rich.cells import cell_len, chop_cells
from rich.text import Text

from . import formulas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions

LETTER = (
    "\u2e80-\u2fff\u3005-\u3007\u3021-\u9fff\uf900-\ufaff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\U00020000-\U0003fffd"
)
OPENING = "（《〈“‘「『【〔"  # no line ends with one of these
CLOSING = "，。；：！？、）》〉”’」』】〕…—·％～"  # and none begins with one of these
PIECE = re.compile(
    rf"[{OPENING}(\[]*(?:[{LETTER}][{CLOSING}),.;:!?%\]]*|[^\s{LETTER}{OPENING}{CLOSING}]+[{CLOSING}]*)\s*"
    rf"|[{OPENING}{CLOSING}]+\s*|\s+"
)


class Wrapped:
    """Text, styled or plain, whose lines break where its language allows."""

    def __init__(self, text: Text | str) -> None:
        self.text = Text(text) if isinstance(text, str) else text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for line in self.text.split(allow_blank=True):
            if not re.search(f"[{LETTER}]", line.plain):
                yield line
                continue
            for part in line.divide(breaks(line.plain, options.max_width)):
                part.rstrip()
                yield part


def breaks(text: str, width: int) -> list[int]:
    """Return where to break a line so that no part is more than so many cells wide, but for spaces at its end."""
    found, place, used = [], 0, 0
    for piece in _pieces(text, width):
        if used and used + cell_len(piece.rstrip()) > width:
            found.append(place)
            used = 0
        place += len(piece)
        used += cell_len(piece)
    return found


def _pieces(text: str, width: int) -> Iterator[str]:
    """Cut a text where it may be broken; what is wider than a line, anywhere."""
    for piece in PIECE.findall(text):
        yield from chop_cells(piece, width) if cell_len(piece.rstrip()) > width else [piece]


class _Paragraph(markdown.Paragraph):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Wrapped]:
        self.text.justify = self.justify
        yield Wrapped(self.text)


class Markdown(markdown.Markdown):
    """Rich's Markdown, with paragraphs whose lines break so, and formulas, in italics."""

    elements: ClassVar[dict[str, type[markdown.MarkdownElement]]] = {
        **markdown.Markdown.elements,
        "paragraph_open": _Paragraph,
    }

    def __init__(self, text: str, style: str = "none") -> None:
        super().__init__(text, style=style)
        self.parsed = formulas.reading(MarkdownIt()).parse(text)
        for token in (part for inline in self.parsed for part in inline.children or ()):
            if token.type == "math_inline":
                token.tag, token.content = "em", formulas.plain(token.content)
