"""The chapters, in order: each has a text of its name in every language, and a module that measures.

The modules are imported when they are needed: Numba alone takes a moment.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .findings import Findings, Tell
    from .sizes import Sizes

CHAPTERS = (
    "cost", "slopes", "graph", "loop", "vectorize", "compiled", "simd", "one_pass", "threads", "ladder",
)  # fmt: skip


def measure(chapter: str, sizes: Sizes, tell: Tell = lambda what, share=0.0: None) -> Findings:
    """Measure what a chapter is about; `tell` is told of each thing before it takes its time."""
    return import_module(f".{chapter}", __package__).measure(sizes, tell)
