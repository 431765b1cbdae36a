/* The entries of one sample of a sparse X: z, and its share of the gradients. Weights and gradients lie feature after
   feature. `wide`: indices of 8 bytes; a constant wherever this is called, as are `inputs`.

   The order of the sums: z has four sums, entry number k in sum k mod 4, then (0 + 2) + (1 + 3); a gradient gets one
   mul_add after the other in the order of the entries. All else is as in `sums.h`. */
#ifndef LOOPTAX_ENTRIES_H
#define LOOPTAX_ENTRIES_H

#include "several.h"
#include "tree.h"

typedef struct {
    const real *x;
    const void *indices;
    ptrdiff_t first, end;
    ptrdiff_t last; /* feature */
} Entries;

INLINE real fused(real a, real b, real c) {
#if defined(__FMA__) || defined(__aarch64__)
    return REAL == 64 ? (real)__builtin_fma(a, b, c) : (real)__builtin_fmaf((float)a, (float)b, (float)c);
#else
    return a * b + c;
#endif
}

/* Number k of indices or pointers; what is out of range, since somebody changed X, becomes `limit`. */
INLINE ptrdiff_t number(const void *of, bool wide, ptrdiff_t k, ptrdiff_t limit, bool *bad) {
    int64_t found = wide ? ((const int64_t *)of)[k] : ((const int32_t *)of)[k];
    if ((uint64_t)found <= (uint64_t)limit) return (ptrdiff_t)found;
    *bad = true;
    return limit;
}

INLINE Entries entries_of(const looptax_sparse *X, bool wide, ptrdiff_t i, bool *bad) {
    ptrdiff_t first = number(X->pointers, wide, i, X->count, bad), end = number(X->pointers, wide, i + 1, X->count, bad);
    return (Entries){X->data, X->indices, first, end, X->n - 1};
}

/* z for one or two weight vectors. */
INLINE void few_xw(Entries e, bool wide, int inputs, const real *w, real *z, ptrdiff_t pitch, bool *bad) {
    real s[2][4] = {{0}};
    ptrdiff_t k = e.first;
    for (; k + 4 <= e.end; k += 4)
        UNROLL for (int q = 0; q < 4; q++) {
            const real *at = w + number(e.indices, wide, k + q, e.last, bad) * inputs;
            UNROLL for (int c = 0; c < inputs; c++) s[c][q] = fused(e.x[k + q], at[c], s[c][q]);
        }
    for (int q = 0; k + q < e.end; q++) {
        const real *at = w + number(e.indices, wide, k + q, e.last, bad) * inputs;
        UNROLL for (int c = 0; c < inputs; c++) s[c][q] = fused(e.x[k + q], at[c], s[c][q]);
    }
    UNROLL for (int c = 0; c < inputs; c++) z[c * pitch] = (s[c][0] + s[c][2]) + (s[c][1] + s[c][3]);
}

/* z for `count` weight vectors, a vec of them at a time. */
INLINE void many_xw(Entries e, bool wide, ptrdiff_t count, const real *w, real *z, ptrdiff_t pitch, bool *bad) {
    for (ptrdiff_t c = 0; c < count; c += L) {
        const ptrdiff_t rest = min(count - c, L);
        vec s[4] = {zeros(), zeros(), zeros(), zeros()};
        real lane[L];
        for (ptrdiff_t k = e.first; k < e.end; k += 4)
            UNROLL for (int q = 0; q < 4; q++)
                if (k + q < e.end) {
                    const real *at = w + number(e.indices, wide, k + q, e.last, bad) * count + c;
                    s[q] = mul_add(broadcast(e.x[k + q]), rest == L ? load(at) : load_n(at, rest), s[q]);
                }
        store(lane, (s[0] + s[2]) + (s[1] + s[3]));
        for (ptrdiff_t q = 0; q < rest; q++) z[(c + q) * pitch] = lane[q];
    }
}

/* Adds d times the entries to one gradient. */
INLINE void gradient_of_one(Entries e, bool wide, real d, real *out, bool *bad) {
    for (ptrdiff_t k = e.first; k < e.end; k++) {
        real *at = out + number(e.indices, wide, k, e.last, bad);
        *at = fused(e.x[k], d, *at);
    }
}

/* The same for `count` gradients. */
INLINE void gradient_of_many(
    Entries e, bool wide, ptrdiff_t count, const real *d, ptrdiff_t pitch, real *out, bool *bad) {
    for (ptrdiff_t c = 0; c < count; c += L) {
        const ptrdiff_t rest = min(count - c, L);
        real lane[L] = {0};
        for (ptrdiff_t q = 0; q < rest; q++) lane[q] = d[(c + q) * pitch];
        vec v = load(lane);
        for (ptrdiff_t k = e.first; k < e.end; k++) {
            real *at = out + number(e.indices, wide, k, e.last, bad) * count + c;
            vec x = broadcast(e.x[k]);
            if (rest == L) store(at, mul_add(x, v, load(at)));
            else store_n(at, mul_add(x, v, load_n(at, rest)), rest);
        }
    }
}

#endif
