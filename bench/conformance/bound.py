"""How far from the right answer a correct step may be, and the derivation of that bound.

Let u be the unit roundoff of the dtype (2^-53 or 2^-24), and hats mark computed values. The analysis
is the standard one (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 3.1
and 4.2); it holds for sums in any order, with or without fused multiply-add.

1. **z.** A sum of n products and b: ``|ẑ - z| <= δ = (n + 2) u (Σ|x_j w_j| + |b|)``, plus one
   subnormal spacing per product for underflow.
2. **loss and dz at ẑ.** In the signed margin ``s = (1 - 2y) z``, loss is log(1 + e^s), of slope
   σ(s), and |dz| is σ(s), of slope σ'(s). Since ``|d log σ/ds| <= 1`` and ``|d log σ'/ds| <= 1``,
   a move of δ changes loss by at most ``min(δ, σ(s)(e^δ - 1))`` and dz by at most
   ``min(1, σ'(s)(e^δ - 1))``. Both are relative errors: where a sample is well classified, its tiny
   loss and dz must still be accurate.
3. **Their own rounding.** Evaluating exp, log1p and the quotient costs at most C u relatively, with
   C = 8 allowed (a good libm needs 3), and one smallest normal number where e^-|s| underflows.
4. **The sums over samples.** m terms and a division: ``(m + C) u`` times the mean of their absolute
   values, which is the condition of a sum; again one subnormal spacing per product.

Two weaker promises exist. "absolute" adds C u to each loss and dz: dz is formed as ``a - y``, which
cancels. "notes" further adds ``C u e^|z|`` to each loss, for ``log(1 - a)``, and promises nothing
where some |z| exceeds ``-log(√(2u))``, at which half of the digits are gone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

C = 8


class Bound(NamedTuple):
    """Largest errors allowed, absolute: cost (), dw (n,), db ()."""

    cost: np.longdouble
    dw: np.ndarray
    db: np.longdouble


def notes_range(dtype) -> float:
    """Return the |z| where the notes' ``log(1 - a)`` has lost half of the dtype's digits."""
    return float(-np.log(np.sqrt(np.finfo(dtype).eps)))


def largest_z(X, w, b) -> float:
    """Return the largest |z| of the samples, NaN if any is."""
    with np.errstate(all="ignore"):
        return float(np.abs(X.astype(np.float64) @ w.astype(np.float64) + float(b)).max())


def bound(X, y, w, b, accuracy: str = "relative") -> Bound:
    """Return the errors allowed in cost, dw and db.

    Parameters
    ----------
    X, y, w, b
        As in the contract, already checked.
    accuracy : str
        "relative", "absolute" or "notes".

    Returns
    -------
    Bound
        A sample whose z is infinite has an exact dz, and one whose z is NaN has none: the first adds
        only the rounding of the sums to the bound, the second nothing.
    """
    m, n = X.shape
    cost = db = np.longdouble(0)
    dw = np.zeros(n, np.longdouble)
    with np.errstate(all="ignore"):
        for start in range(0, m, 8192):
            part = slice(start, start + 8192)
            losses, dzs, x = _terms(X[part], y[part], w, b, m, accuracy)
            cost = cost + losses.sum()
            dw += (x * dzs[:, None]).sum(axis=0)
            db = db + dzs.sum()
    subnormal = np.longdouble(np.finfo(X.dtype).smallest_subnormal)
    # The last line of each: the division by m, and products that underflow one by one.
    return Bound(cost / m + 2 * subnormal, dw / m + 2 * subnormal, db / m + 2 * subnormal)


def _terms(X, y, w, b, m: int, accuracy: str):
    """Return each sample's share of the bounds on m·cost and m·db, and |x|, by which dw's is scaled."""
    info = np.finfo(X.dtype)
    u, tiny, subnormal = (np.longdouble(v) for v in (info.eps / 2, info.smallest_normal, info.smallest_subnormal))
    x, weights, bias = X.astype(np.longdouble), w.astype(np.longdouble), np.longdouble(b)
    n = X.shape[1]
    s = (1 - 2 * y.astype(np.longdouble)) * ((x * weights).sum(axis=1) + bias)
    size = (np.abs(x) * np.abs(weights)).sum(axis=1) + np.abs(bias)
    delta = np.where(np.isfinite(s), (n + 2) * u * size + (n + 1) * subnormal, 0)
    e = np.exp(-np.abs(s))
    sigma, loss = np.where(s > 0, 1, e) / (1 + e), np.maximum(s, 0) + np.log1p(e)
    growth = np.expm1(np.minimum(delta, 1000))
    underflow = 2 * tiny * (e < 2 * tiny)
    rounding = (m + C) * u
    losses = np.minimum(delta, sigma * growth) + rounding * loss + underflow
    dzs = np.minimum(1, sigma * growth / (1 + np.exp(np.minimum(s, 1000)))) + rounding * sigma + underflow
    if accuracy != "relative":
        losses, dzs = losses + C * u, dzs + C * u
    if accuracy == "notes":
        losses = losses + C * u * np.exp(np.abs(s))
    known = ~np.isnan(s) & np.isfinite(losses)
    x = np.where(np.isfinite(x), np.abs(x), 0)
    return np.where(known, losses, 0), np.where(np.isnan(s), 0, dzs), x
