"""The step from its definition, by arithmetic that shares nothing with any rung.

`exact` follows the contract's formulas sample by sample with mpmath at 60 digits, sums included.
`extended` is for data too large for that: NumPy's long double, whose 64-bit significand leaves eleven
bits to spare where it is wider than float64 (on x86).

One definition serves the step and its variants. Each class has a z, and a probability in proportion to e^z; the
loss of a sample is minus the logarithm of that of its label. Where w is one vector there are two classes: 0, whose
z is 0, and 1, whose z is ``x @ w + b``. X is dense or, as SciPy's compressed rows, a list of entries: what is not
in it takes no part, not even as 0 times an infinity.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import mpmath
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

DIGITS = 60
EXACT_UP_TO = 30_000  # elements of X, times classes; about 0.2 s
ROWS_AT_A_TIME = 8192  # extended works on slices, so that its copies of X stay small


class Reference(NamedTuple):
    """The right answer, in long double: cost (), dw (n,), db (); of several classes dw (k, n), db (k,)."""

    cost: np.longdouble
    dw: np.ndarray
    db: Any


class Curvature(NamedTuple):
    """How dw and db change in the direction (v, v0), in long double: the Hessian times it."""

    dw: np.ndarray
    db: Any


def reference(X, y, w, b, **more) -> Any:
    """Return the right answer by whichever oracle suits the size; `more` is as `exact` takes it."""
    suits = X.size * len(np.atleast_1d(b)) <= EXACT_UP_TO
    return (exact if suits else extended)(X, y, w, b, **more)


def exact(X, y, w, b, sample_weight=None, l2=0.0, v=None, v0=None) -> Any:
    """Return the right answer rounded once, from exactly converted inputs.

    NaN and infinity take part as IEEE 754 says: ``inf - inf`` and ``0 * inf`` are NaN, ``e^-inf`` is 0.

    Parameters
    ----------
    X : numpy.ndarray or scipy.sparse.csr_array, shape (m, n)
    y : numpy.ndarray, shape (m,)
    w, b : numpy.ndarray and number, shapes (n,) and (), or (k, n) and (k,)
    sample_weight : numpy.ndarray, shape (m,), optional
        Rounded to the dtype of X, as the contract says.
    l2 : float
    v, v0 : optional
        A direction, in the shapes of w and b.

    Returns
    -------
    Reference, or with a direction Curvature
    """
    with mpmath.workdps(DIGITS):
        m, n = X.shape
        several, at = np.ndim(w) == 2, _parameters(w, b)
        shares = [mpmath.mpf(1)] * m if sample_weight is None else _exactly(sample_weight.astype(X.dtype))
        direction = None if v is None else _parameters(v, v0)
        losses: list = []
        terms: list[list[list]] = [[[] for _ in range(n + 1)] for _ in at]
        for (columns, x), label, share in zip(_rows(X), y, shares, strict=True):
            z = _forward(at, columns, x, several)
            if direction is None:
                loss, derivatives = _loss_and_dz(z, int(label))
                losses.append(share * loss)
            else:
                derivatives = _changes(z, _forward(direction, columns, x, several))
            for of_class, derivative in zip(terms, derivatives if several else derivatives[1:], strict=True):
                shared = share * derivative
                of_class[n].append(shared)
                for j, value in zip(columns, x, strict=True):
                    of_class[j].append(value * shared)
        total, strength = mpmath.fsum(shares), mpmath.mpf(float(l2))

        def mean(of_class: list[list], pulled: list) -> list[np.longdouble]:
            """Return the weighted means of a class's terms; the penalty pulls all but the last."""
            found = [mpmath.fsum(one) / total for one in of_class]
            return [
                _rounded(one + strength * p if l2 and j < n else one)
                for j, (one, p) in enumerate(zip(found, pulled, strict=True))
            ]

        gradients = np.array([mean(*one) for one in zip(terms, direction or at, strict=True)])
        parts = (gradients[:, :n], gradients[:, n]) if several else (gradients[0, :n], gradients[0, n])
        if direction is not None:
            return Curvature(*parts)
        penalty = strength / 2 * mpmath.fsum(p * p for row in at for p in row[:n]) if l2 else 0
        return Reference(_rounded(mpmath.fsum(losses) / total + penalty), *parts)


def _parameters(w, b) -> list[list]:
    """Return the weights of each weight vector, and then its intercept."""
    return [_exactly([*row, c]) for row, c in zip(np.atleast_2d(w), np.atleast_1d(b), strict=True)]


def _rows(X) -> Iterator[tuple[Any, list]]:
    """Yield each sample as columns and their values."""
    if isinstance(X, np.ndarray):
        yield from ((range(X.shape[1]), _exactly(row)) for row in X)
    else:
        for start, stop in pairwise(X.indptr):
            yield X.indices[start:stop].tolist(), _exactly(X.data[start:stop])


def _forward(at: list[list], columns, x: list, several: bool) -> list:
    """Return z of each class."""
    found = [mpmath.fsum(value * row[j] for j, value in zip(columns, x, strict=True)) + row[-1] for row in at]
    return found if several else [mpmath.mpf(0), *found]


def _exponentials(z: list) -> tuple[int, list, list]:
    """Return the class of the largest z, how far each z is behind it, and e to the minus that."""
    top = max(range(len(z)), key=lambda c: z[c])
    behind = [mpmath.mpf(0) if c == top else z[top] - z[c] for c in range(len(z))]
    if any(mpmath.isnan(one) for one in z):
        behind = [mpmath.nan] * len(z)
    return top, behind, [mpmath.exp(-one) for one in behind]


def _loss_and_dz(z: list, label: int) -> tuple[Any, list]:
    """Return the loss of a sample, and its derivative with respect to z of each class."""
    top, behind, e = _exponentials(z)
    total = mpmath.fsum(e)
    loss = behind[label] + mpmath.log1p(mpmath.fsum(one for c, one in enumerate(e) if c != top))
    others = mpmath.fsum(one for c, one in enumerate(e) if c != label)
    return loss, [(-others if c == label else one) / total for c, one in enumerate(e)]


def _changes(z: list, u: list) -> list:
    """Return how the derivatives change where z does by u: of class c, a_c Σ a_j (u_c - u_j)."""
    _, _, e = _exponentials(z)
    total = mpmath.fsum(e)
    a = [one / total for one in e]
    return [
        a[c] * mpmath.fsum(a[j] * (u[c] - u[j]) for j in range(len(z)) if j != c) for c in range(len(z))
    ]  # fmt: skip


def _exactly(values) -> list:
    return [mpmath.mpf(v) for v in np.asarray(values, np.float64).tolist()]


def _rounded(value) -> np.longdouble:
    high = float(value)
    if not math.isfinite(high):
        return np.longdouble(high)
    return np.longdouble(high) + np.longdouble(float(value - high))  # mpmath knows no long double


class Dense(NamedTuple):
    """Some samples in long double, (rows, n), and their two products."""

    x: np.ndarray

    @property
    def count(self) -> Any:
        """How many numbers each sample has."""
        return self.x.shape[1]

    def forward(self, w) -> np.ndarray:
        """Return the sum over each sample's numbers times w."""
        return (self.x * w).sum(axis=1)

    def back(self, d) -> np.ndarray:
        """Return the sum over the samples, each times its d."""
        return (self.x * d[:, None]).sum(axis=0)

    def sizes(self) -> Dense:
        """Return the absolute values, without those that are not finite."""
        return Dense(np.where(np.isfinite(self.x), np.abs(self.x), 0))


class Entries(NamedTuple):
    """The same of compressed rows: values, the column and the sample of each, and how many samples and columns."""

    x: np.ndarray
    columns: np.ndarray
    rows: np.ndarray
    shape: tuple[int, int]

    @property
    def count(self) -> Any:
        """How many entries each sample has."""
        return np.bincount(self.rows, minlength=self.shape[0])

    def forward(self, w) -> np.ndarray:
        """Return the sum over each sample's entries times w."""
        found = np.zeros(self.shape[0], np.longdouble)
        np.add.at(found, self.rows, self.x * np.asarray(w, np.longdouble)[self.columns])
        return found

    def back(self, d) -> np.ndarray:
        """Return the sum over the samples, each times its d."""
        found = np.zeros(self.shape[1], np.longdouble)
        np.add.at(found, self.columns, self.x * d[self.rows])
        return found

    def sizes(self) -> Entries:
        """Return the absolute values, without those that are not finite."""
        return self._replace(x=np.where(np.isfinite(self.x), np.abs(self.x), 0))


def slices(X) -> Iterator[tuple[slice, Dense | Entries]]:
    """Yield X in long double, some samples at a time, and which they are."""
    for start in range(0, X.shape[0], ROWS_AT_A_TIME):
        part = slice(start, min(start + ROWS_AT_A_TIME, X.shape[0]))
        if isinstance(X, np.ndarray):
            yield part, Dense(X[part].astype(np.longdouble))
        else:
            pointers = X.indptr[part.start : part.stop + 1]
            entries = slice(pointers[0], pointers[-1])
            rows = np.repeat(np.arange(len(pointers) - 1), np.diff(pointers))
            shape = len(pointers) - 1, X.shape[1]
            yield part, Entries(X.data[entries].astype(np.longdouble), X.indices[entries], rows, shape)


class Links(NamedTuple):
    """From z of some samples to their losses: a row for each class, in long double; see `exponentials`."""

    is_top: np.ndarray
    behind: np.ndarray
    e: np.ndarray
    rest: np.ndarray
    others: np.ndarray


def exponentials(z) -> Links:
    """Return what `exact` calls by these names, and the sums of e but that of the largest, and but that of each class.

    Nothing cancels: the second is the first for the largest class, and at least 1 for any other.
    """
    top = z.argmax(axis=0)
    is_top = np.arange(len(z))[:, None] == top
    behind = np.where(is_top, 0, z[top, np.arange(z.shape[1])] - z)
    e = np.exp(-behind)
    rest = np.where(is_top, 0, e).sum(axis=0)
    return Links(is_top, behind, e, rest, np.where(is_top, rest, 1 + rest - e))


def forward(rows: Dense | Entries, w, b) -> np.ndarray:
    """Return z of each class, in long double; of one weight vector class 0 has z = 0."""
    weights, intercepts = np.atleast_2d(w).astype(np.longdouble), np.atleast_1d(b).astype(np.longdouble)
    found = [rows.forward(row) + c for row, c in zip(weights, intercepts, strict=True)]
    return np.stack(found if np.ndim(w) == 2 else [np.zeros_like(found[0]), *found])


def total_weight(X, sample_weight) -> np.longdouble:
    """Return what all samples count together, in long double."""
    return np.longdouble(X.shape[0]) if sample_weight is None else shares(X, sample_weight).sum()


def shares(X, sample_weight, part: slice = slice(None)) -> Any:
    """Return what some samples count, in long double: rounded to the dtype of X before; 1 where none is given."""
    if sample_weight is None:
        return np.longdouble(1)
    return sample_weight[part].astype(X.dtype).astype(np.longdouble)


def extended(X, y, w, b, sample_weight=None, l2=0.0, v=None, v0=None) -> Any:
    """Return what `exact` does, computed in long double."""
    n, several = X.shape[1], np.ndim(w) == 2
    cost = np.longdouble(0)
    gradients = np.zeros((len(np.atleast_1d(b)), n + 1), np.longdouble)
    for part, rows in slices(X):
        z, label = forward(rows, w, b), y[part].astype(np.intp)
        links, share, each = exponentials(z), shares(X, sample_weight, part), np.arange(len(label))
        total = 1 + links.rest
        if v is None:
            dz = links.e / total
            dz[label, each] = -links.others[label, each] / total
            derivatives = list(dz)
            cost = cost + (share * (links.behind[label, each] + np.log1p(links.rest))).sum()
        else:
            a, u = links.e / total, forward(rows, v, v0)
            derivatives = [a[c] * (np.delete(a, c, 0) * (u[c] - np.delete(u, c, 0))).sum(axis=0) for c in range(len(a))]
        for gradient, derivative in zip(gradients, derivatives if several else derivatives[1:], strict=True):
            gradient[:n] += rows.back(share * derivative)
            gradient[n] += (share * derivative).sum()
    weight = total_weight(X, sample_weight)
    cost, gradients = cost / weight, gradients / weight
    if l2:
        gradients[:, :n] += np.longdouble(l2) * np.atleast_2d(w if v is None else v)
        cost = cost + np.longdouble(l2) / 2 * (np.asarray(w, np.longdouble) ** 2).sum()
    parts = (gradients[:, :n], gradients[:, n]) if several else (gradients[0, :n], gradients[0, n])
    return Curvature(*parts) if v is not None else Reference(cost, *parts)
