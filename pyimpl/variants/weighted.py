"""The step with weights of samples and a penalty: the mean of ``s_i loss_i`` over all weight, and ``l2 / 2 * w @ w``.

Changed since the plain step: each loss and each dz is multiplied by the weight of its sample, sums are divided by all
weight in place of m, and the penalty pulls each weight, but not the intercept, towards 0.
"""

from __future__ import annotations

import numpy as np

from ..parts.contract import Step, check, check_l2, check_sample_weight, plain
from ..parts.one_sample import loss_and_dz


def _checked(X, y, w, b, s, l2):
    X, y, w, b = check(X, y, w, b)
    check_sample_weight(s, len(X))
    return X, y, w, b, plain(s, X.dtype), check_l2(l2)


def loops(X, y, w, b, s, l2):
    """Return the step by a double loop."""
    X, y, w, b, s, l2 = _checked(X, y, w, b, s, l2)
    (m, n), real = X.shape, X.dtype.type
    cost = db = total = 0.0
    dw = [0.0] * n
    for i in range(m):
        z = float(b)
        for j in range(n):
            z += float(w[j]) * float(X[i, j])
        loss, dz = loss_and_dz(z, float(y[i]))
        share = float(s[i])
        total += share
        cost += share * loss
        db += share * dz
        for j in range(n):
            dw[j] += float(X[i, j]) * share * dz
    cost /= total
    for j in range(n):
        dw[j] /= total
        if l2:  # 0 times an infinite weight would be a NaN
            cost += l2 / 2 * float(w[j]) ** 2
            dw[j] += l2 * float(w[j])
    return Step(real(cost), np.array(dw, X.dtype), real(db / total))


def products(X, y, w, b, s, l2):
    """Return the step by two products with X."""
    X, y, w, b, s, l2 = _checked(X, y, w, b, s, l2)
    real = X.dtype.type
    sign = 1 - 2 * y
    margin = sign * (X @ w + b)
    e = np.exp(-np.abs(margin))
    dz = s * sign * np.where(margin > 0, 1, e) / (1 + e)
    total = s.sum()
    cost, dw = (s * (np.maximum(margin, 0) + np.log1p(e))).sum() / total, X.T @ dz / total
    if l2:  # 0 times an infinite weight would be a NaN
        cost, dw = cost + l2 / 2 * (w @ w), dw + real(l2) * w
    return Step(real(cost), dw, real(dz.sum() / total))
