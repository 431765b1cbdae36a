"""Wisdom: what `plan` measured, remembered from one process to the next.

Remembered is how long a step takes by each schedule that is not far from the best, with one thread, two, four and so
on, for each shape, dtype and layout; apart for each CPU, instruction set, version of this package and number of
threads there are. It decides which schedule and how many threads a plan uses, and nothing else: the bits of a result
do not depend on it. `fastest` does not read it: looking at a file takes longer than most of its calls.

It is kept in ``wisdom.json`` in the user's cache folder, or in the folder that LOOPTAX_CACHE names, as
``{"format": 2, "entries": {machine: {problem: {schedule: {threads: seconds}}}}}``; a folder that is not there is made
for this user alone. A file of an older format counts as empty, and is written anew. One that is damaged, or somebody
else's, is left as it is, and like one that cannot be written it is ignored with one warning. platformdirs and filelock,
which come with looptax[bench], say where and keep writers apart; without them, nothing is remembered.
"""

from __future__ import annotations

import json
import math
import os
import platform
import re
import warnings
from _thread import allocate_lock
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...pyimpl.parts.contract import shown
from . import isa, team
from .schedule import Schedule
from .which import KERNEL, counted, layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    Times = dict[Schedule, dict[int, float]]  # schedule → threads → seconds
    Entries = dict[str, dict[str, Times]]  # machine → problem → times

FORMAT = 2
#: Environment variable that names a folder to use instead of the user's cache folder.
VARIABLE = "LOOPTAX_CACHE"
LARGEST = 10_000_000  # bytes to read; a problem takes about a hundred
PATIENCE = 10  # seconds to wait for others to finish writing
PROBLEM = re.compile(r"[1-9]\d*x[1-9]\d* float(32|64) (rows|columns|strided)", re.ASCII)
THREADS = re.compile(r"[1-9]\d{0,8}", re.ASCII)
CPU = re.compile(r"^(?:model name|cpu family|model|stepping|CPU (?:implementer|variant|part))\s*: .+", re.MULTILINE)

_unsaid = allocate_lock()  # who gets it warns; it is never given back


class WisdomError(RuntimeError):
    """The file cannot be read or written; the message names it and says why."""


def recall(X: np.ndarray) -> Times | None:
    """Return the times remembered for data like X; None where there are none that can be used here."""
    try:
        times = known().get(problem(X))
    except WisdomError as error:
        _warn(error)
        return None
    return times if times and max(map(max, times.values())) <= team.available() else None


def remember(X: np.ndarray, times: Times) -> None:
    """Store the times for data like X; warn where that fails."""
    try:
        store(X, times)
    except WisdomError as error:
        _warn(error)


def store(X: np.ndarray, times: Times) -> None:
    """Add the times for data like X to the file, beside what other processes have added.

    Parameters
    ----------
    X : numpy.ndarray, shape (m, n)
    times : dict of Schedule to dict of int to float
        Seconds a step takes, by the schedule and the number of threads.

    Raises
    ------
    WisdomError
        The file cannot be written, or holds something else.
    """
    path = file()
    if path is None:
        return
    from filelock import FileLock

    with _faults(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(f"{path}.lock", timeout=PATIENCE):
            entries, here = _read(path), machine()
            entries[here] = {**entries.get(here, {}), problem(X): times}
            _write({"format": FORMAT, "entries": _plain(entries)}, path)


def load() -> Entries:
    """Return all that is remembered; WisdomError where the file cannot be read."""
    path = file()
    if path is None:
        return {}
    with _faults(path):
        return _read(path)


def known() -> dict[str, Times]:
    """Return what is remembered for this machine and number of threads; WisdomError as `load`."""
    entries = load()
    return entries.get(machine(), {}) if entries else {}


def clear() -> bool:
    """Remove the file; return whether there was one. WisdomError where it cannot be removed."""
    path = file()
    if path is None or not os.path.lexists(path):
        return False
    with _faults(path):
        path.unlink()
    return True


def file() -> Path | None:
    """Return where wisdom is kept, or None where the packages it needs are not installed.

    Raises
    ------
    WisdomError
        There is no home folder to keep it in, and LOOPTAX_CACHE names no other.
    """
    if not _installed():
        return None
    import platformdirs

    try:
        folder = os.environ.get(VARIABLE) or platformdirs.user_cache_dir("looptax", appauthor=False)
        return Path(folder).expanduser() / "wisdom.json"
    except RuntimeError as error:
        raise WisdomError(f"no home folder, and {VARIABLE} names no other: {error}") from error


def machine() -> str:
    """Return what the times depend on besides the data, in words."""
    threads = counted(team.available())
    return f"{_cpu()}, {isa.chosen(KERNEL)}, looptax {__version__}, {threads}"


def problem(X: np.ndarray) -> str:
    """Return what the times depend on in X: "1000x10 float64 rows"."""
    return f"{len(X)}x{X.shape[1]} {X.dtype} {layout(X)}"


def _read(path: Path) -> Entries:
    if not os.path.lexists(path):
        return {}
    if not path.is_file():  # opening a pipe would wait for somebody to write
        raise ValueError("not a regular file")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"larger than {LARGEST:,} bytes")
    return _entries(json.loads(path.read_text("utf-8")))


def _entries(document: Any) -> Entries:
    """Return what a document holds; ValueError where it is not of our form."""
    try:
        if document["format"] == 1:
            return {}
        if document["format"] != FORMAT:
            raise ValueError(f"its format is {shown(document['format'])}; expected {FORMAT}")
        return {
            where: {_problem(name): _times(times) for name, times in problems.items()}
            for where, problems in document["entries"].items()
        }
    except (AttributeError, KeyError, TypeError):
        raise ValueError("not a file of wisdom") from None


def _problem(name: str) -> str:
    if not PROBLEM.fullmatch(name):
        raise ValueError(f"{shown(name)} is not a problem; expected such as '1000x10 float64 rows'")
    return name


def _times(found: Any) -> Times:
    if not found or not all(map(_are_seconds, found.values())):
        raise ValueError(f"{shown(found)} is not seconds by the schedule and the number of threads")
    return {Schedule.parse(how): {int(count): t for count, t in seconds.items()} for how, seconds in found.items()}


def _are_seconds(times: Any) -> bool:
    """Whether these are seconds by the number of threads, which is written in plain digits."""
    return bool(times) and all(
        THREADS.fullmatch(count) and isinstance(t, float) and 0 < t < math.inf for count, t in times.items()
    )


def _plain(entries: Entries) -> dict[str, dict[str, dict[str, dict[int, float]]]]:
    """Return entries with schedules as texts."""
    return {
        where: {name: {str(how): seconds for how, seconds in times.items()} for name, times in problems.items()}
        for where, problems in entries.items()
    }


def _write(document: dict[str, Any], path: Path) -> None:
    """Write the document: whole or not at all."""
    part = path.with_name(f".{path.name}.{os.urandom(8).hex()}.part")
    file = part.open("x", encoding="utf-8")  # our own: never what others have put there, a pipe or a link
    try:
        with file:
            file.write(json.dumps(document, indent=1))
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    """Turn what may go wrong with the file into a WisdomError that names it."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: lists in lists without end, no locks
        raise WisdomError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def _warn(error: WisdomError) -> None:
    if _unsaid.acquire(blocking=False):
        warnings.warn(f"wisdom is ignored: {error}", RuntimeWarning, stacklevel=5)  # where `plan` was called


@cache
def _installed() -> bool:
    return all(map(find_spec, ("platformdirs", "filelock")))


@cache
def _cpu() -> str:
    """Return what the first CPU calls itself."""
    try:
        first = Path("/proc/cpuinfo").read_text("utf-8", "replace").partition("\n\n")[0]
    except OSError:
        first = ""
    told = [" ".join(line.replace(":", "").split()) for line in CPU.findall(first)]
    return ", ".join(told) or platform.processor() or platform.machine()
