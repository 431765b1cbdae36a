"""The parent's side: start the worker, hear it, watch the clock, and kill whatever it started."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec
import psutil

from ...measure.stopwatch import Stopwatch
from .confine import TRACE
from .tell import place

if TYPE_CHECKING:
    from .document import Job

KEPT = 4000  # bytes of what the code prints, the last ones
GRACE = 1.0  # seconds in which the worker writes down where it was
PACKAGE = os.sep + os.path.join("bench", "teach", "grade") + os.sep


class Ended(Exception):  # noqa: N818  # no error of ours
    """The worker came to an end, or its time did; `code` is None where it was the time."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class Worker:
    """A worker at its job; as a context, which it does not outlive, and nothing that it started does."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._tail: deque[int] = deque(maxlen=KEPT)

    def __enter__(self) -> Worker:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", f"{__package__}.worker"],  # -P: a random.py of theirs is not ours
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        try:
            self._readers = [self._reader(self._hear, "stdout"), self._reader(self._keep, "stderr")]
            assert self._process.stdin is not None
            with suppress(BrokenPipeError):
                self._process.stdin.write(msgspec.json.encode(self.job) + b"\n")
                self._process.stdin.flush()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def receive(self, seconds: float) -> dict[str, Any]:
        """Return the next message.

        Raises
        ------
        Ended
            There is none: the worker ended, or was killed because none came for so many seconds.
        """
        watch = Stopwatch(seconds)
        while True:
            alive = self._alive()  # before the queue is looked at: its last words must not be missed
            if not alive:
                self._readers[0].join(GRACE)
            try:
                return self._messages.get(timeout=0.1 if alive else 0)
            except queue.Empty:
                late = watch.left < (0 if alive else GRACE)  # writing down where it is may crash it
                if not alive or late:
                    code = self.kill()
                    raise Ended(None if late else code) from None

    def kill(self) -> int:
        """Kill the worker and all it started; return its exit code."""
        self._kill_all()
        code = self._process.wait()
        for reader in self._readers:
            reader.join(GRACE)
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        return code

    @property
    def output(self) -> str:
        """The last of what the code printed."""
        return bytes(self._tail).decode(errors="replace")

    def where(self) -> str | None:
        """Return the line of the reader's code at which it crashed, or was when its time was up."""
        path = Path(self.job.folder, TRACE)
        blocks = path.read_text(errors="replace").split("\n\n") if path.exists() else []
        return next((_own_line(block) for block in blocks if "worker.py" in block), None)

    def _alive(self) -> bool:
        # A zombie is asked for without burying it: until then nobody else gets its number, or its group's.
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self._process.pid).status() != psutil.STATUS_ZOMBIE
        return False

    def _kill_all(self) -> None:
        if self._process.returncode is not None:
            return
        started = []
        with suppress(psutil.NoSuchProcess):
            started = psutil.Process(self._process.pid).children(recursive=True)
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()
        for process in started:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def _reader(self, target: Any, name: str) -> threading.Thread:
        thread = threading.Thread(target=target, args=(getattr(self._process, name),), daemon=True)
        thread.start()
        return thread

    def _hear(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                with suppress(msgspec.DecodeError):  # it was killed in the middle of it
                    self._messages.put(msgspec.json.decode(line))

    def _keep(self, stream: IO[bytes]) -> None:
        with stream:
            while chunk := os.read(stream.fileno(), 1 << 16):
                self._tail.extend(chunk[-KEPT:])


def _own_line(block: str) -> str | None:
    """Return the deepest line in the file that our own code entered, of a traceback by faulthandler."""
    frames = []
    for line in block.splitlines():
        if line.startswith('  File "') and not line.startswith('  File "<frozen'):
            filename, _, rest = line.removeprefix('  File "').rpartition('", line ')
            if PACKAGE in filename:
                break
            number, _, function = rest.partition(" in ")
            frames.append((filename, int(number), function))
    own = [frame for frame in frames if frame[0] == frames[-1][0]]
    return place(*own[0], _text(*own[0][:2])) if own else None


def _text(filename: str, number: int) -> str:
    with suppress(OSError, IndexError):
        return Path(filename).read_text(errors="replace").splitlines()[number - 1]
    return ""
