/* A malloc whose huge pieces take next to no memory: but for their ends and where an offset passes a multiple of 2^31
   bytes, all of a piece is the same few megabytes again and again. There a zero may be written, which overwrites others. */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define LENT (MAP_SHARED | MAP_POPULATE)
#define OWN (MAP_PRIVATE | MAP_ANONYMOUS)

enum { PERIOD = 1 << 22, MAX_PIECES = 64 }; /* bytes that are lent, and that a piece has of its own at each such place */

extern void *__libc_malloc(size_t);
extern void __libc_free(void *);

static struct {
    char *start;
    size_t bytes;
} pieces[MAX_PIECES];

static int map(char *at, size_t bytes, int flags, int file) {
    return mmap(at, bytes, PROT_READ | PROT_WRITE, flags | MAP_FIXED, file, 0) != MAP_FAILED;
}

static void *piece(size_t size) {
    static int file = -1;
    if (file < 0 && ((file = memfd_create("lent", 0)) < 0 || ftruncate(file, PERIOD))) return NULL;
    int k = 0;
    while (pieces[k].start)
        if (++k == MAX_PIECES) return NULL;
    size_t bytes = size / PERIOD * PERIOD + 2 * PERIOD; /* the last two are its own, and so is the first */
    char *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, OWN | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) return NULL;
    for (size_t at = PERIOD; at < bytes - 2 * PERIOD; at += PERIOD)
        if (!map(start + at, PERIOD, LENT, file)) return NULL;
    for (size_t at = (size_t)1 << 31; at < bytes - PERIOD; at += (size_t)1 << 31)
        if (!map(start + at - PERIOD, 2 * PERIOD, OWN, -1)) return NULL;
    pieces[k].start = start, pieces[k].bytes = bytes;
    return start;
}

void *malloc(size_t size) { return size >> 30 ? piece(size) : __libc_malloc(size); }

void free(void *memory) {
    for (int k = 0; memory && k < MAX_PIECES; k++)
        if (pieces[k].start == memory) {
            munmap(memory, pieces[k].bytes), pieces[k].start = NULL;
            return;
        }
    __libc_free(memory);
}
