"""A machine of a class: one result file, what it was measured on, and whether it stands in for another machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ....kernels.choose import isa
from ..numbers import count, number, rate, size
from ..result import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..result import Document, Limits

FEATURES = (("avx512f", 512), ("avx", 256), ("sse2", 128), ("asimd", 128), ("neon", 128), ("altivec", 128))
LEVELS = {"x86_64_v4": 512, "x86_64_v3": 256, "x86_64_v2": 128}  # bits of the vectors that the builds use


class Fact(NamedTuple):
    """What may explain a difference between machines: its name, its unit on an axis, and how its value is written."""

    name: str
    unit: str
    write: Callable[[float], str]


FACTS = (
    Fact("CPUs", "", count),
    Fact("vector width", "bits", lambda bits: f"{bits:.0f} bits"),
    Fact("L2 cache", "bytes", size),
    Fact("last cache", "bytes", size),
    Fact("memory rate", "bytes/s, all threads", rate),
    Fact("arithmetic", "FLOP/s of float64, all threads", lambda flops: f"{number(flops / 1e9)} GFLOP/s"),
)


class Entry(NamedTuple):
    """A machine.

    Attributes
    ----------
    name : str
        What it is called: that of its file, with the folder where others have the same.
    file : str
    document : Document
        Without single rounds.
    facts : dict
        Name of each of `FACTS` that the file tells → value.
    held_to : str
        What its code was held to, in words: it stands in for another machine. Empty where it does not.
    """

    name: str
    file: str
    document: Document
    facts: dict[str, float]
    held_to: str

    @property
    def described(self) -> str:
        """Its CPU, and what it was held to."""
        cpu = self.document.machine_info.get("cpu", {})
        kind = cpu.get("microarchitecture")
        named = f"{cpu.get('brand') or 'unknown CPU'}{f' ({kind})' if kind else ''}"
        return printable(f"{named}, {self.held_to}" if self.held_to else named)

    @property
    def kind(self) -> str:
        """Whether it is a machine, or a stand-in for one."""
        return "stand-in" if self.held_to else "machine"

    @property
    def most_threads(self) -> int:
        """How many threads are all that it has."""
        usable = self.document.machine_info.get("cpu", {}).get("usable")
        return usable or max(figure.cell.threads for figure in self.document.looptax.cells)

    def told(self) -> list[tuple[str, str]]:
        """Return its facts as pairs of a name and a text."""
        return [(fact.name, fact.write(self.facts[fact.name])) for fact in FACTS if fact.name in self.facts]


def entry(name: str, file: str, document: Document) -> Entry:
    """Return a machine of what its file holds."""
    return Entry(name, file, document, _facts(document), held_to(document))


def held_to(document: Document) -> str:
    """Say what a run's code was held to by environment variables; nothing where it had all that the CPU has."""
    found = {**document.looptax.blas_override, **document.machine_info.get("held_to", {})}
    level = found.pop(isa.VARIABLE, None)
    rest = [f"{name}={value}" for name, value in found.items()]
    if level:
        rest.insert(0, f"kernels held to {level.replace('x86_64', 'x86-64').replace('_v', '-v')}")
    elif rest:
        rest[0] = f"held to {rest[0]}"
    return ", ".join(rest)


def _facts(document: Document) -> dict[str, float]:
    cpu, limits = document.machine_info.get("cpu", {}), document.looptax.limits
    caches = cpu.get("caches") or {}
    found = {
        "CPUs": cpu.get("usable"),
        "vector width": _vectors(document),
        "L2 cache": caches.get("L2"),
        "last cache": caches[max(caches)] if caches else None,
        "memory rate": _memory(limits),
        "arithmetic": _arithmetic(limits),
    }
    return {name: float(value) for name, value in found.items() if value}


def _vectors(document: Document) -> int | None:
    """Return the bits of the vectors that the compiled rungs used; where that is not told, those that the CPU has."""
    built = document.machine_info.get("kernels", {}).get("instruction_set", {})
    used = [LEVELS[level] for level in built.values() if level in LEVELS]
    features = document.machine_info.get("cpu", {}).get("features", [])
    return max(used) if used else next((bits for name, bits in FEATURES if name in features), None)


def _arithmetic(limits: Limits | None) -> float | None:
    """Return how many operations of float64 all threads do in a second."""
    return max((one.flops for one in limits.fma if one.dtype == "float64"), default=None) if limits else None


def _memory(limits: Limits | None) -> float | None:
    """Return the rate at which all threads read the largest working set."""
    threads = max((one.threads for one in limits.bandwidth), default=0) if limits else 0
    return limits.rates(threads)[-1][1] if limits and threads else None
