"""More than 2^31 numbers that are 0 but for a few, what a step makes of them, and calls under a malloc of their own.

Linux backs memory that was only read by one page of zeros, so that such arrays take next to none. What is not 0 lies at
both ends, and where an index or an offset in bytes passes 31 or 32 bits: a kernel that loses some finds others there.
"""

import math
import mmap
from typing import NamedTuple

import numpy as np
from looptax.bench.conformance.bound import bound
from looptax.bench.conformance.oracle import Curvature, exact
from looptax.kernels import fastest, plan

NO_RESERVE = 0x4000  # MAP_NORESERVE of Linux: more than there is memory may be asked for
#: Of float32, offsets in bytes pass 31, 32 and 33 bits; at the last two an index passes 31 and 32.
EDGES = (1 << 29, 1 << 30, 1 << 31, 1 << 32)
CHAIN = 8  # times the bound of so few samples: a sum over many alike has more roundings, in lanes of a chunk


def zeros(shape, dtype=np.float32, order="C"):
    """Return zeros that take memory only where they are written to."""
    size = math.prod(np.atleast_1d(shape).tolist()) * np.dtype(dtype).itemsize
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NO_RESERVE)
    memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, dtype).reshape(shape, order=order)


def places(size):
    """Return which of so many numbers are not 0, and what they are."""
    near = {edge + by for edge in EDGES for by in (-1, 0, 1)} | {0, 1, size - 1}
    found = np.array(sorted(one for one in near if one < size))
    return found, (1 + np.arange(len(found)) / 16) * (-1.0) ** np.arange(len(found))


class Few(NamedTuple):
    """The samples that are not all 0, with the features that are not, and one sample that stands for all others.

    Attributes
    ----------
    X, y : numpy.ndarray
    counts : numpy.ndarray
        How many samples each stands for.
    rows, columns : numpy.ndarray
        Where they are in the whole.
    """

    X: np.ndarray
    y: np.ndarray
    counts: np.ndarray
    rows: np.ndarray
    columns: np.ndarray


def few(shape, rows, columns, values):
    """Return the few of a matrix with these values, whose labels are 1 in every other sample that is not all 0."""
    m, (found, i), (features, j) = shape[0], *(np.unique(one, return_inverse=True) for one in (rows, columns))
    alike = m - len(found)
    X = np.zeros((len(found) + (alike > 0), len(features)), np.float32)
    np.add.at(X, (i, j), values)
    counts, y = np.ones(len(X)), np.zeros(len(X), np.float32)
    y[: len(found) : 2] = 1
    if alike:
        counts[-1] = alike
    return Few(X, y, counts, found, features)


def labels(part, m):
    """Return the labels of all samples."""
    y = zeros((m,))
    y[part.rows] = part.y[: len(part.rows)]
    return y


def weights(part, n, classes=1):
    """Return weights that are 0 where all of X is."""
    found = zeros((classes, n))
    found[:, part.columns] = np.sin(1 + np.arange(classes * len(part.columns))).reshape(classes, -1)
    return found[0] if classes == 1 else found


def filled(shape, order="C", step=1):
    """Return X in which every so manieth column of an array is a feature, and its few."""
    X = zeros((shape[0], shape[1] * step), order=order)[:, ::step]
    at, values = places(X.size)
    rows, columns = np.unravel_index(at, shape, order)
    X[rows, columns] = values
    return X, few(shape, rows, columns, values)


def check(found, part, w, b, accuracy="relative", everywhere=True, **direction):
    """Raise AssertionError where a step, or a curvature, is not that of the few; nothing else may have a gradient."""
    at = part.columns
    some = {name: value[..., at] if name == "v" else value for name, value in direction.items()}
    given = (w[..., at], b)
    right = exact(part.X.astype(np.float64), part.y, *given, sample_weight=part.counts, **some)
    allowed = bound(part.X, part.y, *given, accuracy, sample_weight=part.counts, **some)
    for name in right._fields:
        got = getattr(found, name)
        if name == "dw":
            assert not everywhere or np.count_nonzero(got) == np.count_nonzero(got[..., at]), "a gradient elsewhere"
            got = got[..., at]
        errors = np.abs(np.asarray(got, np.longdouble) - getattr(right, name))
        assert (errors <= CHAIN * getattr(allowed, name)).all(), f"{name} is {got}; expected {getattr(right, name)}"


def curvature(product, classes=1):
    """Return what `hessp` found as `check` wants it."""
    found = product.reshape(classes, -1)
    return Curvature(found[0, :-1], found[0, -1]) if classes == 1 else Curvature(found[:, :-1], found[:, -1])


# Calls with more than 2^31 features, in a process whose malloc is `lent.c`: they are right where pages are its own.

FEATURES = (1 << 31) + 5


def spread(m):
    """Return the rows, columns and values of numbers in so many samples, each in another feature."""
    columns, values = places(FEATURES)
    return np.arange(len(columns)) * m // len(columns), columns, values


def dense(say, order):
    """A step on two samples."""
    X, (rows, columns, values) = zeros((2, FEATURES), order=order), spread(2)
    X[rows, columns] = values
    part = few(X.shape, rows, columns, values)
    w = weights(part, FEATURES)
    check(fastest(X, labels(part, 2), w, 0.25), part, w, 0.25, everywhere=False)


def compressed(say):
    """A step on compressed rows."""
    from scipy.sparse import csr_array

    rows, columns, values = spread(3)
    part = few((3, FEATURES), rows, columns, values)
    X = csr_array((values.astype(np.float32), columns, np.searchsorted(rows, range(4))), (3, FEATURES))
    w = weights(part, FEATURES)
    check(plan(X, labels(part, 3)).step(w, 0.25), part, w, 0.25, everywhere=False)
