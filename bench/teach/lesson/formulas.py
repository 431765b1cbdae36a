"""Formulas, written in LaTeX: as MathML, which browsers draw by themselves, and as text for the terminal."""

from __future__ import annotations

from functools import cache
from html import escape
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from .linear import linear

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from math_core import LatexToMathML


def mathml(latex: str, *, block: bool = False) -> str:
    """Return a formula for a page, `block` if it stands by itself; ValueError: it is not LaTeX, or not known."""
    return _converted(latex, block).replace("<math", f'<math alttext="{escape(plain(latex))}"', 1)


def plain(latex: str) -> str:
    """Return a formula in one line of text; ValueError as for `mathml`."""
    return linear(ElementTree.fromstring(_converted(latex, block=True)))


def reading(parser: MarkdownIt) -> MarkdownIt:
    """Return a parser of Markdown that takes what stands between dollar signs for a formula."""
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    return parser.use(
        dollarmath_plugin, allow_space=False, allow_digits=False, renderer=lambda latex, place: mathml(latex)
    )


def _converted(latex: str, block: bool) -> str:
    from math_core import LatexError

    try:
        found = _converter().convert_with_local_state(latex, displaystyle=block)
    except LatexError as error:
        raise ValueError(f"{latex!r} cannot be set: {error}") from None
    return found.replace("&ApplyFunction;", "\u2061")  # a name that XML does not know


@cache
def _converter() -> LatexToMathML:
    from math_core import LatexToMathML

    return LatexToMathML(fancy_error=False)
