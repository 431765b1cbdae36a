/* How a walk over samples is divided and added up again: the layout of X, the units that threads take, and the tree of
   `sums.h`. A unit is 2^k chunks from a multiple of 2^k on, so it is a subtree, whoever works on it. */
#ifndef LOOPTAX_TREE_H
#define LOOPTAX_TREE_H

#include "sums.h"
#include "tuned.h"

#if REAL == 64
#  define NAME(name) looptax_##name##_f64
#else
#  define NAME(name) looptax_##name##_f32
#endif

enum { MAX_UNITS = 64, UNITS_PER_THREAD = 8, KEPT = (12 << 20) / sizeof(real) };

static inline ptrdiff_t min(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
static inline ptrdiff_t round_up(ptrdiff_t a, ptrdiff_t to) { return (a + to - 1) / to * to; }

static inline bool is_columns(const looptax_samples *X) {
    ptrdiff_t row = X->row_stride < 0 ? -X->row_stride : X->row_stride;
    ptrdiff_t column = X->column_stride < 0 ? -X->column_stride : X->column_stride;
    if (X->n <= 2) return true; /* pairs are faster packed into columns */
    return X->order == 'F' || (X->order != 'C' && X->m > 1 && row < column);
}

static inline bool is_packed(const looptax_samples *X, bool columns) {
    ptrdiff_t near = columns ? X->row_stride : X->column_stride, far = columns ? X->column_stride : X->row_stride;
    ptrdiff_t size = sizeof(real);
    if (columns && X->n == 1) far = 0;
    return near != size || (uintptr_t)X->data % sizeof(real) || far % size;
}

static ptrdiff_t log2_up(ptrdiff_t x) { ptrdiff_t k = 0; while (((ptrdiff_t)1 << k) < x) k++; return k; }

/* How many chunks a unit has: enough units for all threads to have some, whichever comes first. */
static ptrdiff_t unit_chunks(ptrdiff_t chunks, ptrdiff_t units) {
    return (ptrdiff_t)1 << log2_up((chunks - 1) / units + 1);
}

/* The same where gradients of `slot` numbers are large: fewer units, so that the memory they work in is kept. */
static ptrdiff_t unit_chunks_within(ptrdiff_t chunks, int threads, ptrdiff_t slot) {
    ptrdiff_t units = threads == 1 ? 1 : min(UNITS_PER_THREAD * (ptrdiff_t)threads, MAX_UNITS), unit;
    while (unit = unit_chunks(chunks, units), units > threads && units * (log2_up(unit) + 1) * slot > KEPT) units /= 2;
    return unit;
}

/* A slot for each unfinished node of the tree: its dw in memory, `slot` numbers apart. */
typedef struct {
    real *dw;
    ptrdiff_t slot, leaves;
    looptax_sums node[MAX_DEPTH];
} Tree;

/* An empty tree; its nodes are 2 KB, which nobody has to clear. */
static inline void plant(Tree *tree, real *dw, ptrdiff_t slot) { tree->dw = dw, tree->slot = slot, tree->leaves = 0; }

static inline void add(const real *right, ptrdiff_t n, real *left) {
    for (ptrdiff_t j = 0; j < n; j += L) store(left + j, load(left + j) + load(right + j));
}

static inline void add_sums(looptax_sums right, looptax_sums *left) {
    left->cost += right.cost, left->db += right.db, left->weight += right.weight, left->bad |= right.bad;
}

/* Adds the last of `depth` nodes to the one before, so many times. */
static void close(Tree *tree, ptrdiff_t depth, int times, bool gradients) {
    for (; times--; depth--) {
        add_sums(tree->node[depth - 1], &tree->node[depth - 2]);
        if (gradients) add(tree->dw + (depth - 1) * tree->slot, tree->slot, tree->dw + (depth - 2) * tree->slot);
    }
}

/* The sums of the next chunk; with its gradient, where that is in its slot. */
static void add_leaf(Tree *tree, looptax_sums sums, bool gradients) {
    int depth = leaf_slot(tree->leaves);
    tree->node[depth] = sums;
    close(tree, depth + 1, closed_by(tree->leaves), gradients);
    tree->leaves++;
}

static looptax_sums collapse(Tree *tree) {
    int depth = leaf_slot(tree->leaves);
    close(tree, depth, depth - 1, true);
    return tree->node[0];
}

/* The same tree, from the units on; the gradient of each is at the start of its `room`. */
static looptax_sums gathered(looptax_sums *sums, ptrdiff_t units, real *work, ptrdiff_t room, ptrdiff_t slot) {
    for (ptrdiff_t step = 1; step < units; step *= 2)
        for (ptrdiff_t k = 0; k + step < units; k += 2 * step) {
            add_sums(sums[k + step], &sums[k]);
            add(work + (k + step) * room, slot, work + k * room);
        }
    return sums[0];
}

/* Not every processor makes the same NaN; all results that are none have the same bits. */
static inline double plain_nan(double x) { return x == x ? x : (double)NAN; }

/* Divides by the weight, and adds l2 / 2 w'w to the cost and l2 w to the gradients: `count` vectors of `length` numbers,
   of which the first n are penalised. */
static inline looptax_sums mean_of(
    looptax_sums sums, double l2, const real *w, ptrdiff_t count, ptrdiff_t n, ptrdiff_t length, real *out) {
    const real scale = (real)sums.weight;
    double penalty = 0;
    for (ptrdiff_t c = 0; c < count; c++, w += length, out += length)
        for (ptrdiff_t j = 0; j < length; j++) {
            real mean = out[j] / scale;
            if (l2 != 0 && j < n) mean += (real)(l2 * (double)w[j]), penalty += (double)w[j] * (double)w[j];
            out[j] = mean == mean ? mean : (real)NAN;
        }
    double cost = sums.cost / sums.weight, db = sums.db / sums.weight;
    if (l2 != 0) cost += l2 / 2 * penalty;
    return (looptax_sums){plain_nan(cost), plain_nan(db), sums.weight, sums.bad};
}

#endif
