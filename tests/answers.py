"""The cases of the conformance suite with their right answers, each computed once for all tests."""

from functools import cache
from math import inf

import numpy as np
from looptax.bench.conformance import cases, variants
from looptax.bench.conformance.oracle import reference

FAMILIES = {**cases.FAMILIES, "layouts": cases.layouts}
_FAMILIES = {
    **FAMILIES,
    **{(variant, name): made for variant, families in variants.FAMILIES.items() for name, made in families.items()},
}
_known = {}  # the numbers of a case → its right answer: layouts of the same numbers have the same


@cache
def _cases(family, dtype):
    return tuple(_FAMILIES[family](dtype))


def _right(case):
    given = [*case[1:5], *case.more.values()]
    if hasattr(case.X, "indptr"):
        given[0] = case.X.data
        given += [case.X.indices, case.X.indptr]
    numbers = case.X.shape, tuple((np.asarray(one).dtype, np.asarray(one).tobytes()) for one in given)
    if numbers not in _known:
        with np.errstate(all="ignore"):
            _known[numbers] = reference(*case[1:5], **case.more)
    return _known[numbers]


def answered(family, dtype, up_to=inf):
    """Yield the cases of a family with their right answers: those of at most so many elements.

    The families of a variant are pairs of its name and theirs.
    """
    for case in _cases(family, dtype):
        if case.X.size <= up_to:
            yield case, _right(case)
