"""The C core of `variants/several.pyx`; see `several.h`. `size` is that of a number, 4 or 8 bytes."""

from libc.stdint cimport int64_t

from parts.tuned cimport Runner, Samples, Sums

cdef extern from "several.h" nogil:
    ctypedef enum Link "enum looptax_link":
        LOGISTIC "LOOPTAX_LOGISTIC"
        LOGISTIC_HESSP "LOOPTAX_LOGISTIC_HESSP"
        LOGISTIC_HESSIAN "LOOPTAX_LOGISTIC_HESSIAN"
        SOFTMAX "LOOPTAX_SOFTMAX"
        SOFTMAX_HESSP "LOOPTAX_SOFTMAX_HESSP"
        SOFTMAX_HESSIAN "LOOPTAX_SOFTMAX_HESSIAN"
    ctypedef struct Sparse "looptax_sparse":
        const void* data
        const void* indices
        const void* pointers
        Py_ssize_t m, n, count
        bint wide
    ctypedef struct Several "looptax_several":
        const void* y
        const void* s
        const void* w
        Link link
        Py_ssize_t classes, row, column
        Py_ssize_t tile_bytes
    Py_ssize_t looptax_several_chunk_f64(const Samples* X, const Several* of)
    Py_ssize_t looptax_several_chunk_f32(const Samples* X, const Several* of)
    size_t looptax_several_work_f64(const Samples* X, const Several* of, int threads)
    size_t looptax_several_work_f32(const Samples* X, const Several* of, int threads)
    size_t looptax_sparse_work_f64(const Sparse* X, const Several* of, int threads)
    size_t looptax_sparse_work_f32(const Sparse* X, const Several* of, int threads)
    Sums looptax_several_f64(
        const Samples* X, const Several* of, Runner run, int threads, int64_t ns, void* work, double* out)
    Sums looptax_several_f32(
        const Samples* X, const Several* of, Runner run, int threads, int64_t ns, void* work, float* out)
    Sums looptax_sparse_f64(
        const Sparse* X, const Several* of, Runner run, int threads, int64_t ns, void* work, double* out)
    Sums looptax_sparse_f32(
        const Sparse* X, const Several* of, Runner run, int threads, int64_t ns, void* work, float* out)
    Sums looptax_several_mean_f64(
        Sums sums, double l2, const double* w, Py_ssize_t classes, Py_ssize_t n, double* out)
    Sums looptax_several_mean_f32(
        Sums sums, double l2, const float* w, Py_ssize_t classes, Py_ssize_t n, float* out)


cdef inline Py_ssize_t chunk(const Samples* X, const Several* of, int size) noexcept nogil:
    """How many samples are summed one after the other."""
    return (looptax_several_chunk_f32 if size == 4 else looptax_several_chunk_f64)(X, of)


cdef inline size_t work_bytes(
    const Samples* X, const Sparse* sparse, const Several* of, int threads, int size,
) noexcept nogil:
    """How much memory `sums` works in; X is NULL where the samples are sparse."""
    if X == NULL:
        return (looptax_sparse_work_f32 if size == 4 else looptax_sparse_work_f64)(sparse, of, threads)
    return (looptax_several_work_f32 if size == 4 else looptax_several_work_f64)(X, of, threads)


cdef inline Sums sums(
    const Samples* X, const Sparse* sparse, const Several* of, Runner run, int threads, int64_t ns, void* work,
    void* out, int size,
) noexcept nogil:
    """Set `out` to its sums over the samples, and return the others."""
    if X == NULL and size == 4:
        return looptax_sparse_f32(sparse, of, run, threads, ns, work, <float*>out)
    if X == NULL:
        return looptax_sparse_f64(sparse, of, run, threads, ns, work, <double*>out)
    if size == 4:
        return looptax_several_f32(X, of, run, threads, ns, work, <float*>out)
    return looptax_several_f64(X, of, run, threads, ns, work, <double*>out)


cdef inline Sums mean(
    Sums sums, double l2, const void* w, Py_ssize_t classes, Py_ssize_t n, void* out, int size,
) noexcept nogil:
    """Divide sums, `out` too, by the weight of the samples, and add the penalty on w."""
    if size == 4:
        return looptax_several_mean_f32(sums, l2, <const float*>w, classes, n, <float*>out)
    return looptax_several_mean_f64(sums, l2, <const double*>w, classes, n, <double*>out)
