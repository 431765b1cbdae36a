"""First floor: the step as you run it.

``fastest(X, y, w, b)`` is the rung to import; `looptax.kernels.ladder` lists them all.
"""

from __future__ import annotations

from .variants import load

__all__ = ["fastest"]

fastest = load("cython_parallel").step
