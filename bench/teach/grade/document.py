"""What `looptax grade` is asked and what it answers: a job, and the document that ``--json`` prints."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

ACCURACIES = {
    "relative": "full relative accuracy",
    "absolute": "the accuracy of dz = a - y",
    "notes": "the accuracy of the notes' logarithm, within its range",
}


class Job(Struct):
    """What the worker is to do."""

    where: str = ""  # a file or a module
    function: str = ""
    folder: str = ""  # to work in
    cwd: str | None = None  # where the step finds itself; None: where the grader is
    accuracy: str = "relative"
    seed: int = 0
    seconds: float = 20.0
    load_seconds: float = 60.0
    memory_gb: float = 4.0
    shape: str | None = "10000x30"  # of what is timed; None: nothing is
    rungs: list[str] | None = None  # beside which it is timed; None: the ladder
    families: list[str] | None = None  # of cases; None: all. Fewer are for our own tests
    language: str = "en"  # of what is said
    token: str = ""  # what every message of the worker begins with, and nothing that the reader's code prints


class Input(Struct):
    """What a step failed on."""

    X: str  # X, y, w and b in words
    y: str
    w: str
    b: str
    python: str | None  # the input as Python, where it is small enough to be typed
    shrunk: bool  # whether it is smaller than the case
    again: str  # Python that makes the whole case anew


class Failure(Struct):
    """The first thing that went wrong."""

    stage: Literal["conformance", "repeat", "timing"]
    family: str
    case: str
    dtype: str
    layout: str
    problem: str  # what was found, in one line
    kind: str  # the name of the mistake; "unknown" where no known mistake explains it
    explanation: str
    outputs: list[str] = field(default_factory=list)  # those that are wrong
    line: str | None = None  # of the reader's code, where it stopped
    input: Input | None = None
    returned: dict[str, str] | None = None  # numbers as text: NaN, infinity and every digit survive
    expected: dict[str, str] | None = None


class Cases(Struct):
    """How many cases were right, of how many."""

    run: int = 0
    total: int = 0


class RungTime(Struct):
    """A rung of the ladder, timed beside the reader's step, which is called "yours"."""

    name: str
    status: str
    reason: str | None
    seconds: float | None
    ns_per_element: float | None
    gflops: float | None
    gbytes: float | None
    limit: str | None  # what bounds any step on this input
    limit_fraction: float | None  # the fraction of it reached


class Timing(Struct):
    """The ladder with the reader's rung on it."""

    shape: str
    standing: str  # a sentence
    rungs: list[RungTime]  # from the slowest to the fastest


class Grade(Struct):
    """The document."""

    target: str
    seed: int
    accuracy: str
    versions: dict[str, str]  # of Python, NumPy, looptax, and of Numba and Cython where they are installed
    limits: dict[str, float | bool]  # seconds (of a case), load_seconds, memory_gb, and whether memory_limited here
    passed: bool = False  # whether every case was right and nothing went wrong afterwards
    cases: Cases = field(default_factory=Cases)
    failure: Failure | None = None
    error: str | None = None  # why it could not be run
    output: str = ""  # the last of what the code printed
    timing: Timing | None = None
    exit_code: int = 2  # 0 passes, 1 fails, 2 cannot be run


class Class(Struct):
    """The document of a folder's submissions, in the order of their names."""

    folder: str
    submissions: list[Grade]
    left_out: list[str]  # what is in the folder besides, and why it is no submission
    interrupted: bool = False  # whether some are missing
    exit_code: int = 0  # 0 all pass, 1 not all do
