"""X in compressed rows: what plans accept of SciPy's sparse matrices and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...pyimpl.parts.contract import check_floats


def is_sparse(X: Any) -> bool:
    """Return whether X is one of SciPy's sparse matrices or arrays, without importing SciPy."""
    return type(X).__module__.startswith("scipy.sparse")


def check_compressed(X: Any) -> None:
    """Accept a CSR matrix or array whose entries may be unsorted or repeated, or say what is wrong with it.

    Parameters
    ----------
    X : scipy.sparse.csr_array or csr_matrix, shape (m, n)
        float32 or float64, with int32 or int64 indices; repeated entries add up.

    Raises
    ------
    TypeError
        X has another format or dtype.
    ValueError
        X is empty or not two-dimensional, or its indices point outside of it.
    """
    if X.format != "csr":
        raise TypeError(f"X is a {type(X).__name__}; expected a dense array, or compressed rows: X.tocsr()")
    if X.ndim != 2:
        raise ValueError(f"X has {X.ndim} dimensions, shape {X.shape}; expected 2-D, samples by features")
    check_floats(X)
    if 0 in X.shape:
        raise ValueError(f"X has shape {X.shape}; expected at least one sample and one feature")
    data, indices, pointers = X.data, X.indices, X.indptr
    for name, array in (("data", data), ("indices", indices), ("indptr", pointers)):
        if array.ndim != 1 or not (array.flags.c_contiguous and array.flags.aligned and array.dtype.isnative):
            raise ValueError(f"X.{name} is not a plain contiguous vector in native byte order; expected X.copy()")
    if indices.dtype != pointers.dtype or indices.dtype not in (np.dtype(np.int32), np.dtype(np.int64)):
        raise TypeError(f"X has indices of {indices.dtype} and {pointers.dtype}; expected both int32, or both int64")
    entries = min(len(data), len(indices))
    if len(pointers) != X.shape[0] + 1 or pointers[0] or pointers[-1] > entries or (np.diff(pointers) < 0).any():
        raise ValueError(f"X.indptr does not rise from 0 to at most {entries}, once for each of {X.shape[0]} rows")
    used = indices[: pointers[-1]]
    if used.size and (used.min() < 0 or used.max() >= X.shape[1]):
        first = int(np.argmax((used < 0) | (used >= X.shape[1])))
        raise ValueError(f"X.indices[{first}] is {used[first]}; expected a column from 0 to {X.shape[1] - 1}")
