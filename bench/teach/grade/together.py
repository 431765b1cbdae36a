"""Grade many submissions, several at a time: what one does, or how it ends, is nothing to the others."""

from __future__ import annotations

import tempfile
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from .document import Grade
from .grading import CANNOT_RUN, grade, versions
from .words import say, speaking

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from .document import Job
    from .submissions import Submission
    from .watch import Worker


class _Stopped(BaseException):
    """Nobody waits for the grades any more."""


class Grading:
    """Grades of submissions, `jobs` at a time; as a context, at whose end nothing is running any more."""

    def __init__(self, submissions: Sequence[Submission], function: str, job: Job, jobs: int) -> None:
        self.function, self.job = function, job
        self._workers: set[Worker] = set()
        self._stopped, self._lock = False, threading.Lock()
        self._pool = ThreadPoolExecutor(jobs)
        self._futures: list[Future[Grade]] = [self._pool.submit(self._graded, one) for one in submissions]

    def __enter__(self) -> Grading:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._stopped = True
            for worker in self._workers:
                worker.end()
        self._pool.shutdown()

    def grades(self) -> Iterator[Grade]:
        """Yield the grades, in the order of the submissions, as they come."""
        for future in self._futures:
            yield future.result()

    def done(self) -> list[Grade]:
        """Return those that are there, in the same order."""
        return [one.result() for one in self._futures if one.done() and not one.cancelled() and not one.exception()]

    def _graded(self, one: Submission) -> Grade:
        """Grade a submission where only a copy of it is."""
        with speaking(self.job.language), tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            try:
                if one.problem:
                    return self._ungraded(one, one.problem)
                path = one.copied(Path(folder).resolve())
                job = msgspec.structs.replace(self.job, cwd=str(path.parent))
                found = grade(f"{path}:{self.function}", job, began=self._began)
            except OSError as error:
                return self._ungraded(one, say("it cannot be read: {0}", error.strerror or error))
            except Exception:  # ours; the others shall have their grades
                return self._ungraded(one, say("this is a bug of looptax:\n{0}", traceback.format_exc()))
        if self._stopped:  # it was ended, and did not end so by itself
            raise _Stopped
        found.target = one.name
        found.error = found.error and found.error.replace(f"{path.parent}/", "")
        return found

    def _began(self, worker: Worker) -> None:
        with self._lock:
            if self._stopped:
                raise _Stopped
            self._workers.add(worker)

    def _ungraded(self, one: Submission, why: str) -> Grade:
        job = self.job
        return Grade(one.name, job.seed, job.accuracy, versions(), {}, error=why, exit_code=CANNOT_RUN)
