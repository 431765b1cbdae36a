"""Steps of a reader, graded."""

from looptax.bench.teach.grade import start, worker
from looptax.bench.teach.grade.document import Failure, Job
from looptax.bench.teach.grade.grading import grade

RIGHT = start.STARTERS[1].text  # NumPy's


def graded(tmp_path, text, name="mine.py", **job):
    """Grade a file of that text, without timing it, on a few cases."""
    path = tmp_path / name
    path.write_text(text)
    job = {"shape": None, "families": ["labels"], "seconds": 5.0, "load_seconds": 20.0, **job}
    return grade(str(path), Job(**job))


def body(*lines, before=""):
    """A file with a step of these lines."""
    return "\n".join([before, "import numpy as np", "def step(X, y, w, b):", *(f"    {line}" for line in lines), ""])


class Listener:
    """Stands for the channel and the trace of a worker in this process."""

    def __init__(self):
        self.messages = []

    def send(self, event, **content):
        self.messages.append({"event": event, **content})

    def after(self, seconds):
        pass

    @property
    def failure(self) -> Failure | None:
        return next((m["failure"] for m in reversed(self.messages) if m["event"] == "failed"), None)


def failure_of(step, *families, accuracy="relative", seed=0):
    """The last that the worker tells of a step's first failure; None where there is none."""
    heard = Listener()
    worker.conforms(step, heard, Job(families=list(families) or None, accuracy=accuracy, seed=seed), heard)
    return heard.failure
