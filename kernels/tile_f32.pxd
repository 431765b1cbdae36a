# cython: cdivision=True
"""`tile.pxi` for float32."""

ctypedef float real

cdef extern from "simd.h" nogil:
    ctypedef float vec "looptax_f32"
    enum: LANES "looptax_f32_lanes"
    float vec_sum "looptax_f32_sum"(vec x)
    vec splat "looptax_f32_splat"(real x)
    vec keep "looptax_f32_keep"(vec x, vec mask)
    void set_mask "looptax_f32_mask"(vec* mask, int first)

include "tile.pxi"
