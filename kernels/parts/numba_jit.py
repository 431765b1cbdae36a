"""How this package calls Numba: where it caches, what it lets the compiler reorder, one type per array."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numba

from ...pyimpl import python_array
from ...pyimpl.parts import one_sample
from ..choose.private import closed

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

#: What sums may be: reordered, fused, with one zero. Never "nnan" or "ninf": NaN and infinity must survive.
FASTMATH = {"reassoc", "contract", "nsz"}

#: Held while a kernel has Numba's threads: the layer "workqueue" ends the process when two enter at once.
TEAM = threading.Lock()
if hasattr(os, "register_at_fork"):  # a child must not be born with the lock held by nobody
    os.register_at_fork(before=TEAM.acquire, after_in_parent=TEAM.release, after_in_child=TEAM.release)


def compiled(**options) -> Callable:
    """Return ``numba.njit`` with the GIL released, and compiled code kept between runs where it can be."""
    options = {"nogil": True, "error_model": "numpy", **options}

    def decorate(function):
        try:
            kept = numba.njit(function, cache=True, **options)
            _close(kept)
        except (OSError, RuntimeError):  # neither the package's folder nor a cache of this user's alone is writable
            return numba.njit(function, **options)
        return kept

    return decorate


def _close(kept) -> None:
    """Close to others where a function is kept, for Numba unpickles it; PermissionError if it is theirs.

    The package's own ``__pycache__`` stays as it is: who can write there can change the code.
    """
    if hasattr(kept, "stats"):  # it has none where NUMBA_DISABLE_JIT leaves the function as it is
        folder = Path(kept.stats.cache_path)
        if folder.parent != Path(kept.py_func.__code__.co_filename).parent:
            closed(folder)


def readonly(array: np.ndarray) -> np.ndarray:
    """Return a read-only view: one type for Numba to compile for, and inputs no kernel can change."""
    view = array.view()
    view.flags.writeable = False
    return view


def _age_together(paths: list[Path]) -> None:
    """Make the files as new as the newest.

    Numba recompiles a cached function when its own file has changed, not when what it calls has: an
    edit of `numba_link` alone would leave the old link inside every cached kernel.
    """
    newest = max(path.stat().st_mtime_ns for path in paths)
    for path in paths:
        if path.stat().st_mtime_ns != newest:
            os.utime(path, ns=(newest, newest))


with contextlib.suppress(OSError):  # a read-only or zipped installation is not edited either
    _age_together(
        [Path(str(module.__file__)) for module in (python_array, one_sample)]
        + [*Path(__file__).parent.glob("numba_*.py")]
    )
