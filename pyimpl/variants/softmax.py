"""The step for k classes: a weight vector and an intercept for each, ``a = exp(z) / sum(exp(z))``, ``loss = -log a_y``.

The stable form, in which nothing overflows and nothing cancels: with the largest z subtracted from all, ``e_c <= 1``;
``loss = (max z - z_y) + log1p(rest)``, the rest being the sum of e without that of the largest; and ``dz_y``, which is
``a_y - 1``, is formed as minus the sum of the other a.
"""

from __future__ import annotations

from math import exp, log1p

import numpy as np

from ..parts.contract import Step, check_class_labels, check_class_weights, check_samples


def _check(X, y, W, b):
    check_samples(X)
    check_class_labels(y, len(X), len(W))
    check_class_weights(W, b, X.shape[1], len(W), X.dtype)


def loops(X, y, W, b):
    """Return the step by loops over samples, classes and features."""
    _check(X, y, W, b)
    (m, n), k, real = X.shape, len(W), X.dtype.type
    cost = 0.0
    dW, db = [[0.0] * n for _ in range(k)], [0.0] * k
    for i in range(m):
        z = [float(b[c]) for c in range(k)]
        for c in range(k):
            for j in range(n):
                z[c] += float(W[c, j]) * float(X[i, j])
        answer, largest = int(y[i]), max(range(k), key=lambda c: z[c])
        e = [exp(z[c] - z[largest]) if c != largest else 1.0 for c in range(k)]
        rest = sum(e[c] for c in range(k) if c != largest)
        others = sum(e[c] for c in range(k) if c != answer)
        cost += (z[largest] - z[answer] if answer != largest else 0.0) + log1p(rest)
        for c in range(k):
            dz = (-others if c == answer else e[c]) / (1.0 + rest)
            db[c] += dz
            for j in range(n):
                dW[c][j] += float(X[i, j]) * dz
    return Step(real(cost / m), np.array(dW, X.dtype) / real(m), np.array(db, X.dtype) / real(m))


def products(X, y, W, b):
    """Return the step by two products of matrices."""
    _check(X, y, W, b)
    m, real = len(X), X.dtype.type
    i, answer = np.arange(m), y.astype(np.intp)
    z = X @ W.T + b
    largest = z.argmax(axis=1)
    behind = z[i, largest][:, None] - z
    behind[i, largest] = 0
    e = np.exp(-behind)
    rest = e.sum(axis=1, where=np.arange(len(W)) != largest[:, None])
    dz = e / (1 + rest)[:, None]
    dz[i, answer] = 0
    dz[i, answer] = -dz.sum(axis=1)
    cost = (behind[i, answer] + np.log1p(rest)).sum() / m
    return Step(real(cost), dz.T @ X / real(m), dz.sum(axis=0) / real(m))
