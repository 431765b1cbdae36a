"""Have a job done by a worker, and make a grade of what it says, or of how it ended."""

from __future__ import annotations

import importlib.metadata
import platform
import signal
import sys
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from ...show.result import Section
from . import suite
from .confine import EXPLAIN_SECONDS, LIMITS_MEMORY, TURN_SECONDS
from .document import Cases, Failure, Grade, Job, Limits
from .standing import timing
from .target import TargetError, parse
from .tell import described
from .watch import GRACE, Ended, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

PASSES, FAILS, CANNOT_RUN = 0, 1, 2


def grade(target: str, job: Job, tell: Callable[[dict[str, Any]], None] = lambda message: None) -> Grade:
    """Grade a step.

    Parameters
    ----------
    target : str
        A file or a module, with a function's name or without.
    job : Job
        How to; where the step is, and a folder to work in, are filled in here.
    tell : callable
        Hears every message of the worker.
    """
    limits = Limits(job.seconds, job.load_seconds, job.memory_gb, LIMITS_MEMORY)
    found = Grade(target, job.seed, job.accuracy, versions(), limits)
    try:
        where, function = parse(target)
    except TargetError as error:
        found.error = str(error)
        return found
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with Worker(msgspec.structs.replace(job, where=where, function=function, folder=folder)) as worker:
            _hear(worker, found, tell)
        found.output = worker.output
    found.passed = found.error is None and found.failure is None
    found.exit_code = CANNOT_RUN if found.error is not None else FAILS if found.failure else PASSES
    return found


def _hear(worker: Worker, found: Grade, tell: Callable[[dict[str, Any]], None]) -> None:
    """Follow the worker to its end, however it comes."""
    last: dict[str, Any] = {"event": "start"}
    try:
        while last["event"] not in ("done", "refused", "exited", "broken"):
            previous, last = last, worker.receive(_patience(last["event"], worker.job))
            tell(last)
            _note(last, found)
        if last["event"] == "exited":
            _ended(previous, found, worker, f"ended with {last['by']}", "exited")
    except Ended as end:
        _ended(last, found, worker, *_how(end.code, last, worker.job))


def _patience(event: str, job: Job) -> float:
    """Return how long the next message may take after one."""
    return GRACE + {
        "start": job.load_seconds,
        "failed": job.seconds + EXPLAIN_SECONDS,
        "conforms": TURN_SECONDS,
        "turn": TURN_SECONDS,
    }.get(event, job.seconds)


def _note(message: dict[str, Any], found: Grade) -> None:
    """Take into the grade what a message says."""
    match message["event"]:
        case "refused":
            found.error = message["reason"]
        case "broken":
            found.error = found.error if found.failure else f"this is a bug of looptax:\n{message['traceback']}"
        case "case":
            found.cases = Cases(message["index"], message["total"])
        case "failed":
            found.failure = msgspec.convert(message["failure"], Failure)
        case "timed":
            found.timing = timing(msgspec.convert(message["section"], Section), message["shape"])
        case "conforms":
            found.cases.run = found.cases.total


def _how(code: int | None, last: dict[str, Any], job: Job) -> tuple[str, str]:
    """Say how the worker ended without a word, and name it."""
    if code is None:
        return f"did not come to an end within {_patience(last['event'], job) - GRACE:g} s", "hung"
    if code < 0:
        with suppress(ValueError):
            return f"crashed: the process was ended by {signal.Signals(-code).name}", "crashed"
    return f"ended the process with exit code {code}", "exited"


def _ended(last: dict[str, Any], found: Grade, worker: Worker, how: str, kind: str) -> None:
    """Report an end that was not to be."""
    line = worker.where()
    if last["event"] == "start":
        found.error = f"importing it {how}" + (f" ({line})" if line else "")
    elif found.failure is None:
        found.failure = _failure(last, found, how, kind, line)


ADVICE = {
    "hung": "Is there a loop that never ends, or a wait for something? --seconds gives a slow step more time.",
    "crashed": (
        "Compiled code read or wrote where it may not: look at the indices and lengths it uses, with bounds checks "
        "on (in Cython boundscheck=True, in Numba boundscheck=True, in ctypes the sizes of the buffers)."
    ),
    "exited": "A step returns its results; it leaves the process to who called it.",
}


def _failure(last: dict[str, Any], found: Grade, how: str, kind: str, line: str | None) -> Failure:
    """Describe an end during a case, which the parent knows by its name."""
    nowhere = {"stage": "timing", "family": "timing", "case": last.get("rung", ""), "dtype": "float64", "layout": "C"}
    told = last if last["event"] == "case" else nowhere
    stage, family, case, dtype, layout = (told[name] for name in nowhere)
    there = None
    if stage == "conformance":
        there = described(suite.find(family, case, dtype, layout, found.seed), layout, family, case, found.seed)
    said = f"The step {how}. {ADVICE[kind]}"
    return Failure(stage, family, case, dtype, layout, [], f"the step {how}", kind, said, line=line, input=there)


def versions() -> dict[str, str]:
    """Return the versions of what takes part."""
    found = {"python": platform.python_version()}
    for name in ("looptax", "numpy", "numba", "Cython"):
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found | {"platform": sys.platform}
