/* Windows: parts of files in memory, as the page cache has them; torn.h has what happens where a file ends before they do.

   A window has one piece of a file, or several, of the same size and the same distance from one to the next: the rows
   of a block in each column of X in F order. In memory they are as close as whole pages allow, again at one distance. */
#ifndef LOOPTAX_WINDOW_H
#define LOOPTAX_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32

static size_t looptax_page(void) { return 0; }
static int looptax_window_open(int file, int64_t offset, size_t bytes, size_t count, int64_t stride) {
    (void)file, (void)offset, (void)bytes, (void)count, (void)stride;
    return -1;
}
static char *looptax_window_first(int k) { return (void)k, NULL; }
static size_t looptax_window_spacing(int k) { return (void)k, 0; }
static int looptax_window_torn(int k) { return (void)k, 0; }
static void looptax_window_load(int k) { (void)k; }
static void looptax_window_close(int k) { (void)k; }

#else

#include <errno.h>

#include "torn.h"

enum { POPULATE_READ = 22 };

static char *looptax_window_first(int k) { return windows[k].start + windows[k].offset % (int64_t)looptax_page(); }

static size_t looptax_window_spacing(int k) { return windows[k].spacing; }

/* Returns where the pages of piece j are, how many bytes they have, and where they are in the file. */
static char *pages_of(int k, size_t j, size_t *bytes, int64_t *offset) {
    int64_t first = windows[k].offset + (int64_t)j * windows[k].stride;
    size_t before = (size_t)(first % (int64_t)looptax_page());
    *offset = first - (int64_t)before;
    *bytes = in_pages(before + windows[k].piece);
    return looptax_window_first(k) + j * windows[k].spacing - before;
}

static void looptax_window_close(int k) {
    char *start = windows[k].start;
    __atomic_store_n(&windows[k].start, NULL, __ATOMIC_RELEASE);
    if (start) munmap(start, windows[k].bytes);
    __atomic_store_n(&windows[k].taken, 0, __ATOMIC_RELEASE);
}

/* Opens a window of `count` pieces of a file. Returns its number, or an errno below 0. */
static int looptax_window_open(int file, int64_t offset, size_t piece, size_t count, int64_t stride) {
    int k = 1;
    while (k < MAX_WINDOWS && __atomic_exchange_n(&windows[k].taken, 1, __ATOMIC_ACQ_REL)) k++;
    if (k == MAX_WINDOWS) return -EMFILE;
    size_t spacing = piece + 2 * looptax_page(), beyond = spacing % page, wanted = (size_t)(stride % (int64_t)page);
    spacing += (wanted + page - beyond) % page; /* pages of the file are pages of memory, for each piece */
    size_t bytes = in_pages((size_t)(offset % (int64_t)page) + (count - 1) * spacing + piece);
    char *start = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int error = start == MAP_FAILED ? errno : 0;
    windows[k].offset = offset, windows[k].stride = stride, windows[k].torn = windows[k].loaded = 0;
    windows[k].piece = piece, windows[k].count = count, windows[k].spacing = spacing, windows[k].bytes = bytes;
    if (!error) __atomic_store_n(&windows[k].start, start, __ATOMIC_RELEASE);
    for (size_t j = 0; !error && j < count; j++) {
        size_t length;
        char *at = pages_of(k, j, &length, &offset);
        if (mmap(at, length, PROT_READ, MAP_SHARED | MAP_FIXED, file, (off_t)offset) == MAP_FAILED) error = errno;
    }
    watch();
    if (!error) return k;
    looptax_window_close(k);
    return -error;
}

/* Whether pages are in memory; where a system does not tell, they are not. */
static int are_there(char *start, size_t bytes) {
#ifdef __linux__
    unsigned char found[4096];
    for (size_t at = 0; at < bytes; at += sizeof found * page) {
        size_t some = bytes - at < sizeof found * page ? bytes - at : sizeof found * page;
        if (mincore(start + at, some, found)) return 0;
        for (size_t k = 0; k < some / page; k++)
            if (!(found[k] & 1)) return 0;
    }
    return 1;
#else
    (void)start, (void)bytes;
    return 0;
#endif
}

/* Reads all of it into memory, so that no reader has to wait; what was loaded before, only where it has gone since. */
static void looptax_window_load(int k) {
    int before = windows[k].loaded;
    windows[k].loaded = 1;
    for (size_t j = 0; j < windows[k].count; j++) {
        size_t bytes;
        int64_t offset;
        char *start = pages_of(k, j, &bytes, &offset);
        if (before && are_there(start, bytes)) continue;
        if (madvise(start, bytes, POPULATE_READ) == 0) continue;
        for (size_t at = 0; at < bytes; at += page) (void)*(volatile char *)(start + at); /* before Linux 5.14, or torn */
    }
}

#endif
#endif
