"""Arrays in files: ``.npy`` and `numpy.memmap`, of which parts are read."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import numpy as np

from .window import Window, page

WINDOWED = page() > 0  # else parts are copied
MOST_PIECES = 2000  # of a window, and of copies beyond: a process has some 65,000 mappings, of 4 blocks twice as many


class FileArray:
    """An array in a file, of one or two dimensions; parts of it are read when they are asked for.

    Attributes
    ----------
    path : str
    shape : tuple of int
    dtype : numpy.dtype
    order : str
        "C" or "F".
    """

    def __init__(self, path: str, shape: tuple[int, ...], dtype: np.dtype, order: str, offset: int) -> None:
        self.path, self.shape, self.dtype, self.order, self.offset = path, shape, dtype, order, offset
        self.bytes = dtype.itemsize * math.prod(shape)

    @classmethod
    def npy(cls, path: str) -> Self:
        """Return what an ``.npy`` file says it holds.

        Raises
        ------
        OSError, ValueError
            There is no such file, or it is none of NumPy's.
        """
        with Path(path).open("rb") as file:
            try:
                version = np.lib.format.read_magic(file)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, fortran, dtype = read(file)
                if min(shape, default=0) < 0:
                    raise ValueError(f"its shape is {shape}")
            except (OSError, MemoryError):
                raise
            except Exception as error:  # NumPy's, of a damaged header: SyntaxError, TypeError, TokenError, ...
                raise ValueError(f"{path} is no .npy file: {error}") from None
            return cls(path, shape, dtype, "F" if fortran else "C", file.tell())

    @classmethod
    def mapped(cls, array: np.memmap) -> Self | None:
        """Return where a memmap lies in its file; None where it is no plain part of one, or has changes of its own."""
        order = "C" if array.flags.c_contiguous else "F" if array.flags.f_contiguous else None
        root = array._mmap  # type: ignore[attr-defined]
        if array.filename is None or array.mode == "c" or order is None or root is None:
            return None
        start = np.frombuffer(root, np.uint8).__array_interface__["data"][0]
        if not _is_still_there(array.filename, start):
            return None
        whole = array
        while isinstance(whole.base, np.memmap):
            whole = whole.base
        inside = array.__array_interface__["data"][0] - start
        mapped_from = whole.offset - whole.offset % _granularity()
        return cls(os.fspath(array.filename), array.shape, array.dtype, order, mapped_from + inside)

    def check(self, name: str, dimensions: int, meaning: str) -> None:
        """Raise ValueError where it has not so many dimensions, or its file does not hold it."""
        if len(self.shape) != dimensions:
            raise ValueError(f"{name}, {self.path}, has shape {self.shape}; expected {dimensions}-D, {meaning}")
        self.check_size()

    def check_size(self) -> None:
        """Raise ValueError where the file does not hold the whole array."""
        size = Path(self.path).stat().st_size
        if size < self.offset + self.bytes:
            raise ValueError(
                f"{self.path} has {size:,} bytes, and should have {self.offset + self.bytes:,}: it is cut short"
            )

    def open(self) -> OpenFile:
        """Open the file, for one pass."""
        return OpenFile(self)


class OpenFile:
    """The file of an array while it is read: parts, one after the other.

    Attributes
    ----------
    pieces : int
        In how many a part lies: in F order in one for each column.
    """

    def __init__(self, array: FileArray) -> None:
        array.check_size()
        self.array = array
        self.pieces = 1 if array.order == "C" else math.prod(array.shape[1:])
        self._column = array.shape[0] * array.dtype.itemsize
        self._row = array.bytes // array.shape[0] // self.pieces  # bytes of it that lie side by side
        self.file = Path(array.path).open("rb", buffering=0)  # noqa: SIM115 - closed by `close`

    @property
    def identity(self) -> tuple[int, int]:
        """Which file it is: another one may have its name by now."""
        found = os.fstat(self.file.fileno())
        return found.st_dev, found.st_ino

    def close(self) -> None:
        """Close it; parts that were read stay."""
        self.file.close()

    def part(self, first: int, end: int) -> tuple[np.ndarray, Window | None]:
        """Return the rows from first to end, and the window they are in, to be loaded; or a copy and None."""
        array = self.array
        shape = (end - first, *array.shape[1:])
        if (window := self._window(first, end)) is not None:
            strides = None if self.pieces == 1 else (self._row, window.spacing)
            return np.ndarray(shape, array.dtype, memoryview(window), strides=strides), window
        found = np.empty(shape, array.dtype, order=array.order)  # type: ignore[call-overload]
        if self.pieces == 1:
            self._fill(found.reshape(-1), self._start(first))
        else:
            for j in range(self.pieces):
                self._fill(found[:, j], self._start(first) + j * self._column)
        return found, None

    def _window(self, first: int, end: int) -> Window | None:
        """Return the window of some rows; None where the system has none, or none left: then they are copied."""
        if not WINDOWED or self.pieces > MOST_PIECES:
            return None
        size = (end - first) * self._row
        with suppress(OSError):
            return Window(self.file.fileno(), self._start(first), size, self.pieces, self._column)
        return None

    def _start(self, row: int) -> int:
        """Return where a row begins in the file."""
        return self.array.offset + row * self._row

    def _fill(self, numbers: np.ndarray, start: int) -> None:
        """Read numbers from a place in the file."""
        left = memoryview(numbers.data).cast("B")
        self.file.seek(start)
        while len(left):
            count = self.file.readinto(left)
            if not count:
                self.array.check_size()
                raise ValueError(f"{self.array.path} ended while it was read")
            left = left[count:]

    def check(self, window: Window | None) -> None:
        """Raise ValueError where what was read may be what the file no longer has."""
        if window is None:
            return
        try:
            size = os.fstat(self.file.fileno()).st_size
        except ValueError:  # the reader has failed and closed it: its error comes next
            size = self.array.offset + self.array.bytes
        if window.torn or size < self.array.offset + self.array.bytes:
            raise ValueError(f"{self.array.path} became shorter while it was read")


def _granularity() -> int:
    import mmap

    return mmap.ALLOCATIONGRANULARITY


def _is_still_there(path: Any, address: int) -> bool:
    """Return whether a path still names the file that is mapped at an address: it may be gone, or another by now."""
    try:
        mapped = Path("/proc/self/maps").read_text(errors="surrogateescape")
    except OSError:  # only Linux tells
        return Path(path).exists()
    for line in mapped.splitlines():
        first, end = (int(number, 16) for number in line.split(maxsplit=1)[0].split("-"))
        if first <= address < end:
            return line.endswith(f" {os.path.realpath(path)}")
    return False


def file_array(given: Any) -> FileArray | None:
    """Return the array that a path or a memmap names; None for what is in memory."""
    if isinstance(given, FileArray):  # of a plan that was pickled
        return given
    if isinstance(given, (str, os.PathLike)):
        return FileArray.npy(os.path.abspath(given))  # also where the process goes elsewhere later
    if isinstance(given, np.memmap):
        return FileArray.mapped(given)
    return None
