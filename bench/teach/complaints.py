"""What a wrong argument is told in the reader's language: found and said in English, and said again at the door."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from .lesson.words import known

if TYPE_CHECKING:
    from collections.abc import Iterator


class Complaint(typer.BadParameter):
    """A wrong argument, said without the English words that stand before it otherwise."""

    def format_message(self) -> str:
        """Return the option, and what is wrong with it."""
        return f"{self.param_hint}：{self.message}"


@contextmanager
def complaining(language: str) -> Iterator[None]:
    """Say in a language what is wrong with an argument, until the end of the block."""
    try:
        yield
    except typer.BadParameter as error:
        if (said := again(error.message, language)) == error.message:
            raise
        raise Complaint(said, ctx=error.ctx, param_hint=error.param_hint) from None


def again(text: str, language: str) -> str:
    """Return an English sentence in a language; as it is where that has none.

    The language's phrases have a number in braces for what is filled in; the more exact come first.
    """
    for phrase, translated in known(language, __package__).items():
        pattern = re.sub(r"\\\{\d\\\}", "(.+)", re.escape(phrase))
        if found := re.fullmatch(pattern, text, re.DOTALL):
            return translated.format(*found.groups())
    return text
