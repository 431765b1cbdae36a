"""What the figures were measured on: CPU, caches, memory, compilers, versions, commit."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import archspec.cpu
import psutil
from threadpoolctl import threadpool_info

from ...kernels.choose import cpu, isa
from ...kernels.ladder import LADDER
from ..show.result import printable
from .threads import usable

PACKAGES = (
    *("looptax", "numpy", "numba", "llvmlite", "scikit-learn", "scipy", "threadpoolctl", "pytest-benchmark"),
    *("numexpr", "torch", "jax", "jaxlib", "scikit-learn-intelex"),  # the peers
)


def facts() -> dict[str, Any]:
    """Return the facts as plain data, ready for JSON; None where this system does not tell."""
    host = archspec.cpu.host()
    return {
        "cpu": {
            "brand": archspec.cpu.brand_string(),
            "microarchitecture": host.name,
            "vendor": host.vendor,
            "features": sorted(host.features),
            "cores": psutil.cpu_count(logical=False),
            "threads": psutil.cpu_count(),
            "usable": usable(),
            "caches": caches(),
        },
        "memory_bytes": psutil.virtual_memory().total,
        "system": platform.platform(),
        "python": {"version": platform.python_version(), "implementation": sys.implementation.name},
        "kernels": {
            "compiler": cpu.compiler(),
            "openmp": cpu.openmp() or None,
            "instruction_set": {rung.module: isa.chosen(rung.module) for rung in LADDER if rung.family == "cython"},
        },
        "numba_threading_layer": numba_layer(),
        "thread_pools": [
            {key: pool.get(key) for key in ("internal_api", "prefix", "version", "architecture", "threading_layer")}
            for pool in threadpool_info()
        ],
        "packages": {name: _version(name) for name in PACKAGES},
        "git_commit": commit(),
        "held_to": held_to(),
    }


def held_to() -> dict[str, str]:
    """Return the environment variables that hold compiled code to less than this CPU has: a stand-in for another."""
    names = ("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")
    lesser = next(iter(isa.available("cython_simd")), None) != os.environ.get(isa.VARIABLE)  # than the best there is
    return {name: printable(os.environ[name]) for name in (isa.VARIABLE,) * lesser + names if os.environ.get(name)}


def caches() -> dict[str, int] | None:
    """Return the size in bytes of each data cache of the first CPU, or None."""
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
        except OSError:
            continue
        if kind != "Instruction":
            found[f"L{level}"] = int(size.rstrip("KM")) * {"K": 1 << 10, "M": 1 << 20}.get(size[-1], 1)
    return found or None


@cache
def last_level_bytes() -> int:
    """Return the size of all last-level caches together; 0 where this system does not tell."""
    sizes = caches()
    if not sizes:
        return 0
    last = max(sizes)
    shared = Path("/sys/devices/system/cpu").glob(f"cpu[0-9]*/cache/index{last[1:]}/shared_cpu_list")
    return sizes[last] * max(len({path.read_text() for path in shared}), 1)


@cache
def commit() -> str | None:
    """Return the git commit of the checkout this package runs from, "+" appended where it was edited."""
    if git("ls-files", "--error-unmatch", __file__) is None:
        return None
    edited = "+" if git("status", "--porcelain", "-uno") else ""
    return f"{git('rev-parse', 'HEAD')}{edited}"


def git(*arguments: str) -> str | None:
    """Return what git says in the checkout this package runs from; None where it fails, or there is none."""
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def numba_layer() -> str | None:
    """Return what gives Numba its threads: "omp", "tbb" or "workqueue"; None before they are started."""
    try:
        import numba

        return numba.threading_layer()
    except (ImportError, ValueError):  # ValueError: no parallel kernel has run
        return None


def blas_override() -> dict[str, str]:
    """Return the environment variables that make OpenBLAS pick another kernel than this CPU's."""
    names = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    return {name: printable(os.environ[name]) for name in names if name in os.environ}
