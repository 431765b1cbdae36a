"""What the labels are: their classes, and of each sample the number of its class."""

from __future__ import annotations

import numpy as np
from sklearn.utils.multiclass import check_classification_targets


def classes_of(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes, in order, and of each label the number of its class: `numpy.unique`, if possible unsorted.

    Raises
    ------
    ValueError
        The labels are numbers that name no classes, such as 0.5.
    """
    if y.dtype.kind in "biuf":
        low, high = y.min(), y.max()
        is_high = y == high
        if (is_high | (y == low)).all() and low != high and high == np.floor(high) and low == np.floor(low):
            return np.array([low, high]), is_high
        if y.dtype.kind in "iu" and int(high) - int(low) < len(y):
            above = (y.astype(np.int64) if y.dtype.kind == "i" else y) - low  # no overflow
            present = np.bincount(above.astype(np.intp)) > 0
            number = np.cumsum(present) - 1
            return np.arange(low, high + 1, dtype=y.dtype)[present], number[above]
    check_classification_targets(y)
    return np.unique(y, return_inverse=True)
