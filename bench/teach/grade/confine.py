"""What keeps accidents of the reader's code inside the worker: a channel of its own, and limits."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import psutil

from ...show.result import printable
from .document import Job

try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment]

LIMITS_MEMORY = resource is not None
TELLING_GB = 0.25
TRACE = "trace.txt"  # in the job's folder: where the code was when it crashed or its time was up


class Channel:
    """Sends messages to the parent, a line of JSON each, where no print of the reader's code comes through.

    Each begins with a token that the parent gave the worker alone: a line without it is none of ours.
    """

    def __init__(self) -> None:
        self.token = ""
        number = os.dup(1)
        self._stream = os.fdopen(number, "wb")
        if hasattr(os, "register_at_fork"):  # a child that outlives the worker must not keep it open
            os.register_at_fork(after_in_child=lambda: os.close(number))

    def send(self, event: str, **content: Any) -> None:
        """Send a message; what a terminal would obey in its text, and half a letter, is replaced."""
        message = harmless(msgspec.to_builtins({"event": event, **content}))
        self._stream.write(b"\n" + self.token.encode() + msgspec.json.encode(message) + b"\n")
        self._stream.flush()


def harmless(value: Any) -> Any:
    """Return plain data with text that may be shown: no code that a terminal obeys, no half of a letter."""
    if isinstance(value, str):
        return printable(value, "\ufffd", "\n\t")
    if isinstance(value, dict):
        return {harmless(key): harmless(item) for key, item in value.items()}
    return [harmless(item) for item in value] if isinstance(value, list | tuple) else value


class Trace:
    """Where the code is when it crashes or its time is up, written by C code that needs no help of Python's."""

    def __init__(self, folder: str) -> None:
        self._file = Path(folder, TRACE).open("w")  # noqa: SIM115  # open as long as the process lives
        faulthandler.enable(self._file)

    def after(self, seconds: float) -> None:
        """Write it in so many seconds, unless this is called again before.

        It looks at threads that go on running and may crash by that, so it must not come before the end.
        """
        faulthandler.dump_traceback_later(seconds, file=self._file)


def start() -> tuple[Channel, Job]:
    """Take standard output for the channel and standard input for the job; give the reader's code others.

    Its output goes where its errors go, its input is empty. The parent keeps the worker's input open as
    long as it lives: its end ends the worker, however the parent came to end.
    """
    channel = Channel()
    os.dup2(2, 1)
    lifeline = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    job = msgspec.json.decode(lifeline.readline(), type=Job)
    channel.token, job.token = job.token, ""
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()
    sys.dont_write_bytecode = True  # nothing is left beside the reader's file
    return channel, job


def _end_with_parent(lifeline: BinaryIO) -> None:
    lifeline.read()
    os._exit(1)


def limit_memory(gigabytes: float) -> None:
    """Let this process have that much more memory than it has now."""
    if not LIMITS_MEMORY:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))  # first: even to ask how much there is takes some
    wanted = psutil.Process().memory_info().vms + int(gigabytes * 1e9)
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def make_room() -> None:
    """Let this process have a little more memory where it is limited: to tell what happened, all being used up."""
    if LIMITS_MEMORY and resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        limit_memory(TELLING_GB)
