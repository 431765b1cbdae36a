"""The variants of the step and their rungs, as data: loops, products, one read of X. Tests and the matrix read it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..ladder import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class VariantRung:
    """One implementation of a variant.

    Attributes
    ----------
    variant : str
        "weighted", "softmax", "sparse" or "curvature"; its readable rungs are in the file of `pyimpl.variants` that
        has this name.
    kind : str
        "loops", "products" or "tuned".
    technique : str
        What it does, in a few words.
    """

    variant: str
    kind: str
    technique: str

    accuracy = "relative"  # the error bound it promises, see `looptax.bench.conformance.bound`

    @property
    def name(self) -> str:
        """What it is called: the variant, and how."""
        return f"{self.variant}-{self.kind}"

    @property
    def family(self) -> str:
        """The rungs it is chosen together with: those of its variant."""
        return self.variant

    @property
    def grew_from(self) -> str | None:
        """The rung of its variant that comes before it; None for the first."""
        before = {"products": "loops", "tuned": "products"}.get(self.kind)
        return before and f"{self.variant}-{before}"

    @property
    def threads(self) -> str:
        """What provides its threads, as of a `Rung`; SciPy's products of sparse matrices have one."""
        return {"tuned": "team", "products": "one" if self.variant == "sparse" else "blas"}.get(self.kind, "one")

    @property
    def skips_zeros(self) -> bool:
        """Whether it may leave out products with 0, as of a `Rung`: those that are BLAS's."""
        return self.kind == "products"

    def load(self) -> Callable[..., Any]:
        """Return the function; raise `UnavailableError` with the reason where it cannot run."""
        try:
            if self.kind == "tuned":
                return getattr(import_module(".tuned", __package__), self.variant)
            return getattr(import_module(f"...pyimpl.variants.{self.variant}", __package__), self.kind)
        except ImportError as error:
            raise UnavailableError(f"{self.name}: {error}") from error


VARIANTS: tuple[VariantRung, ...] = (
    VariantRung("weighted", "loops", "double loop over Python floats"),
    VariantRung("weighted", "products", "two products with X"),
    VariantRung("weighted", "tuned", "fastest, one read of X"),
    VariantRung("softmax", "loops", "loops over samples, classes, features"),
    VariantRung("softmax", "products", "two products of matrices"),
    VariantRung("softmax", "tuned", "fastest.softmax, one read of X for all classes"),
    VariantRung("sparse", "loops", "loop over the entries of each row"),
    VariantRung("sparse", "products", "two of SciPy's products"),
    VariantRung("sparse", "tuned", "a plan, one read of the entries"),
    VariantRung("curvature", "loops", "double loop over Python floats"),
    VariantRung("curvature", "products", "three products with X"),
    VariantRung("curvature", "tuned", "Plan.hessp, one read of X"),
)
