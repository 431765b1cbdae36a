"""The parent's side: start the worker, hear it, watch the clock, and kill whatever it started."""

from __future__ import annotations

import linecache
import os
import re
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from traceback import FrameSummary
from typing import TYPE_CHECKING, Any

import msgspec
import psutil

from ...measure.stopwatch import Stopwatch
from .confine import TRACE, harmless
from .tell import place

if TYPE_CHECKING:
    from .document import Job

FRAME = re.compile(r'^  File "(.*)", line (\d+) in (.*)$', re.MULTILINE)  # of a traceback by faulthandler
KEPT = 4000  # bytes of what the code prints, the last ones
GRACE = 1.0  # seconds in which the worker writes down where it was
PATIENCE = 10.0  # seconds for the keeper to end all that is below it


class Ended(Exception):  # noqa: N818  # no error of ours
    """The worker came to an end, or its time did; `code` is None where it was the time."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class Worker:
    """A worker at its job; as a context, which it does not outlive, and nothing that it started does."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._tail: deque[int] = deque(maxlen=KEPT)

    def __enter__(self) -> Worker:
        self._process = psutil.Popen(
            [sys.executable, "-P", "-m", f"{__package__}.keeper"],  # -P: a random.py of theirs is not ours
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            cwd=self.job.cwd,
        )  # fmt: skip
        self._listener = threading.Thread(target=self._keep_output, daemon=True)
        self._listener.start()
        try:
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
            There is none: the worker ended, or was killed because none came for so many seconds and `GRACE`.
        """
        watch = Stopwatch(seconds)
        timer = threading.Timer(seconds + GRACE, self.end)
        timer.daemon = True  # where Ctrl-C comes before it can be cancelled, nobody waits for it
        timer.start()
        try:
            message = self._message()
        finally:
            timer.cancel()
            timer.join()
        if message:
            return message
        late = watch.left < 0  # writing down where it is may have crashed it
        code = self.kill()
        raise Ended(None if late else code)

    def _message(self) -> dict[str, Any] | None:
        """Return the next line that is a message of the worker's; None where there is none before its end."""
        token = self.job.token.encode()
        for line in self._process.stdout:
            if line.startswith(token):  # the rest was written by the reader's code, which has looked for the channel
                with suppress(msgspec.DecodeError):  # half of one: it was killed in the middle of it
                    return msgspec.json.decode(line[len(token) :], type=dict)
        return None

    def kill(self) -> int:
        """End the worker and all it started; return its exit code."""
        self.end()
        try:
            code = self._process.wait(PATIENCE)
        except (psutil.TimeoutExpired, subprocess.TimeoutExpired):  # the keeper was stopped, or there is none here
            for process in [*self._process.children(recursive=True), self._process]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            code = self._process.wait()
        self._listener.join(GRACE)
        self._process.stdout.close()
        return code

    @property
    def output(self) -> str:
        """The last of what the code printed."""
        return harmless(bytes(self._tail).decode(errors="replace"))

    def where(self) -> str | None:
        """Return the line of the reader's code at which it crashed, or was when its time was up."""
        path = Path(self.job.folder, TRACE)
        threads = path.read_text(errors="replace").split("\n\n") if path.exists() else []
        frames = FRAME.findall(next((frames for frames in threads if "worker.py" in frames), ""))
        linecache.checkcache()  # the file may have been read before it was changed
        return harmless(place([FrameSummary(file, int(line), function) for file, line, function in reversed(frames)]))

    def _keep_output(self) -> None:
        with self._process.stderr as stream:
            while chunk := os.read(stream.fileno(), 1 << 16):
                self._tail.extend(chunk[-KEPT:])

    def end(self) -> None:
        """Close the worker's input, which ends it, however its parent came to end."""
        with suppress(BrokenPipeError):
            self._process.stdin.close()
