"""The workers of both builds: one for each build and number of threads, alive from the first cell to the last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .link import Worker, WorkerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .builds import Build


class UnusableError(WorkerError):
    """A build cannot be used at all; `name` says which."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name


class Pair:
    """As a context, which no worker outlives: each build's workers by its name and the number of threads.

    Attributes
    ----------
    about : dict of str to dict
        What each build said of itself: which looptax it has, where, and on what it runs.

    Raises
    ------
    UnusableError
        A worker cannot be started, or has no looptax.
    """

    def __init__(self, builds: Mapping[str, Build], threads: Iterable[int]) -> None:
        self.about: dict[str, dict[str, Any]] = {}
        self._builds, self._threads = builds, sorted(threads)
        self._workers: dict[tuple[str, int], Worker] = {}

    def __enter__(self) -> Pair:
        try:
            for name, build in self._builds.items():
                self._start(name, build)
                self.about[name] = self._workers[name, self._threads[0]].about
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self, name: str, build: Build) -> None:
        try:
            for threads in self._threads:
                self._workers[name, threads] = Worker(build, threads)
        except WorkerError as error:
            raise UnusableError(name, str(error)) from None

    def __call__(self, name: str, threads: int) -> Worker:
        return self._workers[name, threads]

    def __exit__(self, *_: object) -> None:
        for worker in self._workers.values():
            worker.end()
