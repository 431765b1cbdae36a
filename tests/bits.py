"""Results bit by bit."""

import numpy as np


def as_bytes(result):
    """Return the bytes of all its values, one after the other."""
    return b"".join(np.asarray(value).tobytes() for value in result)
