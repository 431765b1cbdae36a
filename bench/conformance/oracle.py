"""The step from its definition, by arithmetic that shares nothing with any rung.

`exact` follows the contract's formulas sample by sample with mpmath at 60 digits, sums included.
`extended` is for data too large for that: NumPy's long double, whose 64-bit significand leaves eleven
bits to spare where it is wider than float64 (on x86), in the same signed-margin form.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import mpmath
import numpy as np

DIGITS = 60
EXACT_UP_TO = 30_000  # elements of X; about 0.2 s
ROWS_AT_A_TIME = 8192  # extended works on slices, so that its copies of X stay small


class Reference(NamedTuple):
    """The right answer, in long double: cost (), dw (n,), db ()."""

    cost: np.longdouble
    dw: np.ndarray
    db: np.longdouble


def reference(X, y, w, b) -> Reference:
    """Return the right answer by whichever oracle suits the size."""
    return exact(X, y, w, b) if X.size <= EXACT_UP_TO else extended(X, y, w, b)


def exact(X, y, w, b) -> Reference:
    """Return cost, dw and db rounded once, from exactly converted inputs.

    NaN and infinity take part as IEEE 754 says: ``inf - inf`` and ``0 * inf`` are NaN, ``e^-inf`` is 0.
    """
    with mpmath.workdps(DIGITS):
        m, n = X.shape
        weights, bias = _exactly(w), mpmath.mpf(float(b))
        losses: list = []
        dws: list[list] = [[] for _ in range(n)]
        db: list = []
        for row, label in zip(X, y, strict=True):
            x = _exactly(row)
            s = (1 - 2 * int(label)) * (mpmath.fsum(p * q for p, q in zip(x, weights, strict=True)) + bias)
            loss, sigma = _margin(s)
            dz = (1 - 2 * int(label)) * sigma
            losses.append(loss)
            db.append(dz)
            for j in range(n):
                dws[j].append(x[j] * dz)
        return Reference(_mean(losses, m), np.array([_mean(terms, m) for terms in dws]), _mean(db, m))


def _margin(s) -> tuple:
    """Return ``log(1 + e^s)`` and ``σ(s)``."""
    if mpmath.isinf(s):
        return (s, mpmath.mpf(1)) if s > 0 else (mpmath.mpf(0), mpmath.mpf(0))
    e = mpmath.exp(-abs(s))
    if s > 0:
        return s + mpmath.log1p(e), 1 / (1 + e)
    return mpmath.log1p(e), e / (1 + e)


def _exactly(values) -> list:
    return [mpmath.mpf(v) for v in np.asarray(values, np.float64).tolist()]


def _mean(terms: list, m: int) -> np.longdouble:
    mean = mpmath.fsum(terms) / m
    high = float(mean)
    if not math.isfinite(high):
        return np.longdouble(high)
    return np.longdouble(high) + np.longdouble(float(mean - high))  # mpmath knows no long double


def extended(X, y, w, b) -> Reference:
    """Return cost, dw and db computed in long double."""
    m, n = X.shape
    cost = db = np.longdouble(0)
    dw = np.zeros(n, np.longdouble)
    for start in range(0, m, ROWS_AT_A_TIME):
        part = slice(start, start + ROWS_AT_A_TIME)
        x = X[part].astype(np.longdouble)
        sign = 1 - 2 * y[part].astype(np.longdouble)
        s = sign * ((x * w.astype(np.longdouble)).sum(axis=1) + np.longdouble(b))
        e = np.exp(-np.abs(s))
        dz = sign * np.where(s > 0, 1, e) / (1 + e)
        cost = cost + (np.maximum(s, 0) + np.log1p(e)).sum()
        dw += (x * dz[:, None]).sum(axis=0)
        db = db + dz.sum()
    return Reference(cost / m, dw / m, db / m)
