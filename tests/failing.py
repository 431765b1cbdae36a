"""Allocations that fail, one after the other, in a call: what comes of each, tried in a forked child.

For a process that has `failing.c` preloaded, and PYTHONMALLOC=malloc, so that each object of Python is an allocation.
"""

import ctypes
import gc
import json
import os
import resource
import signal
import sys
from collections import Counter
from functools import partial
from typing import NamedTuple

import numpy as np
from bits import as_bytes
from fresh import soon
from looptax.kernels.choose import team

TOO_LONG = 120  # seconds: a call that has not returned then hangs
MORE = 10_000  # allocations that fail after one, at most: where all do, Python 3.11 may try to unwind a frame forever
WARM = 100  # calls, after which caches are full: of Python's, one takes a string of the call's now and then
ENDING = 1.0  # seconds that a thread may take to end after the call that started it
REPEATED = (3, 40)  # failures: what each of them leaves behind is no cache; the more where the fewer do

_shim = ctypes.CDLL(None)
_call = ctypes.PyDLL(None).failing_call
_call.restype, _call.argtypes = ctypes.py_object, [ctypes.py_object, ctypes.c_long, ctypes.c_long]
_shim.failing_held.restype = _shim.failing_seen.restype = ctypes.c_long
_shim.failing_asked.restype = ctypes.c_char_p
_shim.failing_begin("OOM_TRACE" in os.environ)


class Outcome(NamedTuple):
    """What came of a failure: "right", "wrong", the name of an error or of a signal; who had asked; what was left."""

    how: str
    told: str
    asked: str
    left: list[str]


def outcomes(call, kept=(), on=False, every=1):
    """Yield the outcome of an allocation's failure, alone or with those that come after it, for every so manieth.

    Parameters
    ----------
    call : callable
        Without arguments; returns arrays and numbers.
    kept : sequence
        What it works on: objects that must have as many references afterwards.
    on : bool
        Whether allocations after one fail too, until the call returns, or very many have.
    """
    for _ in range(WARM):
        right = as_bytes(call())
    number = 1
    gc.collect()
    gc.freeze()
    while (found := _in_child(partial(_tried, call, right, kept, number, number + MORE if on else number))) is not None:
        yield found
        number += every


def fault(found):
    """Return what is wrong with an outcome; None where a failure has ended well, or what is wrong is another's.

    A crash of Python's or NumPy's own, or an error of theirs that is no MemoryError, is not ours to mend.
    """
    told = f"{found.how} {found.told}, asked by {found.asked or 'nobody known'}"
    if found.left:
        return f"left behind: {found.left}; {told}"
    if found.how in ("wrong", "SIGALRM") or found.how.startswith("exit status"):
        return told
    return told if found.asked.startswith("kernel") and found.how not in ("right", "MemoryError") else None


def tally(calls, kept, every):
    """Let allocations fail in each of some calls, by name; print what came of it, as JSON."""
    counts, faults = Counter(), []
    for name, call in calls.items():
        for on in (False, True):
            for number, found in enumerate(outcomes(call, kept, on, every)):
                whose = "kernels" if found.asked.startswith("kernel") else "others"
                counts[f"{whose}: {found.how}"] += 1
                if (wrong := fault(found)) is not None:
                    faults.append(f"{name}, allocation {1 + number * every}{' and after' * on}: {wrong}")
    print(json.dumps({"counts": counts, "faults": faults}))


def _tried(call, right, kept, first, last):
    """Return the outcome of one; None where there is no such allocation."""
    found = _outcome(call, right, first, last)
    if _shim.failing_seen() < first:
        assert found[0] == "right", found
        return None
    asked = _shim.failing_asked().decode()
    if as_bytes(call()) != right:
        return Outcome("wrong", "the call after it", asked, [])
    left: list[str] = []
    for count in REPEATED:
        if left or count == REPEATED[0]:
            left = _left(partial(_outcome, call, right, first, last), kept, count)
    if as_bytes(call()) != right:
        return Outcome("wrong", "the last call", asked, left)
    return Outcome(*found, asked, left)


def _outcome(call, right, first, last):
    """Make the call; return how it ended, and what it said."""
    try:
        return ("right" if as_bytes(_call(call, first, last)) == right else "wrong"), ""
    except BaseException as error:
        return type(error).__name__, str(error)[:200]


def _left(fail, kept, count):
    """Return what becomes more, or less, by each of so many failures."""
    there = np.zeros((count + 2, len(kept) + 4), np.int64)
    threads = _threads()
    for row in there:
        fail()
        soon(lambda: _threads() <= threads, ENDING)  # one that reads blocks looks now and then whether they are wanted
        gc.collect()
        _read(row, kept)
    changes = np.diff(there[1:], axis=0)
    return [
        f"{name}: {change[:3].tolist()}"
        for name, change in zip(_names(kept), changes.T, strict=True)
        if (change > 0).all() or (change < 0).all()
    ]


def _threads():
    """Return how many threads there are, but for a team's."""
    return len(os.listdir("/proc/self/task")) - team.helpers()


def _names(kept):
    """Return what is counted."""
    return ["files", "threads", "bytes", "references to None", *(f"references to {k}" for k in range(len(kept)))]


def _read(row, kept):
    """Write down how much of everything there is."""
    row[0] = len(os.listdir("/proc/self/fd"))
    row[1] = _threads()
    row[2] = _shim.failing_held()
    row[3] = sys.getrefcount(None)
    for k, one in enumerate(kept):
        row[4 + k] = sys.getrefcount(one)


def _in_child(function):
    """Return what a function returns in a forked child: an outcome, also where the child is killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(TOO_LONG)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            os.write(writing, json.dumps(function()).encode())
            os._exit(0)
        except BaseException as error:
            os.write(2, repr(error).encode())
        finally:
            os._exit(1)
    os.close(writing)
    with open(reading) as file:
        told = file.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return Outcome(how, "", _shim.failing_asked().decode(), [])
    return (found := json.loads(told)) and Outcome(*found)
