"""The workers of a sweep: two for each build and number of threads, started anew for it.

Where a process has its stack, its heap and its code is drawn by lot when it starts, and makes a call of some
microseconds up to 6 % faster or slower as long as it lives. Of two equal builds, in one process each for all sweeps,
23 of 120 cells were seen to differ (AMD EPYC, x86_64_v4, one thread); with processes of its own for each sweep, none
of 168. A build's second time in a sweep is by a second process, so that what it differs from itself tells of that too.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from itertools import product
from typing import TYPE_CHECKING, Any

from .link import Worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .builds import Build

    Who = tuple[str, bool, int]  # a build's name, whether the second of its two, and the number of threads


class Workers:
    """Starts the workers of two builds.

    Attributes
    ----------
    about : dict of str to dict
        What each build said of itself when it was first started: which looptax it has, where, and on what it runs.
    """

    def __init__(self, builds: Mapping[str, Build], threads: Iterable[int]) -> None:
        self.about: dict[str, dict[str, Any]] = {}
        self._builds, self._threads = builds, sorted(set(threads))

    @contextmanager
    def started(self) -> Iterator[dict[Who, Worker]]:
        """Start all workers of a sweep, at once; none outlives the block.

        Raises
        ------
        WorkerError
            One cannot be started, or has no looptax.
        """
        found = {}
        with ExitStack() as ends:
            for name, again, threads in product(self._builds, (False, True), self._threads):
                worker = found[name, again, threads] = Worker(self._builds[name], threads)
                ends.callback(worker.end)
            for (name, *_), worker in found.items():
                about = worker.greet()
                self.about.setdefault(name, about)
            yield found
