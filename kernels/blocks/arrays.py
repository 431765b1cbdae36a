"""Blocks of arrays: X from a file or in memory, y and weights the same; nothing is copied but what has to be converted.

What is looked at in a file is mapped into memory, page by page, which takes about as long as the step itself. So as
many blocks as the memory has room for stay mapped from pass to pass.

On the way of a pass no function shares a variable with one inside it (a comprehension is one): where Python 3.11 finds
no memory for that, it never lets go of the arguments, and a file stays open.
"""

from __future__ import annotations

from functools import partial as bound_to
from typing import TYPE_CHECKING, Any

from .block import Block, located
from .files import FileArray, OpenFile
from .sources import fitted, order_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from .ahead import Places
    from .window import Window

    Parts = list[tuple[np.ndarray | None, Window | None]]

MOST_KEPT, MOST_PIECES = 100, 10_000  # blocks that stay mapped, and pieces of theirs: a process has 65,000 mappings


class ArraySource:
    """Arrays, of which parts are blocks."""

    reserved = spare = 0

    def __init__(self, X: Any, y: Any, s: Any, order: str | None) -> None:
        self.arrays = [X, y, s]
        self.samples, self.features = X.shape
        self.bound = self.samples
        self.dtype, self.weighted = X.dtype, s is not None
        self.order = order or (X.order if isinstance(X, FileArray) else order_of(X))
        self.name = next((array.path for array in self.arrays if isinstance(array, FileArray)), "X")
        self._kept: tuple[Any, dict[int, Parts]] = None, {}  # of what, and blocks by their first samples

    def places(self, rows: int, number: int) -> list[Any]:
        """Return tokens: a block is where its arrays are."""
        return [None] * number

    def blocks(self, rows: int, places: Places) -> Iterator[tuple[Block, Any]]:
        """Yield the blocks of a pass."""
        files = [array.open() if isinstance(array, FileArray) else None for array in self.arrays]
        try:
            kept = self._kept_of(rows, files)
            for first in range(0, self.samples, rows):
                place = places.take()
                yield self._block(files, kept, first, min(first + rows, self.samples)), place
            places.take_all()
        finally:
            for file in files:
                if file:
                    file.close()

    def where(self, name: str, sample: int) -> str:
        """Say where a sample of "X", "y" or "sample_weight" is from."""
        array = self.arrays[("X", "y", "sample_weight").index(name)]
        return located(array.path if isinstance(array, FileArray) else name, sample)

    def _kept_of(self, rows: int, files: list[OpenFile | None]) -> dict[int, Parts]:
        """Return what is mapped for a pass; of other blocks or files, torn, or for more room than there is, it goes.

        A pass that is under way has its own, whatever comes after it.
        """
        of = rows, self.spare, [file and file.identity for file in files]
        before, kept = self._kept
        torn = any(window and window.torn for parts in list(kept.values()) for _, window in parts)
        if of != before or torn:
            kept = {}
            self._kept = of, kept
        return kept

    def _block(self, files: list[OpenFile | None], kept: dict[int, Parts], first: int, end: int) -> Block:
        parts = self._parts(files, kept, first, end)
        (X, _), (y, _), (s, _) = parts
        assert X is not None
        assert y is not None
        y = fitted("y", y, self.dtype, first)
        s = None if s is None else fitted("sample_weight", s, self.dtype, first)
        return Block(X, y, s, first, (), bound_to(_check, files, parts))

    def _parts(self, files: list[OpenFile | None], kept: dict[int, Parts], first: int, end: int) -> Parts:
        """Return a part of each array, and the window it is in."""
        parts = kept.get(first)
        if parts is None:
            parts = list(map(bound_to(_part, first=first, end=end), self.arrays, files))
            if self._may_stay(files, parts, len(kept) + 1):
                kept[first] = parts
        for _, window in parts:
            if window is not None:
                window.load()
        return parts

    def _may_stay(self, files: list[OpenFile | None], parts: Parts, number: int) -> bool:
        """Return whether there is room for so many blocks that stay mapped."""
        size = sum(part.nbytes for part, window in parts if part is not None and window is not None)
        pieces = number * max((file.pieces for file in files if file), default=0)
        return number * size <= self.spare and number <= MOST_KEPT and 0 < pieces <= MOST_PIECES


def _part(array: Any, file: OpenFile | None, first: int, end: int) -> tuple[np.ndarray | None, Window | None]:
    """Return the rows from first to end, of the file where there is one, and the window they are in."""
    return file.part(first, end) if file else (None if array is None else array[first:end], None)


def _check(files: list[OpenFile | None], parts: Parts) -> None:
    """Raise ValueError where a part may be what its file no longer has."""
    for file, (_, window) in zip(files, parts, strict=True):
        if file:
            file.check(window)
