"""The ladder: every rung in teaching order, as data. Tests, benchmark and lesson all read it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..pyimpl.parts.contract import shown
from .choose import isa

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ..pyimpl.parts.contract import StepFunction


class UnavailableError(ImportError):
    """A rung cannot run here; the message says why. It is shown, never replaced by another."""


@dataclass(frozen=True)
class Rung:
    """One implementation of the step.

    Attributes
    ----------
    name : str
        Its family and technique; its file has the same name.
    technique : str
        What it does, in a few words.
    grew_from : str or None
        The rung it was changed from, one above it; None for the first.
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
    technique: str
    grew_from: str | None
    threads: str = "one"
    accuracy: str = "relative"
    skips_zeros: bool = False
    passes: int = 1

    @property
    def family(self) -> str:
        """What it is written with: python, numpy, numba or cython."""
        return self.name.partition("-")[0]

    @property
    def variant(self) -> str:
        """What it computes: the plain step; see `variants.ladder` for others."""
        return "step"

    @property
    def module(self) -> str:
        """The name of its file, in pyimpl/ or kernels/."""
        return self.name.replace("-", "_")

    def load(self) -> StepFunction:
        """Return the rung's `step`; raise `UnavailableError` with the reason where it cannot run."""
        folder = "..pyimpl" if self.family in ("python", "numpy") else ""
        try:
            if self.family == "cython":
                return isa.step(self.module)
            return import_module(f"{folder}.{self.module}", __package__).step
        except ImportError as error:
            raise UnavailableError(f"{self.name}: {error}") from error


LADDER: tuple[Rung, ...] = (
    Rung("python-array", "double loop, indexing a NumPy array", None),
    Rung("python-floats", "double loop over Python floats", "python-array"),
    Rung("numpy-rowwise", "Python loop over samples, np.dot inside", "python-floats"),
    Rung(
        "numpy-notes", "vectorized as in the course notes", "numpy-rowwise", "blas",
        accuracy="notes", skips_zeros=True, passes=2,
    ),
    Rung("numpy-stable", "vectorized, numerically stable", "numpy-notes", "blas", skips_zeros=True, passes=2),
    Rung("numpy-buffers", "stable, preallocated buffers", "numpy-stable", "blas", skips_zeros=True, passes=2),
    Rung("numba-serial", "@njit of the double loop", "python-array"),
    Rung("numba-simd", "fastmath, vectorisable exp", "numba-serial", passes=2),
    Rung("numba-parallel", "the same, prange over blocks", "numba-simd", "numba", passes=2),
    Rung("numba-fused", "one read of X, tile by tile, prange", "numba-parallel", "numba"),
    Rung("cython-serial", "double loop, typed memoryviews", "python-array"),
    Rung("cython-simd", "loops the compiler vectorises", "cython-serial", passes=2),
    Rung("cython-parallel", "the same, OpenMP prange over blocks", "cython-simd", "openmp", passes=2),
    Rung("cython-fused", "one read of X, tile by tile, OpenMP", "cython-parallel", "openmp"),
    Rung("cython-tuned", "explicit vectors, a schedule, our own team", "cython-fused", "team"),
)  # fmt: skip


def nearest(name: str, measured: Collection[str], rungs: Iterable[Any] = LADDER) -> str | None:
    """Return the rung that `name` grew from, directly or not, that is among those measured; None where none is."""
    grew_from = {known.name: known.grew_from for known in rungs}
    above = grew_from.get(name)
    while above and above not in measured:
        above = grew_from[above]
    return above


def rung(name: str) -> Rung:
    """Return the rung of that name; KeyError lists the names there are."""
    for candidate in LADDER:
        if candidate.name == name:
            return candidate
    raise KeyError(f"no rung is named {shown(name)}; there are: {', '.join(r.name for r in LADDER)}")
