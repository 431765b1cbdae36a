"""How many threads a call may have, and which calls are worth sharing.

A call has as many threads as there is room for, at the moment it is made:

- the CPUs that the calling thread may run on (its affinity, also where that was changed a moment ago);
- at the import of this package, the container's quota, of the process's own cgroup and of all above it;
  OMP_THREAD_LIMIT; one where OMP_MAX_ACTIVE_LEVELS is 0;
- the limit set for the process: OMP_NUM_THREADS when this package is imported, later threadpoolctl's
  ``threadpool_limits``;
- the limit set for the caller's thread or task: `threads`.

OMP_DYNAMIC has no meaning here: what it asks for, fewer threads on a busy machine, the team does anyway.
"""

from __future__ import annotations

import math
import os
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...pyimpl.parts.contract import shown
from . import team

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec
    from types import ModuleType

UNLIMITED = 1 << 30  # threads

_forked = False
_entered = 1  # threads: the largest region so far


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Let the calls made in a block have at most `n` threads.

    It holds for the calling thread (or asyncio task) alone, for `fastest`, plans and the OpenMP rungs; and for threads
    that are started in the block where Python gives them its context (``sys.flags.thread_inherit_context``: 3.14, by
    default without a GIL). Limits around it hold on: inside ``threads(2)``, ``threads(8)`` still means two.

    Parameters
    ----------
    n : int
        A positive number of threads, the calling one included.

    Raises
    ------
    ValueError
        `n` is not a positive integer.

    Examples
    --------
    >>> import numpy as np
    >>> from looptax.kernels import fastest, threads
    >>> with threads(1):
    ...     cost, dw, db = fastest(np.ones((3, 2)), np.ones(3), np.zeros(2), 0.0)
    """
    token = team.at_most.set(min(positive("n", n), team.at_most.get()))
    try:
        yield
    finally:
        team.at_most.reset(token)


def positive(name: str, n: int) -> int:
    """Return n as an int; ValueError, which calls it `name`, where it is no positive integer."""
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 1:
        raise ValueError(f"{name} is {shown(n)}; expected a positive integer")
    return min(int(n), UNLIMITED)


def openmp() -> int:
    """Return how many threads an OpenMP region of ours may have.

    One in a forked child: the threads of libgomp do not come along, and a region would wait for them
    forever (scikit-learn issue 19272). One, with a warning, where they cannot be started: libgomp would end
    the process.
    """
    global _entered
    from . import region  # brings libgomp, which nothing else needs

    wanted = 1 if _forked else min(region.threads(), team.available())
    if wanted > _entered:
        if error := region.trouble(wanted):
            team.complain(error)
            return 1
        _entered = wanted
    return wanted


def quota(process: Path = Path("/proc/self")) -> int | None:
    """Return how many CPUs the quotas of the process's cgroups amount to, rounded up; None without a quota.

    The own cgroup's counts, and that of every one above it that can be seen from here. Quotas are in cpu.max
    (cgroup v2) or in cpu.cfs_quota_us and cpu.cfs_period_us (v1).
    """
    try:
        cgroups = [line.split(":", 2) for line in _lines(process / "cgroup")]
        mounts = [line.split(" ") for line in _lines(process / "mountinfo") if " - " in line]
    except OSError:  # not Linux, or no /proc
        return None
    found = []
    for mount in mounts:
        kind, options = mount[mount.index("-") + 1], mount[-1].split(",")
        for _, controllers, path in cgroups:
            if (kind == "cgroup2" and not controllers) or (
                kind == "cgroup" and "cpu" in options and "cpu" in controllers.split(",")
            ):
                root, folder = mount[3].rstrip("/"), Path(mount[4])
                inside = path.removeprefix(root).strip("/")
                found += [_cpus(folder / part) for part in (Path(inside), *Path(inside).parents)]
    return min(math.ceil(min(filter(None, found), default=0)), UNLIMITED) or None


def _lines(file: Path) -> list[str]:
    """Return the lines of a file whose names may be no text."""
    return [line for line in file.read_text("utf-8", "surrogateescape").split("\n") if line]


def _cpus(cgroup: Path) -> float | None:
    """Return the quota of one cgroup in CPUs."""
    for files in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            microseconds, period = " ".join((cgroup / name).read_text() for name in files).split()
            return int(microseconds) / int(period) if int(microseconds) > 0 else None
        except (OSError, ValueError, ZeroDivisionError):  # no such file, or "max": no quota
            continue
    return None


def environment(name: str) -> int | None:
    """Return the first number of an OpenMP variable; None where it is not set to one."""
    first = os.environ.get(name, "").partition(",")[0].strip()
    return min(int(first[:20]), UNLIMITED) if first.isascii() and first.isdigit() else None


def follow_the_environment() -> None:
    """Set the limits that hold from the import of this package on."""
    bounds = [quota(), environment("OMP_THREAD_LIMIT"), 1 if environment("OMP_MAX_ACTIVE_LEVELS") == 0 else None]
    team.set_quota(min(filter(None, bounds), default=0))
    team.start_limit(environment("OMP_NUM_THREADS") or 0)


def follow_threadpoolctl() -> None:
    """Let threadpoolctl (3.2 or newer) show the team and set its limit, from when it is imported on.

    It is not imported here: that would take half as long as all else.
    """
    if "threadpoolctl" in sys.modules:
        _register(sys.modules["threadpoolctl"])
    else:
        sys.meta_path.insert(0, _WhenImported())


class _WhenImported:
    """Waits for the import of threadpoolctl, and then registers the team with it."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the spec that others find, with a loader that registers the team at its end."""
        if name != "threadpoolctl":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                _register(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _register(threadpoolctl: Any) -> None:
    if not hasattr(threadpoolctl, "register"):  # an older one, or one that is in the middle of its import
        return

    class TeamController(threadpoolctl.LibController):
        """The team of threads of looptax."""

        user_api = internal_api = "looptax"
        filename_prefixes = ("team",)
        check_symbols = ("looptax_get_num_threads",)

        def get_num_threads(self) -> int:
            """Return the limit."""
            return self.dynlib.looptax_get_num_threads()

        def set_num_threads(self, num_threads: int) -> None:
            """Set it."""
            self.dynlib.looptax_set_num_threads(min(num_threads, UNLIMITED))

        def get_version(self) -> None:
            """Return None: it has the package's."""

    threadpoolctl.register(TeamController)


def _after_fork() -> None:
    global _forked
    _forked = True


follow_the_environment()
follow_threadpoolctl()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
