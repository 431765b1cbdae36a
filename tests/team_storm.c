/* A storm for kernels/choose/team.h: callers that come and go, forks, signals, limits changed under way, and sleeps at
   random between any two steps of the team. Each chunk of each job must be done once, by its caller or a helper,
   and nobody may touch a job after its caller has returned.

       cc -O1 -g -I kernels/choose -pthread -o storm tests/team_storm.c -lm && ./storm SECONDS SEED
       cc -O1 -g -fsanitize=thread -I kernels/choose -pthread -o storm tests/team_storm.c -lm &&
           TSAN_OPTIONS=halt_on_error=1 setarch -R ./storm SECONDS SEED

   Prints what was done, and ends with exit code 0; with 1 and the reason where something went wrong. With "late" in
   place of the seconds, every helper is held up until the caller has returned. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned seed_of_all;
static _Thread_local unsigned random_state;
static _Atomic int threads_seen;

static unsigned draw(unsigned below) {
    if (!random_state) random_state = seed_of_all + 7919u * (unsigned)atomic_fetch_add(&threads_seen, 1) + 1;
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 16) % below;
}

static _Atomic bool held_up;
static _Atomic int late, waiting;
static _Thread_local bool is_caller;

static void nap(void) {
    if (atomic_load(&held_up)) {
        if (is_caller) return;
        atomic_fetch_add(&waiting, 1);
        atomic_fetch_add(&late, 1);
        while (atomic_load(&held_up)) usleep(100);
        atomic_fetch_sub(&waiting, 1);
    }
    switch (draw(256)) {
    case 0: usleep(draw(300)); break;
    case 1: case 2: case 3: case 4: sched_yield(); break;
    default: break;
    }
}

#define TEAM_STEP() nap()
#include "team.h"

enum { CALLERS = 6, MAX_CHUNKS = 200 };

static _Atomic long jobs, helped, forks, signals;
static _Atomic bool over;

typedef struct {
    uint64_t seed;
    pthread_t owner;
    bool alive;
    long foreign; /* chunks done by helpers: each adds its own, in its own place */
    struct { uint64_t result; int done; bool by_owner; } chunk[MAX_CHUNKS];
} Job;

static uint64_t mix(uint64_t x) {
    x ^= x >> 31, x *= 0x9e3779b97f4a7c15u;
    return x ^ x >> 29;
}

static void fail(const char *why) {
    fprintf(stderr, "storm: %s\n", why);
    _exit(1);
}

static void task(void *data, int k) {
    Job *job = data;
    if (!job->alive) fail("a chunk of a job whose caller has returned");
    nap();
    job->chunk[k].done++;
    job->chunk[k].by_owner = pthread_equal(job->owner, pthread_self());
    job->chunk[k].result = mix(job->seed + (uint64_t)k);
    for (volatile int spin = (int)draw(2000); spin > 0; spin--) {}
}

static void one_job(void) {
    int chunks = 1 + (int)draw(draw(2) ? 8 : MAX_CHUNKS);
    Job job = {.seed = draw(1u << 15), .owner = pthread_self(), .alive = true};
    looptax_team_run(task, &job, chunks, 1 + (int)draw(9), draw(2) * 2000000);
    job.alive = false;
    for (int k = 0; k < chunks; k++) {
        if (job.chunk[k].done != 1) fail("a chunk was not done exactly once");
        if (job.chunk[k].result != mix(job.seed + (uint64_t)k)) fail("a result was lost");
        job.foreign += !job.chunk[k].by_owner;
    }
    atomic_fetch_add(&jobs, 1);
    atomic_fetch_add(&helped, job.foreign);
}

static void *short_lived(void *unused) {
    for (unsigned k = 1 + draw(20); k; k--) one_job();
    return unused;
}

static void *caller(void *unused) {
    while (!atomic_load(&over)) {
        pthread_t other;
        one_job();
        if (draw(64) == 0 && pthread_create(&other, NULL, short_lived, NULL) == 0) pthread_join(other, NULL);
        if (draw(256) == 0) usleep(draw(2000)); /* helpers go to sleep */
    }
    return unused;
}

/* ThreadSanitizer's own locks may be left closed in the child of a program with threads, which then hangs: it sees
   the parent's part of a fork alone. */
static void fork_once(void) {
#ifdef __SANITIZE_THREAD__
    team_before_fork();
    nap();
    team_after_fork();
#else
    pid_t child = fork();
    if (child < 0) return;
    if (child == 0) {
        long before = atomic_load(&helped);
        alarm(60);
        for (int k = 0; k < 2000 && (k < 20 || atomic_load(&helped) == before); k++) one_job();
        _exit(atomic_load(&helped) == before); /* the child has helpers of its own */
    }
    int status;
    while (waitpid(child, &status, 0) < 0) {}
    if (!WIFEXITED(status)) fail("a forked child hung or crashed");
    if (WEXITSTATUS(status)) fail("a forked child failed, or never had a helper");
#endif
    atomic_fetch_add(&forks, 1);
}

static void on_signal(int number) {
    (void)number;
    atomic_fetch_add(&signals, 1);
}

static void slow_first(void *data, int k) {
    /* Until a helper is held up; it may have missed this job, and there is another chance after each chunk. */
    for (int patience = 100; patience && !atomic_load(&late); patience--) usleep(100);
    task(data, k);
}

/* A helper is held up wherever it is, be it with the lock in its hands; the caller must return all the same. */
static int all_late(void) {
    int count = 0;
    is_caller = true;
    for (int k = 0; k < 50; k++) {
        Job job = {.seed = (uint64_t)k, .owner = pthread_self(), .alive = true};
        usleep(k % 2 * 500); /* every second time, they sleep */
        atomic_store(&late, 0);
        atomic_store(&held_up, true);
        looptax_team_run(slow_first, &job, 20, 2, 1000000);
        job.alive = false;
        count += atomic_load(&late) > 0;
        for (int c = 0; c < 20; c++)
            if (!job.chunk[c].by_owner || job.chunk[c].done != 1) fail("a chunk was not the caller's");
        atomic_store(&held_up, false);
        while (atomic_load(&waiting)) usleep(100);
    }
    printf("50 jobs alone, %d helpers too late\n", count);
    looptax_team_end();
    return 0;
}

int main(int argc, char **argv) {
    double seconds = argc > 1 ? atof(argv[1]) : 1;
    seed_of_all = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
    struct sigaction action = {.sa_handler = on_signal};
    struct timespec t;
    pthread_t thread[CALLERS];
    sigaction(SIGUSR1, &action, NULL);
    looptax_team_begin();
    looptax_team_pretend(6);
    if (argc > 1 && !strcmp(argv[1], "late")) return all_late();
    one_job();
    for (int k = 0; k < CALLERS; k++) pthread_create(&thread[k], NULL, caller, NULL);
    clock_gettime(CLOCK_MONOTONIC, &t);
    double end = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec + seconds;
    do {
        switch (draw(4)) {
        case 0: fork_once(); break;
        case 1: kill(getpid(), SIGUSR1); break;
        case 2: looptax_team_set_limit(1 + (int)draw(8)); break;
        default: looptax_team_pretend(2 + (int)draw(8)); break;
        }
        looptax_team_set_limit(8);
        looptax_team_pretend(6 + (int)draw(4));
        usleep(draw(3000));
        clock_gettime(CLOCK_MONOTONIC, &t);
    } while ((double)t.tv_sec + 1e-9 * (double)t.tv_nsec < end);
    atomic_store(&over, true);
    if (draw(2)) looptax_team_end(); /* while they are still at it */
    for (int k = 0; k < CALLERS; k++) pthread_join(thread[k], NULL);
    looptax_team_end();
    if (looptax_team_helpers()) fail("a helper outlived the team");
    one_job();
    printf("%ld jobs, %ld chunks by helpers, %ld forks, %ld signals\n", jobs, helped, forks, signals);
    if (!helped || !forks) fail("no chunk was done by a helper, or nothing forked");
    return 0;
}
