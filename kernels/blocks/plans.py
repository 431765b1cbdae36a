"""The plan over blocks: each pass adds the sums of blocks, in the tree that the whole would be added in."""

from __future__ import annotations

from contextlib import closing
from functools import partial as bound_to
from typing import TYPE_CHECKING, Any

import numpy as np

from ..choose import isa, team
from ..choose.plans import VARIANTS, Plan
from ..choose.which import counted
from ..parts.partial import Sums, block_samples, mean, total
from .ahead import ahead
from .block import NoSampleError
from .sums import finite_of, number_of, shares_of, some_of, squares_of, step_of, variant_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from .block import Block
    from .sources import Source

MOST_BYTES = 1 << 26  # of a block: larger ones are no faster
MOST_PLACES = 4


def unit_of(source: Any, classes: int | None) -> int:
    """Return of how many samples a block has a multiple, by a power of two."""
    n, order = source.features, source.order
    size, several = source.dtype.itemsize, isa.load(VARIANTS).chunk_samples
    of_several = [several(n, size, order, classes or 1, what) for what in ("step", "hessp")]
    return max(block_samples(n, source.dtype, order), *of_several)


class BlockPlan(Plan):
    """The step on data that is read in blocks. Make it with `looptax.kernels.blocks.plan`.

    It has the methods of `looptax.kernels.plan`'s, but for `hessian`. Each call is a pass over the data. Calls from
    several Python threads at once are safe, and each takes its own memory. Where a pass fails, the plan can be used
    again. A pickle holds what the plan was made of: paths, arrays, or the function that returns blocks.

    Attributes
    ----------
    features : int
    classes : int or None
    dtype : numpy.dtype
    l2 : float
    block : int
        Samples in a block.
    memory : int
        Bytes that blocks take at most.
    """

    def __init__(
        self, source: Source, l2: float, classes: int | None, at_most: int, memory: int, made_of: tuple[Any, Any, dict]
    ) -> None:
        self.source, self.l2, self.classes, self._at_most, self._made_of = source, l2, classes, at_most, made_of
        self.X: Any = source
        self.features, self.dtype = source.features, source.dtype
        self.memory = memory
        self.block, self._places = self._sizes(memory)
        source.spare = memory - self._places * self.block * self._least()[1] - source.reserved

    def _least(self) -> tuple[int, int, int]:
        """Return how many samples a block has at least, the bytes of one, and those of two such blocks and reading."""
        row = (self.features + 1 + self.source.weighted) * self.dtype.itemsize
        unit = unit_of(self.source, self.classes)
        return unit, row, 2 * unit * row + self.source.reserved

    def _sizes(self, memory: int) -> tuple[int, int]:
        """Return how many samples a block has, and how many blocks there are at once."""
        unit, row, least = self._least()
        if least > memory:
            reading = f", and {self.source.reserved:,} for reading" if self.source.reserved else ""
            raise ValueError(
                f"memory is {memory:,} bytes; expected {least:,} or more, for two blocks of {unit} samples{reading}"
            )
        memory -= self.source.reserved
        rows, samples = unit, self.source.bound
        while 2 * rows * row <= min(memory // MOST_PLACES, MOST_BYTES) and (samples is None or rows < samples):
            rows *= 2
        return rows, min(memory // (rows * row), MOST_PLACES)

    def __reduce__(self) -> tuple[Any, ...]:
        from . import plan

        X, y, given = self._made_of
        return bound_to(plan, **given), (X, y)

    @property
    def samples(self) -> int:  # type: ignore[override]
        """How many samples there are; where the source does not know, it is read once."""
        if self.source.samples is None:
            self._pass(number_of)
        assert self.source.samples is not None
        return self.source.samples

    def step_into(self, w: np.ndarray, b: Any, dw: np.ndarray) -> tuple[np.floating, Any]:
        """Write the gradient to dw and return (cost, db), by a pass: see `Plan`."""
        w, b = self._checked(w, b, dw)
        if not self.classes:
            sums_of = bound_to(step_of, w=w, b=float(b), order=self.source.order, at_most=self._at_most)
            found = mean(self._pass(sums_of), w, self.l2)
            dw[...] = found.dw
            return found.cost, found.db
        weights = np.empty((self.classes, self.features + 1), self.dtype)
        weights[:, :-1], weights[:, -1] = w, b
        cost, grad = self._variant("step", weights)
        dw[...] = grad[:, :-1]
        return self.dtype.type(cost), grad[:, -1].copy()

    def objective(self, params: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the cost and its gradient, by a pass: see `Plan`."""
        params = self._params("params", params)
        if self.classes:
            cost, grad = self._variant("step", params)
            return cost, grad.reshape(-1).astype(np.float64, copy=False)
        grad = np.empty(self.features + 1, self.dtype)
        found, grad[-1] = self.step_into(params[:-1], params[-1], grad[:-1])
        return float(found), grad.astype(np.float64, copy=False)

    def hessp(self, params: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return the Hessian of the cost times v, by a pass: see `Plan`."""
        both = np.concatenate([self._params("params", params), self._params("v", v)])
        return self._variant("hessp", both)[1].reshape(-1).astype(np.float64, copy=False)

    def hessian(self, params: np.ndarray) -> np.ndarray:
        """Refuse: there is no whole Hessian over blocks."""
        raise NotImplementedError("a plan over blocks has no whole Hessian; hessp multiplies with it")

    @property
    def threads(self) -> int:
        """How many threads a call made now has at most, besides the one that reads."""
        return min(self._at_most, team.available())

    def explain(self) -> str:
        """Say how a call goes about it."""
        size = self.block * (self.features + 1 + self.source.weighted) * self.dtype.itemsize
        return (
            f"blocks of {self.block:,} samples ({size / 1e6:.3g} MB), {self._places} at most at once, sums in order "
            f"{self.source.order}, {counted(self.threads)} at most and one that reads, from {self.source.name}"
        )

    def __repr__(self) -> str:
        classes = f", classes={self.classes}" if self.classes else ""
        return f"<BlockPlan: {self.source.name}, {self.features} features, {self.dtype}{classes}>"

    def penalised(self, l2: float, spare: int = 0) -> BlockPlan:
        """Return a plan over the same data with another penalty, whose blocks leave so many bytes if they can."""
        X, y, given = self._made_of
        memory = max(self.memory - spare, self._least()[-1])
        return BlockPlan(self.source, l2, self.classes, self._at_most, memory, (X, y, {**given, "l2": l2}))

    def sampled(self, stride: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return X, y and the weights of every so manieth sample, in memory; by a pass."""
        count = -(-self.samples // stride)
        X = np.empty((count, self.features), self.dtype, self.source.order)  # type: ignore[call-overload]
        y = np.empty(count, self.dtype)
        s = np.empty(count, self.dtype) if self.source.weighted else None
        taken = 0
        for some in self.each(bound_to(some_of, stride=stride)):
            rows = slice(taken, taken := taken + len(some.y))
            X[rows], y[rows] = some.X, some.y
            if s is not None:
                s[rows] = some.s
        if taken != count:
            raise ValueError(f"{self.source.name} has not as many samples as in the pass before; expected the same")
        return X, y, s

    def check_finite(self) -> None:
        """Raise ValueError where X holds NaN or infinity, and say where; by a pass."""
        self._pass(finite_of)

    def shares(self) -> tuple[np.ndarray, float]:
        """Return what the samples of each class weigh, 1 each where they count alike, and all; by a pass."""
        found = self._pass(bound_to(shares_of, classes=self.classes, unit=unit_of(self.source, self.classes)))
        return found.dw, found.weight

    def mean_squares(self) -> np.ndarray:
        """Return the mean square of each column; by a pass."""
        found = self._pass(bound_to(squares_of, unit=unit_of(self.source, self.classes)))
        return found.dw / found.weight

    def each(self, function: Callable[[Block], Any]) -> Generator[Any]:
        """Yield what a function says of each block; the block itself must not be kept."""
        places = self.source.places(self.block, self._places)
        with closing(ahead(bound_to(self.source.blocks, self.block), places)) as blocks:
            yield from map(function, blocks)

    def _pass(self, sums_of: Callable[[Block], Sums]) -> Sums:
        """Return the sums over all blocks."""
        try:
            with closing(self.each(sums_of)) as found:
                return total(found)
        except NoSampleError as error:
            if not error.where:
                error.where = self.source.where(error.name, error.sample)
            raise

    def _variant(self, what: str, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Return (cost, out) of "step" or "hessp" of several weight vectors."""
        order, at_most = self.source.order, self._at_most
        found = self._pass(bound_to(variant_of, what=what, w=w, classes=self.classes, order=order, at_most=at_most))
        return isa.load(VARIANTS).mean_of(found.cost, found.dw, found.weight, self.l2, w)
