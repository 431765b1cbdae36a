/* Softmax: from z of all classes to the loss and its derivatives, class after class.

   Softmax, with e_c = exp(z_c - max z): loss = (max z - z_y) + log(1 + the sum of e_c but that of the maximum), and
   dz_y = -(the sum of e_c but that of y) / the sum of all. So nothing cancels, as in `loss.h` for two classes. Of
   infinite z the limit is taken; where two are +inf, or all -inf, there is none, and the result is a NaN. */
#ifndef LOOPTAX_SOFTMAX_H
#define LOOPTAX_SOFTMAX_H

#include "linked.h"

/* log(1 + r), r >= 0: of r < 1 as in `loss.h`; else 1 + r = 2^p f, and the same of f - 1. */
INLINE vec log_one_plus(vec r) {
    const vec one = broadcast(1), two = broadcast(2);
    vec u = one + r;
    mask small = less(r, one), finite = less(r, broadcast(INFINITY));
    bits exponent = (as_bits(u) >> MANTISSA) - (as_bits(one) >> MANTISSA);
    vec f = as_reals(as_bits(u) - (exponent << MANTISSA)) - one;
    vec p = as_reals(exponent + as_bits(broadcast(MAGIC))) - broadcast(MAGIC);
    f = where(small, r, f), p = where(small, zeros(), p);
    vec v = f / (two + f);
    vec log = mul_add(v, polynomial(ATANH, ATANH_TERMS, v * v), p * broadcast((real)0.693147180559945309));
    return where(finite, log, r); /* an infinity or a NaN */
}

/* Whether y is k, in a mask. */
INLINE mask is_class(vec y, ptrdiff_t k) { return less(absolute(y - broadcast((real)k)), broadcast((real)0.5)); }

/* Turns z of each class into e_c. What is returned: the sums of e_c but that of the maximum, and but that of y;
   max z - z_y; and the class of the maximum. */
typedef struct {
    vec rest, others, of_y, likeliest;
} Classes;

INLINE Classes exponentials(const Linked *t, ptrdiff_t i, vec y) {
    const ptrdiff_t k = t->job->classes;
    const vec zero = zeros();
    Classes found = {zero, zero, zero, zero};
    vec largest = z_at(t, 0, i);
    for (ptrdiff_t c = 1; c < k; c++) {
        vec z = z_at(t, c, i);
        mask more = less(largest, z);
        largest = where(more, z, largest), found.likeliest = where(more, broadcast((real)c), found.likeliest);
    }
    for (ptrdiff_t c = 0; c < k; c++) {
        vec z = z_at(t, c, i);
        mask first = is_class(found.likeliest, c), answer = is_class(y, c);
        vec behind = where(first, zero, largest - z), e = exp_minus(behind);
        found.rest = found.rest + where(first, zero, e);
        found.others = found.others + where(answer, zero, e);
        found.of_y = where(answer, behind, found.of_y);
        store(t->z + c * t->pitch + i, e);
    }
    return found;
}

INLINE void link_softmax(const Linked *t, ptrdiff_t i, vec y, vec share, mask inside, Totals *sums) {
    const vec one = broadcast(1);
    Classes found = exponentials(t, i, y);
    vec scale = one / (one + found.rest), loss = found.of_y + log_one_plus(found.rest);
    real *cost = sums->cost + i % LANES;
    store(cost, load(cost) + shared(loss, share, inside));
    for (ptrdiff_t c = 0; c < t->job->classes; c++) {
        real *at = t->z + c * t->pitch + i;
        vec dz = where(is_class(y, c), zeros() - found.others, load(at)) * scale;
        store(at, shared(dz, share, inside));
    }
}

/* a (u - the mean of u by a), class after class. Where one class is all but certain, its u and the mean all but cancel:
   so that u is taken from each first, and the mean is made of the others, each times its small a. */
INLINE void link_softmax_hessp(const Linked *t, ptrdiff_t i, vec share, mask inside) {
    const ptrdiff_t k = t->job->classes;
    Classes found = exponentials(t, i, zeros());
    vec scale = broadcast(1) / (broadcast(1) + found.rest), origin = zeros(), mean = zeros();
    for (ptrdiff_t c = 0; c < k; c++)
        origin = where(is_class(found.likeliest, c), z_at(t, k + c, i), origin);
    for (ptrdiff_t c = 0; c < k; c++) {
        real *at = t->z + c * t->pitch + i;
        vec a = load(at) * scale;
        store(at, a), mean = mul_add(a, z_at(t, k + c, i) - origin, mean);
    }
    for (ptrdiff_t c = 0; c < k; c++) {
        real *at = t->z + c * t->pitch + i;
        store(at, shared(load(at) * (z_at(t, k + c, i) - origin - mean), share, inside));
    }
}

/* Of two classes a (1 - a), or - a times the other a. */
INLINE void link_softmax_hessian(const Linked *t, ptrdiff_t i, vec share, mask inside) {
    const looptax_several *job = t->job;
    Classes found = exponentials(t, i, broadcast((real)job->row));
    vec scale = broadcast(1) / (broadcast(1) + found.rest);
    vec other = job->row == job->column ? found.others : zeros() - load(t->z + job->column * t->pitch + i);
    vec d = load(t->z + job->row * t->pitch + i) * scale * (other * scale);
    store(t->z + i, shared(d, share, inside));
}

#endif
