"""What is inside a rung: where its time goes, what compiling it costs, its instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....kernels.ladder import LADDER
from . import costs, parts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def study(rungs: Sequence[str], progress: Callable[[str, int, int], None] | None = None) -> dict[str, list]:
    """Look into each rung.

    Parameters
    ----------
    rungs : sequence of str
        Names; those that are not in the ladder, such as peers, are passed over.
    progress : callable, optional
        Called before each thing that takes time: what it is, how many are done, how many there are.

    Returns
    -------
    dict
        `rungs` and `parts` of a `Section`.
    """
    names = [each.name for each in LADDER if each.name in rungs]
    total = len(names) * (1 + len(parts.SOURCES))
    done = 0

    def tell(text: str) -> None:
        nonlocal done
        if progress:
            progress(text, done, total)
        done += 1

    paid = []
    for name in names:
        tell(f"cost of {name}")
        paid.append(costs.measure(name))
    return {"rungs": paid, "parts": parts.study(names, tell)}
