"""Run another program to its end; it and all it starts end with what waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LINES = 12  # of what a program that failed has printed


def said(command: list[str]) -> str | None:
    """Return what a program prints that ends at once; None where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def run(command: list[str], failed: Callable[[str], Exception]) -> None:
    """Run a program; where it fails, raise what `failed` makes of the last lines that it printed."""
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        except OSError as error:
            raise failed(f"{command[0]}: {error.strerror or error}") from None
        try:
            code = process.wait()
        except BaseException:
            end(process)
            raise
        if code:
            output.seek(0)
            raise failed(_last(output.read().decode(errors="replace"), code))


def end(process: subprocess.Popen) -> None:
    """Kill a program that was started in a session of its own, and what it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
    process.wait()


def _last(printed: str, code: int) -> str:
    lines = [line.rstrip() for line in printed.splitlines() if line.strip()]
    return "\n".join([f"exit code {code}", *(f"  {line}" for line in lines[-LINES:])])
