"""What is done with a block: functions of a block alone, for this process or another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...pyimpl.parts.contract import check_class_labels, check_labels, check_sample_weight
from ..choose import isa
from ..choose.plans import VARIANTS
from ..choose.which import KERNEL
from ..parts.partial import Sums

if TYPE_CHECKING:
    from typing import NoReturn

    from .ahead import Block


class NoSampleError(ValueError):
    """A label or a weight is none.

    Attributes
    ----------
    sample : int
        Its number, in the whole.
    told : str
        What is wrong with it.
    where : str
        Where it is from; "" where the source tells.
    """

    def __init__(self, sample: int, told: str, where: str = "") -> None:
        super().__init__(sample, told, where)
        self.sample, self.told, self.where = sample, told, where


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


def some_of(block: Block, stride: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return X, y and weights of every so manieth sample of the whole that is in a block."""
    part = slice(-block.first % stride, None, stride)
    return block.X[part].copy(), block.y[part].copy(), None if block.s is None else block.s[part].copy()


def number_of(block: Block) -> Sums:
    """Return how many samples a block has."""
    return Sums(0.0, np.zeros(1), 0.0, len(block.X), 1.0)


def check(block: Block, classes: int | None) -> None:
    """Raise `NoSampleError` where a label or a weight is none."""
    try:
        if classes:
            check_class_labels(block.y, len(block.y), classes)
        else:
            check_labels(block.y, len(block.y))
        if block.s is not None:
            check_sample_weight(block.s, len(block.s), all_zero=True)
    except ValueError as error:
        name, _, rest = str(error).partition("[")
        number, _, rest = rest.partition("]")
        sample = block.first + int(number)
        raise NoSampleError(sample, f"{name}[{sample}]{rest}", where(block, sample)) from None


def where(block: Block, sample: int) -> str:
    """Say where a sample is from; "" where the source tells."""
    before = [piece for piece in block.origin if piece[0] <= sample]
    return f"{before[-1][1]}, row {before[-1][2] + sample - before[-1][0]:,}" if before else ""


def complain(block: Block, classes: int | None) -> NoReturn:
    """Say which label or weight is none."""
    block.check()  # what is not there comes first
    check(block, classes)
    raise NoSampleError(block.first, "it was changed while it was read")
