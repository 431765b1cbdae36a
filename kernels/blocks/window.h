/* Windows: parts of files in memory, as the page cache has them, and what happens where a file ends before they do.

   Whoever reads a page that its file no longer has gets SIGBUS, and the process dies. Here the reader gets zeros in its
   place, and the window is torn: who uses what was read asks that first. A SIGBUS that is not about a window goes to who
   handled it before. */
#ifndef LOOPTAX_WINDOW_H
#define LOOPTAX_WINDOW_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *start;
    size_t bytes; /* whole pages */
    int torn;
} looptax_window;

#ifdef _WIN32

static size_t looptax_page(void) { return 0; }
static int looptax_window_open(looptax_window *w, int file, int64_t offset, size_t bytes) {
    (void)w, (void)file, (void)offset, (void)bytes;
    return 0;
}
static void looptax_window_load(looptax_window *w) { (void)w; }
static void looptax_window_close(looptax_window *w) { (void)w; }

#else

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_WINDOWS = 1024, POPULATE_READ = 22 };

static looptax_window *windows[MAX_WINDOWS];
static struct sigaction before;
static size_t page;

static size_t looptax_page(void) { return page ? page : (page = (size_t)sysconf(_SC_PAGESIZE)); }

static void on_sigbus(int number, siginfo_t *info, void *context) {
    char *at = info->si_addr;
    for (int k = 0; k < MAX_WINDOWS; k++) {
        looptax_window *w = __atomic_load_n(&windows[k], __ATOMIC_ACQUIRE);
        if (!w || at < w->start || at >= w->start + w->bytes) continue;
        char *from = (char *)((uintptr_t)at / page * page);
        __atomic_store_n(&w->torn, 1, __ATOMIC_RELAXED);
        size_t rest = (size_t)(w->start + w->bytes - from);
        if (mmap(from, rest, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED) return;
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

/* Opens a window from `offset` on, a whole number of pages. Returns 0 or an errno. */
static int looptax_window_open(looptax_window *w, int file, int64_t offset, size_t bytes) {
    bytes = (bytes + looptax_page() - 1) / page * page;
    void *start = mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, (off_t)offset);
    if (start == MAP_FAILED) return errno;
    *w = (looptax_window){start, bytes, 0};
    watch();
    for (int k = 0; k < MAX_WINDOWS; k++) {
        looptax_window *none = NULL;
        if (__atomic_compare_exchange_n(&windows[k], &none, w, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) return 0;
    }
    munmap(start, bytes);
    w->start = NULL;
    return EMFILE;
}

/* Reads all of it into memory, so that no reader has to wait. */
static void looptax_window_load(looptax_window *w) {
    if (madvise(w->start, w->bytes, POPULATE_READ) == 0) return;
    for (size_t k = 0; k < w->bytes; k += page) (void)*(volatile char *)(w->start + k); /* before Linux 5.14, or torn */
}

static void looptax_window_close(looptax_window *w) {
    for (int k = 0; k < MAX_WINDOWS; k++)
        if (windows[k] == w) __atomic_store_n(&windows[k], NULL, __ATOMIC_RELEASE);
    if (w->start) munmap(w->start, w->bytes);
}

#endif
#endif
