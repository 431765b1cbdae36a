"""What a call costs besides time, where the machine tells: these counts do not drift.

A script beside `worker`, which a build's interpreter reads: it needs nothing but Python.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
import tracemalloc
from contextlib import contextmanager

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

SYSTEM_CALLS = {"x86_64": 298, "aarch64": 241}  # perf_event_open's number
HARDWARE, INSTRUCTIONS, SIZE = 0, 1, 112
OF_THE_PROGRAM = 1 << 5 | 1 << 6  # exclude what the kernel and the hypervisor do


def page_faults() -> int | None:
    """Return how many pages this process has been given so far without reading a disk."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt if resource else None


def cpu_seconds() -> float:
    """Return what all threads of this process have computed so far; 0 where the system does not tell."""
    if not resource:
        return 0.0
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_bytes(call) -> int:
    """Return the most memory that a call holds at once, of what Python and NumPy allocate."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def instruction_counter() -> int | None:
    """Open a counter of the instructions that the calling thread executes; None where the machine has or lets none."""
    number = SYSTEM_CALLS.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return None
    asked = struct.pack("IIQQQQQ", HARDWARE, SIZE, INSTRUCTIONS, 0, 0, 0, OF_THE_PROGRAM).ljust(SIZE, b"\0")
    opened = ctypes.CDLL(None).syscall(number, asked, 0, -1, -1, 0)
    return opened if opened >= 0 else None


@contextmanager
def counting(counter: int | None):
    """Count what the block costs: page faults, and instructions where there is a counter; None for what is untold."""
    found: dict[str, int | None] = {}
    faults, instructions = page_faults(), _read(counter)
    yield found
    for name, before, after in (
        ("instructions", instructions, _read(counter)),
        ("page_faults", faults, page_faults()),
    ):
        found[name] = None if before is None or after is None else after - before


def _read(counter: int | None) -> int | None:
    return None if counter is None else struct.unpack("Q", os.read(counter, 8))[0]
