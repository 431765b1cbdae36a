/* Vectors as wide as the instruction set this file is compiled for, by the vector extensions of GCC
   and Clang: x + y, x * y work lane by lane, and a scalar operand is spread over the lanes. With other
   compilers a vector is one number, and the kernels are right but slow.

   Wider-than-native vectors were tried (64 bytes everywhere): GCC 12 keeps them in memory, five times
   slower on AVX2. */
#ifndef LOOPTAX_SIMD_H
#define LOOPTAX_SIMD_H

#include <stdint.h>
#include <string.h>
#if defined(__AVX__)
#  include <immintrin.h>
#endif

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
    typedef integer name##_bits __attribute__((vector_size(LOOPTAX_BYTES)));
#else
#  define LOOPTAX_TYPES(name, real, integer) typedef real name;
#endif

#ifdef __GNUC__
#  define looptax_prefetch(address) __builtin_prefetch(address)
#else
#  define looptax_prefetch(address) ((void)(address))
#endif

/* sum: of all lanes, by halves. mask: all bits set in the lanes from `first` on. */
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

/* The lanes of a vector at x where the mask has all bits set, 0 in the others, whose memory is not touched. */
#if LOOPTAX_BYTES == 64 && defined(__AVX512DQ__)
static inline looptax_f64 looptax_f64_some(const double *x, looptax_f64 mask) {
    return (looptax_f64)_mm512_maskz_loadu_pd(_mm512_movepi64_mask((__m512i)mask), x);
}
static inline looptax_f32 looptax_f32_some(const float *x, looptax_f32 mask) {
    return (looptax_f32)_mm512_maskz_loadu_ps(_mm512_movepi32_mask((__m512i)mask), x);
}
#elif LOOPTAX_BYTES == 32
static inline looptax_f64 looptax_f64_some(const double *x, looptax_f64 mask) {
    return (looptax_f64)_mm256_maskload_pd(x, (__m256i)mask);
}
static inline looptax_f32 looptax_f32_some(const float *x, looptax_f32 mask) {
    return (looptax_f32)_mm256_maskload_ps(x, (__m256i)mask);
}
#else
#  define LOOPTAX_SOME(name, real, integer)                                                            \
    static inline name name##_some(const real *x, name mask) {                                         \
        integer bits[name##_lanes];                                                                    \
        real lane[name##_lanes];                                                                       \
        memcpy(bits, &mask, sizeof mask);                                                              \
        for (int k = 0; k < name##_lanes; k++) lane[k] = bits[k] ? x[k] : 0;                           \
        memcpy(&mask, lane, sizeof mask);                                                              \
        return mask;                                                                                   \
    }
LOOPTAX_SOME(looptax_f64, double, int64_t)
LOOPTAX_SOME(looptax_f32, float, int32_t)
#endif

/* Four vectors summed at once: two by two into halves of one vector, then quarters, then to the end.
   Four sums one after the other go through memory, and took as long as the products of 30 features. */
#if defined(__clang__)
#  define LOOPTAX_PICK(bits, x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#elif LOOPTAX_BYTES
#  define LOOPTAX_PICK(bits, x, y, ...) __builtin_shuffle(x, y, (bits){__VA_ARGS__})
#endif
#define LOOPTAX_SUM4_4(bits) \
    u = LOOPTAX_PICK(bits, s0, s1, 0, 1, 4, 5) \
      + LOOPTAX_PICK(bits, s0, s1, 2, 3, 6, 7); \
    v = LOOPTAX_PICK(bits, s2, s3, 0, 1, 4, 5) \
      + LOOPTAX_PICK(bits, s2, s3, 2, 3, 6, 7); \
    u = LOOPTAX_PICK(bits, u, v, 0, 2, 4, 6) \
      + LOOPTAX_PICK(bits, u, v, 1, 3, 5, 7);
#define LOOPTAX_SUM4_8(bits) \
    u = LOOPTAX_PICK(bits, s0, s1, 0, 1, 2, 3, 8, 9, 10, 11) \
      + LOOPTAX_PICK(bits, s0, s1, 4, 5, 6, 7, 12, 13, 14, 15); \
    v = LOOPTAX_PICK(bits, s2, s3, 0, 1, 2, 3, 8, 9, 10, 11) \
      + LOOPTAX_PICK(bits, s2, s3, 4, 5, 6, 7, 12, 13, 14, 15); \
    u = LOOPTAX_PICK(bits, u, v, 0, 1, 4, 5, 8, 9, 12, 13) \
      + LOOPTAX_PICK(bits, u, v, 2, 3, 6, 7, 10, 11, 14, 15); \
    u = u + LOOPTAX_PICK(bits, u, u, 1, 0, 3, 2, 5, 4, 7, 6);
#define LOOPTAX_SUM4_16(bits) \
    u = LOOPTAX_PICK(bits, s0, s1, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) \
      + LOOPTAX_PICK(bits, s0, s1, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31); \
    v = LOOPTAX_PICK(bits, s2, s3, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) \
      + LOOPTAX_PICK(bits, s2, s3, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31); \
    u = LOOPTAX_PICK(bits, u, v, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) \
      + LOOPTAX_PICK(bits, u, v, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31); \
    u = u + LOOPTAX_PICK(bits, u, u, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13); \
    u = u + LOOPTAX_PICK(bits, u, u, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
#define LOOPTAX_SUM4(name, real, lanes)                                                                \
    static inline void name##_sum4(name x0, name x1, name x2, name x3, real *sum) {                    \
        typedef real plain __attribute__((vector_size(LOOPTAX_BYTES)));                                \
        plain s0 = (plain)x0, s1 = (plain)x1, s2 = (plain)x2, s3 = (plain)x3, u, v;                    \
        LOOPTAX_SUM4_##lanes(name##_bits)                                                              \
        for (int k = 0; k < 4; k++) sum[k] = u[k * (lanes / 4)];                                       \
    }
/* Where a vector has fewer than four lanes. */
#define LOOPTAX_SUM4_EACH(name, real)                                                                  \
    static inline void name##_sum4(name x0, name x1, name x2, name x3, real *sum) {                    \
        sum[0] = name##_sum(x0); sum[1] = name##_sum(x1); sum[2] = name##_sum(x2); sum[3] = name##_sum(x3); \
    }

#if LOOPTAX_BYTES == 64
LOOPTAX_SUM4(looptax_f64, double, 8)
LOOPTAX_SUM4(looptax_f32, float, 16)
#elif LOOPTAX_BYTES == 32
LOOPTAX_SUM4(looptax_f64, double, 4)
LOOPTAX_SUM4(looptax_f32, float, 8)
#elif LOOPTAX_BYTES == 16
LOOPTAX_SUM4_EACH(looptax_f64, double)
LOOPTAX_SUM4(looptax_f32, float, 4)
#else
LOOPTAX_SUM4_EACH(looptax_f64, double)
LOOPTAX_SUM4_EACH(looptax_f32, float)
#endif

#endif
