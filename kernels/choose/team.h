/* The team: a few threads that help a caller go through the chunks of a job, and that nobody waits for.

   A job is a function to be called once for each chunk 0, 1, ... Whoever has time takes chunks: the caller from the
   front, from the first moment on; helpers from the back, as many as come. When none is left, the caller waits for
   the helpers that are in the middle of a chunk, and for no others. One that has not begun costs nothing: it finds
   no chunk and goes back to sleep. So a job takes at most as long as it would alone, apart from a wake-up and one
   chunk of another thread. (An OpenMP region ends when its last thread has come and gone, which on a busy machine
   takes 4 to 8 ms.) Which thread takes which chunk decides nothing but the time: a chunk's result must not depend
   on it. With one helper a chunk mostly meets the same core at the next call, and the cache that still holds it.

   THE STATE OF A JOB is one 64-bit word in a slot; there are 64 slots, which are never freed:

       first : 24   the next chunk for the caller          first == last: none is left
       last  : 24   one more than the next for a helper
       working : 8  helpers that are in the middle of a chunk
       wanted  : 8  helpers there may be at a time

   Taking a chunk, finishing one, coming and going are one compare-and-swap each, so that every order of events is
   survived: a chunk is taken once, and a helper is counted exactly while it holds one. The job is done when first
   == last and working == 0. A helper that is late, and compares with the word of a job that is long gone, fails; or
   the slot has a new job that looks the same, and then it rightly helps with that one, for it reads what the job is
   only after it has got a chunk.

   WHO MAY TOUCH WHAT. `task`, `job`, `cpus`, `arithmetic` of a slot: its owner writes them before the chunks are
   there, helpers read them while they hold a chunk. The caller returns when `working` is 0, so that nothing of a
   job is touched after its caller has returned: neither the stack nor X. `tokens` and `asleep` change under `lock`;
   `thread`, `helpers` and `again` under `life`. `cpu`, `caller_cpu` and all limits are hints. Under `end` a caller
   sleeps; nobody else holds it for longer than a moment.

   MEMORY ORDER
   - `word`, published by its owner: seq_cst. A release for the fields above; and with `asleep` and `searching` it
     is the old question of who looks first: the owner writes word, then reads them; a helper writes them, then
     reads word. In the single total order at least one of the two sees what the other wrote.
   - `word`, taken by a helper: acquire, for the fields. By the owner: relaxed, they are its own.
   - `word`, a chunk finished: seq_cst. A release for the chunk's results, which the owner acquires where it sees
     `working` fall to 0; and the same question as above: a helper writes word, then reads `waiting`; an owner the
     reverse.
   - `taken`, which slots have an owner: seq_cst to get one, since a helper looks for the word only there; release
     to give it back: a new owner writes the fields only after the old one's helpers have read them.
   - `callers`, `peak`, `last`, `helping`, `crowd`, `limit`, `quota`: relaxed. They are hints: whoever acts on an
     old one is one thread too many or too few for a while.

   HOW MANY. Helpers, and the largest number of callers at work at once in the last 5 ms, are together no more than
   `looptax_team_available`: the CPUs the calling thread may use (affinity may change: a call knows it as it was at
   most a millisecond before), the container's quota, and the limit set. A helper asks again after each chunk. So
   several callers share the helpers, and as many callers as CPUs have none. (The number is that of the last caller:
   where callers have different CPUs, it is a compromise. A call that has one thread is no caller here. The 65th at
   a time runs alone.)

   WAITING costs no core for long. A helper without work looks around for 50 us, then sleeps. A caller looks at
   `working` for 50 us, then sleeps until the last helper wakes it: where that helper has been pushed off its CPU,
   the caller's is free for it now. (In the few instructions between its last chunk and the wake-up it may be pushed
   off too: this alone the caller cannot see.) A helper also gives way every 50 us of work, while it holds no chunk:
   where others want its CPU, it is put aside then, and not in the middle of a chunk that the caller would have to wait
   for. Where they want it for good, it stays away for 10 ms, then for 20, up to 100. (The threads that OpenBLAS
   leaves behind give way themselves: beside them it stays.)

   FORK. Before it, helpers finish their chunk and end; after it, parent and child start new ones when they need
   them. Jobs of other threads go on in the parent alone; the child, where these threads do not exist, forgets them.
   So a fork meets no helper, in whatever state the team was. (A fork inside a C signal handler that interrupts a
   job is beyond what it can survive.)
   EXIT. `looptax_team_end` ends the helpers; a later job (of a daemon thread, or an exit handler) runs alone.
   NO THREAD can be started: the caller works alone, `looptax_team_trouble` says why, and it is tried again after a
   second. SIGNALS go to other threads, except those raised by a fault. AN EXCEPTION cannot leave a task: it is C.
   A helper takes over the caller's CPUs and floating-point mode (rounding, flushed denormals, traps), so that
   results are the same; flags that its work raises stay with it.

   Without POSIX threads (Windows), every job runs alone. */
#ifndef LOOPTAX_TEAM_H
#define LOOPTAX_TEAM_H

typedef void (*looptax_task)(void *job, int chunk);

static int looptax_team_forks; /* between this process and the one that loaded the team */

#ifdef _WIN32

static int looptax_team_available(void) { return 1; }
static int looptax_team_trouble(void) { return 0; }
static void looptax_team_begin(void) {}
static void looptax_team_end(void) {}
static int looptax_team_helpers(void) { return 0; }
static int looptax_team_limit(void) { return 1; }
static void looptax_team_start_limit(int n) { (void)n; }
static void looptax_team_set_limit(int n) { (void)n; }
static void looptax_team_set_quota(int n) { (void)n; }
static void looptax_team_pretend(int n) { (void)n; }
static void looptax_team_run(looptax_task task, void *job, int chunks, int threads, long long ns) {
    (void)threads, (void)ns;
    for (int k = 0; k < chunks; k++) task(job, k);
}

#else

#ifndef _GNU_SOURCE
#  error "define _GNU_SOURCE first: cpu_set_t and pthread_setname_np need it"
#endif
#include <errno.h>
#include <fenv.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "own.h"

#ifndef TEAM_STEP
#  define TEAM_STEP() ((void)0) /* between any two steps; the tests sleep there, now and then */
#endif

enum {
    TEAM_SLOTS = 64,
    TEAM_MAX_HELPERS = 255,
    TEAM_MAX_CHUNKS = 0xffffff,
    TEAM_PATIENCE = 50000,      /* ns to look for work, or for the last chunk, before going to sleep */
    TEAM_WORTH = 60000,         /* ns of work that a helper is woken for; it comes after 10 to 100 us */
    TEAM_LONG = 1000000,        /* ns of work that others come to when they have time, however many callers there are */
    TEAM_STRETCH = 50000,       /* ns of work after which a helper gives way */
    TEAM_PUSHED = 200000,       /* ns after which it has its CPU back, if another thread wanted it */
    TEAM_AWAY = 10000000,       /* ns for which it stays away then, twice as long each time, up to ten times that;
                                   and after which a caller that sleeps looks by itself */
    TEAM_RECENT = 1000000,      /* ns for which a thread's CPUs are taken to be the same */
    TEAM_LATELY = 5000000,      /* ns for which several callers at a time are expected again */
    TEAM_AGAIN = 1000000000,    /* ns after which starting a thread is tried again, and a sleeper looks by itself */
    TEAM_STACK = 1 << 20,       /* bytes; a task needs a hundred thousand and more */
};

#define TEAM_FIRST ((uint64_t)1)
#define TEAM_LAST ((uint64_t)1 << 24)
#define TEAM_WORKING ((uint64_t)1 << 48)
#define TEAM_WANTED ((uint64_t)1 << 56)

static inline int team_first(uint64_t w) { return (int)(w & 0xffffff); }
static inline int team_last(uint64_t w) { return (int)(w >> 24 & 0xffffff); }
static inline int team_working(uint64_t w) { return (int)(w >> 48 & 0xff); }
static inline int team_wanted(uint64_t w) { return (int)(w >> 56); }
static inline bool team_open(uint64_t w) { return team_first(w) < team_last(w); }

#if defined(__linux__)
typedef cpu_set_t team_cpus;
#else
typedef char team_cpus; /* no affinity to follow */
#endif

typedef struct {
    _Alignas(64) _Atomic uint64_t word;
    _Atomic bool waiting; /* the owner sleeps, or is about to */
    _Atomic int cpu;      /* where the owner was when it came; -1: not known */
    looptax_task task;
    void *job;
    team_cpus cpus;
    fenv_t arithmetic;
} TeamSlot;

static struct {
    TeamSlot slot[TEAM_SLOTS];
    _Alignas(64) _Atomic uint64_t taken;             /* a bit for each slot that has an owner */
    _Alignas(64) _Atomic int callers, helping;       /* threads at work */
    _Atomic int searching, asleep;                   /* helpers without work */
    _Atomic int caller_cpu;                          /* where the last caller was */
    _Atomic int peak;                                /* callers at a time, the most of the last few ms */
    _Atomic int64_t peak_time, last;                 /* when that was; when a job ended */
    _Atomic int crowd;                               /* how many may work, as the last caller found it */
    _Atomic int helpers;                             /* how many have been started */
    _Atomic int limit, first_limit, quota, pretended; /* 0: none */
    _Atomic int trouble;                             /* why a thread could not be started */
    _Atomic bool leaving, ended;                     /* helpers are to go; for good */
    int tokens;                                      /* sleepers that have been called */
    int64_t again;
    pthread_t thread[TEAM_MAX_HELPERS];
    pthread_mutex_t life, lock, end;
    pthread_cond_t work, away, done;
} team = {
    .caller_cpu = -1,
    .life = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER, .end = PTHREAD_MUTEX_INITIALIZER,
    .work = PTHREAD_COND_INITIALIZER, .away = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER,
};

OWN team_cpus team_own_cpus; /* those of this thread, when it last asked */
OWN int team_own_count;      /* and how many */
OWN int64_t team_own_asked;  /* and when */
OWN int64_t team_away;       /* how many ns a helper stays away where its CPU is wanted; 0: it is not */
OWN bool team_aside;         /* a helper that keeps away from a caller's CPU for now */

#define TEAM_GET(x) atomic_load_explicit(&(x), memory_order_relaxed)
#define TEAM_ADD(x, n) atomic_fetch_add_explicit(&(x), (n), memory_order_relaxed)

static inline int64_t team_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void team_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

static inline int team_cpu(void) {
#if defined(__linux__)
    return sched_getcpu();
#else
    return -1;
#endif
}

/* ---- how many ---------------------------------------------------------------------------------------- */

static int team_cpu_count(void) {
#if defined(__linux__)
    if (sched_getaffinity(0, sizeof team_own_cpus, &team_own_cpus) == 0) return CPU_COUNT(&team_own_cpus);
    CPU_ZERO(&team_own_cpus); /* more CPUs than a cpu_set_t has bits */
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}

/* The CPUs and the quota there are, whatever limit is set. */
static int team_room(void) {
    int cpus = team_own_count, pretended = TEAM_GET(team.pretended), quota = TEAM_GET(team.quota);
    if (pretended) cpus = pretended;
    return quota && quota < cpus ? quota : cpus;
}

static int team_allowed(void) {
    int room = team_room(), limit = TEAM_GET(team.limit);
    if (limit && limit < room) room = limit;
    return room < TEAM_MAX_HELPERS ? room : TEAM_MAX_HELPERS;
}

/* How many threads, the caller among them, may work for a call of this thread now. */
static int looptax_team_available(void) {
    team_own_count = team_cpu_count();
    team_own_asked = team_now();
    return team_allowed();
}

/* The same for the next call, which asks the system once in a millisecond: that takes half a microsecond. */
static int team_available_lately(void) {
    return team_now() - team_own_asked < TEAM_RECENT ? team_allowed() : looptax_team_available();
}

/* What threadpoolctl reads and sets. It puts back the number it has read: then there is no limit again but that
   of the start, and the team follows the room there is. */
static int looptax_team_limit(void) {
    int limit = TEAM_GET(team.limit);
    return limit ? limit : looptax_team_available();
}

static void looptax_team_set_limit(int n) {
    int first = TEAM_GET(team.first_limit);
    team_own_count = team_cpu_count();
    int room = team_room() < TEAM_MAX_HELPERS ? team_room() : TEAM_MAX_HELPERS;
    atomic_store(&team.limit, n < 1 ? 1 : n == (first ? first : room) ? first : n);
}

static void looptax_team_start_limit(int n) {
    atomic_store(&team.first_limit, n);
    atomic_store(&team.limit, n);
}

static void looptax_team_set_quota(int n) { atomic_store(&team.quota, n); }
static void looptax_team_pretend(int n) { atomic_store(&team.pretended, n); } /* for tests: so many CPUs */
static int looptax_team_helpers(void) { return TEAM_GET(team.helpers); }
static int looptax_team_trouble(void) { return TEAM_GET(team.trouble) ? atomic_exchange(&team.trouble, 0) : 0; }

/* ---- a helper ---------------------------------------------------------------------------------------- */

/* How many callers there were at a time in the last few ms: where several call again and again, a helper would
   take the CPU of one of them, however often it is free for a moment. */
static inline int team_callers(void) {
    int callers = TEAM_GET(team.callers), peak = TEAM_GET(team.peak);
    return peak > callers && team_now() - TEAM_GET(team.peak_time) < TEAM_LATELY ? peak : callers;
}

/* Whether there is room for so many more threads at work. */
static inline bool team_welcome(int more) {
    return !TEAM_GET(team.leaving) && team_callers() + TEAM_GET(team.helping) + more <= TEAM_GET(team.crowd);
}

/* A slot that has chunks and takes another helper: the one that has the fewest, at each turn another among
   equals; NULL where there is none. */
static TeamSlot *team_pick(unsigned turn) {
    uint64_t taken = atomic_load(&team.taken);
    TeamSlot *best = NULL;
    int fewest = INT_MAX;
    if (!taken || !team_welcome(1)) return NULL;
    for (unsigned k = 0; k < TEAM_SLOTS; k++) {
        unsigned s = (turn + k) % TEAM_SLOTS;
        if (!(taken >> s & 1)) continue;
        uint64_t w = atomic_load(&team.slot[s].word);
        if (team_open(w) && team_working(w) < team_wanted(w) && team_working(w) < fewest) {
            best = &team.slot[s];
            fewest = team_working(w);
        }
    }
    return best;
}

/* Come to a job: the chunk taken, or -1. */
static int team_join(TeamSlot *s) {
    uint64_t w = atomic_load_explicit(&s->word, memory_order_relaxed);
    do {
        if (!team_open(w) || team_working(w) >= team_wanted(w)) return -1;
        TEAM_STEP();
    } while (!atomic_compare_exchange_weak_explicit(&s->word, &w, w - TEAM_LAST + TEAM_WORKING, memory_order_acquire,
                                                    memory_order_relaxed));
    return team_last(w) - 1;
}

/* A chunk is finished: take another, or go. The chunk taken, or -1. */
static int team_next(TeamSlot *s, bool stay) {
    uint64_t w = atomic_load_explicit(&s->word, memory_order_relaxed), then;
    do {
        TEAM_STEP();
        then = stay && team_open(w) ? w - TEAM_LAST : w - TEAM_WORKING;
    } while (!atomic_compare_exchange_weak_explicit(&s->word, &w, then, memory_order_seq_cst, memory_order_relaxed));
    if (stay && team_open(w)) return team_last(w) - 1;
    TEAM_STEP();
    if (!team_open(then) && !team_working(then) && atomic_load(&s->waiting)) {
        pthread_mutex_lock(&team.end);
        pthread_cond_broadcast(&team.done);
        pthread_mutex_unlock(&team.end);
    }
    return -1;
}

/* Not where somebody else has the lock, who may have been put aside: a caller never waits for it. It looks again
   after each chunk. */
static void team_wake_one(void) {
    if (pthread_mutex_trylock(&team.lock)) return;
    bool one = TEAM_GET(team.asleep) > 0;
    if (one) {
        TEAM_ADD(team.asleep, -1);
        team.tokens++;
    }
    pthread_mutex_unlock(&team.lock);
    if (one) pthread_cond_signal(&team.work); /* it need not wait for the lock */
}

/* Keep away from the CPU of a caller, until the next chunk. Where a caller has just had its CPU to itself, Linux
   wakes a helper there, behind it, in virtual machines most of all: a CPU that the host has put aside for being
   idle counts as busy (vcpu_is_preempted). On Zen 3 under KVM, 20 ms after the last call, a helper came after
   0.8 ms, and in four cases of five not within the millisecond of the call. */
static void team_keep_away(int cpu) {
#if defined(__linux__)
    team_cpus others = team_own_cpus;
    if (cpu < 0 || cpu >= CPU_SETSIZE) return;
    CPU_CLR(cpu, &others);
    if (CPU_COUNT(&others) && !sched_setaffinity(0, sizeof others, &others)) team_aside = true;
#else
    (void)cpu;
#endif
}

/* Take over the caller's floating-point mode, and its CPUs; while holding a chunk. */
static void team_adopt(TeamSlot *s) {
    fesetenv(&s->arithmetic);
#if defined(__linux__)
    if (!team_aside && memcmp(&team_own_cpus, &s->cpus, sizeof team_own_cpus) == 0) return;
    team_own_cpus = s->cpus;
    team_aside = false;
    sched_setaffinity(0, sizeof team_own_cpus, &team_own_cpus);
#endif
}

/* Sleep until called, but no longer than `ns`; whether it was called. Nobody sleeps without an end: in the C library
   of most Linux systems a call may be lost (glibc's bug 25847). */
static bool team_doze(pthread_cond_t *call, pthread_mutex_t *lock, int64_t ns) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    ns += end.tv_nsec;
    end.tv_sec += ns / 1000000000;
    end.tv_nsec = ns % 1000000000;
    return pthread_cond_timedwait(call, lock, &end) == 0;
}

/* Let others have this CPU. A thread that works there all the time would soon push this one aside again, in the
   middle of a chunk: then stay away. */
static void team_give_way(void) {
    int64_t begin = team_now();
    sched_yield();
    if (team_now() - begin < TEAM_PUSHED) {
        team_away = 0;
        return;
    }
    team_away = team_away ? 2 * team_away : TEAM_AWAY;
    if (team_away > 10 * TEAM_AWAY) team_away = 10 * TEAM_AWAY;
    pthread_mutex_lock(&team.lock);
    while (!TEAM_GET(team.leaving) && team_doze(&team.away, &team.lock, team_away)) {}
    pthread_mutex_unlock(&team.lock);
}

/* Help with one job for a while; whether there was one. */
static bool team_help(unsigned turn) {
    TeamSlot *s = team_pick(turn);
    TEAM_STEP();
    if (!s) return false;
    int cpu = team_cpu();
    if (cpu == TEAM_GET(s->cpu)) team_keep_away(cpu);
    int chunk = team_join(s);
    if (chunk < 0) return false;
    TEAM_ADD(team.helping, 1);
    team_adopt(s);
    if (TEAM_GET(team.asleep) && team_pick(turn)) team_wake_one(); /* one calls the next */
    int64_t end = team_now() + TEAM_STRETCH;
    do {
        s->task(s->job, chunk);
        chunk = team_next(s, team_welcome(0) && team_now() < end);
    } while (chunk >= 0);
    TEAM_ADD(team.helping, -1);
    team_give_way();
    return true;
}

/* Look around for work for a while, unless all CPUs have callers; whether there is some. */
static bool team_search(unsigned turn) {
    bool found = false;
    int64_t begin = team_now(), time = begin;
    atomic_fetch_add(&team.searching, 1);
    while (!found && !TEAM_GET(team.leaving) && time - begin < TEAM_PATIENCE &&
           team_callers() < TEAM_GET(team.crowd)) {
        for (int k = 0; k < 8; k++) team_pause();
        found = team_pick(turn);
        time = team_now();
    }
    atomic_fetch_add(&team.searching, -1);
    return found;
}

static void team_sleep(unsigned turn) {
    team_keep_away(TEAM_GET(team.caller_cpu));
    pthread_mutex_lock(&team.lock);
    atomic_fetch_add(&team.asleep, 1);
    TEAM_STEP();
    if (team_pick(turn)) {
        TEAM_ADD(team.asleep, -1);
    } else {
        while (!team.tokens && !TEAM_GET(team.leaving)) team_doze(&team.work, &team.lock, TEAM_AGAIN);
        if (team.tokens) team.tokens--;
        else TEAM_ADD(team.asleep, -1);
    }
    pthread_mutex_unlock(&team.lock);
}

static void *team_helper(void *index) {
    team_cpu_count(); /* what it has inherited */
#if defined(__linux__)
    pthread_setname_np(pthread_self(), "looptax");
#endif
    for (unsigned turn = (unsigned)(uintptr_t)index; !TEAM_GET(team.leaving); turn++)
        if (!team_help(turn) && !team_search(turn)) team_sleep(turn);
    return NULL;
}

/* ---- coming and going -------------------------------------------------------------------------------- */

static int team_create(pthread_t *thread, unsigned index) {
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error) return error;
    error = pthread_attr_setstacksize(&attributes, TEAM_STACK);
    if (!error) error = pthread_create(thread, &attributes, team_helper, (void *)(uintptr_t)index);
    pthread_attr_destroy(&attributes);
    /* Thread-local data of a large program may need more than that. */
    return error == EINVAL ? pthread_create(thread, NULL, team_helper, (void *)(uintptr_t)index) : error;
}

/* Start helpers until there are `wanted`; not while somebody else starts or ends some. */
static void team_start(int wanted) {
    sigset_t all, before;
    if (pthread_mutex_trylock(&team.life)) return;
    if (!TEAM_GET(team.leaving) && !TEAM_GET(team.ended) && team_now() >= team.again) {
        sigfillset(&all);
        sigdelset(&all, SIGSEGV), sigdelset(&all, SIGBUS), sigdelset(&all, SIGFPE), sigdelset(&all, SIGILL);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        for (int k = TEAM_GET(team.helpers), error = 0; k < wanted && !error; k++) {
            error = team_create(&team.thread[k], (unsigned)k);
            if (error) {
                atomic_store(&team.trouble, error);
                team.again = team_now() + TEAM_AGAIN;
            } else {
                TEAM_ADD(team.helpers, 1);
            }
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_mutex_unlock(&team.life);
}

/* End all helpers, each after the chunk it holds; under `life`. */
static void team_send_home(void) {
    pthread_mutex_lock(&team.lock);
    atomic_store(&team.leaving, true);
    pthread_cond_broadcast(&team.work);
    pthread_cond_broadcast(&team.away);
    pthread_mutex_unlock(&team.lock);
    for (int k = 0; k < TEAM_GET(team.helpers); k++) pthread_join(team.thread[k], NULL);
    atomic_store(&team.helpers, 0);
    team.tokens = 0;
    atomic_store(&team.leaving, false);
}

static void team_before_fork(void) {
    pthread_mutex_lock(&team.life); /* nobody starts a helper until it is over */
    team_send_home();
}

static void team_after_fork(void) { pthread_mutex_unlock(&team.life); }

static void team_in_child(void) { /* the forking thread alone is here, and it has no job */
    for (int k = 0; k < TEAM_SLOTS; k++) {
        atomic_store(&team.slot[k].word, 0);
        atomic_store(&team.slot[k].waiting, false);
    }
    atomic_store(&team.taken, 0);
    atomic_store(&team.callers, 0);
    atomic_store(&team.peak, 0);
    team.again = 0;
    looptax_team_forks++;
    pthread_mutex_init(&team.lock, NULL);
    pthread_mutex_init(&team.end, NULL);
    pthread_mutex_init(&team.life, NULL);
    pthread_cond_init(&team.work, NULL);
    pthread_cond_init(&team.away, NULL);
    pthread_cond_init(&team.done, NULL);
}

/* Once, when the library is loaded. */
static void looptax_team_begin(void) {
    static bool begun;
    /* Without the handlers a forked child would wait for helpers that are not there: rather have none. */
    if (!begun && pthread_atfork(team_before_fork, team_after_fork, team_in_child)) atomic_store(&team.ended, true);
    begun = true;
}

static void looptax_team_end(void) {
    pthread_mutex_lock(&team.life);
    atomic_store(&team.ended, true);
    team_send_home();
    pthread_mutex_unlock(&team.life);
}

/* ---- a caller ---------------------------------------------------------------------------------------- */

/* Count one more caller; returns how many there are, or were at a time of late. */
static int team_come(void) {
    int callers = TEAM_ADD(team.callers, 1) + 1, before = team_callers();
    if (callers < before) return before;
    atomic_store_explicit(&team.peak, callers, memory_order_relaxed);
    atomic_store_explicit(&team.peak_time, team_now(), memory_order_relaxed);
    return callers;
}

static TeamSlot *team_take_slot(void) {
    uint64_t taken = atomic_load_explicit(&team.taken, memory_order_relaxed), bit;
    do {
        bit = ~taken & (taken + 1); /* the lowest that is free */
        if (!bit) return NULL;
    } while (!atomic_compare_exchange_weak_explicit(&team.taken, &taken, taken | bit, memory_order_seq_cst,
                                                    memory_order_relaxed));
    return &team.slot[__builtin_ctzll(bit)];
}

/* The next chunk from the front, or -1. */
static int team_take(TeamSlot *s) {
    uint64_t w = atomic_load_explicit(&s->word, memory_order_relaxed);
    do {
        if (!team_open(w)) return -1;
        TEAM_STEP();
    } while (!atomic_compare_exchange_weak_explicit(&s->word, &w, w + TEAM_FIRST, memory_order_relaxed,
                                                    memory_order_relaxed));
    return team_first(w);
}

/* Wait until no helper is in the middle of a chunk. */
static void team_wait(TeamSlot *s) {
    for (int64_t end = 0; team_working(atomic_load_explicit(&s->word, memory_order_acquire)); team_pause()) {
        int64_t time = team_now();
        if (!end) end = time + TEAM_PATIENCE;
        if (time < end) continue;
        pthread_mutex_lock(&team.end); /* the lock of this alone: others hold it for a moment, and no fork does */
        atomic_store(&s->waiting, true);
        TEAM_STEP();
        while (team_working(atomic_load(&s->word))) team_doze(&team.done, &team.end, TEAM_AWAY);
        atomic_store(&s->waiting, false);
        pthread_mutex_unlock(&team.end);
    }
}

static void team_alone(looptax_task task, void *job, int chunks) {
    for (int k = 0; k < chunks; k++) task(job, k);
}

/* Call task(job, k) once for each k in 0 .. chunks - 1, on this thread and on up to threads - 1 helpers, if there
   is room for them; `ns` is about how long it takes alone. A brief job is always shared with helpers that are
   awake; one is woken for it only where calls follow each other so soon that it will stay awake. */
static void looptax_team_run(looptax_task task, void *job, int chunks, int threads, int64_t ns) {
    int crowd = threads > 1 && chunks > 1 ? team_available_lately() : 1;
    int wanted = (threads < crowd ? threads : crowd) - 1;
    if (wanted > chunks - 1) wanted = chunks - 1;
    if (wanted <= 0 || chunks > TEAM_MAX_CHUNKS) {
        team_alone(task, job, chunks);
        return;
    }
    bool crowded = team_come() >= crowd;
    TeamSlot *s = crowded && ns < TEAM_LONG ? NULL : team_take_slot(); /* who waits for long, others may come to */
    if (!s) {
        team_alone(task, job, chunks);
        TEAM_ADD(team.callers, -1);
        return;
    }
    s->task = task;
    s->job = job;
    s->cpus = team_own_cpus;
    fegetenv(&s->arithmetic);
    int cpu = team_cpu();
    atomic_store_explicit(&s->cpu, cpu, memory_order_relaxed);
    atomic_store_explicit(&team.caller_cpu, cpu, memory_order_relaxed);
    atomic_store_explicit(&team.crowd, crowd, memory_order_relaxed);
    TEAM_STEP();
    atomic_store(&s->word, TEAM_LAST * (uint64_t)chunks + TEAM_WANTED * (uint64_t)wanted);
    if (!crowded && (ns >= TEAM_WORTH || team_now() - TEAM_GET(team.last) < TEAM_PATIENCE)) {
        if (TEAM_GET(team.helpers) < wanted) team_start(wanted);
        if (!atomic_load(&team.searching) && atomic_load(&team.asleep)) team_wake_one();
    }
    for (int chunk; (chunk = team_take(s)) >= 0;) {
        task(job, chunk);
        /* A helper may have been missed, or have gone while others called. */
        if (ns >= TEAM_WORTH && TEAM_GET(team.asleep) && team_pick(0)) team_wake_one();
    }
    TEAM_STEP();
    team_wait(s);
    atomic_store_explicit(&team.last, team_now(), memory_order_relaxed);
    TEAM_ADD(team.callers, -1);
    atomic_fetch_and_explicit(&team.taken, ~((uint64_t)1 << (s - team.slot)), memory_order_release);
    if (TEAM_GET(team.asleep) && team_pick(0)) team_wake_one(); /* there is room for a helper now */
}

#endif
#endif
