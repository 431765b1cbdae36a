"""A run's result: what its file holds, as types; `storage` reads and writes it.

The file is pytest-benchmark's JSON with one section added, `looptax`. Nothing that follows from other figures is in it.
Names and numbers are narrow on purpose: a file may have been edited, and what it says is shown in terminals and pages,
divided by and taken the logarithm of. Fields unknown here are passed over.
"""

from __future__ import annotations

import re
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

from msgspec import Meta, Struct, field

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = 2
LONGEST = 500  # letters of a reason
ALONE = "alone"  # the situation of every cell that names no other

Name = Annotated[str, Meta(pattern=r"\A[\w.@+-]+\Z", max_length=100)]
Text = Annotated[str, Meta(pattern=r"\A[^\x00-\x08\x0b-\x1f\x7f-\x9f]*\Z")]  # no escape codes for a terminal
Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]  # SHA-256
Count = Annotated[int, Meta(ge=0, le=1 << 53)]
Size = Annotated[int, Meta(ge=1, le=1 << 53)]
Seconds = Annotated[float, Meta(ge=1e-12, le=1e9)]
Positive = Annotated[float, Meta(ge=1e-12, le=1e18)]
Share = Annotated[float, Meta(ge=0, le=1e18)]
Difference = Annotated[float, Meta(ge=-1e9, le=1e9)]  # of seconds
DType = Literal["float32", "float64"]
Order = Literal["C", "F"]
Sweeps = list[Seconds | None]  # one number for each sweep; None in one that has none


class Cell(Struct, frozen=True, order=True, forbid_unknown_fields=True):
    """One rung, or peer, on one input: what a figure belongs to.

    Attributes
    ----------
    rung : str
    source : str
        A shape, or the name of a data set.
    dtype, order : str
    threads : int
    situation : str
        What else the machine is doing, see `situations`.
    """

    rung: Name
    source: Name
    dtype: DType
    order: Order
    threads: Size
    situation: Name = ALONE

    @property
    def data(self) -> tuple[str, DType, Order]:
        """What X and y are."""
        return self.source, self.dtype, self.order

    @property
    def ladder(self) -> tuple[str, DType, Order, int, str]:
        """All but the rung: cells that share it stand in one ladder."""
        return (*self.data, self.threads, self.situation)

    @property
    def words(self) -> tuple[str, ...]:
        """Its fields as text; that it was alone goes without saying."""
        fields = (self.rung, *self.data, str(self.threads))
        return fields if self.situation == ALONE else (*fields, self.situation)

    @property
    def id(self) -> str:
        """The cell in one word, as the progress bar and pytest call it."""
        return "-".join(self.words)


class Figure(Struct):
    """What became of a cell.

    An element is a number of X; of sparse X, one that is there. A step does 4 operations per element: a multiplication
    and an addition for z, and again for dw.

    Attributes
    ----------
    cell : Cell
    samples, features : int
    status : str
        "measured", "failed" (it raised, or did not conform), "over budget", "unavailable" or "not run".
    reason : str or None
        Why there is no number.
    sweeps : list
        The median round of each sweep, in seconds; empty where the cell has no number.
    again : list or None
        The same of the cell's second time in each sweep; None where it has no such turn.
    p90 : list or None
        The 90th percentile of the calls of each sweep; None where they were not timed one by one.
    error_used : float or None
        The largest error found on the cell's own data, as a share of the bound.
    pools : dict or None
        Threads that each library reported while it was measured.
    operations : int
        Per element: more than 4 where there are several classes, or a direction.
    entries : int or None
        How many numbers sparse X has; None of dense X.
    """

    cell: Cell
    samples: Size
    features: Size
    status: Literal["measured", "failed", "over budget", "unavailable", "not run"] = "not run"
    reason: Text | None = None
    sweeps: Sweeps = field(name="seconds", default_factory=list)
    again: Sweeps | None = None
    p90: Sweeps | None = None
    error_used: Share | None = None
    pools: dict[str, Count] | None = None
    operations: Size = 4
    entries: Size | None = None

    @property
    def elements(self) -> int:
        """How many numbers X has."""
        return self.entries or self.samples * self.features

    @property
    def seconds(self) -> float | None:
        """The median over the sweeps; None where there is no number."""
        return typical(self.sweeps)

    @property
    def ns_per_element(self) -> float | None:
        """Nanoseconds per element of X."""
        return self.seconds and self.seconds * 1e9 / self.elements

    @property
    def gflops(self) -> float | None:
        """10⁹ floating-point operations per second."""
        return self.seconds and self.operations * self.elements / 1e9 / self.seconds

    @property
    def gbytes(self) -> float | None:
        """10⁹ bytes of X per second; X counts once, however often a rung reads it."""
        return self.seconds and 1e-9 * self.bytes / self.seconds

    @property
    def bytes(self) -> int:
        """Size of X: its numbers, and of sparse X the column of each."""
        return self.elements * ((4 if self.cell.dtype == "float32" else 8) + (4 if self.entries else 0))


def printable(text: str, instead: str = " ", kept: str = "") -> str:
    """Return text that may be shown: what cannot be, or a terminal would obey, gives way, but for what is `kept`."""
    return "".join(letter if letter.isprintable() or letter in kept else instead for letter in text)


def as_name(text: str) -> str:
    """Return text as a `Name`: what may not stand there gives way to an underscore."""
    return re.sub(r"[^\w.@+-]", "_", text)[:80] or "_"


def one_line(said: str | Exception) -> str:
    """Return a reason as a file may have it: one line, not too long, of letters that can be shown."""
    text = f"{type(said).__name__}: {said}" if isinstance(said, Exception) else said
    shown = " ".join(printable(text).split())
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 3]}..."


def typical(sweeps: Sequence[float | None] | None) -> float | None:
    """Return the median over the sweeps that have a time; None where none has."""
    times = [time for time in sweeps or () if time]
    return median(times) if times else None


class Bandwidth(Struct):
    """How fast so many threads read a working set of so many bytes over and over."""

    threads: Size
    bytes: Size
    bytes_per_second: Positive


class Fma(Struct):
    """How many multiplications and additions so many threads do in a second, as fused multiply-adds."""

    dtype: DType
    threads: Size
    flops: Positive


class Limits(Struct):
    """What the machine can do at most, see `limits`; `call_seconds` is what an empty compiled call takes."""

    bandwidth: list[Bandwidth]
    fma: list[Fma]
    call_seconds: Seconds

    def rates(self, threads: int) -> list[tuple[int, float]]:
        """Return the working sets that so many threads read, in bytes, and their bytes per second.

        What fewer threads, or as many on a larger working set, were seen to reach is no limit: no rate is lower.
        """
        allowed = [one for one in self.bandwidth if one.threads <= threads]
        return [
            (size, max(one.bytes_per_second for one in allowed if one.bytes >= size))
            for size in sorted(one.bytes for one in self.bandwidth if one.threads == threads)
        ]

    def flops(self, dtype: str, threads: int) -> float | None:
        """Return the operations per second of so many threads, or of fewer that do more; None: not measured."""
        found = {one.threads: one.flops for one in self.fma if one.dtype == dtype and one.threads <= threads}
        return max(found.values()) if threads in found else None


class Noise(Struct):
    """How quiet the machine was, see `noise`; None for what this system does not tell.

    Attributes
    ----------
    load : tuple or None
        The load average before and after.
    steal : float or None
        The share of CPU time that the hypervisor gave to others.
    mhz : tuple or None
        The lowest and the highest frequency seen.
    spread : float or None
        (third - first quartile) / median of the sweeps of a cell, the median over the cells.
    unstable : list of str
        Why the run is not to be trusted, in sentences.
    others : float or None
        How many CPUs other processes kept busy, on average.
    """

    load: tuple[Share, Share] | None
    steal: Share | None
    mhz: tuple[Share, Share] | None
    spread: Share | None
    unstable: list[Text]
    others: Share | None = None


class Simd(Struct):
    """Packed and scalar floating-point instructions in a rung's innermost loops, and what showed them."""

    instruction_set: Text
    packed: Count
    scalar: Count
    tool: Text


class Costs(Struct):
    """What a rung costs besides its time: lines to write, seconds to import, compile and build; None has none."""

    rung: Name
    family: Name
    technique: Text
    lines: Size
    import_seconds: Seconds | None = None
    cold_seconds: Seconds | None = None
    cached_seconds: Seconds | None = None
    build_seconds: Seconds | None = None
    reason: Text | None = None
    simd: Simd | None = None


class Temporaries(Struct):
    """How many arrays a step makes besides its result, and the most bytes it holds at once."""

    count: Count
    bytes: Count


class Parts(Struct):
    """Where the time of a step goes: the seconds of each part, of all, and how often X comes from memory."""

    rung: Name
    source: Name
    dtype: DType
    order: Order
    passes: Share | None
    seconds: dict[Name, Difference] | None = None  # differences: one that is next to nothing may be negative
    total: Seconds | None = None
    temporaries: Temporaries | None = None
    reason: Text | None = None


class Data(Struct):
    """A file of one's own that X and y were read from.

    Attributes
    ----------
    name : str
        The source of its cells.
    file : str
        Its name; `sha256` is of its bytes.
    label : str or None
        The column that holds the labels; None where they are beside X.
    one, zero : str
        The value that is 1, and the one that is 0.
    standardised : bool
        Whether each column of X was brought to mean 0 and variance 1.
    """

    name: Name
    file: Text
    sha256: Digest
    label: Text | None
    one: Text
    zero: Text
    standardised: bool = False


class Guest(Struct):
    """One's own step, which was measured as the rung `name`; `sha256` is of the bytes of its file."""

    name: Name
    file: Text
    function: Text
    sha256: Digest
    accuracy: Text = "relative"


class Section(Struct):
    """What is ours in the file.

    Attributes
    ----------
    schema : int
    settings : dict
        The matrix that was asked for.
    cells : list of Figure
        In the order they were asked for; there is one at least.
    command : str or None
        What to type to repeat the run.
    blas_override : dict
        Environment variables that force an OpenBLAS kernel.
    limits, noise
        None where they were not measured.
    rungs, parts
        What the anatomy of the rungs found; empty where it was not asked for.
    data, guests
        The files that were measured on, and one's own steps that were measured.
    """

    schema: int
    cells: Annotated[list[Figure], Meta(min_length=1)]
    settings: dict[str, Any] = {}
    command: Text | None = None
    blas_override: dict[str, Text] = {}
    limits: Limits | None = None
    noise: Noise | None = None
    rungs: list[Costs] = []
    parts: list[Parts] = []
    data: list[Data] = []
    guests: list[Guest] = []

    @property
    def unstable(self) -> list[str]:
        """Why the run is not to be trusted, in sentences; none where that was not measured."""
        return self.noise.unstable if self.noise else []


class Cpu(TypedDict, total=False):
    """What `machine.facts` says of the CPU; None where the system does not tell."""

    brand: str | None
    microarchitecture: str | None
    vendor: str | None
    features: list[str]
    cores: Count | None
    threads: Count | None
    usable: Count | None
    caches: dict[str, Count] | None


class Kernels(TypedDict, total=False):
    """What the compiled rungs were made with, and for."""

    compiler: str | None
    openmp: Count | None
    instruction_set: dict[str, str | None]


class Machine(TypedDict, total=False):
    """What `machine.facts` says."""

    cpu: Cpu
    memory_bytes: Count | None
    system: str | None
    python: dict[str, str]
    kernels: Kernels
    numba_threading_layer: str | None
    thread_pools: list[dict[str, str | None]]
    packages: dict[str, str | None]
    git_commit: str | None
    held_to: dict[str, Text]  # variables that make it a stand-in for another machine


class Document(Struct):
    """A whole file; all but `looptax` is pytest-benchmark's. An entry of `benchmarks` names its cell and sweep."""

    looptax: Section
    machine_info: Machine = {}
    benchmarks: list[dict[str, Any]] = []
    commit_info: dict[str, Any] = {}
    datetime: str | None = None
    version: str | None = None
