"""Predict, then measure: how far a guess was from what was measured, in orders of magnitude."""

from __future__ import annotations

import re
from math import isfinite, log10
from typing import TYPE_CHECKING, NamedTuple

from ...show.numbers import count, number, percent, power, seconds, times

if TYPE_CHECKING:
    from collections.abc import Callable

    from .words import Words


class Unit(NamedTuple):
    """What a guess is given in: its sign, how many of the measured unit that is, and how a number is written."""

    sign: str
    factor: float
    write: Callable[[float], str]


UNITS: dict[str, Unit] = {
    "times": Unit("×", 1.0, times),
    "ns": Unit("ns", 1e-9, seconds),
    "count": Unit("", 1.0, count),
    "number": Unit("", 1.0, number),
    "percent": Unit("%", 0.01, percent),
    "power": Unit("", 1.0, power),
}

# Up to how many orders of magnitude off, and what is said of it; the page's script reads the same list.
VERDICTS: tuple[tuple[float, str], ...] = (
    (0.1, "spot on"),
    (0.5, "the right order of magnitude"),
    (float("inf"), "off by a factor of {factor}"),
)


def parse(text: str) -> float:
    """Read a guess, with or without its unit: 30, 1e-8, 10^-8, 100x or 1,000; ValueError: no positive number."""
    plain = re.sub(r"[\s,_×%]|(x|ns)\s*$", "", text.lower())
    base, caret, exponent = plain.partition("^")
    value = float(base) ** float(exponent) if caret else float(plain)
    if not (isinstance(value, float) and isfinite(value) and value > 0):
        raise ValueError(f"{text!r} is not a positive number")
    return value


def verdict(guess: float, measured: float, words: Words) -> str:
    """Say how near a guess came; both are positive and in the same unit."""
    off = abs(log10(guess) - log10(measured))
    said = next(said for most, said in VERDICTS if off <= most)
    return words(said, factor=number(10**off)) if "{" in said else words(said)


def told(guess: float, measured: float, unit: Unit, words: Words) -> str:
    """Return the sentence that sets a guess beside what was measured; the guess is in the unit's own terms."""
    return words(
        "You guessed {guess}, measured: {measured} — {verdict}.",
        guess=unit.write(guess * unit.factor),
        measured=unit.write(measured),
        verdict=verdict(guess * unit.factor, measured, words),
    )
