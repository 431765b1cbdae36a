"""Where blocks come from: iterators here, arrays in `arrays.py`, datasets in `arrow.py`. Each pass is over the same.

A source tells `features`, `dtype`, `order`, whether it has weights, and `samples`, if it knows. `places(rows, count)`
makes what blocks of so many samples are read into, and `blocks(rows, places)` yields them with the place they are in:
each begins at a multiple of `rows` samples, and has so many, but for the last.
"""

from __future__ import annotations

import math
import mmap
import weakref
from contextlib import closing, suppress
from functools import partial as bound_to
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from ...pyimpl.parts.contract import check_array, check_floats, check_samples, described, plain, weight_fault
from .block import Block, NoSampleError, located

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from .ahead import Places


class Source(Protocol):
    """What a plan reads."""

    name: str
    samples: int | None
    features: int
    dtype: np.dtype
    order: str
    weighted: bool
    bound: int | None  # samples there are at most, if it is known
    reserved: int  # bytes of the memory that are for pieces, and not for blocks
    spare: int  # bytes of the memory that blocks leave; set by the plan

    def places(self, rows: int, number: int) -> list[Any]:
        """Return what so many blocks are read into."""

    def blocks(self, rows: int, places: Places) -> Iterator[tuple[Block, Any]]:
        """Yield the blocks of a pass, each with the place it took."""

    def where(self, name: str, sample: int) -> str:
        """Say where a sample of "X", "y" or "sample_weight" is from."""


class Piece(NamedTuple):
    """Samples as they come: of any number, in any layout; `columns` in place of X where each is an array of its own."""

    X: np.ndarray | None
    y: np.ndarray
    s: np.ndarray | None
    where: str
    row: int = 0  # of the first sample, there
    columns: list[np.ndarray] | None = None


class Place(NamedTuple):
    """Memory for a block."""

    X: np.ndarray
    y: np.ndarray
    s: np.ndarray | None


class PieceSource:
    """What comes in pieces of any size: they are copied into blocks.

    Parameters
    ----------
    pieces : callable
        Returns the pieces of a pass.
    first : Piece
        The first one, which tells the features, the dtype and whether there are weights.
    order : str
        "C" or "F", of the blocks.
    name : str
    dtype : numpy.dtype
    """

    def __init__(
        self, pieces: Callable[[], Generator[Piece]], first: Piece, order: str, name: str, dtype: np.dtype
    ) -> None:
        self.pieces, self.order, self.name, self.dtype = pieces, order, name, dtype
        self.features = first.X.shape[1] if first.X is not None else len(first.columns or [])
        self.weighted = first.s is not None
        self.samples: int | None = None
        self.reserved = self.spare = 0
        self.bound: int | None = None

    def places(self, rows: int, number: int) -> list[Any]:
        """Return memory for so many blocks, in whole pages; huge ones are asked for."""
        found = []
        for _ in range(number):
            X, y = memory((rows, self.features), self.dtype, self.order), memory((rows,), self.dtype, "C")
            found.append(Place(X, y, memory((rows,), self.dtype, "C") if self.weighted else None))
        return found

    def blocks(self, rows: int, places: Places) -> Iterator[tuple[Block, Any]]:
        """Yield the blocks of a pass."""
        place, filled, first = None, 0, 0
        origin: list[tuple[int, str, int]] = []
        pieces = self.pieces()
        with closing(pieces):
            for piece in pieces:
                places.check()
                size, used = len(piece.y), 0
                while used < size:
                    if place is None:
                        place = places.take()
                    taken = min(rows - filled, size - used)
                    self._copy(piece, used, place, first, filled, taken)
                    origin.append((first + filled, piece.where, piece.row + used))
                    used, filled = used + taken, filled + taken
                    if filled == rows:
                        yield self._block(place, rows, first, origin), place
                        place, filled, first, origin = None, 0, first + rows, []
                del piece
        if place is not None:
            yield self._block(place, filled, first, origin), place
        if not first + filled:
            raise ValueError(f"{self.name} has no sample; expected one or more")
        self.samples = first + filled

    @staticmethod
    def _copy(piece: Piece, used: int, place: Place, first: int, filled: int, number: int) -> None:
        rows, to = slice(used, used + number), slice(filled, filled + number)
        if piece.X is not None:
            place.X[to] = piece.X[rows]
        for j, column in enumerate(piece.columns or ()):
            place.X[to, j] = column[rows]
        at = first + filled, piece.where, piece.row + used
        place.y[to] = fitted("y", piece.y[rows], place.y.dtype, *at)
        if place.s is not None:
            place.s[to] = fitted("sample_weight", piece.s[rows], place.s.dtype, *at)  # type: ignore[index]

    @staticmethod
    def _block(place: Place, filled: int, first: int, origin: list[tuple[int, str, int]]) -> Block:
        s = None if place.s is None else place.s[:filled]
        return Block(place.X[:filled], place.y[:filled], s, first, tuple(origin))

    def where(self, name: str, sample: int) -> str:
        """Say where a sample is from."""
        return located(self.name, sample)


def order_of(X: np.ndarray) -> str:
    """Return in which order a step takes its sums: along what lies side by side."""
    return "F" if len(X) > 1 and abs(X.strides[0]) < abs(X.strides[1]) else "C"


def fitted(name: str, vector: np.ndarray, dtype: np.dtype, first: int, where: str = "", row: int = 0) -> np.ndarray:
    """Return labels or weights in the dtype of X; `NoSampleError` where rounding would hide that one is none."""
    found = plain(vector, dtype)
    if vector.dtype.itemsize <= dtype.itemsize or vector.dtype.kind != "f":
        return found
    fault = weight_fault(vector)
    if name == "y":
        other = np.flatnonzero(found != vector)
        fault = (int(other[0]), f"is {vector[other[0]]}; expected a label, a whole number") if len(other) else None
    if fault:
        raise NoSampleError(name, first + fault[0], fault[1], located(where, row + fault[0]) if where else "")
    return found


def memory(shape: tuple[int, ...], dtype: np.dtype, order: str) -> np.ndarray:
    """Return an array in pages of its own; the system is asked for huge ones, which take fewer look-ups."""
    size = math.prod(shape) * dtype.itemsize
    private = getattr(mmap, "MAP_PRIVATE", 0) | getattr(mmap, "MAP_ANONYMOUS", 0)
    try:
        pages = mmap.mmap(-1, size, flags=private) if private else mmap.mmap(-1, size)
    except OSError as error:
        raise MemoryError(f"{size:,} bytes for blocks: {error.strerror}") from None
    if hasattr(mmap, "MADV_HUGEPAGE"):  # Linux
        with suppress(OSError):  # a kernel without them
            pages.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(pages, dtype).reshape(shape, order=order)  # type: ignore[call-overload]


class Given:
    """The pieces of each pass, of what a callable returns."""

    def __init__(self, blocks: Callable[[], Iterable[Any]]) -> None:
        self._blocks, self._last = blocks, _known(None)

    def __iter__(self) -> Iterator[Piece]:
        """Yield the pieces of a pass; what is empty may have any width."""
        made = self._blocks()
        given = iter(made)
        if given is made and made is self._last():
            raise ValueError("the callable returns the same iterator again; expected a fresh one for each pass")
        self._last = _known(made)
        del made
        for number in count():
            try:
                item = next(given)
            except StopIteration:
                return
            except Exception as error:
                error.add_note(f"It was raised by the iterator of blocks, for block {number}.")
                raise
            piece = _piece(item, number)
            if len(piece.y):
                yield piece


def _known(made: Any) -> Callable[[], Any]:
    """Return what returns a thing as long as there is it; a generator is not kept, as it closes when it is left."""
    try:
        return weakref.ref(made)
    except TypeError:
        return bound_to(_itself, made)


def _itself(thing: Any) -> Any:
    """Return it: no lambda in `_known`, for the reason that `arrays.py` tells."""
    return thing


def from_iterators(blocks: Callable[[], Iterable[Any]], order: str | None) -> PieceSource:
    """Return the source of what an iterator yields: (X, y) or (X, y, sample_weight), of any number of samples."""
    given = Given(blocks)
    first = next(iter(given), None)
    if first is None or first.X is None:
        raise ValueError("the iterator of blocks yields no sample; expected (X, y) or (X, y, sample_weight)")
    features, dtype, weighted = first.X.shape[1], first.X.dtype, first.s is not None
    along = order or order_of(first.X)

    def pieces() -> Generator[Piece]:
        for piece in given:
            X = piece.X
            assert X is not None
            if X.shape[1] != features or X.dtype != dtype or (piece.s is not None) != weighted:
                found = f"{X.shape[1]} features of {X.dtype}, {'no ' if piece.s is None else ''}weights"
                wanted = f"{features} features of {dtype}, {'' if weighted else 'no '}weights"
                raise ValueError(f"{piece.where} has {found}; expected {wanted}, as block 0 has")
            yield piece

    return PieceSource(pieces, first, along, "the iterator of blocks", dtype)


def _piece(item: Any, number: int) -> Piece:
    """Check one item of an iterator."""
    where = f"block {number}"
    if not isinstance(item, (tuple, list)) or len(item) not in (2, 3):
        raise TypeError(f"{where} is a {type(item).__name__}; expected (X, y) or (X, y, sample_weight)")
    X, y, s = (*item, None)[:3]
    try:
        if isinstance(X, np.ndarray) and X.ndim == 2 and not len(X):
            check_floats(X)
        else:
            check_samples(X)
        check_array("y", y, 1, "one label per sample")
        if s is not None:
            check_array("sample_weight", s, 1, "one weight per sample")
        for name, vector in (("y", y), ("sample_weight", s)):
            if vector is not None and (vector.dtype.kind not in "biuf" or not vector.dtype.isnative):
                raise TypeError(f"{name} has dtype {described(vector.dtype)}; expected real numbers")
            if vector is not None and len(vector) != len(X):
                raise ValueError(f"{name} has {len(vector)} numbers; expected {len(X)}, one for each row of X")
    except (TypeError, ValueError) as error:
        raise type(error)(f"{where}: {error}") from None
    return Piece(X, y, s, where)
