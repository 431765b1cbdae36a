/* Faults that sanitizers must report: a read past the end of an allocation, a shift too far, a race of two threads; and
   those of who asks for memory (`failing.c`). */
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

static volatile double *volatile work[2];

int unchecked(void) {
    work[0] = malloc(80);
    work[0][0] = 1;
    free((void *)work[0]);
    return 1;
}

int forgetful(void) {
    for (int k = 0; k < 2; k++)
        if (!(work[k] = malloc(80))) return -1; /* the first of two is lost */
    for (int k = 0; k < 2; k++) free((void *)work[k]);
    return 1;
}

int silent(void) {
    work[0] = malloc(80);
    int found = work[0] != NULL;
    free((void *)work[0]);
    return found;
}
