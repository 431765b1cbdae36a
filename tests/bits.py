"""Results bit by bit, and the builds that return them."""

from importlib import import_module

import numpy as np
from looptax.kernels.choose import isa

#: Builds that have a fused multiply-add, and so the golden bits.
FUSED = [level for level in isa.available("cython_tuned") if level in ("x86_64_v3", "x86_64_v4")]


class WrongError(Exception):
    """A result is not what it should be."""


def as_bytes(result):
    """Return the bytes of all its values, one after the other."""
    return b"".join(np.asarray(value).tobytes() for value in result)


def build(level, kernel="cython_tuned"):
    """Return a kernel's build for an instruction set."""
    return import_module(f"looptax.kernels.{isa.available(kernel)[level]}")
