# cython: boundscheck=False, wraparound=False
"""Windows: parts of files in memory, as the page cache has them, without a copy; see `window.h`."""

import os

cimport cython
from cpython.buffer cimport PyBuffer_FillInfo
from libc.stdint cimport int64_t

cdef extern from "window.h" nogil:
    size_t looptax_page()
    int looptax_window_open(int file, int64_t offset, size_t piece, size_t count, int64_t stride)
    char* looptax_window_first(int k)
    size_t looptax_window_spacing(int k)
    int looptax_window_torn(int k)
    void looptax_window_load(int k)
    void looptax_window_close(int k)


looptax_page()  # is kept: asked before there are threads
cdef object watching = object()  # the handler of SIGBUS is put in its place by one thread at a time


def page():
    """Return the bytes of a page; 0 where this system has no windows."""
    return looptax_page()


cdef class Window:
    """Bytes of an open file, read-only; closed with the last array on it. Where the file ends early, there are zeros.

    Parameters
    ----------
    file : int
        Descriptor, which may be closed afterwards.
    offset, size : int
        Which part of it.
    count, stride : int
        How many parts of that size, and how many bytes there are from one to the next.

    Raises
    ------
    OSError
        The system does not allow it: most of all, there is no address space left.
    """

    cdef int number  # of the window; 0 where there is none yet
    cdef Py_ssize_t size

    def __cinit__(self, int file, int64_t offset, Py_ssize_t size, Py_ssize_t count=1, int64_t stride=0):
        with cython.critical_section(watching):
            self.number = looptax_window_open(file, offset, size, count, stride)
        if self.number < 0:
            raise OSError(-self.number, os.strerror(-self.number))
        self.size = (count - 1) * self.spacing + size

    def __dealloc__(self):
        if self.number > 0:
            looptax_window_close(self.number)

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        PyBuffer_FillInfo(buffer, self, looptax_window_first(self.number), self.size, True, flags)

    def load(self):
        """Read all of it, in this thread; others go on."""
        with nogil:
            looptax_window_load(self.number)

    @property
    def spacing(self):
        """How many bytes there are from one part to the next, here; between them there are none to read."""
        return looptax_window_spacing(self.number)

    @property
    def torn(self):
        """Whether somebody read where the file no longer was."""
        return looptax_window_torn(self.number) != 0
