"""The words around the text: names in tables, pictures and controls, and how numbers are written."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ...show import numbers

if TYPE_CHECKING:
    from collections.abc import Callable

LANGUAGES = {"en": "English", "zh": "中文"}


class Words:
    """Turns an English word or phrase into the language's own; one that it has none for stays English.

    Parameters
    ----------
    language : str
        One of `LANGUAGES`.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self.known = _known(language)

    def __call__(self, text: str, **values: Any) -> str:
        """Return the phrase, with the values in its braces."""
        name, colon, reason = text.partition(": ")  # of a rung, why it has no number
        found = self.known.get(text) or (f"{name}: {self(reason)}" if colon and reason in self.known else text)
        return found.format(**values) if values else found


@cache
def _known(language: str) -> dict[str, str]:
    path = files(__package__).joinpath("text", language, "words.toml")
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


WRITTEN = ("count", "digits", "number", "percent", "power", "rate", "seconds", "size", "times")
FILTERS: dict[str, Callable[..., str]] = {name: getattr(numbers, name) for name in WRITTEN}  # of a text
