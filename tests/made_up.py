"""Made-up results: figures of any times, and a document of plausible ones, the same every time."""

import random
from itertools import product

from looptax.bench.measure.anatomy.parts import SPLIT
from looptax.bench.measure.data import shape
from looptax.bench.measure.matrix import Matrix
from looptax.bench.measure.peers import PEERS
from looptax.bench.show import storage
from looptax.bench.show.result import (
    ALONE,
    SCHEMA,
    Bandwidth,
    Cell,
    Costs,
    Document,
    Figure,
    Fma,
    Limits,
    Noise,
    Parts,
    Section,
    Simd,
    Temporaries,
)  # fmt: skip
from looptax.bench.teach.lesson.pictures import Growth
from looptax.kernels.ladder import LADDER
from msgspec.structs import replace

SWEEPS = 9
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
BUDGET = 1.7
PARTS = {"Xw": 0.45, "link": 0.13, "gradient": 0.42}


def figure(rung, sweeps, *, source="9x2", dtype="float64", threads=1, situation=ALONE, p90=None):
    """Return the figure of these times; one number stands for six sweeps of the same, None for no time."""
    times = [sweeps] * 6 if isinstance(sweeps, float) else list(sweeps or ())
    cell = Cell(rung, source, dtype, "C", threads, situation)
    return Figure(cell, *shape(source), "measured", None, times, None, p90 and list(p90))


def limits(*, read=1e10, flops=1e12, call=1e-8):
    """Return the limits of one thread of a machine that reads all working sets at one rate."""
    return Limits([Bandwidth(1, size, read) for size in (1 << 14, 1 << 30)], [Fma("float64", 1, flops)], call)


def growth(rungs, *, call=1e-6, number=1e-9):
    """Return how a step grows that takes so many seconds for a call and for a number; each rung takes half the last."""
    samples, features = (100, 1_000, 10_000), (3, 30, 300)
    seconds = {
        rung: [[(call + number * m * n) / 2**place for n in features] for m in samples]
        for place, rung in enumerate(rungs)
    }
    rates = [(1 << 14, 1e11), (1 << 20, 5e10), (1 << 26, 1e10)]
    return Growth(samples, features, seconds, rates, {"L1": 32 << 10, "L2": 512 << 10, "L3": 8 << 20})


def section(*figures, limits=None):
    """Return the section of these figures."""
    return Section(SCHEMA, list(figures), limits=limits)


def document(sources=("100x2", "1000x10", "1000x100", "10000x100", "100000x30"), dtypes=("float64", "float32")):
    """Return a document of the ladder and the peers, with every section filled."""
    rng = random.Random(20130101)
    rungs = tuple(ELEMENT) + tuple(peer.name for peer in PEERS)
    matrix = Matrix(rungs, sources, dtypes, ("C", "F"), (1, 2), 0.3, BUDGET)
    drift = [rng.uniform(0.95, 1.1) for _ in range(SWEEPS)]
    cells = [_figure(cell, rng, drift) for cell in matrix.cells()]
    speeds = ((16384, 3.1e11), (524288, 1.2e11), (8388608, 4.5e10), (268435456, 1.6e10))
    peaks = (("float64", 6.1e10), ("float32", 1.22e11))
    made = Section(
        SCHEMA,
        cells,
        matrix.settings() | {"sweeps": SWEEPS, "seed": 7},
        "looptax run --preset M --peers --html report.html",
        limits=Limits(
            [Bandwidth(n, size, speed * (1 + 0.7 * (n - 1))) for n in (1, 2) for size, speed in speeds],
            [Fma(dtype, n, peak * n) for dtype, peak in peaks for n in (1, 2)],
            4.1e-08,
        ),
        noise=Noise((0.2, 1.9), 0.003, (2990.0, 3010.0), 0.02, []),
        rungs=[_cost(rung) for rung in LADDER],
        parts=[
            _parts(name, source, dtype, order)
            for source, dtype, order, name in product(sources[:2], dtypes[:1], "C", SPLIT)
        ],
    )
    timed = [one for one in cells if one.seconds]
    rounds = [{"param": one.cell.id, "stats": {"median": one.seconds, "data": one.sweeps}} for one in timed]
    commit = {"id": "0123456789abcdef0123456789abcdef01234567"}
    whole = Document(made, MACHINE, rounds, commit, "2026-11-22T22:45:39.123456+00:00", "5.3.1")
    return storage.checked(storage.plain(whole))


def _seconds(cell):
    m, n = shape(cell.source)
    family = cell.rung.partition("-")[0]
    speed = ELEMENT.get(cell.rung, 1.2) * (0.6 if cell.dtype == "float32" else 1) / (1 + 0.6 * (cell.threads - 1))
    return CALL[family] + m * 2e-9 + m * n * speed * 1e-9


def _figure(cell, rng, drift):
    seconds, found = _seconds(cell), Figure(cell, *shape(cell.source), "measured", error_used=0.01)
    if 3 * seconds > BUDGET:
        return replace(found, status="over budget", reason=f"3 calls would need more than {BUDGET:g} s")
    if cell.rung == "peer-jax" and cell.threads == 1:
        reason = "JAX starts one thread for each usable CPU, 2, and cannot be set to 1"
        return replace(found, status="unavailable", reason=reason)

    def sweep():
        return [seconds * factor * rng.uniform(0.99, 1.01) for factor in drift]

    return replace(found, sweeps=sweep(), again=sweep() if cell.rung == "numpy-stable" else None)


def _cost(rung):
    jit, cython = rung.family == "numba", rung.family == "cython"
    return Costs(
        rung.name, rung.family, rung.technique, 20 + 6 * list(ELEMENT).index(rung.name),
        import_seconds=0.4 if jit else 0.1,
        cold_seconds=3.5 if jit else None,
        cached_seconds=0.06 if jit else None,
        build_seconds=21.0 if cython else None,
        simd=Simd("x86_64_v4", 120, 4, "objdump") if jit or cython else None,
    )  # fmt: skip


def _parts(name, source, dtype, order):
    m, n = shape(source)
    call, loops = CALL[name.partition("-")[0]], m * n * ELEMENT[name] * 1e-9
    return Parts(
        name, source, dtype, order, 2 if name == "cython-simd" else 1,
        seconds={"call": call} | {part: share * loops for part, share in PARTS.items()},
        total=call + loops,
        temporaries=Temporaries(4, 8 * m) if name == "cython-simd" else Temporaries(0, 8 * n),
    )  # fmt: skip


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
    """Return the document with hostile text wherever a file may have text, and where none may."""
    poisoned = storage.checked(storage.plain(document))
    poisoned.machine_info["cpu"]["brand"] = poisoned.machine_info["system"] = HOSTILE
    section = poisoned.looptax
    section.command = f"looptax run --json '{HOSTILE}'"
    for one in section.cells:
        one.cell = replace(one.cell, rung=_poisoned(one.cell.rung))
        one.reason = one.reason and f"=cmd(){HOSTILE}"
    for one in (*section.rungs, *section.parts):
        one.rung = _poisoned(one.rung)
    return poisoned


def _poisoned(rung):
    return HOSTILE if rung == "cython-simd" else rung
