"""How a number is written: in tables and sentences, in the terminal, on pages and in notebooks."""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .ratios import Ratio

NO_DIFFERENCE = "≈1"
ROUGHLY = "~"  # before a ratio without an interval: it may be noise
LEGEND = f"""\
{NO_DIFFERENCE}: no difference seen, the 95 % interval over the sweeps includes 1
{ROUGHLY}: no interval, too few sweeps: it may be noise"""
UNITS = (("s", 1.0), ("ms", 1e3), ("µs", 1e6), ("ns", 1e9))
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def unit(value: float) -> tuple[str, float]:
    """Return the largest unit in which a time is not less than 1, and what to multiply seconds by."""
    return next(((name, factor) for name, factor in UNITS if abs(value) * factor >= 1), UNITS[-1])


def seconds(value: float | None) -> str:
    """Return a time with four digits and the unit that suits it."""
    if value is None:
        return ""
    name, factor = unit(value)
    return f"{value * factor:.4g} {name}"


def digits(value: float | None) -> str:
    """Return a number with three digits, zeros at the end included: in a column they line up."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 99.95 else f"{value:#.3g}".removesuffix(".")


def number(value: float) -> str:
    """Return a number with up to three digits, large ones with commas: in a sentence."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def count(value: float) -> str:
    """Return a whole number, with commas."""
    return f"{value:,.0f}"


def times(value: float) -> str:
    """Return how many times as fast something is, with three digits."""
    return f"{digits(value)}×"


def speedup(found: Ratio | None, write: Callable[[float], str] = times) -> str:
    """Return a ratio as `plain` does; `NO_DIFFERENCE` where its interval includes 1."""
    if found is None:
        return ""
    return NO_DIFFERENCE if found.undecided else plain(found, write)


def plain(found: Ratio, write: Callable[[float], str] = times) -> str:
    """Return the value of a ratio, after `ROUGHLY` where it has no interval."""
    return f"{ROUGHLY * (found.low is None)}{write(found.value)}"


def interval(found: Ratio | None) -> str:
    """Return the ends of a ratio's interval; nothing where there is none."""
    return "" if found is None or found.low is None else f"{digits(found.low)} – {digits(found.high)}"


def itself(low: float, high: float) -> str:
    """Return the interval of a rung against itself; one that excludes 1, as none should, says so."""
    return f"{low:.3f} – {high:.3f}{'' if low <= 1 <= high else ', not 1'}"


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


def size(value: float) -> str:
    """Return a number of bytes with a binary unit, as caches are given."""
    unit, factor = next(
        ((u, f) for u, f in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)) if value >= f), ("B", 1)
    )
    return f"{number(value / factor)} {unit}"


def rate(value: float) -> str:
    """Return bytes per second, with a decimal unit, as bandwidths are given."""
    return f"{number(value / 1e9)} GB/s"


def shape(source: str) -> str:
    """Return a shape as people write it, 1,000 × 10; the name of a data set as it is."""
    m, x, n = source.partition("x")
    return f"{int(m):,} × {int(n):,}" if x and m.isdecimal() and n.isdecimal() else source


def threads(value: int | str) -> str:
    """Return "1 thread" or "2 threads"."""
    return f"{value} thread{'s' * (str(value) != '1')}"
