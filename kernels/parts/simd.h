/* The vocabulary of vectors. Include it with REAL defined as 64 or 32.

   A kernel counts in LANES: 64 bytes of numbers, on every instruction set. A `vec` is what one register holds, and
   W of them are LANES: one AVX-512 register, two of AVX2, four of NEON or SSE2; with other compilers a vec is one
   number, right but slow. So a sum by lanes adds the same numbers in the same order everywhere.

   mul_add rounds once where the instruction set has a fused multiply-add (x86-64-v3, v4, AArch64), which gives these
   the same bits; elsewhere it rounds twice. Nothing else is fused: the file is compiled with -ffp-contract=off. */
#ifndef LOOPTAX_SIMD_H
#define LOOPTAX_SIMD_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX__)
#  include <immintrin.h>
#elif defined(__aarch64__)
#  include <arm_neon.h>
#endif

#if REAL == 64
typedef double real;
typedef int64_t integer;
#else
typedef float real;
typedef int32_t integer;
#endif

/* With other compilers than GCC and Clang, or where LOOPTAX_ONE_NUMBER is defined to see what these make of it. */
#if !defined(__GNUC__) || defined(LOOPTAX_ONE_NUMBER)
#  define BYTES (REAL / 8)
#elif defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#  define BYTES 64
#elif defined(__AVX2__) && defined(__FMA__)
#  define BYTES 32
#else
#  define BYTES 16
#endif
enum { LANES = 64 / sizeof(real), L = BYTES / sizeof(real), W = LANES / L };

#if BYTES > REAL / 8
#  define INLINE static inline __attribute__((always_inline))
#  define UNROLL _Pragma("GCC unroll 16")
typedef real vec __attribute__((vector_size(BYTES)));
typedef integer bits __attribute__((vector_size(BYTES)));
typedef real anywhere __attribute__((vector_size(BYTES), aligned(sizeof(real)), may_alias));
INLINE void prefetch(const void *x) { __builtin_prefetch(x, 0, 3); } /* into the first-level cache */
#else
#  define INLINE static inline
#  define UNROLL
typedef real vec;
typedef integer bits;
typedef real anywhere;
INLINE void prefetch(const void *x) { (void)x; }
#endif

INLINE vec load(const real *x) { return *(const anywhere *)x; }
INLINE void store(real *x, vec v) { *(anywhere *)x = v; }
INLINE vec zeros(void) { vec v; memset(&v, 0, sizeof v); return v; }
INLINE vec broadcast(real x) { return zeros() + x; }

/* The same bits, taken as integers or as numbers: a cast would convert where a vec is one number. */
INLINE bits as_bits(vec x) { bits b; memcpy(&b, &x, sizeof b); return b; }
INLINE vec as_reals(bits b) { vec x; memcpy(&x, &b, sizeof x); return x; }
INLINE vec absolute(vec x) { return as_reals(as_bits(x) & (integer)(~((uint64_t)1 << 63) >> (64 - REAL))); }

/* load_n: n numbers, 1 to L, and zeros in the other lanes, whose memory is not touched; load_last: the same in the
   last n lanes, of the numbers before x. store_n: the first n numbers, and nothing else.
   where: a where the mask is set, else b. less: false where either is no number. */
#if BYTES == 64
#  if REAL == 64
#    define SUFFIX(name) _mm512_##name##_pd
#    define COMPARE _mm512_cmp_pd_mask
typedef __mmask8 mask;
#  else
#    define SUFFIX(name) _mm512_##name##_ps
#    define COMPARE _mm512_cmp_ps_mask
typedef __mmask16 mask;
#  endif
INLINE vec load_n(const real *x, ptrdiff_t n) { return SUFFIX(maskz_loadu)((mask)((1u << n) - 1), x); }
INLINE vec load_last(const real *x, ptrdiff_t n) { return SUFFIX(maskz_loadu)((mask)(~0u << (L - n)), x - L); }
INLINE void store_n(real *x, vec v, ptrdiff_t n) { SUFFIX(mask_storeu)(x, (mask)((1u << n) - 1), v); }
INLINE mask less(vec a, vec b) { return COMPARE(a, b, _CMP_LT_OQ); }
INLINE vec where(mask m, vec a, vec b) { return SUFFIX(mask_blend)(m, b, a); }
#elif BYTES == 32
typedef vec mask; /* `lanes`: L that are not loaded, L that are, L that are not */
#  if REAL == 64
#    define SUFFIX(name) _mm256_##name##_pd
static const integer lanes[3 * L] = {[L] = -1, -1, -1, -1};
#  else
#    define SUFFIX(name) _mm256_##name##_ps
static const integer lanes[3 * L] = {[L] = -1, -1, -1, -1, -1, -1, -1, -1};
#  endif
INLINE __m256i some(ptrdiff_t from) { return _mm256_loadu_si256((const __m256i *)(lanes + from)); }
INLINE vec load_n(const real *x, ptrdiff_t n) { return SUFFIX(maskload)(x, some(2 * L - n)); }
INLINE vec load_last(const real *x, ptrdiff_t n) { return SUFFIX(maskload)(x - L, some(n)); }
INLINE void store_n(real *x, vec v, ptrdiff_t n) { SUFFIX(maskstore)(x, some(2 * L - n), v); }
INLINE mask less(vec a, vec b) { return SUFFIX(cmp)(a, b, _CMP_LT_OQ); }
INLINE vec where(mask m, vec a, vec b) { return SUFFIX(blendv)(b, a, m); }
#else
typedef bits mask;
INLINE vec load_n(const real *x, ptrdiff_t n) {
    real lane[L] = {0};
    memcpy(lane, x, (size_t)n * sizeof(real));
    return load(lane);
}
INLINE vec load_last(const real *x, ptrdiff_t n) {
    real lane[L] = {0};
    memcpy(lane + L - n, x - n, (size_t)n * sizeof(real));
    return load(lane);
}
INLINE void store_n(real *x, vec v, ptrdiff_t n) { memcpy(x, &v, (size_t)n * sizeof(real)); }
INLINE mask less(vec a, vec b) { return a < b; }
#  if BYTES > REAL / 8
INLINE vec where(mask m, vec a, vec b) { return as_reals((as_bits(a) & m) | (as_bits(b) & ~m)); }
#  else
INLINE vec where(mask m, vec a, vec b) { return m ? a : b; }
#  endif
#endif

/* smaller, larger: b where either is no number, as x86 has it. */
#if BYTES >= 32
INLINE vec smaller(vec a, vec b) { return SUFFIX(min)(a, b); }
INLINE vec larger(vec a, vec b) { return SUFFIX(max)(a, b); }
#else
INLINE vec smaller(vec a, vec b) { return where(less(a, b), a, b); }
INLINE vec larger(vec a, vec b) { return where(less(b, a), a, b); }
#endif

#if BYTES >= 32
INLINE vec mul_add(vec a, vec b, vec c) { return SUFFIX(fmadd)(a, b, c); }
#elif BYTES == 16 && defined(__aarch64__) && REAL == 64
INLINE vec mul_add(vec a, vec b, vec c) { return (vec)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b); }
#elif BYTES == 16 && defined(__aarch64__)
INLINE vec mul_add(vec a, vec b, vec c) { return (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
#else
INLINE vec mul_add(vec a, vec b, vec c) { return a * b + c; }
#endif

/* Of two vectors with segments of g numbers, one for each row, x the first rows and y those that follow: each
   segment's first half plus its second. So the rows of a fold stay in order. */
#if defined(__clang__)
#  define PICK(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
#  define PICK(x, y, ...) __builtin_shuffle(x, y, (bits){__VA_ARGS__})
#endif
#define AT(i, g) ((i) / (L / 2) * L + (i) % (L / 2) / ((g) / 2) * (g) + (i) % (L / 2) % ((g) / 2))
#define AT2(i, g, h) AT(i, g) + h, AT(i + 1, g) + h
#define AT4(i, g, h) AT2(i, g, h), AT2(i + 2, g, h)
#define AT8(i, g, h) AT4(i, g, h), AT4(i + 4, g, h)
#define AT16(i, g, h) AT8(i, g, h), AT8(i + 8, g, h)
#if BYTES * 8 / REAL == 16
#  define ALL AT16
#elif BYTES * 8 / REAL == 8
#  define ALL AT8
#elif BYTES * 8 / REAL == 4
#  define ALL AT4
#elif BYTES * 8 / REAL == 2
#  define ALL AT2
#endif
#if BYTES > REAL / 8
#  define HALVES(x, y, g) (PICK(x, y, ALL(0, g, 0)) + PICK(x, y, ALL(0, g, (g) / 2)))
#else
#  define HALVES(x, y, g) (x) /* of one number there are none */
#endif

#endif
