"""Made-up results: figures of any times, and a document of plausible ones, the same every time."""

import json
import random
from itertools import product
from statistics import median

from looptax.bench.measure.anatomy.parts import SPLIT
from looptax.bench.measure.data import shape
from looptax.bench.measure.matrix import Cell, Matrix
from looptax.bench.measure.peers import PEERS, entrant
from looptax.bench.measure.situations import ALONE
from looptax.bench.show.results import Figure
from looptax.kernels.ladder import LADDER

SWEEPS = 5
CALL = {"python": 4e-7, "numpy": 2e-5, "numba": 8e-7, "cython": 6e-7, "peer": 4e-5}  # seconds
ELEMENT = {  # nanoseconds per element of X on one thread
    "python-array": 330,
    "python-floats": 85,
    "numpy-rowwise": 29,
    "numpy-notes": 0.7,
    "numpy-stable": 0.75,
    "numpy-buffers": 0.75,
    "numba-serial": 0.78,
    "numba-simd": 0.5,
    "numba-parallel": 0.48,
    "numba-fused": 0.37,
    "cython-serial": 1.25,
    "cython-simd": 0.52,
    "cython-parallel": 0.5,
    "cython-fused": 0.4,
    "cython-tuned": 0.32,
}
BUDGET = 5.0
PARTS = {"Xw": 0.45, "link": 0.13, "gradient": 0.42}
COMPILED = ("numba", "cython")


def figure(rung, sweeps, *, source="9x2", dtype="float64", threads=1, situation=ALONE, p90=()):
    """Return the figure of these times; one number stands for three sweeps of the same, None for no time."""
    times = (sweeps,) * 3 if isinstance(sweeps, float) else sweeps or ()
    seconds = median(times) if times else None
    cell = Cell(rung, source, dtype, "C", threads, situation)
    return Figure(cell, *shape(source), "measured", None, seconds, times, (), p90)


def document(sources=("100x2", "1000x10", "1000x100", "10000x100", "100000x30"), dtypes=("float64", "float32")):
    """Return a document of schema 2 of the ladder and the peers, with every section filled."""
    rng = random.Random(20130101)
    rungs = tuple(ELEMENT) + tuple(peer.name for peer in PEERS)
    matrix = Matrix(rungs, sources, dtypes, ("C", "F"), (1, 2), 0.3, BUDGET)
    drift = [rng.uniform(0.95, 1.1) for _ in range(SWEEPS)]
    cells = [_cell(cell, rng, drift) for cell in matrix.cells()]
    names = [rung.name for rung in LADDER]
    return {
        "machine_info": MACHINE,
        "commit_info": {"id": "0123456789abcdef0123456789abcdef01234567"},
        "benchmarks": [
            {"param": c["id"], "stats": {"median": sorted(c["seconds"])[SWEEPS // 2], "data": c["seconds"]}}
            for c in cells
            if c["seconds"]
        ],
        "datetime": "2026-11-22T22:45:39.123456+00:00",
        "version": "5.3.1",
        "looptax": {
            "schema": 2,
            "command": "looptax run --preset M --peers --html report.html",
            "settings": matrix.as_dict() | {"sweeps": SWEEPS, "seed": 7},
            "blas_override": {},
            "cells": cells,
            "limits": {
                "bandwidth": [
                    {"threads": threads, "bytes": size, "bytes_per_second": speed * (1 + 0.7 * (threads - 1))}
                    for threads in (1, 2)
                    for size, speed in ((16384, 3.1e11), (524288, 1.2e11), (8388608, 4.5e10), (268435456, 1.6e10))
                ],
                "fma": [
                    {"dtype": dtype, "threads": threads, "flops": peak * threads}
                    for dtype, peak in (("float64", 6.1e10), ("float32", 1.22e11))
                    for threads in (1, 2)
                ],
                "call_seconds": 4.1e-08,
            },
            "noise": {"load": [0.2, 1.9], "steal": 0.003, "mhz": [2990.0, 3010.0], "spread": 0.02, "unstable": []},
            "rungs": [_cost(name) for name in names],
            "parts": [
                _parts(name, source, dtype, order)
                for source, dtype, order, name in product(sources[:2], dtypes[:1], "C", SPLIT)
            ],
            "growth": [_growth(name, along, rng) for name, along in product(names, ("samples", "features"))],
        },
    }


def _seconds(cell):
    m, n = map(int, cell.source.split("x"))
    family = entrant(cell.rung).family
    speed = ELEMENT.get(cell.rung, 1.2) * (0.6 if cell.dtype == "float32" else 1) / (1 + 0.6 * (cell.threads - 1))
    return CALL[family] + m * 2e-9 + m * n * speed * 1e-9


def _cell(cell, rng, drift):
    m, n = map(int, cell.source.split("x"))
    seconds = _seconds(cell)
    status, reason = "measured", None
    if 9 * seconds > BUDGET:
        status, reason = "over budget", f"9 calls would need more than {BUDGET:g} s"
    elif cell.rung == "peer-jax" and cell.threads == 1:
        status, reason = "unavailable", "JAX starts one thread for each usable CPU, 2, and cannot be set to 1"

    def sweep():
        return [seconds * factor * rng.uniform(0.99, 1.01) for factor in drift] if status == "measured" else []

    return {
        "id": cell.id,
        "cell": cell._asdict(),
        "samples": m,
        "features": n,
        "status": status,
        "reason": reason,
        "error_used": 0.01 if status == "measured" else None,
        "pools": {"openblas (libscipy_openblas)": cell.threads},
        "seconds": sweep(),
        "again": sweep() if cell.rung == "numpy-stable" else None,
    }


def _cost(name):
    family = entrant(name).family
    compiled = family in COMPILED
    return {
        "rung": name,
        "family": family,
        "technique": entrant(name).technique,
        "lines": 20 + 6 * list(ELEMENT).index(name),
        "import_seconds": 0.4 if family == "numba" else 0.1,
        "cold_seconds": 3.5 if family == "numba" else None,
        "cached_seconds": 0.06 if family == "numba" else None,
        "build_seconds": 21.0 if family == "cython" else None,
        "reason": None,
        "simd": {"instruction_set": "x86_64_v4", "packed": 120, "scalar": 4, "tool": "objdump"} if compiled else None,
    }


def _parts(name, source, dtype, order):
    m, n = map(int, source.split("x"))
    call, loops = CALL[entrant(name).family], m * n * ELEMENT[name] * 1e-9
    return {
        "rung": name,
        "source": source,
        "dtype": dtype,
        "order": order,
        "seconds": {"call": call} | {part: share * loops for part, share in PARTS.items()},
        "total": call + loops,
        "reason": None,
        "temporaries": {"count": 4, "bytes": 8 * m} if name == "cython-simd" else {"count": 0, "bytes": 8 * n},
        "passes": 2 if name == "cython-simd" else 1,
    }


def _growth(name, along, rng):
    sizes = [10**k for k in range(1, 6 if name.startswith("python") else 8)]
    call = CALL[entrant(name).family]
    points = [[size, (call + 10 * size * ELEMENT[name] * 1e-9) * rng.uniform(0.95, 1.05)] for size in sizes]
    head = {"rung": name, "along": along, "fixed": 10, "dtype": "float64", "order": "C", "threads": 1}
    return {**head, "points": points, "exponent": 0.98, "interval": [0.96, 1.01]}


MACHINE = {
    "cpu": {
        "brand": "AMD EPYC",
        "microarchitecture": "zen5",
        "vendor": "AuthenticAMD",
        "features": ["avx", "avx2", "avx512f", "fma"],
        "cores": 2,
        "threads": 2,
        "usable": 2,
        "caches": {"L1": 49152, "L2": 1048576, "L3": 33554432},
    },
    "memory_bytes": 25276502016,
    "system": "Linux-6.12-x86_64-with-glibc2.36",
    "python": {"version": "3.13.1", "implementation": "cpython"},
    "kernels": {
        "compiler": "GCC 14.2.0",
        "openmp": 201511,
        "instruction_set": {"cython_serial": "any", "cython_simd": "x86_64_v4"},
    },
    "numba_threading_layer": "omp",
    "thread_pools": [{"internal_api": "openblas", "prefix": "libscipy_openblas", "version": "0.3.30",
                      "architecture": "SkylakeX", "threading_layer": "pthreads"}],
    "packages": {"looptax": "0.1.0", "numpy": "2.4.6", "numba": "0.68.1", "torch": None},
    "git_commit": "0123456789abcdef0123456789abcdef01234567",
}  # fmt: skip


HOSTILE = "</script><script>window.hostile = 1</script><img src=x onerror='window.hostile = 2'>|=1+1"


def hostile(document):
    """Return the document with hostile text wherever a file may have text."""
    poisoned = json.loads(json.dumps(document))
    poisoned["machine_info"]["cpu"]["brand"] = HOSTILE
    poisoned["machine_info"]["system"] = HOSTILE
    section = poisoned["looptax"]
    section["command"] = f"looptax run --json '{HOSTILE}'"
    for one in (*(c["cell"] for c in section["cells"]), *section["rungs"], *section["parts"], *section["growth"]):
        if one["rung"] == "cython-simd":
            one["rung"] = HOSTILE
    for one in section["cells"]:
        if one["reason"]:
            one["reason"] = "=cmd()" + HOSTILE
    return poisoned
