"""The chapters, in order: each has a text of its name in every language, and a module that measures.

The modules are imported when they are needed: Numba alone takes a moment.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ....show.result import one_line

if TYPE_CHECKING:
    from .parts import Findings, Tell

CHAPTERS = (
    "cost", "slopes", "graph", "loop", "vectorize", "compiled", "simd", "one_pass", "threads", "busy",
    "ladder",
)  # fmt: skip


class ChapterError(RuntimeError):
    """A chapter cannot be measured here; the message says why, in one line."""


def measure(chapter: str, quick: bool, tell: Tell = lambda share: None) -> Findings:
    """Measure what a chapter is about, and watch the machine; `tell` is told now and then which share is done.

    ChapterError: something raised.
    """
    from ....measure.noise import Watch, reasons
    from ....show.ratios import floor
    from .parts import FULL, QUICK

    watch = Watch()
    try:
        found = import_module(f".{chapter}", __package__).measure(QUICK if quick else FULL, tell)
    except Exception as error:  # of a rung, whatever it is
        raise ChapterError(f"the chapter {chapter} cannot be measured: {one_line(error)}") from error
    found.unstable = list(reasons(watch.report(found.figures), floor(found.figures)))
    return found
