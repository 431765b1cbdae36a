"""The words around the text: names in tables, pictures and controls, and how numbers are written."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from math import floor, log10
from typing import TYPE_CHECKING, Any

from ...show.report.tables import digits, seconds, times

if TYPE_CHECKING:
    from collections.abc import Callable

LANGUAGES = {"en": "English", "zh": "中文"}
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


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


def count(value: float) -> str:
    """Return a whole number, with commas."""
    return f"{value:,.0f}"


def percent(value: float) -> str:
    """Return a share as a percentage of two digits."""
    return f"{100 * value:.2g}%" if value < 0.995 else f"{100 * value:.0f}%"


def power(value: float) -> str:
    """Return a number as a digit times a power of ten: 3 × 10⁻⁹; the power alone where the digit is 1."""
    if value == 0:
        return "0"
    exponent = floor(log10(abs(value)) + 1e-9)
    digit = f"{value / 10.0**exponent:.2g}"
    ten = "10" + str(exponent).translate(SUPERSCRIPTS)
    return ten if digit == "1" else f"{digit} × {ten}"


def number(value: float) -> str:
    """Return a number with up to three digits, large ones with commas."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def size(value: float) -> str:
    """Return a number of bytes with a decimal unit of three digits at most."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value:.0f} B"


def rate(value: float) -> str:
    """Return bytes per second."""
    return f"{size(value)}/s"


FILTERS: dict[str, Callable[..., str]] = {
    "count": count, "digits": digits, "number": number, "percent": percent, "power": power, "rate": rate,
    "seconds": seconds, "size": size, "times": times,
}  # fmt: skip
