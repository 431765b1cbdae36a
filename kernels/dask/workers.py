"""Which workers may take part: those whose sums have the same bits."""

from __future__ import annotations

from typing import Any

from ..choose import isa
from ..choose.which import KERNEL


class RefusedWorkerError(RuntimeError):
    """A worker would return other bits, or none; the message names it."""


def facts() -> dict[str, Any]:
    """Return what the bits of this process depend on."""
    import looptax

    level = isa.chosen(KERNEL)
    return {"version": looptax.__version__, "level": level, "fused": isa.fused(level)}


def check_workers(client: Any) -> None:
    """Raise `RefusedWorkerError` where a worker may not take part."""
    here = facts()
    found = client.run(facts, on_error="return")
    there = names_of(client)  # who died meanwhile says nothing
    told = [f"{name}: {why}" for name, one in found.items() if name in there and (why := refusal(one, here["version"]))]
    if told:
        raise RefusedWorkerError("\n".join(["some workers cannot take part:", *told]))


def names_of(client: Any) -> frozenset[str]:
    """Return the addresses of the workers."""
    return frozenset(client.scheduler_info(n_workers=-1).get("workers", ()))


def counted_workers(client: Any) -> int:
    """Return how many workers there are, 1 where there is none yet."""
    return max(len(names_of(client)), 1)


def refusal(found: Any, version: str) -> str:
    """Return why a worker is refused; "" where it is not."""
    if isinstance(found, OSError):
        return ""  # it cannot be reached, and so has no part; if it has after all, what it returns tells the facts
    if isinstance(found, BaseException) and "No module named 'looptax" in str(found):
        return f"it has no looptax; expected version {version}"
    if isinstance(found, BaseException):
        return f"{type(found).__name__}: {found}"
    if found["version"] != version:
        return f"it has looptax {found['version']}; expected {version}, as here"
    if not found["fused"]:
        return f"its instruction set, {found['level']}, has no fused multiply-add, and so other bits"
    return ""
