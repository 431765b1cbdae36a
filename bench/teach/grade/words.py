"""What a grade says, in the reader's language: every sentence goes through `say`."""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from ..lesson.words import known

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_language: ContextVar[str] = ContextVar("language", default="en")
# What other parts of the project say in English, the more exact first.
FOREIGN = (
    "raised {0}",
    "modified {0}",
    "dw shares memory with an input",
    "dw has shape {0}, not {1}",
    "dw is of type {0}, not an array",
    "{0} is {1}, expected {2} within {3}",
    "{0} is {1} of no dtype, not {2}",
    "{0} is {1} of {2}, not {3}",
    "{0} calls would need more than {1} s",
    "{0}, {1} order, 1 thread",
    "{0}: relative to {1}",
    "A/A: {0} takes {1} (no interval: fewer than {2} sweeps) of its own time",
    "A/A: {0} takes {1} ({2}, not 1) of its own time",
    "A/A: {0} takes {1} ({2}) of its own time",
    "{0}% mem",
    "{0}% arith",
    "{0}% call",
)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Say everything in a language, in this thread, until the end of the block."""
    before = _language.set(language)
    try:
        yield
    finally:
        _language.reset(before)


def language() -> str:
    """Return the language that is spoken."""
    return _language.get()


def say(text: str, *places: Any, **values: Any) -> str:
    """Return a phrase in the language, with what its braces stand for; one that it has not stays English."""
    found = known(_language.get(), __package__).get(text, text)
    return found.format(*places, **values) if places or values else found


def translated(text: str) -> str:
    """Say again what another part of the project has said in English: one of `FOREIGN`, filled in."""
    for phrase in FOREIGN:
        if found := _pattern(phrase).fullmatch(text):
            return say(phrase, *map(say, found.groups())) if found.groups() else say(phrase)
    return say(text)


def _pattern(phrase: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\d\\\}", "(.+)", re.escape(phrase)), re.DOTALL)


def listed(names: Sequence[str]) -> str:
    """Return "cost, dw and db"."""
    *first, last = names
    return say(" and ").join(filter(None, (say(", ").join(first), last)))
