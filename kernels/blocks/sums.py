"""What is done with a block: functions of a block alone, for this process or another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...pyimpl.parts.contract import label_fault, weight_fault
from ..choose import isa
from ..choose.plans import VARIANTS
from ..choose.which import KERNEL
from ..parts.partial import Sums, total
from .block import Block, NoSampleError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


class Some(NamedTuple):
    """X, y and weights of some samples."""

    X: np.ndarray
    y: np.ndarray
    s: np.ndarray | None


def step_of(block: Block, w: np.ndarray, b: float, order: str, at_most: int) -> Sums:
    """Return the sums of a block for the step of two classes."""
    cost, dw, db, weight, bad = isa.load(KERNEL).sums(block.X, block.y, block.s, w, b, order, at_most)
    if bad:
        complain(block, None)
    return Sums(cost, dw, db, len(block.X), weight)


def variant_of(block: Block, what: str, w: np.ndarray, classes: int | None, order: str, at_most: int) -> Sums:
    """Return the sums of a block for "step" or "hessp" of several weight vectors."""
    if classes:
        check(block, classes)
    bound = isa.load(VARIANTS).Bound(block.X, block.y, block.s, 0.0, classes or 1, at_most)
    try:
        cost, out, weight = bound.sums(what, w, order)
    except ValueError:
        complain(block, classes)
    return Sums(cost, out, 0.0, len(block.X), weight)


def some_of(block: Block, stride: int) -> Some:
    """Return every so manieth sample of the whole that is in a block."""
    part = slice(-block.first % stride, None, stride)
    return Some(block.X[part].copy(), block.y[part].copy(), None if block.s is None else block.s[part].copy())


def number_of(block: Block) -> Sums:
    """Return how many samples a block has."""
    return Sums(0.0, np.zeros(1), 0.0, len(block.X), 1.0)


def shares_of(block: Block, classes: int | None, unit: int) -> Sums:
    """Return what the samples of each class weigh."""
    check(block, classes)
    unit = len(block.X) if block.s is None else unit  # numbers of samples are exact, whatever the tree
    return in_parts(block, unit, lambda X, y, s: np.bincount(y.astype(np.intp), s, classes or 2))


def squares_of(block: Block, unit: int) -> Sums:
    """Return the sums of squares of each column."""
    return in_parts(block, unit, lambda X, y, s: sums_of_squares(X, s))


def sums_of_squares(X: np.ndarray, s: np.ndarray | None) -> np.ndarray:
    """Return the sum of squares of each column, each sample times its weight."""
    return np.einsum("ij,ij->j", X, X) if s is None else np.einsum("i,ij,ij->j", s, X, X)


def in_parts(
    block: Block, unit: int, sums_of: Callable[[np.ndarray, np.ndarray, np.ndarray | None], np.ndarray]
) -> Sums:
    """Return the sums of a block, added in a tree of so few samples that blocks of any size fit into it."""

    def part_of(first: int) -> Sums:
        rows = slice(first, first + unit)
        X, y, s = block.X[rows], block.y[rows], None if block.s is None else block.s[rows]
        weight = float(len(X) if s is None else s.sum(dtype=np.float64))
        return Sums(0.0, sums_of(X, y, s), 0.0, len(X), weight)

    return total(map(part_of, range(0, len(block.X), unit)))


def finite_of(block: Block) -> Sums:
    """Return nothing; raise `NoSampleError` where X holds NaN or infinity."""
    for row in np.flatnonzero(~np.isfinite(block.X.sum(axis=1, dtype=np.float64))):  # or a sum that overflows
        for column in np.flatnonzero(~np.isfinite(block.X[row])):
            told = f"is {block.X[row, column]} in column {column}; expected a finite number"
            raise NoSampleError("X", sample := block.first + int(row), told, block.where(sample))
    return number_of(block)


def check(block: Block, classes: int | None) -> None:
    """Raise `NoSampleError` where a label or a weight is none."""
    faults = {"y": label_fault(block.y, classes), "sample_weight": None if block.s is None else weight_fault(block.s)}
    for name, fault in faults.items():
        if fault:
            sample = block.first + fault[0]
            raise NoSampleError(name, sample, fault[1], block.where(sample))


def complain(block: Block, classes: int | None) -> NoReturn:
    """Say which label or weight is none."""
    block.check()  # what is not there comes first
    check(block, classes)
    raise NoSampleError("y", block.first, "was changed while it was read")
