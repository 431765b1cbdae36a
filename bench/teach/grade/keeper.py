"""The process between `watch` and the worker: it outlives the worker by a moment, and ends what that has started.

``python -m looptax.bench.teach.grade.keeper`` is what `watch` starts. Where the system knows how (Linux), a process
whose own parent has ended becomes a child of the keeper, whatever session, group or environment it has.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading
from contextlib import suppress

ADOPT, DIE_WITH_PARENT = 36, 1  # PR_SET_CHILD_SUBREAPER and PR_SET_PDEATHSIG of Linux's prctl


def main() -> None:
    """Fork: the child is the worker, this process keeps it and ends as it did."""
    worker = _fork() if hasattr(os, "fork") else 0
    if not worker:
        from .worker import main as work  # here: the keeper needs none of what it imports

        return work()
    for number in (1, 2):  # the channel and the output end with the worker
        os.close(number)
    threading.Thread(target=_end_with_parent, args=(worker,), daemon=True).start()
    _, status = os.waitpid(worker, 0)
    _end_the_rest(worker)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        with suppress(OSError):  # some cannot be set
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _fork() -> int:
    """Fork, and return 0 in the child, which leads a group of its own: it may end that without ending the keeper."""
    import resource  # here: Windows has none, nor a fork

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # neither leaves a core file
    _prctl(ADOPT, 1)
    worker = os.fork()
    if not worker:
        os.setpgid(0, 0)
        _prctl(DIE_WITH_PARENT, signal.SIGKILL)
    return worker


def _end_with_parent(worker: int) -> None:
    """End the worker when the other end of standard input closes: the parent wants it to, or is no more."""
    poll = select.poll()
    poll.register(0, 0)  # no event but the end: what is to be read there is the worker's
    poll.poll()
    with suppress(ProcessLookupError):
        os.kill(worker, signal.SIGKILL)


def _end_the_rest(worker: int) -> None:
    """Kill what is left of the worker's group, then children of this process until there is none."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(worker, signal.SIGKILL)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG):
            import psutil  # here: most steps leave nothing

            for process in psutil.Process().children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            os.waitpid(-1, 0)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main()
