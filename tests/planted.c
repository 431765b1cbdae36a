/* Faults that sanitizers must report: a read past the end of an allocation, a shift too far, a race of two threads. */
#include <pthread.h>
#include <stdlib.h>

double past_the_end(int n) {
    double *x = calloc((size_t)n, sizeof(double)), found = x[n];
    free(x);
    return found;
}

int shift(int by) { return 1 << by; }

static int count;

static void *counted(void *unused) {
    for (int k = 0; k < 100000; k++) count++;
    return unused;
}

int race(int unused) {
    pthread_t other;
    if (pthread_create(&other, NULL, counted, NULL)) return -1;
    counted(NULL);
    pthread_join(other, NULL);
    return count + unused;
}
