"""What runs in a build's own interpreter: it is told in lines of JSON what to try and to time, and answers in such.

It is a script, not a module: it needs NumPy, two scripts beside it, and of the build's looptax only what old builds
have too: the ladder, `Rung.load` and `plan`. Its first line says what looptax it has found. It ends with its input.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import platform
import queue
import sys
import threading
import time
import zlib
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

PLAN = "plan"
CALLS = 3  # to be judged, to warm up and to be timed must fit into the budget
RETRIES = 5
COUNTED = 100  # times a call must fit into the budget for its memory to be traced, which makes it slower
SETTLED, MAX_TO_SETTLE = 0.25, 500  # of one CPU; looks, 2 ms apart


def script(*place: str) -> Any:
    """Return a script that lies beside this one as a module: the package it is in may be another build's."""
    path = Path(__file__).parent.joinpath(*place)
    spec = importlib.util.spec_from_file_location(f"duel_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


counts, stopwatch = script("counts.py"), script("..", "stopwatch.py")


class Worker:
    """Holds a cell's data, and the calls that are made with it; each public method is a message."""

    def __init__(self) -> None:
        self.case: dict[str, Any] = {}
        self.calls: dict[str, Any] = {}
        self.counter = counts.instruction_counter()

    def load(self, path: str) -> dict[str, Any]:
        """Read X, y, w and b."""
        import numpy as np

        with np.load(path) as file:
            self.case = {name: file[name] for name in ("X", "y", "w")} | {"b": file["b"][()]}
        return {}

    def drop(self) -> dict[str, Any]:
        """Let the data go."""
        self.case, self.calls = {}, {}
        return {}

    def attempt(self, rung: str, budget: float) -> dict[str, Any]:
        """Call a rung where it promises to end in time, and return its result and how long it takes."""
        try:
            step = _step(rung)
        except (ImportError, KeyError) as error:
            return {"status": "unavailable", "reason": str(error.args[0] if error.args else error)}
        if rung != PLAN and not self._ends_in_time(step, budget):
            return {"status": "over budget", "reason": f"{CALLS} calls would need more than {budget:g} s"}
        before = self._sums()
        call = self.calls[rung] = self._bound(rung, step)
        result = call()
        modified = [name for name, number in self._sums().items() if number != before[name]]
        seconds = stopwatch.seconds(call)
        peak = counts.peak_bytes(call) if seconds * COUNTED <= budget else None
        return {"status": "ready", "result": _told(result), "modified": modified, "seconds": seconds, "peak": peak}

    def time(self, rung: str, calls: int, rounds: int) -> dict[str, Any]:
        """Return the median of several rounds of so many calls, in seconds of a call, and what else a call costs."""
        if rung not in self.calls:
            self.calls[rung] = self._bound(rung, _step(rung))
        call = self.calls[rung]
        call()  # its code and data are back in cache
        gc.collect()
        gc.disable()
        try:
            with counts.counting(self.counter) as found:
                seconds = median(stopwatch.per_call(call, calls) for _ in range(rounds))
        finally:
            gc.enable()
        settle()
        made = calls * rounds
        return {"seconds": seconds} | {name: None if n is None else n / made for name, n in found.items()}

    def _bound(self, rung: str, step: Any) -> Any:
        """Return the call that is timed."""
        X, y, w, b = self.case.values()
        return partial(step(X, y).step, w, b) if rung == PLAN else partial(step, X, y, w, b)

    def _ends_in_time(self, step: Any, budget: float) -> bool:
        """Whether the calls promise to end in time: tries ever longer heads of the data."""
        import numpy as np

        X, y, w, b = self.case.values()
        m, head = len(y), min(len(y), 4)
        order: Any = "C" if X.flags.c_contiguous else "F"
        step(np.array(X[:head], order=order), y[:head], w, b)  # compiles, where there is something to compile
        while True:
            part = (np.array(X[:head], order=order), y[:head], w, b)
            taken = stopwatch.seconds(step, *part)
            for _ in range(RETRIES):
                if taken * CALLS > budget / 10:  # late, because threads wait for a busy machine, is not slow
                    taken = min(taken, stopwatch.seconds(step, *part))
            if head == m or taken * CALLS > budget / 10:
                return taken * m / head * CALLS <= budget
            head = min(m, head * 8)

    def _sums(self) -> dict[str, int]:
        return {name: zlib.crc32(self.case[name].tobytes("A")) for name in ("X", "y", "w")}


def _step(rung: str) -> Any:
    """Return a rung's step, or `plan`; KeyError where this build has no such rung, ImportError where it cannot run."""
    from looptax import kernels
    from looptax.kernels import ladder

    if rung == PLAN:
        return kernels.plan
    return ladder.rung(rung).load()


def _told(result: Any) -> dict[str, Any]:
    """Return a result as JSON has it: of each part its type, its dtype, and its numbers, which keep all digits."""
    import numpy as np

    parts = {}
    for name, value in zip(("cost", "dw", "db"), result, strict=True):
        kind = getattr(value, "dtype", None)
        numbers = np.asarray(value).astype(np.float64).tolist()
        parts[name] = {"type": type(value).__name__, "dtype": kind and str(kind), "numbers": numbers}
    return parts


def settle() -> None:
    """Wait until no thread of this process is busy: the other build is next."""
    for _ in range(MAX_TO_SETTLE):
        before = counts.cpu_seconds()
        time.sleep(0.002)
        if counts.cpu_seconds() - before < SETTLED * 0.002:
            return


def introduce() -> dict[str, Any]:
    """Return which looptax this interpreter has, and what it runs on; or why it cannot be used."""
    try:
        import looptax
        import numpy as np
        from looptax.kernels import ladder
    except Exception as error:  # a build may be broken in any way
        return {"error": f"{type(error).__name__}: {error}"}
    version = getattr(looptax, "__version__", None)
    folder = str(Path(ladder.__file__).parents[1])
    return {"looptax": folder, "version": version, "python": platform.python_version(), "numpy": np.__version__}


def hear() -> queue.SimpleQueue:
    """Return the messages as they come; where there will be none, because the parent has gone, this process ends."""
    found: queue.SimpleQueue = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin.buffer:
            found.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return found


def main() -> None:
    """Answer messages. What a build prints is no answer: it goes where its errors go."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    messages, worker = hear(), Worker()
    answer = introduce()
    while True:
        print(json.dumps(answer), file=answers, flush=True)
        message = messages.get()
        try:
            answer = getattr(worker, message.pop("do"))(**message)
        except Exception as error:  # of a rung: the other cells have their turns
            answer = {"status": "failed", "reason": f"raised {type(error).__name__}: {error}"}


if __name__ == "__main__":
    main()
