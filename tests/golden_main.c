/* The C core alone, for a CPU that is emulated: reads inputs from stdin, writes results to stdout, as raw numbers in
   this CPU's order of bytes. Each input: eight int64 (bytes of a number, m, n, row stride, column stride, offset of
   X[0, 0], bytes of X, tile bytes), b as a double, then X, y and w. Each result: cost and db as doubles, then dw. */
#include "tuned.h"

#include <stdio.h>
#include <stdlib.h>

static void serial(void (*task)(void *, int), void *job, int chunks, int threads, int64_t ns) {
    (void)threads, (void)ns;
    for (int k = 0; k < chunks; k++) task(job, k);
}

static void *get(size_t size) {
    void *memory = malloc(size);
    if (!memory || fread(memory, 1, size, stdin) != size) exit(2);
    return memory;
}

int main(void) {
    int64_t head[8];
    while (fread(head, sizeof head, 1, stdin) == 1) {
        double *b = get(sizeof *b);
        size_t size = (size_t)head[0], n = (size_t)head[2];
        char *X = get((size_t)head[6]), *y = get(size * (size_t)head[1]), *w = get(size * n), *dw = malloc(size * n);
        looptax_samples samples = {X + head[5], head[1], head[2], head[3], head[4], 0};
        looptax_schedule how = {.tile_bytes = head[7]};
        looptax_sums found;
        void *work;
        if (size == 4) {
            work = malloc(looptax_work_bytes_f32(&samples, &how, 3));
            found = looptax_sums_f32(&samples, (float *)y, NULL, (float *)w, (float)*b, &how, serial, 3, 0, LOOPTAX_GRADIENT,
                                     work, (float *)dw);
            found = looptax_mean_f32(found, 0, (float *)w, samples.n, (float *)dw);
        } else {
            work = malloc(looptax_work_bytes_f64(&samples, &how, 3));
            found = looptax_sums_f64(&samples, (double *)y, NULL, (double *)w, *b, &how, serial, 3, 0, LOOPTAX_GRADIENT, work,
                                     (double *)dw);
            found = looptax_mean_f64(found, 0, (double *)w, samples.n, (double *)dw);
        }
        fwrite(&found.cost, sizeof(double), 1, stdout);
        fwrite(&found.db, sizeof(double), 1, stdout);
        fwrite(dw, size, n, stdout);
        free(b), free(X), free(y), free(w), free(dw), free(work);
    }
    return 0;
}
