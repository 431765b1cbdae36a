"""A program that may die says before each thing it does what that is, in a file that outlives it."""

import mmap
import signal
import tempfile
from pathlib import Path
from typing import NamedTuple

from fresh import PYTHON, run

LENGTH = 512  # bytes that are kept of what was said


class LastWords:
    """The file, as the program has it: written to by a memory map, in a fraction of a microsecond."""

    def __init__(self, path):
        with Path(path).open("w+b") as file:
            file.truncate(LENGTH)
            self._map = mmap.mmap(file.fileno(), LENGTH)

    def say(self, text):
        """Put this in place of what was said before."""
        self._map[:] = text.encode()[:LENGTH].ljust(LENGTH, b"\0")


def words_in(file):
    """Return what was said last; nothing where nothing was."""
    return file.read_bytes().rstrip(b"\0").decode() if file.exists() else ""


class End(NamedTuple):
    """How a program ended: what it printed, the signal that killed it or its exit status, and its last words."""

    out: str
    err: str
    how: str
    words: str


def heard(module, function, *arguments, **environment):
    """Run ``module.function(say, *arguments)`` of a file beside this one in a fresh interpreter, to its end."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "words")
        code = f"""if True:
            import sys; sys.path.append({str(Path(__file__).parent)!r})
            from last_words import LastWords
            from {module} import {function}
            {function}(LastWords({str(file)!r}).say, *{arguments!r})"""
        done = run(*PYTHON, "-c", code, **environment)
        words = words_in(file)
    how = signal.Signals(-done.returncode).name if done.returncode < 0 else str(done.returncode)
    return End(done.stdout, done.stderr, how, words)
