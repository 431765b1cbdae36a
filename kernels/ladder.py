"""The ladder: every rung in teaching order, as data. Tests, benchmark and lesson all read it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from .choose import isa

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..pyimpl.contract import StepFunction


class UnavailableError(ImportError):
    """A rung cannot run here; the message says why. It is shown, never replaced by another."""


@dataclass(frozen=True)
class Rung:
    """One implementation of the step.

    Attributes
    ----------
    name : str
        Its technique, as the command line and the tables call it.
    family : str
        python, numpy, numba or cython.
    technique : str
        What it does, in a few words.
    grew_from : str or None
        The rung it was changed from, one above it; None for the first.
    module : str
        The file it lives in, relative to this package; or the compiled kernel's name.
    threads : str
        "one", or what provides its threads: "blas", "numba", "openmp", or "team", our own.
    accuracy : str
        Which error bound it promises: "relative" or, for the notes' own logarithm, "notes" (see
        `looptax.bench.conformance.bound`).
    skips_zeros : bool
        Whether products with a weight or a dz of 0 may be left out, and with them the NaN that 0
        times an infinity or a NaN is: OpenBLAS's gemv, which ``np.dot`` calls, does so.
    passes : int
        How often X comes from memory where it is larger than the caches.
    """

    name: str
    family: str
    technique: str
    grew_from: str | None
    module: str
    threads: str = "one"
    accuracy: str = "relative"
    skips_zeros: bool = False
    passes: int = 1

    def load(self) -> StepFunction:
        """Return the rung's `step`; raise `UnavailableError` with the reason where it cannot run."""
        try:
            if self.family == "cython":
                return isa.load(self.module).step
            return import_module(self.module, __package__).step
        except ImportError as error:
            raise UnavailableError(f"{self.name}: {error}") from error


LADDER: tuple[Rung, ...] = (
    Rung("python-array", "python", "double loop, indexing a NumPy array", None, "..pyimpl.loops_array"),
    Rung("python-floats", "python", "double loop over Python floats", "python-array", "..pyimpl.loops_floats"),
    Rung("numpy-rowwise", "numpy", "Python loop over samples, np.dot inside", "python-floats", "..pyimpl.rowwise_dot"),
    Rung(
        "numpy-notes",
        "numpy",
        "vectorized as in the course notes",
        "numpy-rowwise",
        "..pyimpl.vectorized_notes",
        "blas",
        accuracy="notes",
        skips_zeros=True,
        passes=2,
    ),
    Rung(
        "numpy-stable",
        "numpy",
        "vectorized, numerically stable",
        "numpy-notes",
        "..pyimpl.vectorized_stable",
        "blas",
        skips_zeros=True,
        passes=2,
    ),
    Rung(
        "numpy-buffers",
        "numpy",
        "stable, preallocated buffers",
        "numpy-stable",
        "..pyimpl.vectorized_buffers",
        "blas",
        skips_zeros=True,
        passes=2,
    ),
    Rung("numba-serial", "numba", "@njit of the double loop", "python-array", ".numba_serial"),
    Rung("numba-simd", "numba", "fastmath, vectorisable exp", "numba-serial", ".numba_simd", passes=2),
    Rung("numba-parallel", "numba", "the same, prange over blocks", "numba-simd", ".numba_parallel", "numba", passes=2),
    Rung("numba-fused", "numba", "one read of X, tile by tile, prange", "numba-parallel", ".numba_fused", "numba"),
    Rung("cython-serial", "cython", "double loop, typed memoryviews", "python-array", "cython_serial"),
    Rung("cython-simd", "cython", "loops the compiler vectorises", "cython-serial", "cython_simd", passes=2),
    Rung(
        "cython-parallel",
        "cython",
        "the same, OpenMP prange over blocks",
        "cython-simd",
        "cython_parallel",
        "openmp",
        passes=2,
    ),
    Rung("cython-fused", "cython", "one read of X, tile by tile, OpenMP", "cython-parallel", "cython_fused", "openmp"),
    Rung(
        "cython-tuned", "cython", "explicit vectors, a schedule, our own team", "cython-fused", "cython_tuned", "team"
    ),
)


def nearest(name: str, measured: Collection[str]) -> str | None:
    """Return the rung that `name` grew from, directly or not, that is among those measured; None where none is."""
    grew_from = {known.name: known.grew_from for known in LADDER}
    above = grew_from.get(name)
    while above and above not in measured:
        above = grew_from[above]
    return above


def rung(name: str) -> Rung:
    """Return the rung of that name; KeyError lists the names there are."""
    for candidate in LADDER:
        if candidate.name == name:
            return candidate
    raise KeyError(f"no rung is named {name!r}; there are: {', '.join(r.name for r in LADDER)}")
