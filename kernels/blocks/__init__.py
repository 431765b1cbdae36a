"""Plans over data larger than memory: from files and iterators, in blocks, with the bits that memory would give.

>>> import numpy as np
>>> from looptax.kernels.blocks import plan
>>> blocks = [(np.ones((300, 2)), np.ones(300)), (np.zeros((50, 2)), np.zeros(50))]
>>> p = plan(blocks)
>>> round(float(p.step(np.zeros(2), 0.0).cost), 6)
0.693147

A pass reads ahead in a thread (`ahead.py`); where blocks are from is told by a source (`sources.py`, `files.py`,
`arrow.py`); what is done with them is in `plans.py`.
"""

from __future__ import annotations

import os
import re
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from ...pyimpl.parts.contract import (
    check_class_labels,
    check_floats,
    check_l2,
    check_labels,
    check_sample_weight,
    check_samples,
    described,
    shown,
)
from ..choose import thread_limits
from .arrays import ArraySource
from .arrow import from_dataset, is_dataset
from .files import FileArray, file_array
from .plans import BlockPlan
from .sources import Source, from_iterators

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BlockPlan", "plan"]

UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}


def plan(
    X: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    label: str | None = None,
    features: Sequence[str] | None = None,
    weight: str | None = None,
    l2: float = 0.0,
    classes: int | None = None,
    threads: int | None = None,
    memory: str | int = "1 GB",
    order: str | None = None,
) -> BlockPlan:
    """Bind data that need not fit in memory to its step: see `looptax.kernels.plan`, whose interface it has.

    The same bits come out as from `looptax.kernels.plan` of the whole X in the same order of memory, whatever the
    blocks. Labels and weights are checked in each pass, as files may change.

    Parameters
    ----------
    X : path, numpy.memmap, array, list, callable, pyarrow.dataset.Dataset, or paths
        - an ``.npy`` file or a memmap, float32 or float64, (m, n): read as the page cache has it, without a copy, where
          it is in C order;
        - a list of blocks (X, y) or (X, y, sample_weight), or a callable that returns an iterator of them: a fresh one
          for each pass. It is called in a thread of the plan's own;
        - a dataset of pyarrow's (Parquet, Arrow, CSV ...), or paths of Parquet, with `label`.
    y, sample_weight : array, path of an ``.npy`` file, or memmap, shape (m,)
        Labels, and what each sample counts, where X is a file or an array.
    label, weight : str
        The columns of a dataset that hold them.
    features : sequence of str, optional
        Its columns that are X; all others by default.
    l2, classes, threads
        As `looptax.kernels.plan` takes them.
    memory : str or int
        Bytes that blocks take at most, all together: "1 GB", "512 MiB". Pages of a file that are looked at count, even
        if they are the page cache's.
    order : str, optional
        "C" or "F": in which order the sums are taken, as if the whole lay in it. By default that of the file or of the
        first block, and "F" for a dataset. Files are read in theirs.

    Returns
    -------
    BlockPlan

    Raises
    ------
    TypeError, ValueError
        As `looptax.kernels.plan`; also where a file is none that is known, and where `memory` holds no two blocks.
    OSError
        A file cannot be read.
    """
    given = {
        "sample_weight": sample_weight, "label": label, "features": features, "weight": weight, "l2": l2,
        "classes": classes, "threads": threads, "memory": memory, "order": order,
    }  # fmt: skip
    if order not in (None, "C", "F"):
        raise ValueError(f"order is {shown(order)}; expected 'C' or 'F'")
    if classes is not None:
        classes = thread_limits.positive("classes", classes)
        if classes < 2:
            raise ValueError(f"classes is {classes}; expected 2 or more")
    at_most = thread_limits.UNLIMITED if threads is None else thread_limits.positive("threads", threads)
    X, y, sample_weight = (_named(one) for one in (X, y, sample_weight))
    given["sample_weight"] = sample_weight
    source = _source(X, y, sample_weight, label, features, weight, order, classes)
    return BlockPlan(source, check_l2(l2), classes, at_most, bytes_of(memory), (X, y, given))


def _named(given: Any) -> Any:
    """Return where a memmap lies in its file, so that a pickle does not take its values along; all else as it is."""
    return (file_array(given) or given) if isinstance(given, np.memmap) else given


def _source(
    X: Any, y: Any, s: Any, label: str | None, features: Sequence[str] | None, weight: str | None, order: str | None,
    classes: int | None,
) -> Source:  # fmt: skip
    """Return what the blocks come from."""
    of_paths = isinstance(X, (list, tuple)) and len(X) > 0 and all(isinstance(one, (str, os.PathLike)) for one in X)
    is_path = isinstance(X, (str, os.PathLike))
    if is_dataset(X) or of_paths or (is_path and (label is not None or not os.fspath(X).endswith(".npy"))):
        _no_arrays(y, s, "its columns have names: label=..., weight=...")
        return from_dataset(X, label, features, weight, order)
    if label is not None or features is not None or weight is not None:
        raise ValueError("label, features and weight name columns of a dataset; X is none")
    if callable(X) or isinstance(X, (list, tuple)):
        _no_arrays(y, s, "each block has its own: (X, y) or (X, y, sample_weight)")
        return from_iterators(X if callable(X) else lambda: X, order)
    return _arrays(X, y, s, order, classes)


def _no_arrays(y: Any, s: Any, why: str) -> None:
    if y is not None or s is not None:
        raise ValueError(f"y and sample_weight do not go with this X; {why}")


def _arrays(X: Any, y: Any, s: Any, order: str | None, classes: int | None) -> ArraySource:
    """Check arrays, in memory or in files: of the latter, what can be told without a read."""
    if y is None:
        raise ValueError("y is None; expected labels: an array, a memmap or the path of an .npy file")
    X, y, s = (one if (held := file_array(one)) is None else held for one in (X, y, s))
    if isinstance(X, FileArray):
        X.check("X", 2, "samples by features")
        check_floats(X)
        if 0 in X.shape:
            raise ValueError(f"X has shape {X.shape}; expected at least one sample and one feature")
    else:
        check_samples(X)
    m = X.shape[0]
    for name, vector in (("y", y), ("sample_weight", s)):
        if isinstance(vector, FileArray):
            vector.check(name, 1, "one number per sample")
            if vector.dtype.kind not in "biuf" or not vector.dtype.isnative:
                raise TypeError(f"{name} has dtype {described(vector.dtype)}; expected real numbers")
            if vector.shape[0] != m:
                raise ValueError(f"{name} has {vector.shape[0]} numbers; expected {m}, one for each row of X")
    if not isinstance(y, FileArray):
        check_labels(y, m) if classes is None else check_class_labels(y, m, classes)
    if not (s is None or isinstance(s, FileArray)):
        check_sample_weight(s, m)
    return ArraySource(X, y, s, order)


def bytes_of(given: str | int) -> int:
    """Return a number of bytes: of "1 GB" a thousand million.

    Raises
    ------
    TypeError, ValueError
        It is neither a number of bytes nor such a text.
    """
    memory = given
    if isinstance(memory, str):
        found = re.fullmatch(r"\s*([0-9.]+)\s*([A-Za-z]*)\s*", memory)
        try:
            memory = int(float(found[1]) * UNITS[found[2].upper() or "B"]) if found else 0
        except (KeyError, OverflowError, ValueError):
            memory = 0
        if memory < 1:
            raise ValueError(f"memory is {shown(given)}; expected bytes, such as '1 GB', '512 MiB' or 10**9")
    if isinstance(memory, bool) or not isinstance(memory, Integral):
        raise TypeError(f"memory is {shown(given)}; expected bytes, such as '1 GB', '512 MiB' or 10**9")
    if memory < 1:
        raise ValueError(f"memory is {shown(given)}; expected 1 byte or more")
    return int(memory)
