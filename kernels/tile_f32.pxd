# cython: cdivision=True
"""`tile.pxi` for float32."""

ctypedef float real

cdef extern from "simd.h" nogil:
    ctypedef float vec "looptax_f32"
    enum: LANES "looptax_f32_lanes"
    void vec_sum4 "looptax_f32_sum4"(vec x0, vec x1, vec x2, vec x3, float* sums)
    vec splat "looptax_f32_splat"(real x)
    vec some "looptax_f32_some"(const real* x, vec mask)
    void set_mask "looptax_f32_mask"(vec* mask, int first)
    void prefetch "looptax_prefetch"(const real* x)

include "tile.pxi"
