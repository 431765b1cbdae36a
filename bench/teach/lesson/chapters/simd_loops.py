"""Two loops twice: a sum that may be reordered or not, and losses with an exponential that vectorises or not."""

from __future__ import annotations

from math import exp

import numba

from .....kernels.parts.numba_jit import FASTMATH
from .....kernels.parts.numba_link import loss_and_dz

# Not cached: Numba shows the instructions of what it compiled in this very process.


@numba.njit
def sum_in_order(x):
    """Add up, one after the other, as written."""
    total = 0.0
    for j in range(x.shape[0]):
        total += x[j]
    return total


@numba.njit(fastmath=FASTMATH)
def sum_in_any_order(x):
    """Add up in whatever order suits the machine."""
    total = 0.0
    for j in range(x.shape[0]):
        total += x[j]
    return total


@numba.njit(fastmath=FASTMATH, error_model="numpy")
def sigmoid_called(z):
    """Add up σ(z) with the C library's exponential."""
    total = 0.0
    for i in range(z.shape[0]):
        total += 1.0 / (1.0 + exp(-z[i]))
    return total


@numba.njit(fastmath=FASTMATH, error_model="numpy")
def sigmoid_polynomial(z):
    """Add up σ(z) = dz at y = 0 with the exponential that is a polynomial; the loss comes with it."""
    total = 0.0
    for i in range(z.shape[0]):
        total += loss_and_dz(z[i], 0.0)[1]
    return total
