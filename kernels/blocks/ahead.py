"""Reading ahead: a thread fills blocks while those before are worked on; how many there are at once is bounded."""

from __future__ import annotations

from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from .block import Block

END_SECONDS = 1.0  # that a reader has to end in, when nobody wants its blocks any more


class StoppedError(Exception):
    """Nobody wants more blocks."""


class Places:
    """The places blocks are in: a reader waits for one that is free."""

    def __init__(self, given: list[Any]) -> None:
        self._free: SimpleQueue[Any] = SimpleQueue()
        self.number, self.stopped = len(given), False
        for place in given:
            self._free.put(place)

    def take(self) -> Any:
        """Return a place that is free; raise `StoppedError` where it is no longer wanted."""
        place = self._free.get()
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

    def stop(self) -> None:
        """End who waits, and who will."""
        self.stopped = True
        self._free.put(None)


def ahead(blocks: Callable[[Places], Iterator[tuple[Block, Any]]], given: list[Any]) -> Generator[Block]:
    """Yield blocks that a thread has read, each with its place; it is free again when the next is asked for.

    Close it (`contextlib.closing`): then the thread ends, and so do the files it has open.
    """
    places, filled = Places(given), SimpleQueue[Any]()

    def read() -> None:
        found = blocks(places)
        try:
            for pair in found:
                filled.put(pair)
                del pair
        except StoppedError:
            pass
        except BaseException as error:  # whatever it is, who waits is told
            filled.put(error)
        else:
            filled.put(None)
        finally:
            close = getattr(found, "close", None)
            if close:
                close()

    thread = Thread(target=read, name="looptax-reader", daemon=True)
    got: Any = None
    try:
        thread.start()
        while (got := filled.get()) is not None:
            if isinstance(got, BaseException):
                raise got
            block, place = got
            got = None
            yield block
            block.check()
            del block
            places.give(place)
    finally:
        del got  # an error knows this frame, and would keep all blocks until both are collected
        places.stop()
        if thread.ident is not None:
            thread.join(END_SECONDS)
