/* What bounds every kernel, in loops that do nothing else; see `probe.pyx`. REAL is 64 or 32. */
#include "ceilings.h"
#include "simd.h"

enum {
    STREAMS = 4, /* places memory is read at in turn: from DRAM 5 to 15 % faster than one, in cache as fast */
    SUMS = 8,    /* vecs added to in turn: an addition's latency on two units */
    CHAINS = 12, /* vecs multiplied in turn, the same; with the constant they fit sixteen registers */
};

static double sum(const vec *s, int count) {
    double total = 0;
    for (int k = 0; k < count; k++) {
        real lane[L];
        store(lane, s[k]);
        for (int l = 0; l < L; l++) total += lane[l];
    }
    return total;
}

#if REAL == 64
/* Prefetching was tried: 2 % faster from DRAM, a quarter slower from the first-level cache. */
double looptax_read(const double *x, ptrdiff_t size, ptrdiff_t repeats) {
    ptrdiff_t piece = size / STREAMS;
    vec s[SUMS];
    for (int k = 0; k < SUMS; k++) s[k] = zeros();
    while (repeats--)
        for (ptrdiff_t i = 0; i < piece; i += SUMS / STREAMS * L)
            UNROLL for (int k = 0; k < SUMS; k++)
                s[k] = s[k] + load(x + k % STREAMS * piece + k / STREAMS * L + i);
    return sum(s, SUMS);
}
#  define MULTIPLY_ADD looptax_multiply_add_f64
#else
#  define MULTIPLY_ADD looptax_multiply_add_f32
#endif

double MULTIPLY_ADD(ptrdiff_t rounds) {
    vec half = broadcast((real)0.5), s[CHAINS];
    s[0] = half; /* each from its own number: equal chains would be computed once */
    for (int k = 1; k < CHAINS; k++) s[k] = s[k - 1] + half;
    while (rounds--)
        UNROLL for (int k = 0; k < CHAINS; k++) s[k] = mul_add(s[k], half, half);
    return sum(s, CHAINS); /* each lane tends to 1 */
}
