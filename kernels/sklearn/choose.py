"""Which solver should take the least time: a model of what each costs, in multiply-adds of a gradient.

===============  ============================================================================================
a gradient       2 m n k of dense X (n k numbers of a sample go in, as many come out), 16 for each entry of sparse X
a curvature      m n² / 2 for each pair of classes; it works from registers, where a gradient waits for memory, so
                 four count as one; its Cholesky factor (k n)³ / 3, as fast
an iteration     a gradient, and what Python takes for the rest of it, whatever the data
Newton           a gradient and a curvature, for about 8 iterations, badly conditioned or not
L-BFGS           a gradient, for about 20 iterations: its metric is the curvature of a few samples, so that it does
                 not need many more where columns differ in scale or go together
===============  ============================================================================================

So Newton is for small data and few features. Newton with conjugate gradients is never the cheapest by this model: its
20 to 60 products cost more than a gradient each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..blocks import BlockPlan
from ..choose.compressed import is_sparse

if TYPE_CHECKING:
    from ..choose.plans import Plan

NEWTON, LBFGS = 8, 20  # iterations
REGISTERS = 4  # multiply-adds of a curvature in the time of one of a gradient
ENTRY = 16  # of a gradient, for each entry of sparse X and class: entries are scattered
OVERHEAD = 100_000  # of an iteration: 40 us
MAX_CURVATURE = 1 << 28  # bytes: a larger one is not thought of


class Choice(NamedTuple):
    """A solver, and why it was taken.

    Attributes
    ----------
    name : str
        As the parameter `solver` has it.
    why : str
        "asked for", or what the model says.
    """

    name: str
    why: str


def choose(bound: Plan) -> Choice:
    """Return the solver that should take the least time for a plan's cost."""
    m, n, k = bound.samples, bound.features + 1, bound.classes or 1
    gradient = ENTRY * bound.X.nnz * k if is_sparse(bound.X) else 2 * m * n * k
    curvature = (m * n**2 * k * (k + 1) / 4 + (k * n) ** 3 / 3) / REGISTERS
    newton = NEWTON * (gradient + curvature + OVERHEAD)
    lbfgs = LBFGS * (gradient + OVERHEAD)
    fits = 8 * (k * n) ** 2 <= MAX_CURVATURE and not isinstance(bound, BlockPlan)
    name = "newton-cholesky" if newton < lbfgs and fits else "lbfgs"
    what = f"{m:,} samples of {n - 1:,} features" + (f", {k} classes" if bound.classes else "")
    return Choice(
        name,
        f"for {what}, {NEWTON} steps of newton-cholesky should cost {newton / 1e6:.3g} million multiply-adds, "
        f"{LBFGS} of lbfgs {lbfgs / 1e6:.3g}",
    )
