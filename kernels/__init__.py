"""First floor: the step as you run it.

``fastest(X, y, w, b)`` is the step to import, and ``fastest.which(X)`` says what it will do and why.
``plan(X, y)`` pays for the checks once and then steps many times. ``with threads(n):`` bounds how many threads
they use. `looptax.kernels.ladder` lists every rung.
"""

from __future__ import annotations

from . import thread_limits
from .planner import Plan, plan
from .thread_limits import threads
from .variants import load

__all__ = ["Plan", "fastest", "plan", "threads"]

fastest = load("cython_fused").step
fastest.which = thread_limits.which
