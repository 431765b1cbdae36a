/* The order of the sums: which numbers are added to which, as a function of shape, memory order and dtype alone.

   Change this file and the last bits of results change; change anything else and they must not: no schedule, no
   number of threads, no split of the samples into aligned blocks, and no instruction set that has mul_add.

   1. Samples are counted in chunks (`chunk_samples`) from the first. A chunk has its own cost, db and dw.
   2. Chunks are added by a binary tree that is aligned at powers of two: 0+1, 2+3, (0+1)+(2+3), ... (`add_leaf`
      and `collapse` of `tuned.c`); what has no partner goes up as it is. So a thread, a part of a file or a worker that holds 2^k
      chunks, from a multiple of 2^k on, holds a whole subtree; and errors grow like the logarithm of m.
   3. Cost and db of a chunk: sample i is added in lane i mod LANES; then the lanes (`fold_wide`, in double).
   4. Rows (C order). z: feature j is multiplied and added in lane j mod LANES; then the lanes (`fold`); then b.
      dw: four samples at a time, x0 d0, then three mul_adds (`add_four`), then one addition to the chunk's dw.
   5. Columns (F order, and n <= 2). z: parts of the features (`part_features`), in each one mul_add after the other;
      the parts by the tree of 2; then b. dw: sample i is multiplied and added in lane i mod LANES of its chunk; then
      the lanes (`fold`).

   A sum starts with +0, so that a zero which is added to it, as in the lanes past an end, changes nothing. */
#ifndef LOOPTAX_SUMS_H
#define LOOPTAX_SUMS_H

#include "simd.h"

enum {
    COLUMN_CHUNK = 2048 / sizeof(real),            /* samples */
    MIN_CHUNK = 64, MAX_CHUNK = 1024,              /* samples, along rows */
    CHUNK_ELEMENTS = 16384,
    MAX_PARTS = 16, MIN_PART = 64,
    MAX_DEPTH = 64,                                /* of a tree: more chunks than there are addresses */
};

/* Samples in a chunk: along rows a power of two, so that chunks of about the same work are shared out. */
static inline ptrdiff_t chunk_samples(ptrdiff_t n, bool columns) {
    if (columns) return COLUMN_CHUNK;
    ptrdiff_t samples = MAX_CHUNK;
    while (samples > MIN_CHUNK && samples * n > CHUNK_ELEMENTS) samples /= 2;
    return samples;
}

/* Features in a part of z, along columns. */
static inline ptrdiff_t part_features(ptrdiff_t n) {
    ptrdiff_t features = ((n - 1) / MAX_PARTS + 8) / 8 * 8;
    return features > MIN_PART ? features : MIN_PART;
}

/* A tree keeps its unfinished nodes in slots, the largest first. Leaf number k goes to slot `leaf_slot(k)`, and then
   closes `closed_by(k)` nodes: slot by slot, the last is added to the one before. */
static inline int leaf_slot(ptrdiff_t k) { int d = 0; for (; k; k &= k - 1) d++; return d; }
static inline int closed_by(ptrdiff_t k) { int c = 0; for (; k & 1; k >>= 1) c++; return c; }

/* Of `rows` sums in LANES each, the sum of the lanes, by halves: l + (l + LANES / 2), and so on. Writes to z. */
INLINE void fold(int rows, vec *s, real *z) {
    int count = rows;
    UNROLL for (int half = W / 2; half > 0; half /= 2)
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int u = 0; u < half; u++) s[r * W + u] = s[r * W + u] + s[r * W + u + half];
    UNROLL for (int r = 1; r < rows; r++) s[r] = s[r * W];
#define FOLD(g)                                                                                        \
    if (g > 1) {                                                                                       \
        UNROLL for (int k = 0; 2 * k < count; k++)                                                     \
            s[k] = HALVES(s[2 * k], s[2 * k + 1 < count ? 2 * k + 1 : 2 * k], (g > 1 ? g : 2));        \
        count = (count + 1) / 2;                                                                       \
    }
    FOLD(L) FOLD(L / 2) FOLD(L / 4) FOLD(L / 8)
#undef FOLD
    UNROLL for (int k = 0; k < rows / L; k++) store(z + k * L, s[k]);
    if (rows < L) memcpy(z, s, (size_t)rows * sizeof(real));
}

/* The lanes of a sum that is kept in memory, by halves, in double. */
static inline double fold_wide(const real *lane) {
    double sum[LANES];
    for (int k = 0; k < LANES; k++) sum[k] = lane[k];
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int k = 0; k < half; k++) sum[k] += sum[k + half];
    return sum[0];
}

/* dw + (((x0 d0) + x1 d1) + x2 d2) + x3 d3, of `rows` samples, four but at the end of a chunk. */
INLINE vec add_four(int rows, const vec *x, const vec *d, vec dw) {
    vec t = x[0] * d[0];
    UNROLL for (int r = 1; r < rows; r++) t = mul_add(x[r], d[r], t);
    return dw + t;
}

#endif
