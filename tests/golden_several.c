/* The C core for several weight vectors and for compressed rows, as golden_main.c has that of the step. Each input: 13
   int64 (bytes of a number, bytes of an index or 0 for dense X, m, n, row stride, column stride, numbers of X, link,
   classes, row, column, tile bytes, whether samples have weights), then X, of compressed rows indices and pointers, y,
   the weights of the samples, and w. Each result: the cost as a double, then what comes out. */
#include "several.h"

#include <stdio.h>
#include <stdlib.h>

enum { SIZE, INDEX, M, N, ROW_STRIDE, COLUMN_STRIDE, NUMBERS, LINK, CLASSES, ROW, COLUMN, TILE, WEIGHTED, HEAD };

static void serial(void (*task)(void *, int), void *job, int chunks, int threads, int64_t ns) {
    (void)threads, (void)ns;
    for (int k = 0; k < chunks; k++) task(job, k);
}

static void *get(int64_t size) {
    void *memory = malloc((size_t)size);
    if (!memory || fread(memory, 1, (size_t)size, stdin) != (size_t)size) exit(2);
    return memory;
}

#define DEFINE_ONE(bits, real)                                                                                     \
    static double one_f##bits(const int64_t *head, const looptax_samples *X, const looptax_sparse *sparse,         \
                              const looptax_several *of, const void *penalised, int64_t outputs, double l2,        \
                              void *out) {                                                                         \
        const int threads = 3;                                                                                     \
        void *work = malloc(head[INDEX] ? looptax_sparse_work_f##bits(sparse, of, threads)                         \
                                        : looptax_several_work_f##bits(X, of, threads));                           \
        looptax_sums sums = head[INDEX] ? looptax_sparse_f##bits(sparse, of, serial, threads, 0, work, out)        \
                                        : looptax_several_f##bits(X, of, serial, threads, 0, work, out);           \
        free(work);                                                                                                \
        return looptax_several_mean_f##bits(sums, l2, penalised, outputs, head[N], out).cost;                      \
    }
DEFINE_ONE(64, double)
DEFINE_ONE(32, float)

int main(void) {
    int64_t head[HEAD];
    while (fread(head, sizeof head, 1, stdin) == 1) {
        const int64_t size = head[SIZE], m = head[M], n = head[N], link = head[LINK], classes = head[CLASSES];
        const bool square = link == LOOPTAX_LOGISTIC_HESSIAN || link == LOOPTAX_SOFTMAX_HESSIAN;
        const bool product = link == LOOPTAX_LOGISTIC_HESSP || link == LOOPTAX_SOFTMAX_HESSP;
        const int64_t inputs = product ? 2 * classes : classes, outputs = square ? n + 1 : classes;
        char *X = get(head[NUMBERS] * size);
        char *indices = get(head[INDEX] * head[NUMBERS]), *pointers = get(head[INDEX] * (m + 1));
        char *y = get(m * size), *s = get(head[WEIGHTED] ? m * size : 0), *w = get(inputs * (n + 1) * size);
        char *out = malloc((size_t)(outputs * (n + 1) * size));
        looptax_samples samples = {X, m, n, head[ROW_STRIDE], head[COLUMN_STRIDE], 0};
        looptax_sparse sparse = {X, indices, pointers, m, n, head[NUMBERS], head[INDEX] == 8};
        looptax_several of = {y, head[WEIGHTED] ? s : NULL, w, (enum looptax_link)link, classes, head[ROW], head[COLUMN],
                              head[TILE]};
        const char *penalised = w + (product ? inputs / 2 * (n + 1) * size : 0);
        double cost = (size == 4 ? one_f32 : one_f64)(head, &samples, &sparse, &of, penalised, outputs, square ? 0 : 0.25, out);
        fwrite(&cost, sizeof cost, 1, stdout);
        fwrite(out, (size_t)size, (size_t)(outputs * (n + 1)), stdout);
        free(X), free(indices), free(pointers), free(y), free(s), free(w), free(out);
    }
    return 0;
}
