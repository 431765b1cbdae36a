"""What a reader sees while the lesson measures; what is typed meanwhile is neither shown nor taken for an answer."""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from rich.progress import Progress, TimeElapsedColumn

try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from .chapters.parts import Tell


def bar_of(console: Console, **options: Any) -> Progress:
    """Return a progress bar that also tells how long it has been and will be."""
    return Progress(*Progress.get_default_columns(), TimeElapsedColumn(), console=console, **options)


@contextmanager
def waiting(console: Console, what: str) -> Iterator[Tell]:
    """Show a bar until the end of the block, which tells its share; where nothing can move, a line of text instead."""
    if console.is_dumb_terminal or not console.is_terminal:
        console.print(f"{what} …")
    with _deaf(), bar_of(console, transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda share: bar.update(task, completed=share)


@contextmanager
def _deaf() -> Iterator[None]:
    """Do not echo what is typed in the terminal, and forget it in the end, however that comes; Ctrl-C still works."""
    if termios is None or not sys.stdin or not sys.stdin.isatty():
        yield
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    silent = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]

    termios.tcsetattr(terminal, termios.TCSANOW, silent)
    try:
        yield
    finally:  # every signal that asks to end, but SIGKILL, is an interrupt
        with suppress(termios.error):  # it may be gone
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
