# cython: cdivision=True
"""`tile.pxi` for float64."""

ctypedef double real

cdef extern from "simd.h" nogil:
    ctypedef double vec "looptax_f64"
    enum: LANES "looptax_f64_lanes"
    void vec_sum4 "looptax_f64_sum4"(vec x0, vec x1, vec x2, vec x3, double* sums)
    vec splat "looptax_f64_splat"(real x)
    vec some "looptax_f64_some"(const real* x, vec mask)
    void set_mask "looptax_f64_mask"(vec* mask, int first)
    void prefetch "looptax_prefetch"(const real* x)

include "tile.pxi"
