/* Vectors as wide as the instruction set this file is compiled for, by the vector extensions of GCC
   and Clang: x + y, x * y work lane by lane, and a scalar operand is spread over the lanes. With other
   compilers a vector is one number, and the kernels are right but slow.

   Wider-than-native vectors were tried (64 bytes everywhere): GCC 12 keeps them in memory, five times
   slower on AVX2. */
#ifndef LOOPTAX_SIMD_H
#define LOOPTAX_SIMD_H

#include <stdint.h>
#include <string.h>

#if !defined(__GNUC__)
#  define LOOPTAX_BYTES 0
#elif defined(__AVX512F__)
#  define LOOPTAX_BYTES 64
#elif defined(__AVX__)
#  define LOOPTAX_BYTES 32
#else
#  define LOOPTAX_BYTES 16
#endif

#if LOOPTAX_BYTES
/* May lie at any element's address, and look at memory that C says holds plain numbers. */
#  define LOOPTAX_TYPES(name, real, integer)                                                           \
    typedef real name __attribute__((vector_size(LOOPTAX_BYTES), aligned(sizeof(real)), may_alias));   \
    typedef integer name##_bits __attribute__((vector_size(LOOPTAX_BYTES)));                           \
    static inline name name##_keep(name x, name mask) {                                                \
        return (name)((name##_bits)x & (name##_bits)mask);                                             \
    }
#else
#  define LOOPTAX_TYPES(name, real, integer)                                                           \
    typedef real name;                                                                                 \
    static inline name name##_keep(name x, name mask) {                                                \
        integer bits;                                                                                  \
        memcpy(&bits, &mask, sizeof bits);                                                             \
        return bits ? x : 0;                                                                           \
    }
#endif

/* keep: the lanes of x where the mask has all bits set, 0 in the others. sum: of all lanes, by halves. */
#define LOOPTAX_SIMD(name, real, integer)                                                              \
    LOOPTAX_TYPES(name, real, integer)                                                                 \
    enum { name##_lanes = sizeof(name) / sizeof(real) };                                               \
    static inline real name##_sum(name x) {                                                            \
        real lane[name##_lanes];                                                                       \
        memcpy(lane, &x, sizeof x);                                                                    \
        for (int half = name##_lanes / 2; half > 0; half /= 2)                                         \
            for (int k = 0; k < half; k++) lane[k] += lane[k + half];                                  \
        return lane[0];                                                                                \
    }                                                                                                  \
    static inline name name##_splat(real x) { name zero; memset(&zero, 0, sizeof zero); return zero + x; } \
    static inline void name##_mask(name *mask, int first) {                                            \
        integer bits[name##_lanes];                                                                    \
        for (int k = 0; k < name##_lanes; k++) bits[k] = k >= first ? -1 : 0;                          \
        memcpy(mask, bits, sizeof bits);                                                               \
    }

LOOPTAX_SIMD(looptax_f64, double, int64_t)
LOOPTAX_SIMD(looptax_f32, float, int32_t)

#endif
