"""The machine's limits in a moment: each array is read once, and none is larger than 64 MB.

In earnest they take half a minute where the last cache has 300 MB. ``python -I tests/hurried.py run`` is
``looptax run`` with such limits.
"""

from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from looptax.bench.measure import limits, machine

#: What a program begins with that imports `hurried` in a process of its own.
IMPORT = f"import sys; sys.path.append({str(Path(__file__).parent)!r}); from hurried import hurried\n"


@contextmanager
def small():
    """Measure the limits as ever, but from no array larger than 64 MB."""
    with patch.object(machine, "last_level_bytes", lambda: 0):
        limits._beyond_caches.cache_clear()
        try:
            yield
        finally:
            limits._beyond_caches.cache_clear()


@contextmanager
def hurried():
    """Measure the limits in a moment, in this process."""
    with small(), patch.multiple(limits, TRIES=1, ROUNDS=1000, TIMED_BYTES=1):
        yield


if __name__ == "__main__":
    from looptax.bench.__main__ import main

    with hurried():
        main()
