"""A chapter's text: Markdown, cut into blocks at its fences.

A fence whose info string is a name in braces is not code but a place for something:

- ``{guess} name unit``: the reader guesses the findings' attribute of that name before the measurement;
- ``{table} name``, ``{picture} name``, ``{listing} name``: what the findings have of that name;
- ``{source} file function …``: the project's own source, taken from the file;
- ``{exercise}``: Markdown, with code to run in it;
- ``{math}``: formulas, a line each.

A fence of ``python`` is code for the reader to run. What is in a guess, exercise or text is read as it
stands; elsewhere the fence holds a caption. Text and captions are Jinja templates: ``it`` is what the
chapter found, ``machine`` the machine's facts, and the filters of `words` write the numbers, so that a
text holds no number that was not measured on the reader's machine.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from .words import FILTERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import Environment

KINDS = ("guess", "table", "picture", "listing", "source", "exercise", "math")


class Block(NamedTuple):
    """A piece of a chapter: "text", "python" or one of `KINDS`; its arguments; what stands in it."""

    kind: str
    arguments: tuple[str, ...]
    body: str

    @property
    def measured(self) -> bool:
        """Whether it can only be shown once the chapter has been measured."""
        return self.kind in ("table", "picture", "listing") or measured(self.body)


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
        kind, arguments = _place(token.info) if token.type == "fence" and token.level == 0 else ("", ())
        if not kind:
            continue
        first, last = token.map or (0, 0)
        yield from _text(lines[start:first])
        yield Block(kind, arguments, token.content.strip())
        start = last
    yield from _text(lines[start:])


def _place(info: str) -> tuple[str, tuple[str, ...]]:
    """Return what a fence is a place for, and its arguments; nothing for code that only stands there."""
    words = info.split()
    if words and words[0] == "python":
        return "python", ()
    found = re.fullmatch(r"\{(\w+)\}", words[0]) if words else None
    if found and found[1] not in KINDS:
        raise ValueError(f"{info!r} is no block of a chapter; there are: {', '.join(KINDS)}")
    return (found[1], tuple(words[1:])) if found else ("", ())


def _text(lines: list[str]) -> Iterator[Block]:
    body = "\n".join(lines).strip()
    if body:
        yield Block("text", (), body)


def measured(template: str) -> bool:
    """Whether a text has something to fill in."""
    return "{{" in template or "{%" in template


def say(template: str, it: Any, machine: dict[str, Any]) -> str:
    """Fill in a text: `it` is what its chapter found."""
    return _environment().from_string(template).render(it=it, machine=machine)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(FILTERS)
    return environment


def facts() -> dict[str, Any]:
    """Return what texts may say of the machine: ``cpu``, ``cores``, ``python``, ``caches`` (bytes by level)."""
    from ...measure import machine
    from ...measure.threads import usable

    known = machine.facts()
    return {
        "cpu": known["cpu"]["brand"],
        "cores": usable(),
        "python": known["python"]["version"],
        "caches": known["cpu"]["caches"] or {},
        "instruction_set": known["kernels"]["instruction_set"]["cython_simd"],
    }
