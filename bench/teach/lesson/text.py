"""A chapter's text: Markdown, cut into blocks at its fences.

A fence whose info string is a name in braces is not code but a place for something:

- ``{guess} name unit``: the reader guesses the findings' attribute of that name before the measurement;
- ``{table} name``, ``{picture} name``, ``{listing} name``: what the findings have of that name;
- ``{source} file function …``: the project's own source, taken from the file;
- ``{exercise}``: Markdown, with code to run in it, and its ``{answer}``, which the reader opens;
- ``{remember}``: what to remember of the chapter, in one sentence;
- ``{math}``: formulas in LaTeX, a line each, without dollar signs.

A fence of ``python`` is code for the reader to run. What is in a guess, exercise or text is read as it
stands; elsewhere the fence holds a caption. A formula in a sentence is LaTeX between dollar signs: $a - y$;
code that reads like one stays code: `w[j] * X[i, j]`. Text and captions are Jinja templates: ``it`` is what the
chapter found, and filters write its numbers, so that a text holds no number that was not measured on the
reader's machine. In a formula two braces are therefore kept apart, where they open: x^{ {a} }.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from ...show import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import Environment

KINDS = ("guess", "table", "picture", "listing", "source", "exercise", "answer", "remember", "math")
FILTERS = {
    name: getattr(numbers, name)
    for name in ("count", "digits", "number", "percent", "power", "rate", "seconds", "size", "times")
}


class Block(NamedTuple):
    """A piece of a chapter: "text", "python" or one of `KINDS`; its arguments; what stands in it."""

    kind: str
    arguments: tuple[str, ...]
    body: str

    @property
    def name(self) -> str:
        """What it shows, or asks for: its first argument."""
        return self.arguments[0] if self.arguments else ""

    @property
    def measured(self) -> bool:
        """Whether it can only be shown once the chapter has been measured."""
        return self.kind in ("table", "picture", "listing") or "{{" in self.body or "{%" in self.body


class Chapter(NamedTuple):
    """A chapter in one language."""

    name: str
    title: str
    blocks: list[Block]


@cache
def chapter(name: str, language: str) -> Chapter:
    """Read a chapter; its title is the text's first line."""
    path = files(__package__).joinpath("text", language, f"{name}.md")
    title, _, text = path.read_text(encoding="utf-8").partition("\n")
    return Chapter(name, title.removeprefix("# ").strip(), list(blocks(text)))


def blocks(text: str) -> Iterator[Block]:
    """Cut Markdown into blocks."""
    from markdown_it import MarkdownIt

    lines, start = text.splitlines(), 0
    for token in MarkdownIt().parse(text):
        if token.type == "fence" and token.level == 0 and (kind := _kind(token.info)):
            first, last = token.map or (0, 0)
            yield from _text(lines[start:first])
            yield Block(kind, tuple(token.info.split()[1:]), token.content.strip())
            start = last
    yield from _text(lines[start:])


def _kind(info: str) -> str:
    """Return what a fence is a place for; nothing for code that only stands there."""
    first = (info.split() or [""])[0]
    found = re.fullmatch(r"\{(\w+)\}", first)
    if found and found[1] not in KINDS:
        raise ValueError(f"{info!r} is no block of a chapter; there are: {', '.join(KINDS)}")
    return found[1] if found else first * (first == "python")


def _text(lines: list[str]) -> Iterator[Block]:
    if body := "\n".join(lines).strip():
        yield Block("text", (), body)


def say(template: str, it: Any) -> str:
    """Fill in a text: `it` is what its chapter found."""
    return _environment().from_string(template).render(it=it)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(FILTERS)
    return environment
