/* Several weight vectors at once, as the Cython face of it (`variants/several.pyx`) calls it: `several.c` for X in
   memory, `sparse.c` for X in compressed rows. */
#ifndef LOOPTAX_SEVERAL_H
#define LOOPTAX_SEVERAL_H

#include "tuned.h"

/* What is made of Xw + b. Weight vectors of n + 1 numbers go in, the last of each is its b, and sums of as many numbers
   come out. For two classes `classes` is 1. */
enum looptax_link {
    LOOPTAX_LOGISTIC,         /* the gradient for labels 0 and 1: one in, one out */
    LOOPTAX_LOGISTIC_HESSP,   /* the curvature times v: w and v in, one out */
    LOOPTAX_LOGISTIC_HESSIAN, /* the curvature: one in, n + 1 out, of which what is below the diagonal means nothing */
    LOOPTAX_SOFTMAX,          /* the gradient for labels 0 to k - 1: k in, k out */
    LOOPTAX_SOFTMAX_HESSP,    /* k vectors w and then k vectors v in, k out */
    LOOPTAX_SOFTMAX_HESSIAN,  /* a block of the curvature, of the classes `row` and `column`: k in, n + 1 out */
};

/* X in compressed rows: row i has the numbers pointers[i] to pointers[i + 1] of `data` and `indices`. Both are of 8
   bytes if `wide`, else of 4. */
typedef struct {
    const void *data, *indices, *pointers;
    ptrdiff_t m, n, count;
    bool wide;
} looptax_sparse;

typedef struct {
    const void *y, *s, *w; /* s: weights of the samples, or NULL */
    enum looptax_link link;
    ptrdiff_t classes, row, column;
    ptrdiff_t tile_bytes;  /* of X and z, that are read again from a cache: changes no bit */
} looptax_several;

#define LOOPTAX_DECLARE_SEVERAL(X, name, bits, real)                                                        \
    /* Samples in a chunk; see `looptax_chunk`. */                                                          \
    ptrdiff_t looptax_##name##_chunk_f##bits(const X *x, const looptax_several *of);                        \
    size_t looptax_##name##_work_f##bits(const X *x, const looptax_several *of, int threads);               \
    /* Sets `out` to sums over the samples, and returns the others. */                                      \
    looptax_sums looptax_##name##_f##bits(                                                                  \
        const X *x, const looptax_several *of, looptax_runner run, int threads, int64_t ns, void *work, real *out);
/* Divides sums by the weight of the samples, and adds the penalty on `classes` vectors w. */
looptax_sums looptax_several_mean_f64(
    looptax_sums sums, double l2, const double *w, ptrdiff_t classes, ptrdiff_t n, double *out);
looptax_sums looptax_several_mean_f32(
    looptax_sums sums, double l2, const float *w, ptrdiff_t classes, ptrdiff_t n, float *out);
LOOPTAX_DECLARE_SEVERAL(looptax_samples, several, 64, double)
LOOPTAX_DECLARE_SEVERAL(looptax_samples, several, 32, float)
LOOPTAX_DECLARE_SEVERAL(looptax_sparse, sparse, 64, double)
LOOPTAX_DECLARE_SEVERAL(looptax_sparse, sparse, 32, float)

#endif
