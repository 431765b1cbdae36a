"""The team of threads (`team.h`) for the compiled kernels, and what Python sees of it.

Kernels call it through `api` (see `team_api.pxd`); how many threads it may have is the business of `thread_limits`.
"""

import atexit
import os
import warnings
from contextvars import ContextVar
from _thread import allocate_lock

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int64_t

from choose.team_api cimport Api, Task

cdef extern from *:
    """
    #include "team.h"
    #ifdef _WIN32
    #  define LOOPTAX_SHOWN __declspec(dllexport)
    #else
    #  define LOOPTAX_SHOWN __attribute__((visibility("default")))
    #endif
    /* By these, threadpoolctl finds this library and sets its limit. */
    LOOPTAX_SHOWN int looptax_get_num_threads(void);
    LOOPTAX_SHOWN void looptax_set_num_threads(int n);
    int looptax_get_num_threads(void) { return looptax_team_limit(); }
    void looptax_set_num_threads(int n) { looptax_team_set_limit(n); }
    """
    const int looptax_team_forks
    int looptax_team_available() nogil
    int looptax_team_helpers() nogil
    int looptax_team_trouble() nogil
    void looptax_team_begin() nogil
    void looptax_team_end() nogil
    void looptax_team_pretend(int n) nogil
    void looptax_team_run(Task task, void* job, int chunks, int threads, int64_t ns) noexcept nogil
    void looptax_team_start_limit(int n) nogil
    void looptax_team_set_quota(int n) nogil

cdef enum:
    UNLIMITED = 1 << 30

#: The limit of `thread_limits.threads`, in this thread or task.
at_most = ContextVar("looptax_threads", default=UNLIMITED)

cdef object unsaid = allocate_lock()  # who gets it warns; it is never given back


cdef int _at_most() except -1:
    return at_most.get()


cdef int _complain() except -1:
    cdef int error = looptax_team_trouble()
    if error:
        complain(error)
    return 0


def complain(int error):
    """Warn, once in a process, that no thread could be started, for the reason that errno `error` means."""
    if unsaid.acquire(blocking=False):
        warnings.warn(f"no thread can be started ({os.strerror(error)}): looptax works with one", RuntimeWarning)


def available():
    """Return how many threads a call of the step may have now: by CPUs, quota and limits, see `thread_limits`."""
    return min(looptax_team_available(), _at_most())


def helpers():
    """Return how many threads the team has started and not ended."""
    return looptax_team_helpers()


def start_limit(int n):
    """Let calls have at most n threads, in the whole process, until threadpoolctl sets another limit."""
    looptax_team_start_limit(n)


def set_quota(int n):
    """Let calls have at most n threads, whatever limit is set later; 0 for no such bound."""
    looptax_team_set_quota(n)


def pretend(int n):
    """Behave as on n CPUs, for tests; 0 for those there are."""
    looptax_team_pretend(n)


cdef Api _api = Api(_at_most, looptax_team_run, _complain, &looptax_team_forks)
api = PyCapsule_New(&_api, "looptax.kernels.team.api", NULL)

looptax_team_begin()
atexit.register(lambda: looptax_team_end())
