"""Have a worker grade a step, in a process of its own, and make a grade of what it says or of how it ended."""

from __future__ import annotations

import importlib.metadata
import platform
import secrets
import signal
import sys
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from ...show.result import Section
from . import suite, timing
from .confine import LIMITS_MEMORY
from .document import Cases, Failure, Grade, Job
from .target import TargetError, parse
from .tell import described
from .watch import Ended, Worker
from .words import say, speaking

if TYPE_CHECKING:
    from collections.abc import Callable

    Message = dict[str, Any]

PASSES, FAILS, CANNOT_RUN = 0, 1, 2
LAST = ("done", "refused", "exited", "broken")  # what the worker may say last
ADVICE = {
    "hung": "Is there a loop that never ends, or a wait for something? --seconds gives a slow step more time.",
    "crashed": "Compiled code read or wrote where it may not: look at the indices and lengths it uses, with bounds "
    "checks on (in Cython boundscheck=True, in Numba boundscheck=True, in ctypes the sizes of the buffers).",
    "exited": "A step returns its results; it leaves the process to who called it.",
}


def grade(
    target: str,
    job: Job,
    hear: Callable[[Message], None] = lambda message: None,
    began: Callable[[Worker], None] = lambda worker: None,
) -> Grade:
    """Grade a step.

    Parameters
    ----------
    target : str
        A file or a module, with a function's name or without.
    job : Job
        How to; where the step is, and a folder to work in, are filled in here.
    hear : callable
        Hears every message of the worker.
    began : callable
        Is given the worker before its first message; what it raises ends the worker.
    """
    with speaking(job.language):
        return _grade(target, job, hear, began)


def _grade(target: str, job: Job, hear: Callable[[Message], None], began: Callable[[Worker], None]) -> Grade:
    limits = {name: getattr(job, name) for name in ("seconds", "load_seconds", "memory_gb")}
    found = Grade(target, job.seed, job.accuracy, versions(), {**limits, "memory_limited": LIMITS_MEMORY})
    try:
        where, function = parse(target)
    except TargetError as error:
        found.error = str(error)
        return found
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        given = {"where": where, "function": function, "folder": folder, "token": secrets.token_hex()}
        with Worker(msgspec.structs.replace(job, **given)) as worker:
            began(worker)
            _follow(worker, found, hear)
        found.output = worker.output
    found.passed = found.error is None and found.failure is None
    found.exit_code = CANNOT_RUN if found.error is not None else FAILS if found.failure else PASSES
    return found


def _follow(worker: Worker, found: Grade, hear: Callable[[Message], None]) -> None:
    """Hear the worker until it ends, however it ends."""
    last: Message = {"event": "start", "within": worker.job.load_seconds}
    while last["event"] not in LAST:
        within = last.get("within", worker.job.seconds)
        try:
            message = worker.receive(within)
        except Ended as end:
            return _ended(last, found, worker, *_how(end.code, within))
        if message["event"] == "exited":
            _ended(last, found, worker, "exited", say("ended with {0}", message["by"]))
        _note(message, found)
        hear(message)
        last = message
    return None


def _note(message: Message, found: Grade) -> None:
    """Take into the grade what a message says."""
    match message["event"]:
        case "refused":
            found.error = message["reason"]
        case "broken" if not found.failure:
            found.error = say("this is a bug of looptax:\n{0}", message["traceback"])
        case "case":
            found.cases = Cases(message["index"], message["total"])
        case "failed":
            found.failure = msgspec.convert(message["failure"], Failure)
        case "timed":
            found.timing = timing.described(msgspec.convert(message["section"], Section), message["shape"])
        case "conforms":
            found.cases.run = found.cases.total


def _how(code: int | None, within: float) -> tuple[str, str]:
    """Name how the worker ended without a word, and say it."""
    if code is None:
        return "hung", say("did not come to an end within {0:g} s", within)
    if code < 0:
        with suppress(ValueError):
            return "crashed", say("crashed: the process was ended by {0}", signal.Signals(-code).name)
    return "exited", say("ended the process with exit code {0}", code)


def _ended(last: Message, found: Grade, worker: Worker, kind: str, how: str) -> None:
    """Report an end that was not to be, after the last message."""
    line = worker.where()
    if last["event"] == "start":
        found.error = say("importing it {0}", how) + (f" ({line})" if line else "")
    elif found.failure is None:
        turn = {"stage": "timing", "family": "timing", "case": last.get("rung", ""), "dtype": "float64", "layout": "C"}
        where, there = last.get("where", turn), None
        if where is not turn:
            case = suite.find(where["family"], where["case"], where["dtype"], where["layout"], found.seed)
            there = described(where, case, where["layout"], found.seed)
        said = say("The step {0}. {1}", how, say(ADVICE[kind]))
        found.failure = Failure(
            **where, problem=say("the step {0}", how), kind=kind, explanation=said, line=line, input=there
        )


def versions() -> dict[str, str]:
    """Return the versions of what takes part."""
    found = {"python": platform.python_version(), "platform": sys.platform}
    for name in ("looptax", "numpy", "numba", "Cython"):
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found
