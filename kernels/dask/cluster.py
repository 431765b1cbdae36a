"""The plan over a cluster: each pass sends a function to the blocks, where they are, and adds what comes back."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from ..blocks.block import located
from ..blocks.plans import BlockPlan, unit_of
from .workers import RefusedWorkerError, check_workers, counted_workers, facts, names_of, refusal

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
        Where the cost or its Hessian was asked for, from which another cluster can go on: as `Plan.objective` takes it.
    """

    params: np.ndarray | None = None


def lost(why: str) -> ClusterLostError:
    """Return the error that says so, and what to do."""
    return ClusterLostError(
        f"the cluster is lost ({why}); make a plan with another client, and go on from the last point: `params` of this"
        " error, or the estimator's warm_start"
    )


def check_there(client: Any) -> None:
    """Raise `ClusterLostError` where a client has no scheduler: if it finds one again, that has none of its blocks."""
    if client.status != "running":
        raise lost("its scheduler is gone")


def gathered(client: Any, futures: list[Any]) -> list[Any]:
    """Return what futures come to, in order; raise `ClusterLostError` where there is no worker for long."""
    alone = 0
    try:
        while not _ended(client, futures):
            check_there(client)
            alone = 0 if names_of(client) else alone + 1
            if alone >= MOST_ALONE:
                raise ClusterLostError(f"the cluster has had no worker for {PATIENCE * MOST_ALONE:g} s")
        if (error := _first_error(futures)) is not None:
            raise error
        return client.gather(futures)
    except CancelledError as error:
        raise lost("its scheduler is gone, or has dropped the blocks") from error
    finally:
        del futures  # an error knows this frame, and Dask keeps the error as long as there is its future


def _ended(client: Any, futures: list[Any]) -> bool:
    """Return whether all futures have ended, after a wait of some seconds."""
    from distributed import wait

    try:
        with client.as_current():  # `wait` asks for no client
            wait(futures, timeout=PATIENCE)
    except TimeoutError:
        return False
    return True


def _first_error(futures: list[Any]) -> BaseException | None:
    """Return the error of the first task that failed, in order; None where there is none."""
    for one in futures:
        if one.status == "error":
            return one.exception().with_traceback(one.traceback())
    return None


@contextmanager
def _from(point: Callable[[], np.ndarray]) -> Generator[None]:
    """Have the point in a `ClusterLostError`."""
    try:
        yield
    except ClusterLostError as error:
        error.params = point()
        raise


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
        self._workers: set[str] = set()  # all are looked at again before the first pass
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
        with _from(lambda: np.array(params)):
            return super().objective(params)

    def hessp(self, params: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return the Hessian of the cost times v, by a pass: see `Plan`."""
        with _from(lambda: np.array(params)):
            return super().hessp(params, v)

    def step_into(self, w: np.ndarray, b: Any, dw: np.ndarray) -> tuple[np.floating, Any]:
        """Write the gradient to dw and return (cost, db), by a pass: see `Plan`."""
        with _from(lambda: np.column_stack([np.atleast_2d(w), np.atleast_1d(b)]).ravel()):
            return super().step_into(w, b, dw)

    def each(self, function: Callable[[Block], Any]) -> Generator[Any]:
        """Yield what a function says of each block, in order; it is called where the block is."""
        began = time.monotonic()
        futures: list[Any] = []
        check_there(self.client)
        try:
            if erred := [block for block in self.blocks if block.status == "error"]:
                with suppress(KeyError):  # Dask's, where it was a piece that erred: it is tried again none the less
                    self.client.retry(erred)
            self._welcome()
            futures = self.client.map(_called, self.blocks, function=function, pure=False)
            found = gathered(self.client, futures)
        except ClusterLostError:
            raise
        except Exception as error:
            self._tell(error, futures)
            futures.clear()  # see `gathered`
            raise
        except BaseException:  # Ctrl-C
            self.client.cancel(futures, force=True)
            raise
        self.seconds = time.monotonic() - began
        yield from _of_the_same_bits(found)

    def _welcome(self) -> None:
        """Give workers that have joined their share of the blocks, once they are known to return the same bits."""
        names = names_of(self.client)
        new = names - self._workers
        if new:
            check_workers(self.client)
        if new and self._workers:
            self._share(names)
        self._workers.update(new)

    def _share(self, names: frozenset[str]) -> None:
        """Have blocks of the workers that have most of them on those that have fewer."""
        held: dict[str, list[int]] = {name: [] for name in sorted(names)}
        there = self.client.who_has(self.blocks)
        for k, block in enumerate(self.blocks):
            for name in there.get(block.key, ())[:1]:
                held.setdefault(name, []).append(k)
        for name in sorted(names):
            while len(most := max(held.values(), key=len)) > len(held[name]) + 1:
                k = most.pop()
                how = {"workers": [name], "allow_other_workers": True, "pure": False}
                self.blocks[k] = self.client.submit(_same, self.blocks[k], **how)
                held[name].append(k)

    def _tell(self, error: Exception, futures: list[Any]) -> None:
        """Raise what an error means, where that is not about a block."""
        failed = any(future.status == "error" for future in (*futures, *self.blocks))  # a task raised it
        if self.client.status != "running" or (isinstance(error, OSError) and not failed):
            raise lost(f"{type(error).__name__}: {error}") from error
        if isinstance(error, ImportError):
            check_workers(self.client)  # one that has joined in this pass may have no looptax

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


def _of_the_same_bits(found: list[Any]) -> list[Any]:
    """Return the results of `_called`; raise `RefusedWorkerError` where a worker that may not take part gave one."""
    for name, there, _ in found:
        if why := refusal(there, facts()["version"]):
            raise RefusedWorkerError(f"a worker that has joined cannot take part: {name}: {why}")
    return [result for _, _, result in found]


def _same(block: Block) -> Block:
    """Return a block; on the worker that shall have it. Where that dies, it is made again from what it was made of."""
    return block


def _called(block: Block, function: Callable[[Block], Any]) -> Any:
    """Call a function with a block, on a worker; also return its name and what its bits depend on."""
    from distributed import get_worker

    return get_worker().address, facts(), function(block)
