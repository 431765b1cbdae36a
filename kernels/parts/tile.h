/* The loops of the step over a tile of samples, from top to bottom: rows, then columns. What is added to what is in
   `sums.h`; between z and the gradient comes `loss.h`; who calls them in which order is in `tuned.c`.

   - Every loop has eight sums in registers (short gradients fewer), so that no addition waits for the one before.
   - Rows, z: ROWS rows share each load of w. Rows, gradient: four rows share a load and a store of dw, which stays in
     the first-level cache; where a row is no longer than SHORT vecs, dw stays in registers.
   - Columns, z: TOGETHER columns share a load and a store of z (from end to end), or z of eight vecs of samples stays
     in registers (piece by piece). Columns, gradient: COLUMNS columns share each load of dz.
   - What is past the end of a row or a column is not read: its lanes are zeros (`load_n`).
   - X seldom begins at a line of the cache; loads of two lines wait for both (Golden Cove's second-level cache: 83 in
     place of 136 GB/s). So columns are read from a line on, where they agree on one; `ahead` is fetched ahead.
   - Both of each pair of loops add alike: which one runs is the schedule's choice, and changes no bit.

   Counted on, in cycles (uops.info; Agner Fog, Instruction tables):

                                Zen 3      Zen 4      Zen 5     Golden Cove   Neoverse V1
       bytes of a register        32         64         64          64            16
       mul_adds a cycle            2          1          2           2             4
       latency of one              4          4          4           4             4
       loads a cycle               2          1          2           2             3

   So eight sums suffice, and with one mul_add for each load, loads are what bounds all loops in the caches. */
#ifndef LOOPTAX_TILE_H
#define LOOPTAX_TILE_H

#include "loss.h"
#include "tree.h"

enum {
    ROWS = L >= 8 ? 8 : 4,      /* that share a load of w, and are folded together */
    COLUMNS = W == 1 ? 8 : 4,   /* that share a load of dz, and are folded together */
    TOGETHER = 8,               /* columns that share a load and a store of z */
    SHORT = 4,                  /* vecs: a gradient no longer stays in registers */
    MAX_TILE = 8192 / sizeof(real), /* samples, where a thread has its own tile */
};

/* A tile of samples: contiguous rows or columns, `stride` numbers apart. */
typedef struct {
    const real *x;
    ptrdiff_t stride, m, n;
} Tile;

/* ---- Along rows ---- */

/* Adds to the lanes of Xw the last n numbers of the rows, fewer than LANES. */
INLINE void rows_xw_end(int rows, const real *x, ptrdiff_t stride, const real *w, ptrdiff_t n, vec *s) {
    UNROLL for (int u = 0; u < W; u++)
        if (u * L < n) {
            ptrdiff_t rest = min(n - u * L, L);
            vec v = load_n(w + u * L, rest);
            UNROLL for (int r = 0; r < rows; r++)
                s[r * W + u] = mul_add(load_n(x + r * stride + u * L, rest), v, s[r * W + u]);
        }
}

/* Xw of `rows` samples, side by side or, `in_order`, one after the other, as memory likes it. */
INLINE void rows_xw_of(
    int rows, bool in_order, const real *x, ptrdiff_t stride, const real *w, ptrdiff_t n, ptrdiff_t ahead, real *z) {
    vec s[ROWS * W];
    UNROLL for (int k = 0; k < rows * W; k++) s[k] = zeros();
    if (in_order) {
        UNROLL for (int r = 0; r < rows; r++) {
            ptrdiff_t j = 0;
            for (; j + LANES <= n; j += LANES)
                UNROLL for (int u = 0; u < W; u++)
                    s[r * W + u] = mul_add(load(x + r * stride + j + u * L), load(w + j + u * L), s[r * W + u]);
            rows_xw_end(1, x + r * stride + j, stride, w + j, n - j, s + r * W);
        }
    } else {
        ptrdiff_t j = 0;
        for (; j + LANES <= n; j += LANES) {
            if (ahead) UNROLL for (int r = 0; r < rows; r++) prefetch(x + r * stride + j + ahead);
            UNROLL for (int u = 0; u < W; u++) {
                vec v = load(w + j + u * L);
                UNROLL for (int r = 0; r < rows; r++)
                    s[r * W + u] = mul_add(load(x + r * stride + j + u * L), v, s[r * W + u]);
            }
        }
        rows_xw_end(rows, x + j, stride, w + j, n - j, s);
    }
    fold(rows, s, z);
}

/* Xw of a tile; rows side by side fetch what is so many numbers `ahead`, or nothing where that is 0. */
static inline void rows_xw(Tile t, const real *w, bool in_order, ptrdiff_t ahead, real *z) {
    ptrdiff_t i = 0;
    if (in_order)
        for (; i + 4 <= t.m; i += 4) rows_xw_of(4, true, t.x + i * t.stride, t.stride, w, t.n, 0, z + i);
    else if (ahead)
        for (; i + ROWS <= t.m; i += ROWS) rows_xw_of(ROWS, false, t.x + i * t.stride, t.stride, w, t.n, ahead, z + i);
    else
        for (; i + ROWS <= t.m; i += ROWS) rows_xw_of(ROWS, false, t.x + i * t.stride, t.stride, w, t.n, 0, z + i);
    if (!in_order && i < t.m && t.m >= ROWS) { /* the last rows once more: the same numbers */
        i = t.m - ROWS;
        rows_xw_of(ROWS, false, t.x + i * t.stride, t.stride, w, t.n, 0, z + i);
        return;
    }
    for (; i < t.m; i++) rows_xw_of(1, true, t.x + i * t.stride, t.stride, w, t.n, 0, z + i);
}

/* Adds to dw the share of `rows` samples, four but at the end; `vecs` of it, the last with `rest` numbers. */
INLINE void rows_gradient_of(
    int rows, int vecs, const real *x, ptrdiff_t stride, const vec *d, ptrdiff_t rest, vec *dw) {
    UNROLL for (int k = 0; k < vecs; k++) {
        vec v[4];
        UNROLL for (int r = 0; r < rows; r++) {
            const real *at = x + r * stride + k * L;
            v[r] = k == vecs - 1 && rest < L ? load_n(at, rest) : load(at);
        }
        dw[k] = add_four(rows, v, d, dw[k]);
    }
}

INLINE void short_rows_gradient(int vecs, Tile t, const real *dz, real *dw) {
    vec s[SHORT], d[4];
    ptrdiff_t rest = t.n - (vecs - 1) * L, i = 0;
    UNROLL for (int k = 0; k < vecs; k++) s[k] = load(dw + k * L);
    if (rest == L)
        for (; i + 4 <= t.m; i += 4) {
            UNROLL for (int r = 0; r < 4; r++) d[r] = broadcast(dz[i + r]);
            rows_gradient_of(4, vecs, t.x + i * t.stride, t.stride, d, L, s);
        }
    for (; i + 4 <= t.m; i += 4) {
        UNROLL for (int r = 0; r < 4; r++) d[r] = broadcast(dz[i + r]);
        rows_gradient_of(4, vecs, t.x + i * t.stride, t.stride, d, rest, s);
    }
    if (i < t.m) {
        for (int r = 0; r < t.m - i; r++) d[r] = broadcast(dz[i + r]);
        if (t.m - i == 1) rows_gradient_of(1, vecs, t.x + i * t.stride, t.stride, d, rest, s);
        if (t.m - i == 2) rows_gradient_of(2, vecs, t.x + i * t.stride, t.stride, d, rest, s);
        if (t.m - i == 3) rows_gradient_of(3, vecs, t.x + i * t.stride, t.stride, d, rest, s);
    }
    UNROLL for (int k = 0; k < vecs; k++) store(dw + k * L, s[k]);
}

/* The same for one vec of dw in memory, or its first numbers. */
INLINE void rows_gradient_at(int rows, const real *x, ptrdiff_t stride, const vec *d, ptrdiff_t rest, real *dw) {
    vec s = load(dw);
    rows_gradient_of(rows, 1, x, stride, d, rest, &s), store(dw, s);
}

INLINE void long_rows_gradient(int rows, Tile t, ptrdiff_t i, const real *dz, real *dw) {
    const real *x = t.x + i * t.stride;
    vec d[4];
    UNROLL for (int r = 0; r < rows; r++) d[r] = broadcast(dz[i + r]);
    ptrdiff_t j = 0;
    for (; j + LANES <= t.n; j += LANES)
        UNROLL for (int k = 0; k < LANES; k += L) rows_gradient_at(rows, x + j + k, t.stride, d, L, dw + j + k);
    for (; j < t.n; j += L) rows_gradient_at(rows, x + j, t.stride, d, min(t.n - j, L), dw + j);
}

/* Adds to dw, which has whole vecs, the share of a tile. */
static inline void rows_gradient(Tile t, const real *dz, real *dw) {
    ptrdiff_t i = 0;
    switch ((t.n + L - 1) / L) {
    case 1: short_rows_gradient(1, t, dz, dw); return;
    case 2: short_rows_gradient(2, t, dz, dw); return;
    case 3: short_rows_gradient(3, t, dz, dw); return;
    case 4: short_rows_gradient(4, t, dz, dw); return;
    }
    for (; i + 4 <= t.m; i += 4) long_rows_gradient(4, t, i, dz, dw);
    if (t.m - i == 3) long_rows_gradient(3, t, i, dz, dw);
    if (t.m - i == 2) long_rows_gradient(2, t, i, dz, dw);
    if (t.m - i == 1) long_rows_gradient(1, t, i, dz, dw);
}

/* Both at once, for a tile and the next: Xw of four samples of the one that follows, which come from memory, while
   the gradient of four of this one is taken: so memory is not waited for with nothing else to do. */
INLINE void overlapped_of(
    Tile t, Tile next, ptrdiff_t i, const real *w, const real *dz, ptrdiff_t ahead, real *dw, real *z) {
    const real *x = t.x + i * t.stride, *y = next.x + i * t.stride;
    vec s[4 * W], d[4];
    ptrdiff_t j = 0;
    UNROLL for (int k = 0; k < 4 * W; k++) s[k] = zeros();
    UNROLL for (int r = 0; r < 4; r++) d[r] = broadcast(dz[i + r]);
    for (; j + LANES <= t.n; j += LANES) {
        if (ahead) UNROLL for (int r = 0; r < 4; r++) prefetch(y + r * t.stride + j + ahead);
        UNROLL for (int u = 0; u < W; u++) {
            vec v = load(w + j + u * L);
            UNROLL for (int r = 0; r < 4; r++)
                s[r * W + u] = mul_add(load(y + r * t.stride + j + u * L), v, s[r * W + u]);
            rows_gradient_at(4, x + j + u * L, t.stride, d, L, dw + j + u * L);
        }
    }
    rows_xw_end(4, y + j, t.stride, w + j, t.n - j, s);
    for (; j < t.n; j += L) rows_gradient_at(4, x + j, t.stride, d, min(t.n - j, L), dw + j);
    fold(4, s, z + i);
}

/* The gradient of a tile, and Xw of the next. */
static inline void overlapped(Tile t, Tile next, const real *w, const real *dz, ptrdiff_t ahead, real *dw, real *z) {
    ptrdiff_t both = min(t.m, next.m) / 4 * 4;
    if (ahead)
        for (ptrdiff_t i = 0; i < both; i += 4) overlapped_of(t, next, i, w, dz, ahead, dw, z);
    else
        for (ptrdiff_t i = 0; i < both; i += 4) overlapped_of(t, next, i, w, dz, 0, dw, z);
    Tile rest = {t.x + both * t.stride, t.stride, t.m - both, t.n};
    Tile more = {next.x + both * t.stride, t.stride, next.m - both, t.n};
    rows_gradient(rest, dz + both, dw);
    rows_xw(more, w, true, 0, z + both);
}

/* ---- Along columns ---- */

/* Samples before the first whole vec in a line of the cache, if all columns have as many. They go to the last lanes:
   a sum by halves (`fold`) is the same from whichever lane it begins. */
INLINE ptrdiff_t before_line(Tile t) {
    return t.stride % L ? 0 : min((ptrdiff_t)(-(uintptr_t)t.x % BYTES / sizeof(real)), t.m);
}

/* Adds Xw of `count` columns to z: TOGETHER or one. */
INLINE void columns_xw_of(int count, Tile t, const real *w, bool first, real *z) {
    vec v[TOGETHER];
    UNROLL for (int k = 0; k < count; k++) v[k] = broadcast(w[k]);
    ptrdiff_t i = 0;
    for (; i + L <= t.m; i += L) {
        vec s = first ? zeros() : load(z + i);
        UNROLL for (int k = 0; k < count; k++) s = mul_add(load(t.x + k * t.stride + i), v[k], s);
        store(z + i, s);
    }
    if (i < t.m) {
        vec s = first ? zeros() : load(z + i);
        UNROLL for (int k = 0; k < count; k++) s = mul_add(load_n(t.x + k * t.stride + i, t.m - i), v[k], s);
        store(z + i, s);
    }
}

/* z = Xw of up to TOGETHER columns, or that added to z, from end to end. */
static inline void columns_down(Tile t, const real *w, bool first, real *z) {
    if (t.n == TOGETHER) columns_xw_of(TOGETHER, t, w, first, z);
    else
        for (ptrdiff_t j = 0; j < t.n; j++)
            columns_xw_of(1, (Tile){t.x + j * t.stride, t.stride, t.m, 1}, w + j, first && j == 0, z);
}

/* z = Xw of any number of columns, a piece of samples after the other, while columns so many `ahead` are fetched. */
INLINE void columns_across_of(int vecs, Tile t, ptrdiff_t i, const real *w, ptrdiff_t ahead, real *z) {
    vec s[8];
    UNROLL for (int k = 0; k < vecs; k++) s[k] = zeros();
    for (ptrdiff_t j = 0; j < t.n; j++) {
        const real *x = t.x + j * t.stride + i;
        vec v = broadcast(w[j]);
        if (ahead) UNROLL for (int k = 0; k < vecs; k += W) prefetch(x + ahead * t.stride + k * L);
        UNROLL for (int k = 0; k < vecs; k++) s[k] = mul_add(load(x + k * L), v, s[k]);
    }
    UNROLL for (int k = 0; k < vecs; k++) store(z + i + k * L, s[k]);
}

/* The same, of `count` samples, L at most. */
static inline void columns_across_some(Tile t, ptrdiff_t i, ptrdiff_t count, const real *w, real *z) {
    vec s = zeros();
    for (ptrdiff_t j = 0; j < t.n; j++) s = mul_add(load_n(t.x + j * t.stride + i, count), broadcast(w[j]), s);
    store(z + i, s);
}

static inline void columns_across(Tile t, const real *w, ptrdiff_t ahead, real *z) {
    ptrdiff_t i = before_line(t);
    if (i) columns_across_some(t, 0, i, w, z);
    if (ahead)
        for (; i + 8 * L <= t.m; i += 8 * L) columns_across_of(8, t, i, w, ahead, z);
    for (; i + 8 * L <= t.m; i += 8 * L) columns_across_of(8, t, i, w, 0, z);
    for (; i + 4 * L <= t.m; i += 4 * L) columns_across_of(4, t, i, w, 0, z);
    for (; i + L <= t.m; i += L) columns_across_of(1, t, i, w, 0, z);
    if (i < t.m) columns_across_some(t, i, t.m - i, w, z);
}

/* The gradient of COLUMNS columns in one chunk; the last again and again where there are fewer. */
INLINE void columns_gradient_of(Tile t, const real *dz, ptrdiff_t ahead, real *dw) {
    vec s[COLUMNS * W];
    const real *at[COLUMNS];
    UNROLL for (int k = 0; k < COLUMNS; k++) at[k] = t.x + min(k, t.n - 1) * t.stride;
    UNROLL for (int k = 0; k < COLUMNS * W; k++) s[k] = zeros();
    ptrdiff_t i = before_line(t);
    if (i) {
        vec d = load_last(dz + i, i);
        UNROLL for (int k = 0; k < COLUMNS; k++)
            s[k * W + W - 1] = mul_add(load_last(at[k] + i, i), d, s[k * W + W - 1]);
    }
    for (; i + LANES <= t.m; i += LANES) {
        if (ahead) UNROLL for (int k = 0; k < COLUMNS; k++) prefetch(at[k] + i + ahead);
        UNROLL for (int u = 0; u < W; u++) {
            vec d = load(dz + i + u * L);
            UNROLL for (int k = 0; k < COLUMNS; k++)
                s[k * W + u] = mul_add(load(at[k] + i + u * L), d, s[k * W + u]);
        }
    }
    UNROLL for (int u = 0; u < W; u++)
        if (i + u * L < t.m) {
            ptrdiff_t rest = min(t.m - i - u * L, L);
            vec d = load_n(dz + i + u * L, rest);
            UNROLL for (int k = 0; k < COLUMNS; k++)
                s[k * W + u] = mul_add(load_n(at[k] + i + u * L, rest), d, s[k * W + u]);
        }
    fold(COLUMNS, s, dw);
}

#endif
