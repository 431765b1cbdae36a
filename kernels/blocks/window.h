/* Windows: parts of files in memory, as the page cache has them, and what happens where a file ends before they do.

   Whoever reads a page that its file no longer has gets SIGBUS, and the process dies. Here the reader gets zeros in its
   place, and the window is torn: who uses what was read asks that first. A SIGBUS that is not about a window goes to who
   handled it before. */
#ifndef LOOPTAX_WINDOW_H
#define LOOPTAX_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32

static size_t looptax_page(void) { return 0; }
static int looptax_window_open(int file, int64_t offset, size_t bytes) { return (void)file, (void)offset, (void)bytes, -1; }
static char *looptax_window_start(int k) { return (void)k, NULL; }
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
    size_t bytes; /* whole pages */
    int taken, torn;
} windows[MAX_WINDOWS];
static struct sigaction before;
static size_t page;

static size_t looptax_page(void) { return page ? page : (page = (size_t)sysconf(_SC_PAGESIZE)); }

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

/* Opens a window from `offset` on, a whole number of pages. Returns its number, or an errno below 0. */
static int looptax_window_open(int file, int64_t offset, size_t bytes) {
    int k = 1;
    while (k < MAX_WINDOWS && __atomic_exchange_n(&windows[k].taken, 1, __ATOMIC_ACQ_REL)) k++;
    if (k == MAX_WINDOWS) return -EMFILE;
    bytes = (bytes + looptax_page() - 1) / page * page;
    void *start = mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, (off_t)offset);
    if (start == MAP_FAILED) {
        int error = errno;
        __atomic_store_n(&windows[k].taken, 0, __ATOMIC_RELEASE);
        return -error;
    }
    windows[k].bytes = bytes;
    windows[k].torn = 0;
    __atomic_store_n(&windows[k].start, start, __ATOMIC_RELEASE);
    watch();
    return k;
}

static char *looptax_window_start(int k) { return windows[k].start; }

static int looptax_window_torn(int k) { return __atomic_load_n(&windows[k].torn, __ATOMIC_RELAXED); }

/* Reads all of it into memory, so that no reader has to wait. */
static void looptax_window_load(int k) {
    char *start = windows[k].start;
    size_t bytes = windows[k].bytes;
    if (madvise(start, bytes, POPULATE_READ) == 0) return;
    for (size_t at = 0; at < bytes; at += page) (void)*(volatile char *)(start + at); /* before Linux 5.14, or torn */
}

static void looptax_window_close(int k) {
    char *start = windows[k].start;
    __atomic_store_n(&windows[k].start, NULL, __ATOMIC_RELEASE);
    munmap(start, windows[k].bytes);
    __atomic_store_n(&windows[k].taken, 0, __ATOMIC_RELEASE);
}

#endif
#endif
