"""Count the arrays NumPy allocates: a memory handler that passes every request on to the C library."""

cimport numpy as cnp
from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport uint8_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport strcpy

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    ctypedef struct PyDataMemAllocator:
        void* ctx
        void* (*malloc)(void*, size_t) noexcept nogil
        void* (*calloc)(void*, size_t, size_t) noexcept nogil
        void* (*realloc)(void*, void*, size_t) noexcept nogil
        void (*free)(void*, void*, size_t) noexcept nogil
    ctypedef struct PyDataMem_Handler:
        char[127] name
        uint8_t version
        PyDataMemAllocator allocator
    object PyDataMem_SetHandler(object handler)

cdef PyDataMem_Handler handler
cdef long made = 0

cdef enum:
    ONE_NUMBER = 8  # bytes; an array of so few is a scalar on its way


cdef void* counted_malloc(void* ctx, size_t size) noexcept nogil:
    global made
    made += size > ONE_NUMBER
    return malloc(size)


cdef void* counted_calloc(void* ctx, size_t count, size_t size) noexcept nogil:
    global made
    made += count * size > ONE_NUMBER
    return calloc(count, size)


cdef void* passed_realloc(void* ctx, void* old, size_t size) noexcept nogil:
    return realloc(old, size)


cdef void passed_free(void* ctx, void* old, size_t size) noexcept nogil:
    free(old)


strcpy(handler.name, b"looptax_counting")
handler.version = 1
handler.allocator = PyDataMemAllocator(NULL, counted_malloc, counted_calloc, passed_realloc, passed_free)
capsule = PyCapsule_New(&handler, "mem_handler", NULL)


def allocated(call):
    """Return how many arrays of more than one number NumPy allocates in this thread while `call()` runs; one at a time.
    """
    global made
    before = PyDataMem_SetHandler(capsule)
    made = 0
    try:
        call()
    finally:
        PyDataMem_SetHandler(before)
    return made
