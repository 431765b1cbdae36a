"""The team of threads as the compiled kernels call it: function pointers, in the capsule `team.api`."""

from libc.stdint cimport int64_t

from cpython.pycapsule cimport PyCapsule_GetPointer

ctypedef void (*Task)(void* job, int chunk) noexcept nogil

ctypedef struct Api:
    int (*at_most)() except -1  # threads that this Python thread or task allows, see `thread_limits.threads`
    # On at most so many threads, and on no more than there is room for: see team.h.
    void (*run)(Task task, void* job, int chunks, int threads, int64_t ns) noexcept nogil
    int (*complain)() except -1  # warn, once, where a thread could not be started
    const int* forks  # between this process and the one that loaded the team


cdef inline const Api* team_api(object capsule) except NULL:
    """Return what the capsule `team.api` holds."""
    return <const Api*>PyCapsule_GetPointer(capsule, "looptax.kernels.team.api")
