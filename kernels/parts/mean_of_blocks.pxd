"""The partial sums of blocks of samples made one: the end of a step whose blocks OpenMP's threads shared."""

from cython cimport floating


cdef inline void mean_of_blocks(double[:, ::1] sums, floating[:, ::1] dw, Py_ssize_t m) noexcept nogil:
    """Add up the blocks' costs, dbs (the columns of `sums`) and gradients, in order, and divide by m: into row 0."""
    cdef Py_ssize_t j, k
    for k in range(1, dw.shape[0]):
        sums[0, 0] += sums[k, 0]
        sums[0, 1] += sums[k, 1]
        for j in range(dw.shape[1]):
            dw[0, j] += dw[k, j]
    sums[0, 0] /= m
    sums[0, 1] /= m
    for j in range(dw.shape[1]):
        dw[0, j] /= m
