"""A simulation of a cache, small enough to draw: which lines of X it has to read from memory.

It holds so many lines, any of them (fully associative), and the one not used for the longest time makes room. Only X
goes through it; a processor's caches have sets, levels and a prefetcher besides.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Order = Literal["C", "F"]
ORDERS: tuple[Order, ...] = ("C", "F")
LINE = 8  # numbers of float64 in 64 bytes
HIT, FREE = -1, -2  # nothing made room: the line was there, or there was room


def lines(samples: int, features: int, order: Order) -> np.ndarray:
    """Return the line that each number of X is in."""
    return np.arange(samples * features).reshape(samples, features, order=order) // LINE


def touched(lines: np.ndarray, tile: int) -> list[int]:
    """Return the lines that a step uses: those of each tile for z, in memory's order, and then again for dw."""
    found: list[int] = []
    for start in range(0, len(lines), tile):
        found += 2 * np.unique(lines[start : start + tile]).tolist()
    return found


def made_room(touched: list[int], held: int) -> list[int]:
    """Return for each line that is used `HIT`, or where it has to be read `FREE` or the line that leaves for it."""
    cache: dict[int, None] = {}  # the line used last is at the end
    found = []
    for line in touched:
        hit, full = line in cache, len(cache) == held
        if hit:
            del cache[line]
        left = HIT if hit else next(iter(cache)) if full else FREE
        cache.pop(left, None)
        cache[line] = None
        found.append(left)
    return found
