/* Memory to work in, kept from one call to the next: fresh pages cost a call of 100 us a tenth and more.

   For threads that hold the GIL, which keeps them apart; where Python has none, a lock does, for a few nanoseconds. A
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

/* Python stops all threads before a fork, and none within these few lines: so a child finds the lock free. */
#ifdef Py_GIL_DISABLED
static PyMutex looptax_kept_lock;
#  define LOOPTAX_LOCK() PyMutex_Lock(&looptax_kept_lock)
#  define LOOPTAX_UNLOCK() PyMutex_Unlock(&looptax_kept_lock)
#else
#  define LOOPTAX_LOCK() ((void)0)
#  define LOOPTAX_UNLOCK() ((void)0)
#endif

/* NULL where there is no memory; `size` becomes what there is. */
static void *looptax_take(size_t *size) {
    void *memory = NULL;
    LOOPTAX_LOCK();
    for (int k = 0; k < LOOPTAX_PIECES; k++)
        if (looptax_kept[k].size >= *size) {
            memory = looptax_kept[k].memory;
            *size = looptax_kept[k].size;
            looptax_kept[k].memory = NULL, looptax_kept[k].size = 0;
            break;
        }
    LOOPTAX_UNLOCK();
    return memory ? memory : malloc(*size);
}

/* In place of the smallest piece, if that is smaller; a place where none is has the size 0. */
static void looptax_give(void *memory, size_t size) {
    int smallest = 0;
    LOOPTAX_LOCK();
    for (int k = 1; k < LOOPTAX_PIECES; k++)
        if (looptax_kept[k].size < looptax_kept[smallest].size) smallest = k;
    if (size <= LOOPTAX_MAX_PIECE && size > looptax_kept[smallest].size) {
        void *other = looptax_kept[smallest].memory;
        looptax_kept[smallest].memory = memory, looptax_kept[smallest].size = size;
        memory = other;
    }
    LOOPTAX_UNLOCK();
    free(memory);
}

#endif
