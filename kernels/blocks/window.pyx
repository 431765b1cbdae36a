# cython: boundscheck=False, wraparound=False
"""Windows: parts of files in memory, as the page cache has them, without a copy; see `window.h`."""

import os

from cpython.buffer cimport PyBuffer_FillInfo
from libc.stdint cimport int64_t

cdef extern from "window.h" nogil:
    ctypedef struct View "looptax_window":
        char* start
        size_t bytes
        int torn
    size_t looptax_page()
    int looptax_window_open(View* w, int file, int64_t offset, size_t bytes)
    void looptax_window_load(View* w)
    void looptax_window_close(View* w)


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

    Raises
    ------
    OSError
        The system does not allow it: most of all, there is no address space left.
    """

    cdef View view
    cdef Py_ssize_t skipped, size

    def __cinit__(self, int file, int64_t offset, Py_ssize_t size):
        self.skipped, self.size = offset % <int64_t>looptax_page(), size
        cdef int error = looptax_window_open(&self.view, file, offset - self.skipped, self.skipped + size)
        if error:
            raise OSError(error, os.strerror(error))

    def __dealloc__(self):
        looptax_window_close(&self.view)

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        PyBuffer_FillInfo(buffer, self, self.view.start + self.skipped, self.size, True, flags)

    def load(self):
        """Read all of it, in this thread; others go on."""
        with nogil:
            looptax_window_load(&self.view)

    @property
    def torn(self):
        """Whether somebody read where the file no longer was."""
        return self.view.torn != 0
