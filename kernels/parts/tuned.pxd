"""The C core of `cython_tuned` as Cython calls it; see `tuned.h`. `size` is that of a number, 4 or 8 bytes."""

from libc.stdint cimport int64_t

ctypedef void (*Task)(void* job, int k) noexcept nogil
ctypedef void (*Runner)(Task task, void* job, int chunks, int threads, int64_t ns) noexcept nogil

cdef extern from "tuned.h" nogil:
    ctypedef struct Samples "looptax_samples":
        const char* data
        Py_ssize_t m, n, row_stride, column_stride
        char order
    ctypedef struct Schedule "looptax_schedule":
        Py_ssize_t tile_bytes
        bint streamed, by_features, overlapped
        Py_ssize_t prefetch
    ctypedef struct Sums "looptax_sums":
        double cost, db, weight
        bint bad
    ctypedef enum Part "enum looptax_part":
        Z "LOOPTAX_Z"
        LOSS "LOOPTAX_LOSS"
        GRADIENT "LOOPTAX_GRADIENT"
    enum:
        LAYOUT_COLUMNS "LOOPTAX_COLUMNS"
        LAYOUT_PACKED "LOOPTAX_PACKED"
    Py_ssize_t looptax_chunk_f64(const Samples* X)
    Py_ssize_t looptax_chunk_f32(const Samples* X)
    int looptax_layout_f64(const Samples* X)
    int looptax_layout_f32(const Samples* X)
    Schedule looptax_effective_f64(const Samples* X, const Schedule* how)
    Schedule looptax_effective_f32(const Samples* X, const Schedule* how)
    size_t looptax_work_bytes_f64(const Samples* X, const Schedule* how, int threads)
    size_t looptax_work_bytes_f32(const Samples* X, const Schedule* how, int threads)
    Sums looptax_sums_f64(
        const Samples* X, const double* y, const double* s, const double* w, double b, const Schedule* how, Runner run,
        int threads, int64_t ns, Part last, void* work, double* dw)
    Sums looptax_sums_f32(
        const Samples* X, const float* y, const float* s, const float* w, float b, const Schedule* how, Runner run,
        int threads, int64_t ns, Part last, void* work, float* dw)
    Sums looptax_mean_f64(Sums sums, double l2, const double* w, Py_ssize_t n, double* dw)
    Sums looptax_mean_f32(Sums sums, double l2, const float* w, Py_ssize_t n, float* dw)


cdef extern from "workspace.h":  # with the GIL, where there is one
    void* take "looptax_take"(size_t* size)
    void give "looptax_give"(void* memory, size_t size)


cdef inline Py_ssize_t chunk(const Samples* X, int size) noexcept nogil:
    """How many samples a chunk has."""
    return looptax_chunk_f32(X) if size == 4 else looptax_chunk_f64(X)


cdef inline int layout(const Samples* X, int size) noexcept nogil:
    """Those of LAYOUT_COLUMNS and LAYOUT_PACKED that hold."""
    return looptax_layout_f32(X) if size == 4 else looptax_layout_f64(X)


cdef inline Schedule effective(const Samples* X, const Schedule* how, int size) noexcept nogil:
    """What a schedule comes to for X: a tile in samples, and only what has a meaning there."""
    if size == 4:
        return looptax_effective_f32(X, how)
    return looptax_effective_f64(X, how)


cdef inline size_t work_bytes(const Samples* X, const Schedule* how, int threads, int size) noexcept nogil:
    """How much memory `sums` works in."""
    if size == 4:
        return looptax_work_bytes_f32(X, how, threads)
    return looptax_work_bytes_f64(X, how, threads)


cdef inline Sums sums(
    const Samples* X, const void* y, const void* s, const void* w, double b, const Schedule* how, Runner run,
    int threads, int64_t ns, Part last, void* work, void* dw, int size,
) noexcept nogil:
    """Set dw to its sum over the samples, of weights s if any, up to the part `last`; return the other sums."""
    if size == 4:
        return looptax_sums_f32(X, <const float*>y, <const float*>s, <const float*>w, <float>b, how, run, threads, ns,
                                last, work, <float*>dw)
    return looptax_sums_f64(X, <const double*>y, <const double*>s, <const double*>w, b, how, run, threads, ns, last,
                            work, <double*>dw)


cdef inline Sums mean(
    Sums sums, double l2, const void* w, Py_ssize_t n, void* dw, int size,
) noexcept nogil:
    """Divide sums, dw too, by their weight, and add the penalty."""
    if size == 4:
        return looptax_mean_f32(sums, l2, <const float*>w, n, <float*>dw)
    return looptax_mean_f64(sums, l2, <const double*>w, n, <double*>dw)
