"""A formula in one line of text, read off its MathML: z = wᵀx + b, dL/da = −y/a + (1 − y)/(1 − a).

Libraries that turn LaTeX into Unicode lose brackets on the way: pylatexenc writes 1 - y/1 - a, and unicodeit leaves
fractions as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from unicodedata import normalize

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

RAISED = str.maketrans("0123456789+−=()abcdefghijklmnoprstuvwxyz⊤′", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᵀ′")
LOWERED = str.maketrans("0123456789+−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
SCRIPTS = {
    "msub": (LOWERED,), "msup": (RAISED,), "msubsup": (LOWERED, RAISED),
    "munder": (LOWERED,), "munderover": (LOWERED, RAISED),
}  # fmt: skip
ACCENTS = {"ˆ": "\u0302", "¯": "\u0304"}  # what is above a letter → what is written after it
SPACED = "=:+−±·×<>≤≥≠≈→∑"
CLOSE = "\u2060"  # no space here
SIMPLE = re.compile(r"\d+|d?\w[₀-₉]*")  # needs no brackets in a fraction: 1, y, dw₁


def linear(math: Element) -> str:
    """Return a formula in one line of text; ValueError: it has something that this file does not know."""
    return _tidy(_written(math)).strip()


def _written(node: Element) -> str:
    """Write an element and what is in it, with too many spaces rather than too few."""
    match node.tag:
        case "mo":
            return _operator(node)
        case "mspace":
            return " " * round(4 * float(node.get("width", "0").removesuffix("em")))
        case "mfrac":
            return " {}/{} ".format(*(part if SIMPLE.fullmatch(part) else f"({part})" for part in map(linear, node)))
        case "msub" | "msup" | "msubsup":
            return _written(node[0]) + _scripts(node)
        case "munder" | "munderover":  # of a sum
            return f" {linear(node[0])}{_scripts(node)} "
        case "mover" if linear(node[1]) in ACCENTS:
            return normalize("NFC", linear(node[0]) + ACCENTS[linear(node[1])])
        case "math" | "mrow" | "mi" | "mn" | "mtext":
            return (node.text or "") + "".join(map(_written, node))
    raise ValueError(f"no way to write {node.tag} in a line")


def _operator(node: Element) -> str:
    """Write an operator, with spaces around it where it has some in the formula: a − y, but −y."""
    sign = (node.text or "").replace("⋅", "·")
    left, right = "" if node.get("lspace") == "0" else " ", CLOSE if node.get("rspace") == "0" else " "
    match sign:
        case "\u2061":  # between a function and what it is of: ln a, ln(a)
            return " " if node.get("lspace") else ""
        case "(" | "[":
            return sign + CLOSE
        case ")" | "]":
            return CLOSE + sign
        case ",":
            return CLOSE + sign + right
    return left + sign + right if sign in SPACED else sign


def _scripts(node: Element) -> str:
    """Write what stands below and above a letter, in small letters where Unicode has them."""
    written = ""
    for one, small in zip(node[1:], SCRIPTS[node.tag], strict=True):
        text = linear(one).replace(" ", "")
        there = all(ord(letter) in small for letter in text)
        written += text.translate(small) if there else f"{'^' if small is RAISED else '_'}({text})"
    return written


def _tidy(text: str) -> str:
    """Take away the spaces that are too many; four and more are between two formulas."""
    return re.sub(r"(?<! ) {2,3}(?! )", " ", re.sub(f" *{CLOSE} *", "", text))
