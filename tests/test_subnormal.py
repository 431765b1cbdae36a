"""What subnormal.py times is what it says: numbers are subnormal where it is said, and every step runs."""

import numpy as np
import pytest
from subnormal import inputs, ratios, steps


def some(values):
    """Whether some of the values are subnormal."""
    return bool(((values != 0) & (np.abs(values) < np.finfo(values.dtype).smallest_normal)).any())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_inputs_are_subnormal_where_they_are_said_to_be(dtype, order):
    found = {}
    for what, (X, y, w, b) in inputs(50, 20, dtype, order).items():
        dz = np.exp(-(X.astype(np.longdouble) @ w + b)).astype(dtype) if (y == 1).all() else np.ones(50, dtype)
        found[what] = some(X), some(w), some(X * w), some(X * dz[:, None])
    assert found == {
        "nothing": (False, False, False, False),
        "X": (True, False, True, True),
        "a third of X": (True, False, True, True),
        "w": (False, True, True, False),
        "X and w": (True, True, False, True),  # whose products are 0
        "products": (False, False, True, False),
        "dz": (False, False, False, True),
    }


def test_every_step_is_timed():
    given = inputs(40, 3, np.float64, "C")
    for name, make in steps().items():
        seconds, found = ratios(make, given)
        assert seconds > 0, name
        assert len(found) == len(given) - 1
