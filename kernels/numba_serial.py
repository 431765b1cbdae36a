"""The double loop of the course notes, compiled by Numba.

Changed since `python_array`: one decorator. The functions compiled here are the very ones the pure-
Python rung runs. One pass over X in any layout; bound by the latency of one addition after the
other, and by the C library's exp and log1p, while X is in cache.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from ..pyimpl import python_array
from ..pyimpl.parts import one_sample
from ..pyimpl.parts.contract import Step, check
from .parts.numba_jit import compiled, readonly

register_jitable(one_sample.loss_and_dz)  # compiled too, where compiled code calls it
_double_loop = compiled()(python_array.double_loop)


def step(X, y, w, b):
    """Forward/backward step by the double loop, compiled; see `contract`."""
    X, y, w, b = check(X, y, w, b)
    dw = np.zeros(X.shape[1], X.dtype)
    cost, db = _double_loop(readonly(X), readonly(y), readonly(w), b, dw)
    return Step(X.dtype.type(cost), dw, X.dtype.type(db))
