"""How far from the right answer a correct step may be, and the derivation of that bound.

Let u be the unit roundoff of the dtype (2^-53 or 2^-24), and hats mark computed values. The analysis
is the standard one (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 3.1
and 4.2); it holds for sums in any order, with or without fused multiply-add.

1. **z.** A sum of n products and b: ``|ẑ - z| <= δ = (n + 2) u (Σ|x_j w_j| + |b|)``, plus one
   subnormal spacing per product for underflow.
2. **loss and dz at ẑ.** In the signed margin ``s = (1 - 2y) z``, loss is log(1 + e^s), of slope
   σ(s), and ``|dz|`` is σ(s), of slope σ'(s). Since ``|d log σ/ds| <= 1`` and ``|d log σ'/ds| <= 1``,
   a move of δ changes loss by at most ``min(δ, σ(s)(e^δ - 1))`` and dz by at most
   ``min(1, σ'(s)(e^δ - 1))``. Both are relative errors: where a sample is well classified, its tiny
   loss and dz must still be accurate.
3. **Their own rounding.** Evaluating exp, log1p and the quotient costs at most C u relatively, with
   C = 8 allowed (a good libm needs 3), and one smallest normal number where ``e^-|s|`` underflows.
4. **The sums over samples.** m terms and a division: ``(m + C) u`` times the mean of their absolute
   values, which is the condition of a sum; again one subnormal spacing per product.

The variants change these lines, of which the above is the special case:

5. **Several classes.** The margin of class c is ``s = log Σ e^z_j - z_c`` over the other classes j: the loss is
   log(1 + e^s) of the label's, and dz is ∓σ(∓s) of each class, as in 2. It moves by D, the largest ``δ_j + δ_c``
   there is; to each δ_c comes the rounding ``u |max z - z_c|`` of the distance that is exponentiated. Sums over k
   classes add k u to 3. Two classes that share a weight vector have z = (0, z), δ = (0, δ) and no distance to round.
6. **Weights.** A loss or dz is multiplied by s_i, and the sum of the weights is one of m terms that are 0 or more:
   ``(2m + C + 2) u`` in place of ``(m + C) u``, times the weighted mean.
7. **The penalty.** ``l2/2 Σw²`` has n k terms that are 0 or more, ``l2 w_j`` a product: ``(n k + C) u`` and ``C u`` of
   their sizes; adding them to the rest costs one u more.
8. **Compressed rows.** n of 1 is the number of a row's entries, repeated ones counted, and m of 4 the number of a
   column's, if they are more than m.
9. **The Hessian times (v, v0).** In place of dz, class c has ``a_c Σ a_j (u_c - u_j)``, where ``u = x @ v + v0`` of
   each class has the error η of 1. The logarithm of ``a_c a_j`` has slopes ``1 - 2a_c``, ``1 - 2a_j`` and ``-2a_l``: it
   moves by at most ``G = δ_c + δ_j``, and twice the largest δ where there are more classes. Each pair adds
   ``min(1/4, a_c a_j (e^G - 1)) (|u_c - u_j| + η_c + η_j)``, and its own rounding
   ``a_c a_j (η_c + η_j + (m + C + k) u (|u_c| + |u_j|))``, which counts ``2 / max a`` times where there are several
   classes: one subtracts u of the likeliest class, and then the mean.

Two weaker promises exist. "absolute" adds C u to each loss and dz: dz is formed as ``a - y``, which
cancels; and in 9 ``(C + k) u`` and η of ``a_c (|u_c| + Σ a_j |u_j|)``: the mean of u is subtracted, which cancels where
one class is all but certain. "notes" further adds ``C u e^|z|`` to each loss, for ``log(1 - a)``, and promises nothing
where some ``|z|`` exceeds ``-log(√(2u))``, at which half of the digits are gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .oracle import Curvature, exponentials, forward, shares, slices, total_weight

if TYPE_CHECKING:
    from .oracle import Dense, Entries

C = 8
FAR = 600  # e to which is no float64 too large, and times the smallest positive one far below any roundoff


class Bound(NamedTuple):
    """Largest errors allowed, absolute: cost (), dw (n,), db (), or in the shapes of several classes."""

    cost: np.longdouble
    dw: np.ndarray
    db: Any


class Unit(NamedTuple):
    """The roundoff of a dtype, its smallest numbers, and the relative rounding of 3, 4 and 6 together."""

    u: np.longdouble
    tiny: np.longdouble
    subnormal: np.longdouble
    rounding: np.longdouble


def notes_range(dtype) -> float:
    """Return the ``|z|`` where the notes' ``log(1 - a)`` has lost half of the dtype's digits."""
    return float(-np.log(np.sqrt(np.finfo(dtype).eps)))


def largest_z(X, w, b) -> float:
    """Return the largest ``|z|`` of the samples, NaN if any is."""
    with np.errstate(all="ignore"):
        return float(np.abs(X.astype(np.float64) @ w.astype(np.float64) + float(b)).max())


def bound(X, y, w, b, accuracy: str = "relative", sample_weight=None, l2=0.0, v=None, v0=None) -> Any:
    """Return the errors allowed in cost, dw and db; with a direction, in how dw and db change along it.

    Parameters
    ----------
    X, y, w, b
        As in the contract, already checked.
    accuracy : str
        "relative", "absolute" or "notes".
    sample_weight, l2, v, v0
        As `oracle.exact` takes them.

    Returns
    -------
    Bound, or with a direction Curvature
        A sample whose z is infinite has an exact dz, and one whose z is NaN has none: the first adds
        only the rounding of the sums to the bound, the second nothing.
    """
    (m, n), k, several = X.shape, len(np.atleast_1d(b)), np.ndim(w) == 2
    terms = m if isinstance(X, np.ndarray) else max(m, int(np.bincount(X.indices[: X.indptr[-1]]).max(initial=0)))
    unit = _unit(X.dtype, terms + C + k * several + (m + 2) * (sample_weight is not None) + bool(l2))
    cost, gradients = np.longdouble(0), np.zeros((k, n + 1), np.longdouble)
    with np.errstate(all="ignore"):
        for part, rows in slices(X):
            share, kept = shares(X, sample_weight, part), rows.sizes()
            if v is None:
                losses, errors = _step_errors(rows, y[part].astype(np.intp), w, b, unit, accuracy)
                cost = cost + (share * losses).sum()
            else:
                errors = _curvature_errors(rows, w, b, v, v0, unit, accuracy)
            for gradient, error in zip(gradients, errors if several else errors[1:], strict=True):
                shared = share * error + unit.subnormal * (sample_weight is not None or v is not None)
                gradient[:n] += kept.back(shared)
                gradient[n] += shared.sum()
        total = total_weight(X, sample_weight)
        # Products that underflow one by one, and the division.
        least = unit.subnormal * (terms / total + 1)
        cost, gradients = cost / total + least, gradients / total + least
        if l2:
            size = np.abs(np.atleast_2d(w if v is None else v).astype(np.longdouble))
            size, strength = np.where(np.isfinite(size), size, 0), np.longdouble(l2)
            gradients[:, :n] += C * unit.u * strength * size + unit.subnormal
            cost = cost + strength / 2 * ((n * k + C) * unit.u * (size**2).sum() + 2 * n * k * unit.subnormal) + least
    parts = (gradients[:, :n], gradients[:, n]) if several else (gradients[0, :n], gradients[0, n])
    return Curvature(*parts) if v is not None else Bound(cost, *parts)


def _unit(dtype, roundings: float) -> Unit:
    info = np.finfo(dtype)
    u = np.longdouble(info.eps / 2)
    return Unit(u, np.longdouble(info.smallest_normal), np.longdouble(info.smallest_subnormal), roundings * u)


def _z(rows: Dense | Entries, w, b, unit: Unit) -> tuple[np.ndarray, np.ndarray]:
    """Return z of each class and δ, which is 0 where z is not finite."""
    z, size = forward(rows, w, b), forward(rows._replace(x=np.abs(rows.x)), np.abs(w), np.abs(b))
    delta = np.where(np.isfinite(z), (rows.count + 2) * unit.u * size + (rows.count + 1) * unit.subnormal, 0)
    if np.ndim(w) == 1:
        delta[0] = 0
    return z, delta


def _classes(rows: Dense | Entries, w, b, unit: Unit) -> tuple[Any, np.ndarray, Any]:
    """Return the links of some samples, δ of each class with the rounding of 5, and what underflow may cost."""
    z, delta = _z(rows, w, b, unit)
    links = exponentials(z)
    if np.ndim(w) == 2:
        delta = delta + np.where(np.isfinite(links.behind), unit.u * links.behind, 0)
    return links, delta, 2 * unit.tiny * (links.e < 2 * unit.tiny).sum(axis=0)


def _logarithms(links: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the logarithms of what each class and all others have of 1, also where that underflows."""
    behind = np.where(links.is_top, np.inf, links.behind)
    second = behind.min(axis=0)
    rest = np.where(np.isfinite(second), np.log(np.exp(second - behind).sum(axis=0)) - second, -np.inf)
    total = np.log1p(links.rest)
    return -links.behind - total, np.where(links.is_top, rest, np.log(links.others)) - total


def _grown(size: Any, logarithm: Any, move: Any) -> Any:
    """Return ``size (e^move - 1)``, through its logarithm where move is large, for size may have underflowed."""
    return np.where(move < FAR, size * np.expm1(np.minimum(move, FAR)), np.exp(logarithm + move))


def _step_errors(rows: Dense | Entries, label, w, b, unit: Unit, accuracy: str) -> tuple[np.ndarray, np.ndarray]:
    """Return each sample's share of the bounds on m·cost and, for each class, on m·db."""
    links, delta, underflow = _classes(rows, w, b, unit)
    each, total = np.arange(len(label)), 1 + links.rest
    largest = delta.max(axis=0)
    second = np.delete(np.sort(delta, axis=0), -1, 0).max(axis=0)
    is_largest = np.arange(len(delta))[:, None] == delta.argmax(axis=0)
    move = delta + np.where(is_largest, second, largest)
    a, others, log_a, log_others = links.e / total, links.others / total, *_logarithms(links)
    loss = links.behind[label, each] + np.log1p(links.rest)
    dz = a.copy()
    dz[label, each] = others[label, each]
    losses = np.minimum(move, _grown(others, log_others, move))[label, each] + unit.rounding * loss + underflow
    dzs = np.minimum(1, _grown(a * others, log_a + log_others, move)) + unit.rounding * dz + underflow
    if accuracy != "relative":
        losses, dzs = losses + C * unit.u, dzs + C * unit.u
    if accuracy == "notes":
        losses = losses + C * unit.u * np.exp(links.behind.max(axis=0))
    known = ~np.isnan(loss)
    return np.where(known & np.isfinite(losses), losses, 0), np.where(known, dzs, 0)


def _curvature_errors(rows: Dense | Entries, w, b, v, v0, unit: Unit, accuracy: str) -> np.ndarray:
    """Return each sample's share of the bound on how m·db changes, for each class."""
    links, delta, underflow = _classes(rows, w, b, unit)
    (u, eta), k, several = _z(rows, v, v0, unit), len(delta), np.ndim(w) == 2
    a, size, log_a = links.e / (1 + links.rest), np.abs(u), _logarithms(links)[0]
    more = 2 * delta.max(axis=0) if several and k > 2 else 0
    often = 2 / a.max(axis=0) if several else 1
    found = []
    for c in range(k):
        error = underflow * size.sum(axis=0)
        for j in range(k):
            if j != c:
                pair, moved = a[c] * a[j], eta[c] + eta[j]
                growth = np.minimum(0.25, _grown(pair, log_a[c] + log_a[j], delta[c] + delta[j] + more))
                error = error + growth * (np.abs(u[c] - u[j]) + moved)
                error = error + often * pair * (moved + unit.rounding * (size[c] + size[j]))
        if accuracy != "relative":
            mean = (a * (eta + (C + k) * unit.u * size)).sum(axis=0)
            error = error + a[c] * (eta[c] + (C + k) * unit.u * size[c] + mean)
        found.append(np.where(np.isfinite(error), error, 0))
    return np.stack(found)
