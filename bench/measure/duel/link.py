"""The parent's side of a worker: start it, ask it, and end it, whatever happens."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...show.result import one_line
from . import commands

if TYPE_CHECKING:
    from .builds import Build

PATIENCE = 120.0  # seconds for an answer: a rung of Numba may have to be compiled
SCRIPT = Path(__file__).with_name("worker.py")
# Each library reads its own when it starts; a process keeps its number of threads.
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
             "VECLIB_MAXIMUM_THREADS")  # fmt: skip


class WorkerError(RuntimeError):
    """A worker could not be used, died or hung; the message says so in one line, and `name` whose it is."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name


class Worker:
    """A build's interpreter, running `worker` with so many threads; `greet` waits until it is there.

    Parameters
    ----------
    build : Build
    threads : int

    Raises
    ------
    WorkerError
        It cannot be started.
    """

    def __init__(self, build: Build, threads: int) -> None:
        self.build = build
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the process lives
        self._answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        command = [str(build.python), "-P", *["-I"] * build.isolated, str(SCRIPT)]
        environment = os.environ | dict.fromkeys(VARIABLES, str(threads))
        try:  # in a session of its own: Ctrl-C is for the parent, which ends it
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, env=environment,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            self._said.close()
            raise WorkerError(build.name, f"{build} cannot be started: {error.strerror or error}") from None
        threading.Thread(target=self._read, daemon=True).start()

    def greet(self) -> dict[str, Any]:
        """Return what it says of itself; `WorkerError` where it has no looptax."""
        about = self._answer(PATIENCE)
        if "error" in about:
            raise self._fault(f"has no looptax that can be used: {one_line(about['error'])}")
        return about

    def ask(self, seconds: float = 0.0, **message: Any) -> dict[str, Any]:
        """Return the answer to a message, which may take so many seconds longer than `PATIENCE`."""
        assert self._process.stdin
        with suppress(OSError):  # it has gone: there will be no answer
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        return self._answer(PATIENCE + seconds)

    def end(self) -> None:
        """Kill it, and what it started."""
        commands.end(self._process)
        for stream in (self._process.stdin, self._said):
            with suppress(OSError):  # what it has not read
                stream.close()  # type: ignore[union-attr]  # it is a pipe

    def _answer(self, seconds: float) -> dict[str, Any]:
        try:
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise self._fault(f"did not answer for {seconds:g} s") from None
        if line is None:
            raise self._fault(f"ended {_how(self._process.wait())}{self._last_words()}")
        try:
            return json.loads(line)
        except ValueError:
            raise self._fault(f"is no Python interpreter: it answered {one_line(repr(line))}") from None

    def _fault(self, what: str) -> WorkerError:
        return WorkerError(self.build.name, f"{self.build} {what}")

    def _last_words(self) -> str:
        """Return the last line of what it printed."""
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "")
        return f": {one_line(last)}" if last else ""

    def _read(self) -> None:
        with suppress(ValueError), self._process.stdout as stream:  # type: ignore[union-attr]  # it is a pipe
            for line in stream:
                self._answers.put(line)
        self._answers.put(None)


def _how(code: int) -> str:
    """Return how a process came to end, in words."""
    with suppress(ValueError):
        return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    return f"by signal {-code}"
