/* The step in explicit vectors, as the Cython face of it (`cython_tuned.pyx`) calls it: `tuned.c`, compiled once for
   each dtype and instruction set. */
#ifndef LOOPTAX_TUNED_H
#define LOOPTAX_TUNED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where X lies: strides in bytes, anything but C and F order is packed as it is read. */
typedef struct {
    const char *data;
    ptrdiff_t m, n, row_stride, column_stride;
    char order; /* 'C' and 'F' say in which order sums are taken; else the larger stride does */
} looptax_samples;

/* How the step goes about it. It decides the speed alone: which numbers are added to which is in `sums.h`. */
typedef struct {
    ptrdiff_t tile_bytes; /* of X, that are read for z and then again for the gradient */
    bool streamed;        /* rows one after the other, columns from end to end of a tile; else side by side */
    bool by_features;     /* threads share the features of a tile, in columns; else each has its own samples */
    bool overlapped;      /* the next tile of rows is read for z while the gradient of this one is taken */
    ptrdiff_t prefetch;   /* bytes of rows or columns side by side fetched ahead, a column for 64; 0: nothing is */
} looptax_schedule;

/* Sums over samples, each times its weight, not yet divided by what these come to. */
typedef struct {
    double cost, db, weight; /* the sum of the samples' weights, where they have some */
    bool bad; /* a label is neither 0 nor 1, a weight negative or not finite */
} looptax_sums;

/* Which part of the step is the last to be done: for the probe, which takes the time of parts. */
enum looptax_part { LOOPTAX_Z, LOOPTAX_LOSS, LOOPTAX_GRADIENT };

/* X is gone through by columns; it is neither C nor F order, or misaligned, and packed a tile at a time. */
enum { LOOPTAX_COLUMNS = 1, LOOPTAX_PACKED = 2 };

/* In `sums`: s holds the weights of the samples, or is NULL where they count alike. */

/* Calls task(job, k) for each k below chunks, on up to so many threads; see `team.h`. */
typedef void (*looptax_runner)(void (*task)(void *job, int k), void *job, int chunks, int threads, int64_t ns);

#define LOOPTAX_DECLARE(bits, real)                                                                         \
    /* Samples in a chunk, the unit of the order of the sums: a block that is to be added to others begins  \
       at a multiple of 2^k chunks, and has 2^k of them or is the last. */                                  \
    ptrdiff_t looptax_chunk_f##bits(const looptax_samples *X);                                              \
    /* Those of LOOPTAX_COLUMNS and LOOPTAX_PACKED that hold. */                                           \
    int looptax_layout_f##bits(const looptax_samples *X);                                                   \
    /* What a schedule comes to here: a tile in samples, and only what has a meaning for X. */               \
    looptax_schedule looptax_effective_f##bits(const looptax_samples *X, const looptax_schedule *how);      \
    size_t looptax_work_bytes_f##bits(const looptax_samples *X, const looptax_schedule *how, int threads);  \
    looptax_sums looptax_sums_f##bits(                                                                      \
        const looptax_samples *X, const real *y, const real *s, const real *w, real b,                      \
        const looptax_schedule *how, looptax_runner run, int threads, int64_t ns, enum looptax_part last,   \
        void *work, real *dw);                                                                              \
    /* Divides by the weight of the samples, which is m where they have none, and adds l2 / 2 w'w. */       \
    looptax_sums looptax_mean_f##bits(                                                                      \
        looptax_sums sums, double l2, const real *w, ptrdiff_t n, real *dw);
LOOPTAX_DECLARE(64, double)
LOOPTAX_DECLARE(32, float)

#endif
