"""Arrays beside memory that nobody may touch: a byte read or written outside of them ends the process by SIGSEGV."""

import ctypes
import mmap

import numpy as np

PAGE = mmap.PAGESIZE
NONE = 0  # PROT_NONE of sys/mman.h


def forbid(address):
    """Make the page at an address inaccessible."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(PAGE), NONE):
        raise OSError(ctypes.get_errno(), "mprotect")


class Arena:
    """Some pages, with an inaccessible one before and behind; or islands, with one between any two."""

    def __init__(self, pages, islands=False):
        self._islands = islands
        self._bytes = (pages + 2) * PAGE
        self._map = mmap.mmap(-1, self._bytes)
        first = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        for guard in range(0, pages + 2, 2 if islands else pages + 1):
            forbid(first + guard * PAGE)

    def place(self, values, strides, end):
        """Return an array of these values that ends where an inaccessible page begins, or begins where one ends."""
        low, high = extent(values.shape, strides, values.itemsize)
        used = -(-(high - low) // PAGE) * PAGE  # of islands, up to the last
        at = (PAGE + used if self._islands else self._bytes - PAGE) - high if end else PAGE - low
        found = np.ndarray(values.shape, values.dtype, self._map, at, strides)
        found[...] = values
        return found


def extent(shape, strides, itemsize):
    """Return from where to where an array has bytes, seen from its first element."""
    steps = [(length - 1) * stride for length, stride in zip(shape, strides, strict=True)]
    return sum(min(step, 0) for step in steps), sum(max(step, 0) for step in steps) + itemsize


ISLANDS = 64  # at most
#: Name → strides for a shape and an itemsize. All but those of islands leave bytes between that may be touched.
LAYOUTS = {
    "C": lambda m, n, size: (n * size, size),
    "F": lambda m, n, size: (size, m * size),
    "rows apart": lambda m, n, size: ((n + 3) * size, size),
    "columns apart": lambda m, n, size: (size, (m + 5) * size),
    "both apart": lambda m, n, size: ((3 * n + 1) * size, 3 * size),
    "both apart, F": lambda m, n, size: (2 * size, (2 * m + 3) * size),
    "reversed rows": lambda m, n, size: (-n * size, size),
    "reversed columns": lambda m, n, size: (n * size, -size),
    "reversed, F": lambda m, n, size: (size, -m * size),
    "reversed both, F": lambda m, n, size: (-size, -m * size),
    "misaligned": lambda m, n, size: (n * size + 1, size),
    "misaligned, F": lambda m, n, size: (size, m * size + 3),
    "one row": lambda m, n, size: (0, size),
    "one column": lambda m, n, size: (size, 0),
    "overlapping": lambda m, n, size: (size, size),
    "row islands": lambda m, n, size: (2 * PAGE, size),
    "column islands": lambda m, n, size: (size, 2 * PAGE),
    "row islands, reversed": lambda m, n, size: (-2 * PAGE, size),
    "column islands, reversed": lambda m, n, size: (-size, 2 * PAGE),
}


def fits(layout, m, n, size):
    """Whether islands have room for such an array: a row or a column on each."""
    if "islands" not in layout:
        return True
    count, length = (m, n) if layout.startswith("row") else (n, m)
    return count <= ISLANDS and length * size <= PAGE


class Place:
    """Where the arrays of a call lie: an arena for each name, made when it is first used."""

    def __init__(self, megabytes=4):
        self._pages = (megabytes << 20) // PAGE
        self._arenas = {}

    def __call__(self, name, values, end, layout="C"):
        """Return the values in the arena of that name, in a layout if they are a matrix."""
        islands = "islands" in layout
        if (name, islands) not in self._arenas:
            self._arenas[name, islands] = Arena(2 * ISLANDS - 1 if islands else self._pages, islands)
        size = values.itemsize
        strides = LAYOUTS[layout](*values.shape, size) if values.ndim == 2 else (size,)
        return self._arenas[name, islands].place(values, strides, end)
