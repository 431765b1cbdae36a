"""Numbers held away from where the formulas are at their limits, which changes the answer."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .pieces import Mistake, with_

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...conformance.oracle import Reference
    from .pieces import Pieces

BOUNDS = (10, 15, 16, 20, 25, 30, 32, 36, 40, 50, 100, 200, 250, 300, 500, 600, 700, 709)  # of a clipped z
EPSILONS = (1e-16, 1e-15, 1e-14, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)


def mistakes() -> Iterator[Mistake]:
    """Return them, for the bounds and distances in use."""
    for bound in BOUNDS:
        yield Mistake(
            "clipped z",
            f"z is clipped to ±{bound}. That keeps exp from overflowing and changes the function: beyond it the loss "
            "must go on growing like |z|, or fall like e^-|z|. Take e = exp(-|z|), which never overflows.",
            partial(with_, bound=bound),
            False,
        )
    says = (
        "{} {:g} keeps the logarithm from 0 and puts a ceiling of about {:.3g} on a sample's loss, which should "
        "grow like |z|. Take log(1 + e^z) - y z = max(s, 0) + log1p(exp(-|s|)), with s = (1 - 2y) z."
    )
    for epsilon in EPSILONS:
        ceiling = -np.log(epsilon)
        added = says.format("Adding to a inside the logarithm", epsilon, ceiling)
        clipped = says.format("Clipping a at a distance from 0 and 1 of", epsilon, ceiling)
        yield Mistake("epsilon in log", added, partial(with_, shift=epsilon), False)
        yield Mistake("epsilon in log", clipped, partial(_log_of_clipped, epsilon=epsilon), False)
    for dtype in (np.float32, np.float64):
        yield Mistake(
            "subnormals flushed",
            "Subnormal numbers are taken for 0: the code runs with flush-to-zero, which -ffast-math turns on.",
            partial(_flushed, tiny=float(np.finfo(dtype).smallest_normal)),
            whole=False,
        )


def _flushed(p: Pieces, tiny: float) -> Reference:
    X, w, b = (np.where(np.abs(value) < tiny, 0, value) for value in (p.X, p.w, p.b))
    return replace(p, X=X, w=w, b=b[()]).result()


def _log_of_clipped(p: Pieces, epsilon: float) -> Reference:
    log_a, log_1_a = (np.log(np.clip(a, epsilon, 1 - np.longdouble(epsilon))) for a in (p.a, np.exp(p.log_1_a)))
    return p.result(loss=np.where(p.y == 1, -log_a, -log_1_a))
