"""Reading ahead: a thread fills blocks while those before are worked on; how many there are at once is bounded.

Whoever waits for the other side looks now and then whether it is still there: where memory runs out, Python may end a
thread before its first line, for which `threading.Thread.start` waits forever, and nothing more can be put in a queue.
"""

from __future__ import annotations

import os
import weakref
from _thread import allocate_lock, start_new_thread
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable, Generator, Iterator

    from .block import Block

END_SECONDS = 1.0  # that a reader has to end in, when nobody wants its blocks any more
LOOK_SECONDS = 0.1  # after which who waits looks whether the other side is still there


class StoppedError(Exception):
    """Nobody wants more blocks."""


class Places:
    """The places blocks are in: a reader waits for one that is free."""

    def __init__(self, given: list[Any]) -> None:
        self._free: SimpleQueue[Any] = SimpleQueue()
        self.number = len(given)
        self.stopped = False  # set by who no longer wants blocks
        self.at_end = False  # set by the reader, where there are no more blocks
        self.error: BaseException | None = None  # why it has not come to the end, if it could say so
        for place in given:
            self._free.put(place)

    def take(self) -> Any:
        """Return a place that is free; raise `StoppedError` where it is no longer wanted."""
        while True:
            self.check()
            try:
                place = self._free.get(timeout=LOOK_SECONDS)
            except Empty:
                continue
            self.check()
            return place

    def check(self) -> None:
        """Raise `StoppedError` where no more blocks are wanted."""
        if self.stopped:
            raise StoppedError

    def take_all(self) -> None:
        """Wait until all blocks have been worked on."""
        for _ in range(self.number):
            self.take()

    def give(self, place: Any) -> None:
        """Give a place back."""
        self._free.put(place)

    def wake(self) -> None:
        """Let who waits look whether more blocks are wanted."""
        self._free.put(None)


class Reader:
    """What the thread does: it puts blocks, each with its place, where they are asked for, and None at the end.

    Its thread alone holds it, so that it is gone when the thread is.
    """

    def __init__(self, blocks: Callable[[Places], Iterator[tuple[Block, Any]]], places: Places) -> None:
        self.blocks, self.places, self.process = blocks, places, os.getpid()
        self.filled, self.reading = SimpleQueue[Any](), allocate_lock()
        self.reading.acquire()

    def read(self) -> None:
        """Read all blocks; whatever ends that, who waits is told."""
        found = None
        try:
            found = self.blocks(self.places)
            for pair in found:
                self.filled.put(pair)
                del pair
        except StoppedError:
            pass
        except BaseException as error:
            if not self.places.stopped:
                self.places.error = error
        else:
            self.places.at_end = True
        finally:
            try:
                try:
                    if close := getattr(found, "close", None):
                        close()
                finally:
                    self.filled.put(None)
            finally:
                del found
                self.reading.release()


def ahead(blocks: Callable[[Places], Iterator[tuple[Block, Any]]], given: list[Any]) -> Generator[Block]:
    """Yield blocks that a thread has read, each with its place; it is free again when the next is asked for.

    Close it (`contextlib.closing`): then the thread ends, and so do the files it has open.
    """
    places = Places(given)
    reader = Reader(blocks, places)
    filled, there = reader.filled, weakref.ref(reader)
    started, got = False, None
    try:
        start_new_thread(Reader.read, (reader,))
        started = True
        del reader
        while (got := _next(filled, there)) is not None:
            block, place = got
            got = None
            yield block
            block.check()
            del block
            places.give(place)
        if not places.at_end:
            raise places.error or MemoryError("the blocks' thread ended without a word, or is a parent process's")
    finally:
        places.stopped = True  # here, as a call takes memory
        del got
        try:
            try:
                places.wake()
            finally:
                if started and (reading := _at_work(there)):
                    reading.acquire(timeout=END_SECONDS)
        except MemoryError:
            pass  # the reader looks by itself
        places.error = None  # it knows this frame, and would keep all blocks until both are collected


def _next(filled: SimpleQueue[Any], there: weakref.ref[Reader]) -> Any:
    """Return what the reader has put there next; None where it is gone."""
    while True:
        gone = not _at_work(there)  # before looking: what it had put there is there then
        try:
            return filled.get(timeout=0 if gone else LOOK_SECONDS)
        except Empty:
            if gone:
                return None


def _at_work(there: weakref.ref[Reader]) -> LockType | None:
    """Return what a reader holds while it reads; None where it has ended, or its thread is not in this process."""
    reader = there()
    return reader.reading if reader and reader.process == os.getpid() and reader.reading.locked() else None
