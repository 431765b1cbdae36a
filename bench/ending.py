"""How a command ends: by itself, by a signal, or because what it says cannot be written; never in a traceback."""

from __future__ import annotations

import codecs
import io
import os
import signal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERRUPTED, BROKEN_PIPE = 130, 141  # what a shell reports for a program ended by Ctrl-C, by a reader that has gone
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
AGAIN = b"\nEnding: what was measured is being kept. Once more ends at once, without it.\n"
PLAIN = {
    "–": "-", "—": "-", "─": "-", "━": "-", "│": "|", "×": "x", "≈": "~=", "µ": "u", "μ": "u", "·": "*", "…": "...",
    "≤": "<=", "≥": ">=", "→": "->", "σ": "sigma", "α": "alpha", "’": "'", "“": '"', "”": '"',
}  # fmt: skip
_asked: list[int] = []  # the signals that asked to end


def prepare() -> None:
    """Give the streams, where they are closed, somewhere to go, and every letter a form; hear signals."""
    codecs.register_error("plain", _plain)
    for name, mode, kind in (("stdin", "r", None), ("stdout", "w", Output), ("stderr", "w", Errors)):
        stream = getattr(sys, name)
        if stream is None:  # closed: it gets its number before a file does
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115  # as long as the process lives
        if kind and isinstance(stream, io.TextIOWrapper):
            encoding, by_line, at_once = stream.encoding, stream.line_buffering, stream.write_through
            stream = kind(stream.detach(), encoding, "plain", line_buffering=by_line, write_through=at_once)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    for name in SIGNALS:
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):  # nohup ignores one
            signal.signal(number, _interrupt)


class Output(io.TextIOWrapper):
    """Standard output. Where whoever reads it has gone, the program ends; nothing is said of it."""

    def write(self, text: str) -> int:
        """Write."""
        try:
            return super().write(text)
        except OSError as error:
            self.lost(error)
            return len(text)

    def flush(self) -> None:
        """Flush."""
        try:
            super().flush()
        except OSError as error:
            self.lost(error)

    def lost(self, error: OSError) -> None:
        """Drop what is still to be written, and end the program."""
        self.drop()
        if isinstance(error, BrokenPipeError):
            raise SystemExit(BROKEN_PIPE) from None
        raise error

    def drop(self) -> None:
        """Let all that is still to be written, and what comes, vanish: Python tries once more at its end."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)


class Errors(Output):
    """Standard error: what cannot be written there may get lost."""

    def lost(self, error: OSError) -> None:
        """Drop what is still to be written, and go on."""
        self.drop()


@contextmanager
def told() -> Iterator[None]:
    """Make of an interrupt, and of an output that cannot be written, a line and an exit code."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        raise SystemExit(_interrupted()) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"Error: {where}{error.strerror or error}", file=sys.stderr)
        raise SystemExit(_interrupted() if _asked else 1) from None  # a terminal that is closed sends SIGHUP first
    except SystemExit as end:
        if end.code == INTERRUPTED:
            end.code = _interrupted()
        raise


def heed() -> None:
    """Interrupt where an interrupt has been swallowed, as an import may do."""
    if _asked:
        raise KeyboardInterrupt


def _interrupted() -> int:
    """Return what a shell reports of the signal that asked to end."""
    return 128 + _asked[0] if _asked else INTERRUPTED


def _interrupt(number: int, frame: Any) -> None:
    """Ask to end, as Ctrl-C does; while that is under way, say so, and at the third time leave."""
    _asked.append(number)
    if len(_asked) == 2:
        with suppress(OSError):
            os.write(2, AGAIN)  # print may be what is interrupted
    else:
        raise KeyboardInterrupt


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Write a letter that the stream's encoding has not in letters that each has."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(letter, "?") for letter in error.object[error.start : error.end]), error.end
