"""A block of samples, and what is wrong with one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np


class Block(NamedTuple):
    """Samples, in the dtype of the plan.

    Attributes
    ----------
    X, y : numpy.ndarray, shapes (rows, n) and (rows,)
    s : numpy.ndarray, shape (rows,), or None
        Their weights.
    first : int
        The number of the first sample.
    origin : tuple of (int, str, int)
        Of each piece in it: its first sample, where it is from, and the row that sample has there; empty where the
        source tells.
    check : callable
        Raises ValueError where what was read was not there; called when the block has been worked on.
    """

    X: np.ndarray
    y: np.ndarray
    s: np.ndarray | None
    first: int
    origin: tuple[tuple[int, str, int], ...] = ()
    check: Callable[[], None] = lambda: None

    def where(self, sample: int) -> str:
        """Say where a sample is from; "" where the source tells."""
        before = [piece for piece in self.origin if piece[0] <= sample]
        return located(before[-1][1], before[-1][2] + sample - before[-1][0]) if before else ""


class NoSampleError(ValueError):
    """A label, a weight or a feature is none.

    Attributes
    ----------
    name : str
        Of the array it is in: "y", "sample_weight" or "X".
    sample : int
        Its number, in the whole.
    told : str
        What is wrong with it.
    where : str
        Where it is from; "" where the source tells.
    """

    def __init__(self, name: str, sample: int, told: str, where: str = "") -> None:
        super().__init__(name, sample, told, where)
        self.name, self.sample, self.told, self.where = name, sample, told, where

    def __str__(self) -> str:
        return f"{self.where}: {self.name}[{self.sample}] {self.told}"


def located(name: str, row: int) -> str:
    """Say which row of a file, or of whatever has that name."""
    return f"{name}, row {row:,}"
