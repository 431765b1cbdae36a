"""The Hessian of the cost times a vector (v, v0): how the gradient changes in that direction, without the Hessian.

The second derivative of a sample's loss is ``a (1 - a)``, which is ``e / (1 + e)^2`` with ``e = exp(-|z|)``; so the
product is the gradient with ``d_i = a_i (1 - a_i) (x_i v + v0)`` in place of dz: two products with X forward, one back.
"""

from __future__ import annotations

from math import exp

import numpy as np

from ..parts.contract import check, check_class_weights, check_samples, check_weights


def loops(X, y, w, b, v, v0):
    """Return the product, of v's part and of v0's, by a double loop."""
    X, y, w, b = check(X, y, w, b)
    check_weights(v, X.shape[1], X.dtype)
    (m, n), real = X.shape, X.dtype.type
    found, last = [0.0] * n, 0.0
    for i in range(m):
        z, r = float(b), float(v0)
        for j in range(n):
            z += float(w[j]) * float(X[i, j])
            r += float(v[j]) * float(X[i, j])
        e = exp(-abs(z))
        d = e / (1.0 + e) ** 2 * r
        last += d
        for j in range(n):
            found[j] += float(X[i, j]) * d
    return np.array(found, X.dtype) / real(m), real(last / m)


def products(X, y, w, b, v, v0):
    """Return the same by three products with X."""
    X, y, w, b = check(X, y, w, b)
    check_weights(v, X.shape[1], X.dtype)
    m, real = len(X), X.dtype.type
    e = np.exp(-np.abs(X @ w + b))
    d = e / (1 + e) ** 2 * (X @ v + real(v0))
    return X.T @ d / real(m), real(d.sum() / m)


def of_classes(X, y, W, b, V, v0):
    """Return the product for several classes, by three products with X: of class c, d is ``a_c (u_c - Σ a_j u_j)``.

    Where one class is all but certain, u of that class and the mean all but cancel. So it is subtracted from all u
    first; its own is then 0, and the mean is made of the others, each times its small probability.
    """
    check_samples(X)
    for weights, intercepts in ((W, b), (V, v0)):
        check_class_weights(weights, intercepts, X.shape[1], len(W), X.dtype)
    i, real = np.arange(len(X)), X.dtype.type
    z, u = X @ W.T + b, X @ V.T + v0
    largest = z.argmax(axis=1)
    e = np.exp(z - z[i, largest][:, None])
    a = e / e.sum(axis=1, keepdims=True)
    u = u - u[i, largest][:, None]
    d = a * (u - (a * u).sum(axis=1, keepdims=True))
    return d.T @ X / real(len(X)), d.sum(axis=0) / real(len(X))
