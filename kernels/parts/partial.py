"""Sums over blocks of samples, which add up to the bits of the whole: from memory, from a file, from another machine.

A block begins at a multiple of 2^k chunks and has 2^k of them, the same k for all; the last may be shorter. Then each
is a whole subtree of the tree in which a step adds its chunks (`sums.h`), and `total` adds the rest of it. So a mean
over blocks is the step on all of X, bit by bit, wherever the blocks were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...pyimpl.parts.contract import Step, check, check_l2, check_sample_weight, plain, shown
from ..choose import isa
from ..choose.thread_limits import UNLIMITED
from ..choose.which import KERNEL

if TYPE_CHECKING:
    from collections.abc import Iterable


class Sums(NamedTuple):
    """Sums over the samples of a block.

    Attributes
    ----------
    cost, db : float
        In double, whatever the dtype of X.
    dw : numpy.ndarray, shape (n,)
        In the dtype of X.
    samples : int
    weight : float
        Of the samples; their number where they count alike.
    """

    cost: float
    dw: np.ndarray
    db: float
    samples: int
    weight: float


def block_samples(n: int, dtype: np.dtype | type, order: str, at_least: int = 1) -> int:
    """Return how many samples a block has, so that there are at least so many: a power of two of chunks.

    Parameters
    ----------
    n : int
        Features.
    dtype : dtype
        float32 or float64.
    order : str
        "C" or "F": in which order the sums of the whole are taken.
    at_least : int
        Samples.
    """
    chunk = isa.load(KERNEL).chunk_samples(n, np.dtype(dtype).itemsize, order)
    return chunk << max(-(-at_least // chunk) - 1, 0).bit_length()


def sums(
    X: np.ndarray, y: np.ndarray, w: np.ndarray, b: float, order: str, sample_weight: np.ndarray | None = None
) -> Sums:
    """Return the sums over a block; X may lie in any way, and they are taken as if the whole lay in `order`.

    Raises
    ------
    TypeError, ValueError
        As `contract.check`; also where `order` is neither "C" nor "F".
    """
    if order not in ("C", "F"):
        raise ValueError(f"order is {shown(order)}; expected 'C' or 'F'")
    X, y, w, bias = check(X, y, w, b)
    s = sample_weight
    if s is not None:
        check_sample_weight(s, len(X), all_zero=True)
        s = plain(s, X.dtype)
    cost, dw, db, weight, _ = isa.load(KERNEL).sums(X, y, s, w, float(bias), order, UNLIMITED)
    return Sums(cost, dw, db, len(X), weight)


def total(blocks: Iterable[Sums]) -> Sums:
    """Return the sums over blocks given in the order of their samples; at most log2 of their number are kept.

    Raises
    ------
    ValueError
        There is no block, or one that is not the last has other samples than the first.
    """
    unfinished: list[Sums] = []
    first = last = 0
    for number, block in enumerate(blocks):
        if number and last != first:
            raise ValueError(f"block {number - 1} has {last} samples, block 0 {first}; expected it of all but the last")
        first, last = first or block.samples, block.samples
        unfinished.append(block)
        for _ in range(_closed_by(number)):
            unfinished[-2:] = [_added(*unfinished[-2:])]
    if not unfinished:
        raise ValueError("there is no block; expected one or more")
    while len(unfinished) > 1:
        unfinished[-2:] = [_added(*unfinished[-2:])]
    return unfinished[0]


def mean(of: Sums, w: np.ndarray | None = None, l2: float = 0.0) -> Step:
    """Return the step on the samples whose sums these are; with a penalty, w is where they were taken.

    Raises
    ------
    ValueError
        All samples have the weight 0.
    """
    if of.weight == 0:
        raise ValueError("all samples have the weight 0; expected at least one that counts")
    w = of.dw if w is None else plain(w, of.dw.dtype)
    return isa.load(KERNEL).step_of(of.cost, of.dw, of.db, of.weight, w, check_l2(l2))


def _closed_by(leaf: int) -> int:
    """How many nodes leaf number k closes: as many as k has ones at its end."""
    return (~leaf & leaf + 1).bit_length() - 1


def _added(left: Sums, right: Sums) -> Sums:
    cost, dw, db = left.cost + right.cost, left.dw + right.dw, left.db + right.db
    return Sums(cost, dw, db, left.samples + right.samples, left.weight + right.weight)
