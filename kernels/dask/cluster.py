"""The plan over a cluster: each pass sends a function to the blocks, where they are, and adds what comes back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from ..blocks.block import located
from ..blocks.plans import BlockPlan, unit_of
from .workers import RefusedWorkerError, check_workers, counted_workers, facts, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ..blocks.block import Block
    from .loading import Data

PATIENCE, MOST_ALONE = 5, 12  # seconds of a wait; waits without any worker
PER_WORKER = 4  # blocks, about: so that one that joins, or is slow, changes little


class ClusterLostError(RuntimeError):
    """The scheduler is gone, or all workers are.

    Attributes
    ----------
    params : numpy.ndarray or None
        Where the cost was asked for, from which another cluster can go on: as `Plan.objective` takes it.
    """

    params: np.ndarray | None = None


class Whole:
    """What a plan tells of its data: the part of `blocks.sources.Source` that is not about reading."""

    reserved = 0

    def __init__(self, data: Data, order: str) -> None:
        self.name, self.samples, self.features = data.name, data.samples, data.features
        self.dtype, self.weighted, self.order = data.dtype, data.weighted, order

    def where(self, name: str, sample: int) -> str:
        """Say where a sample is from."""
        return located(self.name, sample)


class ClusterPlan(BlockPlan):
    """The step on blocks that workers of a cluster have. Make it with `looptax.kernels.dask.plan`.

    It has the interface of `looptax.kernels.blocks.BlockPlan`. Blocks of a worker that dies are loaded again by the
    others; one that joins gets its share. Where the cluster is lost, `ClusterLostError` carries the last point.

    Attributes
    ----------
    blocks : list of distributed.Future
    seconds : float
        What the last pass took.
    """

    def __init__(
        self, data: Data, l2: float, classes: int | None, at_most: int, order: str, client: Any, workers: int
    ) -> None:
        self.source: Any = Whole(data, order)
        self.X: Any = self.source
        self.l2, self.classes, self._at_most, self.client = l2, classes, at_most, client
        self.features, self.dtype = data.features, data.dtype
        self.block = unit_of(self.source, classes)
        while self.block * PER_WORKER * workers < data.samples:
            self.block *= 2
        self.blocks = client.compute(data.cut(self.block, order))
        self._workers: frozenset[str] = frozenset()  # all are looked at again before the first pass
        self.seconds = 0.0

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a plan over a cluster cannot be pickled: it holds blocks there; pickle what it was made of")

    def penalised(self, l2: float, spare: int = 0) -> ClusterPlan:
        """Return a plan over the same blocks with another penalty; they stay as they are."""
        other = object.__new__(type(self))
        other.__dict__ |= self.__dict__ | {"l2": l2}
        return other

    def objective(self, params: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the cost and its gradient, by a pass: see `Plan`."""
        try:
            return super().objective(params)
        except ClusterLostError as error:
            error.params = np.array(params)
            raise

    def each(self, function: Callable[[Block], Any]) -> Generator[Any]:
        """Yield what a function says of each block, in order; it is called where the block is."""
        began = time.monotonic()
        futures: list[Any] = []
        try:
            self._welcome()
            if erred := [block for block in self.blocks if block.status == "error"]:
                self.client.retry(erred)
            futures = self.client.map(_called, self.blocks, function=function, pure=False)
            found = self._gathered(futures)
        except ClusterLostError:
            raise
        except Exception as error:
            if self._is_lost(error, futures):
                raise ClusterLostError(
                    f"the cluster is lost ({type(error).__name__}: {error}); make a plan with another client, and go on"
                    " from the last point: `params` of this error, or the estimator's warm_start"
                ) from error
            raise
        except BaseException:  # Ctrl-C
            self.client.cancel(futures, force=True)
            raise
        self.seconds = time.monotonic() - began
        yield from found

    def _gathered(self, futures: list[Any]) -> list[Any]:
        """Return what futures come to, in order; raise `ClusterLostError` where there is no worker for long."""
        from distributed import wait

        alone = 0
        while True:
            try:
                wait(futures, timeout=PATIENCE)
                break
            except TimeoutError:
                alone = 0 if self._names() else alone + 1
                if alone > MOST_ALONE:
                    raise ClusterLostError(f"the cluster has had no worker for {PATIENCE * MOST_ALONE} s") from None
        found = self.client.gather(futures)
        for here, _ in found:
            if why := refusal(here, facts()["version"]):
                raise RefusedWorkerError(f"a worker that has joined cannot take part: {why}")
        return [result for _, result in found]

    def _names(self) -> frozenset[str]:
        return frozenset(self.client.scheduler_info(n_workers=-1)["workers"])

    def _welcome(self) -> None:
        """Give workers that have joined their share of the blocks, once they are known to return the same bits."""
        names = sorted(self._names())
        new = [name for name in names if name not in self._workers]
        first, self._workers = not self._workers, self._workers | set(new)
        if new:
            check_workers(self.client)
        for name in () if first else new:
            for k in range(names.index(name), len(self.blocks), len(names)):
                how = {"workers": [name], "allow_other_workers": True, "pure": False}
                self.blocks[k] = self.client.submit(_same, self.blocks[k], **how)

    def _is_lost(self, error: Exception, futures: list[Any]) -> bool:
        """Whether an error is about the cluster, and not about a block."""
        from concurrent.futures import CancelledError as Cancelled

        from distributed.client import FutureCancelledError
        from distributed.comm import CommClosedError

        if self.client.status != "running" or isinstance(error, (CommClosedError, Cancelled, FutureCancelledError)):
            return True
        failed = any(future.status == "error" for future in (*futures, *self.blocks))  # a task raised it
        return isinstance(error, (OSError, TimeoutError)) and not failed

    @property
    def threads(self) -> int:
        """How many threads a task has at most."""
        return self._at_most

    def explain(self) -> str:
        """Say how a call goes about it."""
        size = self.block * (self.features + 1 + self.source.weighted) * self.dtype.itemsize
        return (
            f"{len(self.blocks)} blocks of {self.block:,} samples ({size / 1e6:.3g} MB) on "
            f"{counted_workers(self.client)} workers, sums in order {self.source.order}, from {self.source.name}"
        )

    def __repr__(self) -> str:
        classes = f", classes={self.classes}" if self.classes else ""
        return f"<ClusterPlan: {self.source.name}, {self.features} features, {self.dtype}{classes}>"


def _same(block: Block) -> Block:
    """Return a block; on the worker that shall have it. Where that dies, it is made again from what it was made of."""
    return block


def _called(block: Block, function: Callable[[Block], Any]) -> Any:
    """Call a function with a block, on a worker; also return what its bits depend on."""
    return facts(), function(block)
