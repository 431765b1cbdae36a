/* From z of a tile to what the gradients are made of, for each link of `several.h`: a vec of samples at a time. */
#ifndef LOOPTAX_LINKS_H
#define LOOPTAX_LINKS_H

#include "softmax.h"

INLINE void link_logistic(const Linked *t, ptrdiff_t i, vec y, vec share, mask inside, Totals *sums) {
    bits bad = as_bits(zeros());
    vec s = margin(load(t->z + i), broadcast(bias(t, 0)), y), loss, dz;
    loss_and_dz(s, exp_minus(s), y, &loss, &dz, &bad);
    for (int k = 0; k < (int)(sizeof bad / sizeof(integer)); k++) sums->bad |= ((const integer *)&bad)[k] << 1 != 0;
    real *cost = sums->cost + i % LANES;
    store(cost, load(cost) + shared(loss, share, inside));
    store(t->z + i, shared(dz, share, inside));
}

/* The derivative of dz: e / (1 + e)^2, times dz of v where that is asked for. */
INLINE void link_curvature(const Linked *t, ptrdiff_t i, vec share, mask inside) {
    vec e = exp_minus(z_at(t, 0, i)), up = broadcast(1) + e, d = e / (up * up);
    if (t->job->link == LOOPTAX_LOGISTIC_HESSP) d = d * z_at(t, 1, i);
    store(t->z + i, shared(d, share, inside));
}

/* From z of a tile to its derivatives, in place of the first of z; past the end of the tile they are 0. */
static void linked(const Linked *t, Totals *sums) {
    const real *y = t->job->y;
    for (ptrdiff_t i = 0; i < t->m; i += L) {
        mask inside = less(load(COUNT), broadcast((real)(t->m - i)));
        vec answer = load_n(y + t->start + i, min(t->m - i, L)), share = share_of(t, i, inside, sums);
        switch (t->job->link) {
        case LOOPTAX_LOGISTIC: link_logistic(t, i, answer, share, inside, sums); break;
        case LOOPTAX_LOGISTIC_HESSP:
        case LOOPTAX_LOGISTIC_HESSIAN: link_curvature(t, i, share, inside); break;
        case LOOPTAX_SOFTMAX: link_softmax(t, i, answer, share, inside, sums); break;
        case LOOPTAX_SOFTMAX_HESSP: link_softmax_hessp(t, i, share, inside); break;
        case LOOPTAX_SOFTMAX_HESSIAN: link_softmax_hessian(t, i, share, inside); break;
        }
    }
}

#endif
