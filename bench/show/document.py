"""The types of the result document, for checking a file; what they mean is told in `results`.

Names and numbers are narrow on purpose: a file may have been edited, and what it says is shown in
terminals and pages, divided by and taken the logarithm of. Sections unknown here are let through.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Name = Annotated[str, Meta(pattern=r"\A[\w.@+-]+\Z", max_length=100)]
Text = Annotated[str, Meta(pattern=r"\A[^\x00-\x08\x0b-\x1f\x7f-\x9f]*\Z")]  # no escape codes for a terminal
Count = Annotated[int, Meta(ge=0, le=1 << 53)]
Size = Annotated[int, Meta(ge=1, le=1 << 53)]
Seconds = Annotated[float, Meta(ge=1e-12, le=1e9)]
Positive = Annotated[float, Meta(ge=1e-12, le=1e18)]
Share = Annotated[float, Meta(ge=0)]
DType = Literal["float32", "float64"]
Order = Literal["C", "F"]


class CellName(Struct, forbid_unknown_fields=True):
    """What a cell is."""

    rung: Name
    source: Name
    dtype: DType
    order: Order
    threads: Size
    situation: Name = "alone"


class CellEntry(Struct):
    """A cell and what was found."""

    id: Name
    cell: CellName
    samples: Size
    features: Size
    status: Literal["measured", "failed", "over budget", "unavailable", "not run"]
    reason: Text | None
    seconds: list[Seconds | None] = []
    again: list[Seconds | None] | None = None
    p90: list[Seconds | None] | None = None


class Bandwidth(Struct):
    """How fast a working set is read."""

    threads: Size
    bytes: Size
    bytes_per_second: Positive


class Fma(Struct):
    """How fast numbers are multiplied and added."""

    dtype: DType
    threads: Size
    flops: Positive


class Limits(Struct):
    """The machine's limits."""

    bandwidth: list[Bandwidth]
    fma: list[Fma]
    call_seconds: Seconds


class Noise(Struct):
    """How quiet the machine was."""

    load: tuple[Share, Share] | None
    steal: Share | None
    mhz: tuple[Share, Share] | None
    spread: Share | None
    unstable: list[Text]
    others: Share | None = None


class Simd(Struct):
    """The instructions of a rung's hot loop."""

    instruction_set: Text
    packed: Count
    scalar: Count
    tool: Text


class Costs(Struct):
    """What a rung costs besides its time."""

    rung: Name
    family: Name
    technique: Text
    lines: Size
    import_seconds: Seconds | None
    cold_seconds: Seconds | None
    cached_seconds: Seconds | None
    build_seconds: Seconds | None
    reason: Text | None
    simd: Simd | None


class Temporaries(Struct):
    """What a step allocates."""

    count: Count
    bytes: Count


class Parts(Struct):
    """Where the time of a step goes."""

    rung: Name
    source: Name
    dtype: DType
    order: Order
    seconds: dict[Name, float] | None  # differences: one that is next to nothing may be negative
    total: Seconds | None
    temporaries: Temporaries | None
    passes: Share | None
    reason: Text | None = None


class Growth(Struct):
    """How the time grows with the size."""

    rung: Name
    along: Literal["samples", "features"]
    fixed: Size
    dtype: DType
    order: Order
    threads: Size
    points: list[tuple[Size, Seconds]]
    exponent: float | None
    interval: tuple[float, float] | None
    reason: Text | None = None


class Section(Struct):
    """Section ``looptax``."""

    schema: int
    settings: dict[str, Any]
    cells: list[CellEntry]
    command: Text | None = None
    blas_override: dict[str, Text] = {}
    limits: Limits | None = None
    noise: Noise | None = None
    rungs: list[Costs] = []
    parts: list[Parts] = []
    growth: list[Growth] = []


class Document(Struct):
    """All of it."""

    looptax: Section
    machine_info: dict[str, Any]
