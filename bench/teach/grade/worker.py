"""The process that runs the reader's step; `keeper` starts it.

Before anything that the reader's code may make last, the parent is told what comes and how many seconds it may take.
"""

from __future__ import annotations

import importlib
import traceback
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...conformance.oracle import reference
from . import confine, start, suite, tell, words
from .diagnose import Diagnosis, diagnose, smallest, telling
from .target import Target, TargetError, load
from .trial import Trial

if TYPE_CHECKING:
    from ....pyimpl.parts.contract import StepFunction
    from ...conformance.cases import Case
    from .confine import Channel, Trace
    from .document import Job

EXPLAIN_SECONDS = 10.0  # more than a case may take: an explanation calls the step several times
RIGHT_SECONDS = 120.0  # for the right answer, which is no matter of the step's: seconds on a busy machine
TURN_SECONDS = 120.0  # of timing: a rung of Numba's may have to be compiled
MAX_SHRUNK = 1_000_000  # numbers of X: to try a larger input again and again takes too long
REUSED = (
    "The dw of the first call changed when the step was called again: it returns a buffer that it reuses. A caller "
    "who keeps two gradients, as SciPy's optimizers do, then has the last one twice. Return a fresh array."
)


def main() -> None:
    """Load the step, try it, time it; tell the parent of each."""
    channel, job = confine.start()
    with words.speaking(job.language):
        _work(channel, job)


def _work(channel: Channel, job: Job) -> None:
    trace = confine.Trace(job.folder)
    try:
        trace.after(job.load_seconds)
        confine.limit_memory(job.memory_gb)
        with np.errstate():  # what the file sets is not for our own arithmetic
            step = _load(channel, job)
        if step and conforms(step, channel, job, trace) and job.shape:
            _time(step, job.shape, channel, job, trace)
        channel.send("done")
    except Exception:  # ours: what the reader's code raises is caught where it is called
        channel.send("broken", traceback=traceback.format_exc())
    except BaseException as end:  # SystemExit, and whatever else is no error but an end
        confine.make_room()
        channel.send("exited", by=f"{type(end).__name__}({end})")


def _load(channel: Channel, job: Job) -> StepFunction | None:
    """Return the step; None where it cannot be run, and say why."""
    try:
        step = load(Target(job.where, job.function), Path(job.folder))
    except TargetError as error:
        channel.send("refused", reason=str(error))
    except Exception as error:  # importing a file may raise anything
        confine.make_room()
        channel.send("refused", reason=tell.traceback_of(error))
    else:
        channel.send("loaded", within=job.load_seconds)
        return step
    return None


def conforms(step: StepFunction, channel: Channel, job: Job, trace: Trace) -> bool:
    """Try every case; at the first that fails, explain it and return False."""
    entries = suite.entries(job.seed, job.families or suite.ORDER) + suite.entries(job.seed, [suite.REPEAT])
    total, index = sum(len(entry.layouts) for entry in entries), count()
    for family, case, layouts in entries:
        right = None
        for layout in layouts:
            where = _where("repeat" if family == suite.REPEAT else "conformance", family, case, layout)
            told = {"index": next(index), "total": total, "where": where}
            if right is None:
                _tell(channel, trace, RIGHT_SECONDS, "case", **told)
                right = reference(*case[1:])
            _tell(channel, trace, job.seconds, "case", **told)
            trial, found = Trial(step, suite.laid(case, layout), job.accuracy, right, layout, job.seed), None
            if family == suite.REPEAT:
                trial, found = _repeated(trial)
            if found or not trial.verdict.ok:
                _explain(channel, job, trace, where, trial, found)
                return False
    channel.send("conforms", within=TURN_SECONDS)
    return True


def _repeated(first: Trial) -> tuple[Trial, Diagnosis | None]:
    """Call the step with other weights, then again as at first; return what failed, the first where nothing did."""
    found = None
    for case in (first.case._replace(w=-first.case.w), first.case) if first.verdict.ok else ():
        trial = first.again(case)
        if not trial.verdict.ok:
            return trial, None
        if first.values and not np.array_equal(first.values.dw, first.result[1]):
            found = Diagnosis("buffer reused", words.say(REUSED))
    return first, found


def _where(stage: str, family: str, case: Case, layout: str) -> dict[str, str]:
    return {"stage": stage, "family": family, "case": case.name, "dtype": str(case.X.dtype), "layout": layout}


def _tell(channel: Channel, trace: Trace, within: float, event: str, **content: Any) -> None:
    """Send a message; the next comes within so many seconds."""
    trace.after(within)
    channel.send(event, within=within, **content)


def _explain(
    channel: Channel, job: Job, trace: Trace, where: dict[str, str], trial: Trial, found: Diagnosis | None = None
) -> None:
    """Tell of a failure at once, then what it is, then of the smallest input: each may be the last to arrive."""

    def failed(trial: Trial, *, shrunk: bool = False) -> None:
        failure = tell.failure(where, trial, found, shrunk=shrunk)
        _tell(channel, trace, job.seconds + EXPLAIN_SECONDS, "failed", failure=failure)

    path = Target(job.where, job.function).path
    if gaps := start.left(path) if path else None:
        found = Diagnosis("gaps left", gaps)
    failed(trial)
    if found:
        return
    full = isinstance(trial.error, MemoryError)
    example = trial if full else telling(trial)
    found = diagnose(example)
    failed(trial)
    if full or trial.case.X.size > MAX_SHRUNK:
        return
    smaller, found = smallest(example, found)
    if smaller is not trial:
        failed(smaller, shrunk=True)


def _time(step: StepFunction, shape: str, channel: Channel, job: Job, trace: Trace) -> None:
    """Time the step beside the ladder."""

    def on_turn(done: int, total: int, name: str) -> None:
        _tell(channel, trace, TURN_SECONDS, "turn", done=done, total=total, rung=name)

    trace.after(TURN_SECONDS)
    timing: Any = importlib.import_module(f"{__package__}.timing")  # pytest and all: seconds, for those who pass
    section = timing.measure(step, job, on_turn)
    if timing.is_wrong(section):
        case = suite.find(suite.TIMING, shape, "float64")
        where = _where("timing", suite.TIMING, case, "C")
        _explain(channel, job, trace, where, Trial(step, case, job.accuracy, seed=job.seed))
    channel.send("timed", section=section, shape=shape)
