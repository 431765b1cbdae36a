/* Small matrix products, for several weight vectors at once: a block of results stays in registers.

   `inner`: numbers that are multiplied lie side by side in both, as the features of a row and of its weights do.
   `outer`: results lie side by side, as the features of a gradient do. Along rows the first makes z and the second the
   gradient, along columns the second makes z and the first the gradient. So each number of X that is loaded is used for
   several weight vectors. Which block a result is in changes no bit of it. */
#ifndef LOOPTAX_PRODUCTS_H
#define LOOPTAX_PRODUCTS_H

#include "tree.h"

enum {
    INNER_B = W <= 2 ? 3 : 2,         /* vectors b that share a load of a */
    OUTER_B = 4, OUTER_VECS = W == 1 ? 4 : 3,
    SUMS = 16,                        /* of a block, at most; what a fold writes */
};

/* A matrix: row r begins at x + r * stride. */
typedef struct {
    const real *x;
    ptrdiff_t stride;
} Rows;

/* How many vectors a are worked on with so many vectors b: eight sums in flight, or more. */
INLINE int inner_rows(int count) { return W == 1 ? (count == 1 ? 8 : 4) : W == 2 ? (count == 1 ? 4 : 2) : 1; }

/* out[c * pitch + r] (+)= sum of a[r][p] b[c][p]: by lanes, then the lanes. */
INLINE void inner_of(int rows, int count, Rows a, Rows b, ptrdiff_t n, bool added, real *out, ptrdiff_t pitch) {
    vec s[SUMS * W], x[8];
    real sum[SUMS];
    const int all = rows * count, padded = (all + L - 1) / L * L;
    UNROLL for (int k = 0; k < padded * W; k++) s[k] = zeros();
    ptrdiff_t p = 0;
    for (; p + LANES <= n; p += LANES)
        UNROLL for (int u = 0; u < W; u++) {
            UNROLL for (int r = 0; r < rows; r++) x[r] = load(a.x + r * a.stride + p + u * L);
            UNROLL for (int c = 0; c < count; c++) {
                vec v = load(b.x + c * b.stride + p + u * L);
                UNROLL for (int r = 0; r < rows; r++)
                    s[(c * rows + r) * W + u] = mul_add(x[r], v, s[(c * rows + r) * W + u]);
            }
        }
    UNROLL for (int u = 0; u < W; u++)
        if (p + u * L < n) {
            ptrdiff_t rest = min(n - p - u * L, L);
            UNROLL for (int r = 0; r < rows; r++) x[r] = load_n(a.x + r * a.stride + p + u * L, rest);
            UNROLL for (int c = 0; c < count; c++) {
                vec v = load_n(b.x + c * b.stride + p + u * L, rest);
                UNROLL for (int r = 0; r < rows; r++)
                    s[(c * rows + r) * W + u] = mul_add(x[r], v, s[(c * rows + r) * W + u]);
            }
        }
    fold(padded, s, sum);
    UNROLL for (int c = 0; c < count; c++)
        UNROLL for (int r = 0; r < rows; r++) {
            real *at = out + c * pitch + r;
            *at = added ? *at + sum[c * rows + r] : sum[c * rows + r];
        }
}

INLINE void inner_some(int count, Rows a, ptrdiff_t m, Rows b, ptrdiff_t n, bool added, real *out, ptrdiff_t pitch) {
    const int rows = inner_rows(count);
    ptrdiff_t r = 0;
    for (; r + rows <= m; r += rows)
        inner_of(rows, count, (Rows){a.x + r * a.stride, a.stride}, b, n, added, out + r, pitch);
    for (; r < m; r++) inner_of(1, count, (Rows){a.x + r * a.stride, a.stride}, b, n, added, out + r, pitch);
}

/* All of m vectors a with all of k vectors b, of n numbers each. */
static void inner(Rows a, ptrdiff_t m, Rows b, ptrdiff_t k, ptrdiff_t n, bool added, real *out, ptrdiff_t pitch) {
    for (ptrdiff_t c = 0; c < k; c += INNER_B, b.x += INNER_B * b.stride, out += INNER_B * pitch) {
        ptrdiff_t count = min(INNER_B, k - c);
        if (count == 3) inner_some(3, a, m, b, n, added, out, pitch);
        if (count == 2) inner_some(2, a, m, b, n, added, out, pitch);
        if (count == 1) inner_some(1, a, m, b, n, added, out, pitch);
    }
}

/* out[c * pitch + ...] += sum of a[p][...] b[c][p], one p after the other; the last of `vecs` has `rest` numbers. */
INLINE void outer_of(int vecs, int count, Rows a, Rows b, ptrdiff_t m, ptrdiff_t rest, real *out, ptrdiff_t pitch) {
    vec s[OUTER_B * OUTER_VECS], x[OUTER_VECS];
    UNROLL for (int c = 0; c < count; c++)
        UNROLL for (int k = 0; k < vecs; k++) s[c * vecs + k] = load(out + c * pitch + k * L);
    for (ptrdiff_t p = 0; p < m; p++) {
        const real *at = a.x + p * a.stride;
        UNROLL for (int k = 0; k < vecs; k++)
            x[k] = k == vecs - 1 && rest < L ? load_n(at + k * L, rest) : load(at + k * L);
        UNROLL for (int c = 0; c < count; c++) {
            vec v = broadcast(b.x[c * b.stride + p]);
            UNROLL for (int k = 0; k < vecs; k++) s[c * vecs + k] = mul_add(x[k], v, s[c * vecs + k]);
        }
    }
    UNROLL for (int c = 0; c < count; c++)
        UNROLL for (int k = 0; k < vecs; k++) store(out + c * pitch + k * L, s[c * vecs + k]);
}

INLINE void outer_some(int count, Rows a, ptrdiff_t n, Rows b, ptrdiff_t m, real *out, ptrdiff_t pitch) {
    ptrdiff_t j = 0;
    for (; j + OUTER_VECS * L <= n; j += OUTER_VECS * L)
        outer_of(OUTER_VECS, count, (Rows){a.x + j, a.stride}, b, m, L, out + j, pitch);
    for (; j + L <= n; j += L) outer_of(1, count, (Rows){a.x + j, a.stride}, b, m, L, out + j, pitch);
    if (j < n) outer_of(1, count, (Rows){a.x + j, a.stride}, b, m, n - j, out + j, pitch);
}

/* All of m vectors a, of n numbers each, with all of k vectors b; results have whole vecs. */
static void outer(Rows a, ptrdiff_t m, Rows b, ptrdiff_t k, ptrdiff_t n, real *out, ptrdiff_t pitch) {
    for (ptrdiff_t c = 0; c < k; c += OUTER_B, b.x += OUTER_B * b.stride, out += OUTER_B * pitch) {
        ptrdiff_t count = min(OUTER_B, k - c);
        if (count == 4) outer_some(4, a, n, b, m, out, pitch);
        if (count == 3) outer_some(3, a, n, b, m, out, pitch);
        if (count == 2) outer_some(2, a, n, b, m, out, pitch);
        if (count == 1) outer_some(1, a, n, b, m, out, pitch);
    }
}

#endif
