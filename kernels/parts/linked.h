/* A tile of samples between the two products: z, what a sample counts, and the sums over samples. */
#ifndef LOOPTAX_LINKED_H
#define LOOPTAX_LINKED_H

#include "loss.h"
#include "several.h"
#include "tree.h"

/* How many weight vectors a link takes. */
static ptrdiff_t inputs_of(const looptax_several *of) {
    bool with_v = of->link == LOOPTAX_LOGISTIC_HESSP || of->link == LOOPTAX_SOFTMAX_HESSP;
    return with_v ? 2 * of->classes : of->classes;
}

/* Sums over the samples of a chunk, in lanes. */
typedef struct {
    real cost[LANES], weight[LANES];
    bool bad;
} Totals;

/* A tile of samples from `start` on: z, class after class, `pitch` numbers apart, and what becomes of it. */
typedef struct {
    const looptax_several *job;
    ptrdiff_t start, m, n;
    real *z;
    ptrdiff_t pitch;
} Linked;

static const real COUNT[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

INLINE real bias(const Linked *t, ptrdiff_t k) { return ((const real *)t->job->w)[k * (t->n + 1) + t->n]; }
INLINE vec z_at(const Linked *t, ptrdiff_t k, ptrdiff_t i) { return load(t->z + k * t->pitch + i) + broadcast(bias(t, k)); }

/* What a sample counts, 0 past the end; keeps its sum, and whether it is no weight. */
INLINE vec share_of(const Linked *t, ptrdiff_t i, mask inside, Totals *sums) {
    const real *s = t->job->s;
    if (!s) return where(inside, broadcast(1), zeros());
    vec share = load_n(s + t->start + i, min(t->m - i, L));
    bits bad = no_weight(share);
    for (int k = 0; k < (int)(sizeof bad / sizeof(integer)); k++) sums->bad |= ((const integer *)&bad)[k] << 1 != 0;
    real *weight = sums->weight + i % LANES;
    store(weight, load(weight) + share);
    return share;
}

/* x times what its sample counts; nothing past the end. */
INLINE vec shared(vec x, vec share, mask inside) { return where(inside, x * share, zeros()); }

#endif
