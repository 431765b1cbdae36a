"""First floor: the step as you run it.

``fastest(X, y, w, b)`` is the step to import, and ``fastest.which(X)`` says what it will do and why.
``plan(X, y)`` pays for the checks once and then steps many times. ``with threads(n):`` bounds how many threads
they use. `looptax.kernels.ladder` lists every rung.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .choose import isa
from .choose.thread_limits import threads
from .choose.which import which

if TYPE_CHECKING:
    from .choose.planner import Plan, plan

__all__ = ["Plan", "fastest", "plan", "threads"]

fastest: Any = isa.step("cython_tuned")
fastest.which = which
fastest.__module__, fastest.__reduce_ex__ = __name__, lambda protocol: "fastest"  # the name it is pickled by


def __getattr__(name: str) -> Any:
    """Import `plan` and `Plan` when they are first asked for: they bring more than `fastest` needs."""
    if name not in ("Plan", "plan"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .choose import planner

    globals().update(plan=planner.plan, Plan=planner.Plan)
    return globals()[name]
