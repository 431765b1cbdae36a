"""Random inputs of the step and its variants: case number `index` of a seed is the same for ever."""

from typing import Any, NamedTuple

import numpy as np
from golden_several import Rows
from guarded import extent

DTYPES = (np.float32, np.float64)
LABELS = (np.bool_, np.int8, np.int64, np.uint8, np.float32, np.float64, np.float16)


class Case(NamedTuple):
    """What goes into a step; of several classes w is (k, n), b (k,). v and v0 are a direction, shaped like w and b."""

    X: Any
    y: np.ndarray
    w: np.ndarray
    b: Any
    s: np.ndarray | None
    l2: float
    v: np.ndarray
    v0: Any


def drawn(seed, index):
    """Return a generator of random numbers for a case, and the case."""
    rng = np.random.default_rng([seed, index])
    return rng, _case(rng)


def _case(rng):
    dtype = DTYPES[rng.integers(2)]
    m, n = _length(rng), _length(rng)
    if m * n > 20_000:
        m, n = min(m, 200), min(n, 100)
    classes = int(rng.integers(2, 10)) if rng.random() < 0.15 else None
    sparse = rng.random() < 0.15
    X = _compressed(rng, m, n, dtype) if sparse else laid(rng, _values(rng, (m, n), dtype))
    shape = (classes, n) if classes else (n,)
    kind = LABELS[rng.integers(len(LABELS))] if rng.random() < 0.4 else dtype
    if kind is np.bool_ and classes:
        kind = np.int8
    y = laid(rng, rng.integers(0, classes or 2, m).astype(kind))
    w, v = (_values(rng, shape, dtype) for _ in range(2))
    if rng.random() < 0.7:
        w = (w / dtype(np.sqrt(n))).astype(dtype)
    b, v0 = (_values(rng, (classes,) if classes else (), dtype) for _ in range(2))
    s = _weights(rng, m, dtype) if rng.random() < 0.3 else None
    l2 = float(rng.choice([1e-6, 0.25, 3.0])) if rng.random() < 0.3 else 0.0
    return Case(X, y, w if classes else laid(rng, w), b if classes else b[()], s, l2, v, v0 if classes else v0[()])


def _length(rng):
    """Return 1 to 40 mostly, at times hundreds or thousands."""
    draw = rng.random()
    return int(rng.integers(1, 20 if draw < 0.6 else 41 if draw < 0.95 else 300 if draw < 0.99 else 3000))


def _values(rng, shape, dtype):
    """Return numbers: of ordinary size, tiny, large, of all sizes, or with some that are none."""
    found = np.asarray(rng.standard_normal(shape), dtype)
    kind, info = rng.integers(20), np.finfo(dtype)
    with np.errstate(all="ignore"):
        if kind == 0:
            found = found * info.smallest_normal / dtype(16)
        elif kind == 1:
            found = found * dtype(2.0 ** rng.integers(-30, 30))
        elif kind == 2:
            found = found * np.exp2(rng.integers(-40, 40, shape)).astype(dtype)
        elif kind == 3:
            found = found * dtype(2.0) ** dtype(info.maxexp - rng.integers(1, 12))
        elif kind == 4:
            found = np.rint(found).astype(dtype)
        elif kind == 5:
            found = np.zeros(shape, dtype)
        elif kind == 6:
            some = rng.random(shape) < 0.1
            found = np.where(some, rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, info.max, info.tiny]), found)
    return np.asarray(found, dtype)


def _weights(rng, m, dtype):
    """Return weights of samples, not all 0."""
    s = rng.random(m) * 2.0 ** rng.integers(-20, 20)
    if rng.random() < 0.5:
        s[rng.random(m) < 0.3] = 0
    s[rng.integers(m)] = 1
    found = laid(rng, s.astype(dtype if rng.random() < 0.8 else np.float64))
    return found if found.any() else s  # which may be all 0 where they overlap


def laid(rng, values):
    """Return the values with any strides, also negative, zero or overlapping, from any byte on; NaN is between them.

    Where elements overlap, they have the values that were written last.
    """
    size, plain = values.itemsize, rng.random()
    if plain < 0.4:
        return values if plain < 0.2 else np.asfortranarray(values)
    strides, step = [0] * values.ndim, size * int(rng.choice([1, 1, 1, 1, 2, 3, 0]))
    for axis in range(values.ndim) if rng.random() < 0.5 else range(values.ndim)[::-1]:
        strides[axis] = step * int(rng.choice([1, 1, 1, -1]))
        step = abs(step) * values.shape[axis] + size * int(rng.integers(4))
        if rng.random() < 0.1:
            step = int(rng.integers(0, 3)) * size  # rows are the same, or overlap
        if rng.random() < 0.05:
            step += int(rng.integers(size))
    low, high = extent(values.shape, strides, size)
    at = int(rng.integers(64)) * (size if rng.random() < 0.9 else 1)
    memory = np.full(high - low + at + 8, 0xFF, np.uint8)
    found = np.ndarray(values.shape, values.dtype, memory, at - low, strides)
    found[...] = values
    if rng.random() < 0.2:
        found.flags.writeable = False
    return found


def _compressed(rng, m, n, dtype):
    """Return compressed rows: unsorted, with repeated entries and rows of none, at times more than the rows hold."""
    lengths = rng.integers(0, max(2, min(2 * n, 60)), m) * (rng.random(m) < 0.8)
    pointers = np.concatenate([[0], np.cumsum(lengths)])
    count = int(pointers[-1]) + int(rng.integers(3))
    kind = np.int64 if rng.random() < 0.3 else np.int32
    indices = rng.integers(0, n, count).astype(kind)
    return Rows(_values(rng, (count,), dtype), indices, pointers.astype(kind), (m, n), np.dtype(dtype))


def is_judged(case, v=False):
    """Whether no product or sum comes near the end of the dtype: else what comes of them is infinite, or is not.

    Nor is there a right answer along a direction `v` that is infinite: times a derivative that underflows it is a NaN.
    """
    if v and not (np.isfinite(case.v).all() and np.isfinite(case.v0).all()):
        return False
    most = np.finfo(case.X.dtype).max
    x, w, b = (_largest(part) for part in (case.X.data if isinstance(case.X, Rows) else case.X, case.w, case.b))
    m, n = case.X.shape
    terms = max(n, 60) if isinstance(case.X, Rows) else n
    count = max(m, len(case.X.data)) if isinstance(case.X, Rows) else m
    shares = count * max(_largest(case.s), 1.0) if case.s is not None else count
    with np.errstate(all="ignore"):
        z = terms * x * w + b
        sizes = [z * shares, x * shares, case.l2 * w * max(w, 1) * w.size * n]
        if v:
            u = terms * x * _largest(case.v) + _largest(case.v0)
            sizes += [u * 8 * shares * max(x, 1), case.l2 * _largest(case.v)]
    return max(sizes) < most / 64


def _largest(values):
    """Return the largest size of the numbers that are finite."""
    size = np.abs(np.asarray(values, np.longdouble))
    return np.where(np.isfinite(size), size, 0).max(initial=0)
