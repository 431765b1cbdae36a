/* All windows there are (window.h), and who gets SIGBUS for one.

   Whoever reads a page that its file no longer has gets SIGBUS, and the process dies. Here the reader gets zeros in its
   place, and the window is torn: who uses what was read asks that first. A SIGBUS that is not about a window goes to who
   handled it before. */
#ifndef LOOPTAX_TORN_H
#define LOOPTAX_TORN_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_WINDOWS = 1024 };

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

static int looptax_window_torn(int k) { return __atomic_load_n(&windows[k].torn, __ATOMIC_RELAXED); }

#endif
