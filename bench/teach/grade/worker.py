"""The process that runs the reader's step: ``python -m looptax.bench.teach.grade.worker``; `watch` starts it."""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...conformance.cases import Case, ordinary
from ...conformance.oracle import reference
from . import confine, suite, tell
from .build import BuildError
from .diagnose import Diagnosis, diagnose
from .evidence import Evidence
from .shrink import shrink
from .suite import DTYPES, ORDER, laid
from .target import Target, TargetError, load
from .trial import Trial, attempt, copied

if TYPE_CHECKING:
    from ....pyimpl.parts.contract import Step, StepFunction
    from .confine import Channel, Trace
    from .document import Failure, Job

REPEATS = ((9, 4), (33, 5))  # the shapes it is called on several times
LARGE = 1_000_000  # numbers of X: to try such an input again and again takes too long


def main() -> None:
    """Load the step, try it, time it; tell the parent of each."""
    channel, job = confine.start()
    trace = confine.Trace(job.folder)
    try:
        trace.after(job.load_seconds)
        step = _load(channel, job)
        if step and conforms(_with_room(step), channel, job, trace) and job.shape:
            _time(step, channel, job, trace)
        channel.send("done")
    except Exception:  # ours: what the reader's code raises is caught where it is called
        channel.send("broken", traceback=traceback.format_exc())
    except BaseException as end:  # SystemExit, and whatever else is no error but an end
        confine.limit_memory(confine.TELLING_GB)
        channel.send("exited", by=f"{type(end).__name__}({end})")


def _load(channel: Channel, job: Job) -> StepFunction | None:
    """Return the step; None where it cannot be run, and say why."""
    confine.limit_memory(job.memory_gb)
    try:
        step = load(Target(job.where, job.function), Path(job.folder))
    except (TargetError, BuildError) as error:
        channel.send("refused", reason=str(error))
        return None
    except Exception as error:  # importing a file may raise anything
        confine.limit_memory(confine.TELLING_GB)
        channel.send("refused", reason="".join(_own_part(error)).rstrip())
        return None
    channel.send("loaded")
    return step


def _with_room(step: StepFunction) -> StepFunction:
    """Return the step so that memory is left to tell of it when it has used up all."""

    def watched(X: np.ndarray, y: np.ndarray, w: np.ndarray, b: Any) -> Step:
        try:
            return step(X, y, w, b)
        except MemoryError:
            confine.limit_memory(confine.TELLING_GB)
            raise

    return watched


def _own_part(error: Exception) -> list[str]:
    """Return the traceback without the frames that are ours or the import machinery's."""
    shown = traceback.TracebackException.from_exception(error)
    kept = [
        frame
        for frame in shown.stack
        if "importlib" not in frame.filename and str(Path(__file__).parent) not in frame.filename
    ]
    shown.stack = traceback.StackSummary.from_list(kept)
    return list(shown.format(chain=False))


def conforms(step: StepFunction, channel: Channel, job: Job, trace: Trace) -> bool:
    """Try every case; at the first that fails, explain it and return False."""
    entries = suite.entries(job.seed, job.families or ORDER)
    total = sum(len(entry.layouts) for entry in entries) + len(REPEATS) * len(DTYPES)
    index = 0
    for family, case, layouts in entries:
        right = None
        for layout in layouts:
            trace.after(job.seconds)
            _announce(channel, index, total, "conformance", family, case, layout)
            index += 1
            right = right or reference(*case[1:])
            trial = attempt(step, laid(case, layout), job.accuracy, right)
            if not trial.verdict.ok:
                _explain(channel, job, trace, "conformance", family, Evidence(trial, layout, job.seed))
                return False
    for dtype in DTYPES:
        for m, n in REPEATS:
            case = ordinary(f"{m}x{n}", m, n, dtype, seed=job.seed)
            trace.after(job.seconds)
            _announce(channel, index, total, "repeat", "repeat", case, "C")
            index += 1
            if failure := _repeated(step, case, job):
                channel.send("failed", failure=failure)
                return False
    channel.send("conforms")
    return True


def _announce(channel: Channel, index: int, total: int, stage: str, family: str, case: Case, layout: str) -> None:
    channel.send(
        "case",
        index=index,
        total=total,
        stage=stage,
        family=family,
        case=case.name,
        dtype=str(case.X.dtype),
        layout=layout,
    )


def _explain(channel: Channel, job: Job, trace: Trace, stage: str, family: str, e: Evidence) -> None:
    """Tell of a failure at once, then what it is, then of the smallest input: each may be the last to arrive."""
    full = isinstance(e.trial.error, MemoryError)
    name = e.trial.case.name
    channel.send("failed", failure=tell.failure(stage, family, name, e, job.seed))
    trace.after(job.seconds + confine.EXPLAIN_SECONDS)
    telling = e if full else e.telling
    found = diagnose(telling)
    channel.send("failed", failure=tell.failure(stage, family, name, e, job.seed, found))
    if full or e.trial.case.X.size > LARGE:
        return
    smaller = _smallest(telling, found)
    if smaller is not e:
        said = diagnose(smaller)
        said = said if said.kind == found.kind else found
        channel.send("failed", failure=tell.failure(stage, family, name, smaller, job.seed, said, shrunk=True))


def _smallest(e: Evidence, found: Diagnosis) -> Evidence:
    """Return the same failure on the smallest input found in a few seconds."""
    best = e

    def fails(case: Case) -> bool:
        nonlocal best
        tried = e.about(e.trial.repeat(laid(case, e.layout)))
        if tried.trial.verdict.ok or not found.same(tried):
            return False
        best = tried
        return True

    shrink(e.trial.case, fails)
    return best


def _repeated(step: StepFunction, case: Case, job: Job) -> Failure | None:
    """Call the step on a case, on another, and again: the first result must stay, and come again."""
    first = attempt(step, copied(case), job.accuracy)
    other = attempt(step, copied(case._replace(w=-case.w)), job.accuracy)
    reused = first.values and not np.array_equal(first.values.dw, np.asarray(first.result[1], np.longdouble))
    for trial in (first, other, attempt(step, copied(case), job.accuracy)):
        if not trial.verdict.ok:
            e = Evidence(trial, "C", job.seed)
            return tell.failure("repeat", "repeat", case.name, e, job.seed, diagnose(e))
    found = Diagnosis("buffer reused", REUSED, lambda _: False)
    e = Evidence(first, "C", job.seed)
    return tell.failure("repeat", "repeat", case.name, e, job.seed, found) if reused else None


REUSED = (
    "The dw of the first call changed when the step was called again: it returns a buffer that it reuses. A caller "
    "who keeps two gradients, as SciPy's optimizers do, then has the last one twice. Return a fresh array."
)


def _time(step: StepFunction, channel: Channel, job: Job, trace: Trace) -> None:
    """Time the step beside the ladder."""
    timing: Any = importlib.import_module(f"{__package__}.timing")  # pytest and all: seconds, for those who pass
    assert job.shape is not None

    def on_turn(done: int, total: int, name: str) -> None:
        trace.after(confine.TURN_SECONDS)
        channel.send("turn", done=done, total=total, rung=name)

    trace.after(confine.TURN_SECONDS)
    section = timing.measure(step, job, on_turn)
    trial: Trial | None = timing.wrong(step, job, section)
    if trial is not None:
        _explain(channel, job, trace, "timing", "timing", Evidence(trial, "C", job.seed))
    channel.send("timed", section=section, shape=job.shape)


if __name__ == "__main__":
    main()
