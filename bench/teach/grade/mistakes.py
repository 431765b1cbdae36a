"""Mistakes in the maths: for each, what a step that makes it returns, to compare with what was returned."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ...conformance.oracle import Reference
from . import clipped, dropped
from .pieces import Mistake, with_

if TYPE_CHECKING:
    from collections.abc import Callable

    from .pieces import Pieces


def _negated(p: Pieces) -> Reference:
    right = p.result()
    return Reference(-right.cost, -right.dw, -right.db)


def _half(p: Pieces, label: int) -> Reference:
    return p.result(loss=-p.y * p.log_a if label else -(1 - p.y) * p.log_1_a)


def _base(p: Pieces, base: int) -> Reference:
    right = p.result()
    return right._replace(cost=right.cost / np.log(np.longdouble(base)))


def _divided(p: Pieces, by: Callable[[int, int], float]) -> Reference:
    return p.result(by=by(*p.X.shape))


def _plus_minus(p: Pieces) -> Reference:
    s = -p.y * p.z
    e = np.exp(-np.abs(s))
    return p.result(loss=np.maximum(s, 0) + np.log1p(e), dz=-p.y * np.where(s > 0, 1, e) / (1 + e))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        "missing 1/m",
        "1/m is missing in {outputs}: the cost is the mean over the m samples, and so are its derivatives, "
        "dw = Xᵀdz / m and db = Σ dz / m. What was returned is m times too large.",
        partial(_divided, by=lambda m, n: 1),
        whole=False,
    ),
    Mistake(
        "divided by n",
        "{outputs} is divided by n, the number of features; it is the mean over the m samples. For X of shape "
        "(m, n), m is X.shape[0]; the course notes write X transposed.",
        partial(_divided, by=lambda m, n: n),
        whole=False,
    ),
    Mistake(
        "divided by m n",
        "{outputs} is divided by m n: a mean over all elements, not over the m samples.",
        partial(_divided, by=lambda m, n: m * n),
        whole=False,
    ),
    Mistake(
        "divided by m twice",
        "{outputs} is divided by m twice: a mean was already taken, for instance by np.mean.",
        partial(_divided, by=lambda m, n: m * m),
        whole=False,
    ),
    Mistake(
        "factor 1/2",
        "{outputs} is half of what it should be: 1/(2m) belongs to least squares; the cost here is the plain mean.",
        partial(_divided, by=lambda m, n: 2 * m),
        whole=False,
    ),
    Mistake(
        "divided by m - 1",
        "{outputs} is divided by m - 1, as a sample variance is; the cost is the mean over all m samples.",
        partial(_divided, by=lambda m, n: m - 1),
        whole=False,
    ),
    Mistake(
        "dz reversed",
        "dz = y - a in place of a - y: dw and db have the wrong sign, and descent would climb. "
        "The derivative of the loss log(1 + e^z) - y z is σ(z) - y.",
        lambda p: p.result(dz=-p.dz),
    ),
    Mistake(
        "wrong sign",
        "{outputs} has the wrong sign: the loss is -(y log a + (1-y) log(1-a)), positive, and dz = a - y.",
        _negated,
        whole=False,
    ),
    Mistake(
        "bias forgotten",
        "The bias is forgotten: z = Xw, where it should be z = Xw + b. All of a, dz, cost, dw and db depend on it.",
        partial(with_, b=np.longdouble(0)),
    ),
    Mistake(
        "y not subtracted",
        "y is not subtracted: {outputs} is made from a, where it should be from dz = a - y.",
        lambda p: p.result(dz=p.a),
        whole=False,
    ),
    Mistake(
        "sigmoid forgotten",
        "The sigmoid is forgotten: {outputs} is made from dz = z - y, where it should be from dz = σ(z) - y.",
        lambda p: p.result(dz=p.z - p.y),
        whole=False,
    ),
    Mistake(
        "sign in the sigmoid",
        "a = 1 / (1 + e^z), where it should be 1 / (1 + e^-z): the prediction is that of the other label.",
        partial(with_, sign_of_z=-1),
    ),
    Mistake(
        "half the loss",
        "Half the loss is missing: -y log a alone; the samples with y = 0 need -(1-y) log(1-a).",
        partial(_half, label=1),
    ),
    Mistake(
        "half the loss",
        "Half the loss is missing: -(1-y) log(1-a) alone; the samples with y = 1 need -y log a.",
        partial(_half, label=0),
    ),
    Mistake(
        "squared error",
        "{outputs} is that of the squared error (a - y)²/2: its derivative dz = (a - y) a (1 - a) has a factor "
        "a (1 - a) that the logarithmic loss cancels. Here dz = a - y.",
        lambda p: p.result(loss=p.dz**2 / 2, dz=p.dz * p.a * np.exp(p.log_1_a)),
        whole=False,
    ),
    Mistake(
        "squared error",
        "{outputs} is that of the squared error (a - y)², which belongs to least squares; the loss here is "
        "-(y log a + (1-y) log(1-a)), and dz = a - y.",
        lambda p: p.result(loss=p.dz**2, dz=2 * p.dz * p.a * np.exp(p.log_1_a)),
        whole=False,
    ),
    Mistake(
        "factor 2",
        "{outputs} is twice what it should be: a factor 2 belongs to the derivative of a square; here dz = a - y.",
        partial(_divided, by=lambda m, n: m / 2),
        whole=False,
    ),
    Mistake(
        "another logarithm",
        "The logarithm is to base 10: the loss needs the natural one, np.log, whose derivative is 1/a.",
        partial(_base, base=10),
    ),
    Mistake(
        "another logarithm",
        "The logarithm is to base 2: the loss needs the natural one, np.log, whose derivative is 1/a.",
        partial(_base, base=2),
    ),
    Mistake(
        "labels ±1",
        "y is taken as -1 or +1, as in log(1 + e^(-y z)), but the labels are 0 and 1: a sample with y = 0 then counts "
        "log 2 whatever z is. Use 2y - 1 in place of y.",
        _plus_minus,
        whole=False,
    ),
    Mistake(
        "labels swapped",
        "{outputs} is that of the labels 1 - y: y = 1 is the label whose probability a = σ(z) is.",
        lambda p: with_(p, y=1 - p.y),
        whole=False,
    ),
    *dropped.mistakes(),
    *clipped.mistakes(),
)
