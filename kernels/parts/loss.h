/* From z to the loss and dz, in the stable form of `pyimpl/parts/contract.py`: one exponential, one division.

   exp(-t), 0 <= t <= LIMIT: 2^k e^r with k = round(-t / ln 2), which a number as large as MAGIC rounds and holds in
   its last bits, and (e^r - 1 - r) / r^2 as a polynomial, fitted with mpmath.chebyfit on |r| <= ln(2)/2 (relative
   error 1.3e-17, in float32 7.8e-9).
   log1p(e) = 2 atanh(v), v = e / (2 + e): 2 atanh(v) / v as a polynomial in v^2 <= 1/9 (1.3e-18 and 4.2e-9).
   A polynomial's even and odd powers are two chains, added at the end: half the latency. */
#ifndef LOOPTAX_LOSS_H
#define LOOPTAX_LOSS_H

#include "simd.h"

#if REAL == 64
#  define LIMIT 708.0 /* beyond, exp(-t) counts as 0 */
#  define MAGIC 0x1.8p52
#  define MANTISSA 52
#  define LN2_HIGH 0.6931471805592082
#  define LN2_LOW 7.3710025651677990e-13
static const real EXP[] = {5.00000000000000102e-1, 1.66666666666666675e-1, 4.16666666666241279e-2,
    8.33333333333006183e-3, 1.38888889172137169e-3, 1.98412698630536169e-4, 2.48015212959543751e-5,
    2.75572684599970648e-6, 2.76200884454097482e-7, 2.51003854955103191e-8};
static const real ATANH[] = {2.0, 0.666666666666661496, 0.400000000001857475, 0.285714285454541145,
    0.222222240807476732, 0.181817408325048045, 0.153866140423040078, 0.133003740326746243,
    0.121101687280692177, 0.0832450651186082058, 0.170441635627813981};
#else
#  define LIMIT 87.0f
#  define MAGIC 0x1.8p23f
#  define MANTISSA 23
#  define LN2_HIGH 0.693145751953125f
#  define LN2_LOW 1.42860682e-6f
static const real EXP[] = {0.5f, 1.666657699e-1f, 4.166655462e-2f, 8.363179053e-3f, 1.392618359e-3f};
static const real ATANH[] = {2.0f, 0.6666632164f, 0.4002459523f, 0.2796515775f, 0.2815777836f};
#endif
enum { EXP_TERMS = sizeof EXP / sizeof(real), ATANH_TERMS = sizeof ATANH / sizeof(real) };

/* The polynomial with these coefficients, the constant first, at x. */
INLINE vec polynomial(const real *c, int terms, vec x) {
    vec square = x * x, p[2];
    UNROLL for (int odd = 0; odd < 2; odd++) {
        int k = terms - 1 - (terms - 1 + odd) % 2;
        p[odd] = broadcast(c[k]);
        UNROLL for (k -= 2; k >= 0; k -= 2) p[odd] = mul_add(p[odd], square, broadcast(c[k]));
    }
    return mul_add(p[1], x, p[0]);
}

/* Of the samples in a vec, the signed margin of Xw + b: large where the answer is wrong. */
INLINE vec margin(vec xw, vec b, vec y) { return (broadcast(1) - broadcast(2) * y) * (xw + b); }

/* exp(-|s|) */
INLINE vec exp_minus(vec s) {
    const vec zero = zeros(), one = broadcast(1), limit = broadcast(LIMIT), magic = broadcast(MAGIC);
    vec t = absolute(s);
    mask beyond = less(limit, t);
    t = smaller(limit, t); /* a number that is none stays so, and what is made of it */
    vec shifted = mul_add(t, broadcast((real)-1.4426950408889634), magic), k = shifted - magic;
    vec r = mul_add(k, broadcast(-LN2_LOW), mul_add(k, broadcast(-LN2_HIGH), zero - t));
    vec e = mul_add(polynomial(EXP, EXP_TERMS, r), r * r, r) + one;
    return where(beyond, zero, e * as_reals((as_bits(shifted) << MANTISSA) + as_bits(one)));
}

/* From margins s and e = exp(-|s|) to the loss and dz; sets bits of `bad` where y is neither 0 nor 1. */
INLINE void loss_and_dz(vec s, vec e, vec y, vec *loss, vec *dz, bits *bad) {
    const vec zero = zeros(), one = broadcast(1), two = broadcast(2);
    vec d1 = one + e, d2 = two + e, inverse = one / (d1 * d2);
    vec v = e * d1 * inverse;
    *loss = mul_add(v, polynomial(ATANH, ATANH_TERMS, v * v), larger(s, zero));
    *dz = (one - two * y) * (where(less(zero, s), one, e) * (d2 * inverse));
    *bad |= as_bits(y * (one - y)); /* 0 for no other number */
}

/* Bits that are set where s is no weight: negative, or not finite. */
INLINE bits no_weight(vec s) {
    const vec one = broadcast(1);
    return as_bits(where(less(s, broadcast(INFINITY)), where(less(s, zeros()), one, zeros()), one));
}

#endif
