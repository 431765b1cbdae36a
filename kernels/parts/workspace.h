/* Memory to work in, kept from one call to the next: fresh pages cost a call of 100 us a tenth and more.

   Only while the GIL is held. A few pieces, so that several threads each find one; large ones are not kept. */
#ifndef LOOPTAX_WORKSPACE_H
#define LOOPTAX_WORKSPACE_H

#include <stdlib.h>

enum { LOOPTAX_PIECES = 8, LOOPTAX_MAX_PIECE = 1 << 24 };

static struct {
    void *memory;
    size_t size;
} looptax_kept[LOOPTAX_PIECES];

/* NULL where there is no memory; `size` becomes what there is. */
static void *looptax_take(size_t *size) {
    for (int k = 0; k < LOOPTAX_PIECES; k++)
        if (looptax_kept[k].size >= *size) {
            void *memory = looptax_kept[k].memory;
            *size = looptax_kept[k].size;
            looptax_kept[k].memory = NULL, looptax_kept[k].size = 0;
            return memory;
        }
    return malloc(*size);
}

/* In place of the smallest piece, if that is smaller; a place where none is has the size 0. */
static void looptax_give(void *memory, size_t size) {
    int smallest = 0;
    for (int k = 1; k < LOOPTAX_PIECES; k++)
        if (looptax_kept[k].size < looptax_kept[smallest].size) smallest = k;
    if (size <= LOOPTAX_MAX_PIECE && size > looptax_kept[smallest].size) {
        void *other = looptax_kept[smallest].memory;
        looptax_kept[smallest].memory = memory, looptax_kept[smallest].size = size;
        memory = other;
    }
    free(memory);
}

#endif
