/* Preloaded into Python: lets chosen allocations fail, and keeps count of what was allocated and not freed. For glibc.

   An allocation is a call of malloc, calloc, realloc, aligned_alloc, memalign, posix_memalign, mmap or pthread_create,
   by any thread. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

static atomic_bool armed;
static atomic_long seen, first, last; /* allocations of a call: how many there were, and which fail */
static atomic_long held;              /* bytes that are allocated */
static _Thread_local bool looking __attribute__((tls_model("initial-exec")));
static char *asked;                   /* who asked for the first that failed, or who crashed; seen by a parent too */
static bool traced;

/* Note who asks for memory, or crashes: the library, and whether it is a kernel's call, seen from the interpreter. A
   kernel has to end well where there is no memory; what NumPy does in a call of its own is NumPy's. */
static void look(void) {
    void *frames[64];
    int count = backtrace(frames, 64);
    bool kernel = false;
    const char *who = "";
    for (int k = 0; k < count; k++) {
        Dl_info found;
        if (!dladdr(frames[k], &found) || !found.dli_fname) continue;
        const char *name = strrchr(found.dli_fname, '/') ? strrchr(found.dli_fname, '/') + 1 : found.dli_fname;
        if (found.dli_sname && strcmp(found.dli_sname, "_PyEval_EvalFrameDefault") == 0) break;
        if (strstr(found.dli_fname, "/kernels/")) kernel = true, who = name;
        if (!*who && strncmp(name, "failing", 7) && strncmp(name, "libc.", 5) && strncmp(name, "ld-", 3)) who = name;
    }
    strcpy(asked, kernel ? "kernel " : "");
    strncat(asked, who, 200);
    if (traced) backtrace_symbols_fd(frames, count, 2);
}

/* Whether this allocation is to fail. */
static bool fails(void) {
    if (!atomic_load(&armed) || looking) return false;
    long k = atomic_fetch_add(&seen, 1) + 1;
    if (k < atomic_load(&first) || k > atomic_load(&last)) return false;
    if (k == atomic_load(&first)) looking = true, look(), looking = false;
    errno = ENOMEM;
    return true;
}

static void *kept(void *memory) {
    if (memory) atomic_fetch_add(&held, (long)malloc_usable_size(memory));
    return memory;
}

void *malloc(size_t size) { return fails() ? NULL : kept(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return fails() ? NULL : kept(__libc_calloc(count, size)); }
void *memalign(size_t alignment, size_t size) { return fails() ? NULL : kept(__libc_memalign(alignment, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
    void *found = memalign(alignment, size);
    if (found) *memory = found;
    return found ? 0 : ENOMEM;
}

void free(void *memory) {
    if (memory) atomic_fetch_sub(&held, (long)malloc_usable_size(memory));
    __libc_free(memory);
}

void *realloc(void *memory, size_t size) {
    if (fails()) return NULL;
    long before = memory ? (long)malloc_usable_size(memory) : 0;
    void *found = __libc_realloc(memory, size);
    if (found || !size) atomic_fetch_sub(&held, before);
    return kept(found);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

void *mmap(void *at, size_t size, int protection, int flags, int file, off_t offset) {
    static __typeof__(&mmap) next;
    if (!next) next = NEXT(mmap);
    if (fails()) return MAP_FAILED;
    void *found = next(at, size, protection, flags, file, offset);
    if (found != MAP_FAILED && !(flags & MAP_FIXED)) atomic_fetch_add(&held, (long)size);
    return found;
}

void *mmap64(void *at, size_t size, int protection, int flags, int file, off_t offset) {
    return mmap(at, size, protection, flags, file, offset);
}

int munmap(void *at, size_t size) {
    static __typeof__(&munmap) next;
    if (!next) next = NEXT(munmap);
    int error = next(at, size);
    if (!error) atomic_fetch_sub(&held, (long)size);
    return error;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *with) {
    static __typeof__(&pthread_create) next;
    if (!next) next = NEXT(pthread_create);
    return fails() ? EAGAIN : next(thread, how, run, with);
}

static void crashed(int number) {
    atomic_store(&armed, false), looking = true;
    look();
    signal(number, SIG_DFL); /* and again, at the same place */
}

/* Call a Python function of no arguments, in which the allocations number `from` to `to` fail; what it returns. */
void *failing_call(void *function, long from, long to) {
    static void *(*call)(void *);
    if (!call) call = (void *(*)(void *))dlsym(RTLD_DEFAULT, "PyObject_CallNoArgs");
    atomic_store(&seen, 0), atomic_store(&first, from), atomic_store(&last, to), *asked = 0;
    atomic_store(&armed, true);
    void *found = call(function);
    atomic_store(&armed, false);
    return found;
}

/* How many allocations the last call made; who asked for the first that failed; how many bytes are allocated. */
long failing_seen(void) { return atomic_load(&seen); }
const char *failing_asked(void) { return asked; }
long failing_held(void) { return atomic_load(&held); }

/* Once, before anything else; with `trace` the frames are shown too. */
void failing_begin(int trace) {
    void *frame[1];
    asked = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    backtrace(frame, 1); /* which allocates */
    signal(SIGSEGV, crashed), signal(SIGBUS, crashed), signal(SIGABRT, crashed);
    traced = trace;
}
