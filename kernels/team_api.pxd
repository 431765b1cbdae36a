"""The team of threads as the compiled kernels call it: function pointers, in the capsule `team.api`."""

from cpython.pycapsule cimport PyCapsule_GetPointer

ctypedef void (*Task)(void* job, int chunk) noexcept nogil

ctypedef struct Api:
    int (*available)() except -1  # how many threads a call may have now
    void (*run)(Task task, void* job, int chunks, int threads, bint brief) noexcept nogil  # see team.h
    int (*complain)() except -1  # warn, once, where a thread could not be started


cdef inline const Api* team_api(object capsule) except NULL:
    """Return what the capsule `team.api` holds."""
    return <const Api*>PyCapsule_GetPointer(capsule, "looptax.kernels.team.api")
