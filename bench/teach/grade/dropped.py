"""Samples or features left out at an end: loops that run one too few, blocks without their tail."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .pieces import Mistake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...conformance.oracle import Reference
    from .pieces import Pieces

BLOCKS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 64, 100, 128, 256)  # samples or features a loop may take at a time


def mistakes() -> Iterator[Mistake]:
    """Samples or features left out at an end."""
    one = {"last": lambda k: slice(0, k - 1), "first": lambda k: slice(1, None)}
    for which, kept in one.items():
        says = f"The {which} {{}} is left out: the loop runs over one too few. Which range does it go through?"
        for own in (False, True):
            yield Mistake("dropped samples", says.format("sample"), partial(_samples, kept=kept, own=own), False)
        for in_z in (True, False):
            yield Mistake("dropped features", says.format("feature"), partial(_features, kept=kept, in_z=in_z), False)
    for k in BLOCKS:
        kept = partial(lambda count, k: slice(0, count - count % k), k=k)
        for own in (False, True):
            division = "the samples it did take" if own else "m"
            yield Mistake(
                "dropped samples",
                f"A tail of samples is dropped: the loop takes {k} samples at a time, and the last m mod {k} are "
                f"missing from {{outputs}} (divided by {division}). Handle them after the loop.",
                partial(_samples, kept=kept, own=own),
                False,
            )
        for in_z in (True, False):
            yield Mistake(
                "dropped features",
                f"A tail of features is dropped: the loop takes {k} features at a time, and the last n mod {k} are "
                f"missing from {{outputs}}{' and from z' if in_z else ''}. Handle them after the loop.",
                partial(_features, kept=kept, in_z=in_z),
                in_z,
            )


def _samples(p: Pieces, kept: Callable[[int], slice], own: bool) -> Reference:
    part = kept(p.m)
    left = replace(p, X=p.X[part], y=p.y[part])
    return left.result(by=left.m if own else p.m)


def _features(p: Pieces, kept: Callable[[int], slice], in_z: bool) -> Reference:
    n = p.X.shape[1]
    stays = np.zeros(n, bool)
    stays[kept(n)] = True
    there = replace(p, w=np.where(stays, p.w, 0)) if in_z else p
    return there.result(X=np.where(stays, p.X, 0))
