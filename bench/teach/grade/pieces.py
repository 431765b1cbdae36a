"""An input and what follows from it, piece by piece, so that a mistake can replace a piece."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...conformance.oracle import Reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...conformance.cases import Case


@dataclass(frozen=True)
class Pieces:
    """An input and what follows from it, in long double.

    Attributes
    ----------
    X, y, w, b
        As in the contract.
    shift : float
        Added to a, and to 1 - a, inside the logarithms.
    sign_of_z : int
        1; or -1 for a sigmoid with the wrong sign.
    bound : float
        Where z is clipped.
    """

    X: np.ndarray
    y: np.ndarray
    w: np.ndarray
    b: Any
    shift: float = 0.0
    sign_of_z: int = 1
    bound: float = np.inf

    @classmethod
    def of(cls, case: Case) -> Pieces:
        """Return the pieces of a case."""
        X, y, w, b = (np.asarray(value, np.longdouble) for value in case[1:])
        return cls(X, y, w, b)

    @property
    def m(self) -> int:
        """How many samples there are."""
        return len(self.y)

    @property
    def z(self) -> np.ndarray:
        """``Xw + b``."""
        return np.clip(self.sign_of_z * ((self.X * self.w).sum(axis=1) + self.b), -self.bound, self.bound)

    @property
    def a(self) -> np.ndarray:
        """``σ(z)``."""
        e = np.exp(-np.abs(self.z))
        return np.where(self.z > 0, 1, e) / (1 + e)

    @property
    def dz(self) -> np.ndarray:
        """``a - y``, without cancellation."""
        e = np.exp(-np.abs(self.z))
        sign = 1 - 2 * self.y
        return sign * np.where(sign * self.z > 0, 1, e) / (1 + e)

    @property
    def log_a(self) -> np.ndarray:
        """``log(a)``."""
        exact = np.minimum(self.z, 0) - np.log1p(np.exp(-np.abs(self.z)))
        return np.log(self.a + self.shift) if self.shift else exact

    @property
    def log_1_a(self) -> np.ndarray:
        """``log(1 - a)``."""
        exact = -np.maximum(self.z, 0) - np.log1p(np.exp(-np.abs(self.z)))
        return np.log(np.exp(exact) + self.shift) if self.shift else exact

    def result(self, *, loss=None, dz=None, X=None, by=None) -> Reference:
        """Return what a step returns, with another loss, dz, X in the gradient or divisor where given."""
        if loss is None:
            loss = np.where(self.y == 1, -self.log_a, -self.log_1_a)
        dz, X, by = self.dz if dz is None else dz, self.X if X is None else X, self.m if by is None else by
        return Reference(loss.sum() / by, (X * dz[:, None]).sum(axis=0) / by, dz.sum() / by)


@dataclass(frozen=True)
class Mistake:
    """A mistake in the maths.

    Attributes
    ----------
    kind : str
        Its name; several may have the same.
    says : str
        What it is, in terms of the maths; ``{outputs}`` stands for those it shows in.
    predict : callable
        From the pieces of an input to what a step that makes it returns.
    whole : bool
        Whether all outputs that it reaches must show it: it is made before they part.
    """

    kind: str
    says: str
    predict: Callable[[Pieces], Reference]
    whole: bool = True


def with_(p: Pieces, **changes: Any) -> Reference:
    """Return what a step returns that has other pieces."""
    return replace(p, **changes).result()
