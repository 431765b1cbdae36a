"""First floor: the step as you run it.

``fastest(X, y, w, b)`` is the step to import, and ``fastest.which(X)`` says what it will do and why;
`looptax.kernels.ladder` lists every rung.
"""

from __future__ import annotations

from . import team
from .variants import load

__all__ = ["fastest"]

fastest = load("cython_fused").step
fastest.which = team.which
