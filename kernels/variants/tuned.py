"""The compiled rung of each variant, with the arguments that the readable ones take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import fastest
from ..choose.planner import plan

if TYPE_CHECKING:
    from ...pyimpl.parts.contract import Step


def weighted(X: Any, y: Any, w: Any, b: Any, s: Any, l2: float) -> Step:
    """Return the step with weights of samples and a penalty."""
    return fastest(X, y, w, b, sample_weight=s, l2=l2)


def softmax(X: Any, y: Any, W: Any, b: Any) -> Step:
    """Return the step for as many classes as W has rows."""
    return fastest.softmax(X, y, W, b)


def sparse(X: Any, y: Any, w: Any, b: Any) -> Step:
    """Return the step on compressed rows."""
    return plan(X, y).step(w, b)


def curvature(X: Any, y: Any, w: Any, b: Any, v: Any, v0: Any) -> tuple[np.ndarray, np.floating]:
    """Return the Hessian times (v, v0)."""
    found = plan(X, y).hessp(np.append(w, X.dtype.type(b)), np.append(v, X.dtype.type(v0))).astype(X.dtype)
    return found[:-1], found[-1]
