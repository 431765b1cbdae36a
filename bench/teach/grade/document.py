"""The types of the document; what they mean is told in the package's docstring."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field


class Job(Struct):
    """What the worker is to do."""

    where: str = ""
    function: str = ""
    folder: str = ""
    accuracy: str = "relative"
    seed: int = 0
    seconds: float = 20.0
    load_seconds: float = 60.0
    memory_gb: float = 4.0
    shape: str | None = "10000x30"
    families: list[str] | None = None  # all of them; fewer are for our own tests


class Input(Struct):
    """What a step failed on."""

    X: str
    y: str
    w: str
    b: str
    python: str | None
    shrunk: bool
    again: str


class Failure(Struct):
    """The first thing that went wrong."""

    stage: Literal["conformance", "repeat", "timing"]
    family: str
    case: str
    dtype: str
    layout: str
    outputs: list[str]
    problem: str
    kind: str
    explanation: str
    line: str | None = None
    input: Input | None = None
    returned: dict[str, str] | None = None
    expected: dict[str, str] | None = None


class Cases(Struct):
    """How far it came."""

    run: int = 0
    total: int = 0


class Limits(Struct):
    """What the step was held to."""

    seconds: float
    load_seconds: float
    memory_gb: float
    memory_limited: bool


class RungTime(Struct):
    """A rung of the ladder, timed beside the reader's step."""

    name: str
    status: str
    reason: str | None
    seconds: float | None
    ns_per_element: float | None
    gflops: float | None
    gbytes: float | None
    limit: str | None
    limit_fraction: float | None


class Timing(Struct):
    """The ladder with the reader's rung on it."""

    shape: str
    standing: str
    rungs: list[RungTime]


class Grade(Struct):
    """All of it."""

    target: str
    seed: int
    accuracy: str
    versions: dict[str, str]
    limits: Limits
    passed: bool = False
    cases: Cases = field(default_factory=Cases)
    failure: Failure | None = None
    error: str | None = None
    output: str = ""
    timing: Timing | None = None
    exit_code: int = 2
