"""What a report says about the machine and the quality of the run, as pairs of a name and a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import own
from ..numbers import itself, size
from ..ratios import floor
from ..result import printable

if TYPE_CHECKING:
    from ..result import Document, Section

Facts = list[tuple[str, str]]


def facts(document: Document) -> Facts:
    """Return the machine's facts and the versions that a result file holds."""
    machine = document.machine_info
    memory = machine.get("memory_bytes")
    cpu, kernels, python = machine.get("cpu", {}), machine.get("kernels", {}), machine.get("python", {})
    sizes = ", ".join(f"{level} {size(held)}" for level, held in (cpu.get("caches") or {}).items())
    built = ", ".join(f"{name}: {level}" for name, level in kernels.get("instruction_set", {}).items())
    pools = dict.fromkeys(
        " ".join(filter(None, map(pool.get, ("prefix", "version", "architecture"))))
        for pool in machine.get("thread_pools", [])
    )
    versions = [f"{name} {version}" for name, version in machine.get("packages", {}).items() if version]
    told = {
        "CPU": cpu.get("brand"),
        "Microarchitecture": cpu.get("microarchitecture"),
        "Cores": f"{cpu.get('cores')}, {cpu.get('threads')} threads, {cpu.get('usable')} usable" if cpu else None,
        "Caches": sizes,
        "Memory": size(memory) if memory else None,
        "System": machine.get("system"),
        "Python": " ".join(filter(None, (python.get("implementation"), python.get("version")))),
        "Compiler": kernels.get("compiler"),
        "Instruction sets": built,
        "Held to": ", ".join(f"{name}={value}" for name, value in machine.get("held_to", {}).items()),
        "Numba's threads": machine.get("numba_threading_layer"),
        "Thread pools": ", ".join(pools),
        "Packages": ", ".join(versions),
        "Commit": machine.get("git_commit"),
        "Brought": "; ".join(own.brought(document.looptax)),
    }
    return [(name, printable(text, "")) for name, text in told.items() if text]


def noise(section: Section) -> Facts:
    """Return how quiet the machine was, and how far apart two measurements of the same rung came."""
    told: Facts = []
    if watched := section.noise:
        if watched.load:
            told.append(("Load", "{:.2g} before, {:.2g} after".format(*watched.load)))
        if watched.others is not None:
            told.append(("Other processes", f"{watched.others:.2g} CPUs busy, on average"))
        if watched.steal is not None:
            told.append(("CPU time stolen", f"{watched.steal:.1%}"))
        if watched.mhz:
            told.append(("Frequency", "{:,.0f} – {:,.0f} MHz".format(*watched.mhz)))
        if watched.spread is not None:
            told.append(("Spread between sweeps", f"{watched.spread:.1%} (median over cells)"))
    if ends := floor(section.cells):
        told.append(("A/A floor", itself(*ends)))
    return told
