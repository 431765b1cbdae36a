/* Windows: parts of files in memory, as the page cache has them, and what happens where a file ends before they do.

   A window has one piece of a file, or several, of the same size and the same distance from one to the next: the rows
   of a block in each column of X in F order. In memory they are as close as whole pages allow, again at one distance.

   Whoever reads a page that its file no longer has gets SIGBUS, and the process dies. Here the reader gets zeros in its
   place, and the window is torn: who uses what was read asks that first. A SIGBUS that is not about a window goes to who
   handled it before. */
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
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_WINDOWS = 1024, POPULATE_READ = 22 };

/* All windows there are, from 1 on, where a handler finds them at any time, also while another thread closes one. */
static struct {
    char *start;  /* NULL where there is none */
    size_t bytes; /* of all of it, whole pages */
    int taken, torn, loaded;
    int64_t offset, stride; /* in the file: of the first piece, and from one to the next */
    size_t piece, count, spacing; /* bytes of a piece, how many there are, and from one to the next in memory */
} windows[MAX_WINDOWS];
static struct sigaction before;
static size_t page;

static size_t looptax_page(void) { return page ? page : (page = (size_t)sysconf(_SC_PAGESIZE)); }

static size_t in_pages(size_t bytes) { return (bytes + looptax_page() - 1) / page * page; }

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

static void on_sigbus(int number, siginfo_t *info, void *context) {
    char *at = info->si_addr;
    for (int k = 0; k < MAX_WINDOWS; k++) {
        char *start = __atomic_load_n(&windows[k].start, __ATOMIC_ACQUIRE), *end = start + windows[k].bytes;
        if (!start || at < start || at >= end) continue;
        char *from = (char *)((uintptr_t)at / page * page);
        __atomic_store_n(&windows[k].torn, 1, __ATOMIC_RELAXED);
        void *zeros = mmap(from, (size_t)(end - from), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        if (zeros != MAP_FAILED) return;
    }
    static int handed_over;
    if (__atomic_exchange_n(&handed_over, 1, __ATOMIC_ACQ_REL)) { /* who had it raised it again: it is the end */
        signal(SIGBUS, SIG_DFL);
        return;
    }
    if (before.sa_flags & SA_SIGINFO) before.sa_sigaction(number, info, context);
    else if (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN) sigaction(SIGBUS, &before, NULL); /* again */
    else before.sa_handler(number);
}

/* Puts the handler in front of whoever came since the last window. */
static void watch(void) {
    struct sigaction now;
    sigaction(SIGBUS, NULL, &now);
    if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_sigbus) return;
    before = now;
    struct sigaction ours = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&ours.sa_mask);
    sigaction(SIGBUS, &ours, NULL);
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

static int looptax_window_torn(int k) { return __atomic_load_n(&windows[k].torn, __ATOMIC_RELAXED); }

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
