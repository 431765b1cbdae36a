/* Memory to work in, kept from one call to the next: fresh pages cost a call of 100 us a tenth and more.

   For threads that hold the GIL, which keeps them apart; where Python has none, one at a time takes or gives. A
   few pieces, so that several threads each find one; large ones are not kept. A piece is its taker's alone. */
#ifndef LOOPTAX_WORKSPACE_H
#define LOOPTAX_WORKSPACE_H

#include <Python.h>
#include <stdlib.h>

enum { LOOPTAX_PIECES = 8, LOOPTAX_MAX_PIECE = 1 << 24 };

static struct {
    void *memory;
    size_t size;
} looptax_kept[LOOPTAX_PIECES];

/* Whether this thread has the pieces for itself, until it says that it is done; if not, it does without. Nobody waits, so
   that no fork finds them taken for ever: Python stops all threads before one, and none within these few lines. */
#ifdef Py_GIL_DISABLED
static int looptax_taken;
static int looptax_alone(void) {
    int nobody = 0;
    return _Py_atomic_compare_exchange_int(&looptax_taken, &nobody, 1);
}
static void looptax_done(void) { _Py_atomic_store_int_release(&looptax_taken, 0); }
#else
static int looptax_alone(void) { return 1; }
static void looptax_done(void) {}
#endif

/* NULL where there is no memory; `size` becomes what there is. */
static void *looptax_take(size_t *size) {
    void *memory = NULL;
    if (looptax_alone()) {
        for (int k = 0; k < LOOPTAX_PIECES && !memory; k++)
            if (looptax_kept[k].size >= *size) {
                memory = looptax_kept[k].memory;
                *size = looptax_kept[k].size;
                looptax_kept[k].memory = NULL, looptax_kept[k].size = 0;
            }
        looptax_done();
    }
    return memory ? memory : malloc(*size);
}

/* In place of the smallest piece, if that is smaller; a place where none is has the size 0. */
static void looptax_give(void *memory, size_t size) {
    if (size <= LOOPTAX_MAX_PIECE && looptax_alone()) {
        int smallest = 0;
        for (int k = 1; k < LOOPTAX_PIECES; k++)
            if (looptax_kept[k].size < looptax_kept[smallest].size) smallest = k;
        if (size > looptax_kept[smallest].size) {
            void *other = looptax_kept[smallest].memory;
            looptax_kept[smallest].memory = memory, looptax_kept[smallest].size = size;
            memory = other;
        }
        looptax_done();
    }
    free(memory);
}

#endif
