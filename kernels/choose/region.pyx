"""OpenMP's parallel regions: how many threads one would get, and does get."""

from libc.stdlib cimport free, malloc

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    static int looptax_got(int threads) {
        int got = 1;
        #pragma omp parallel num_threads(threads)
        #pragma omp single
        got = omp_get_num_threads();
        return got;
    }
    #else
    static int omp_get_max_threads(void) { return 1; }
    static int looptax_got(int threads) { return 1; }
    #endif
    #if defined(_OPENMP) && !defined(_WIN32)
    #include <pthread.h>
    static void *looptax_idle(void *gate) {
        pthread_mutex_lock(gate);
        pthread_mutex_unlock(gate);
        return 0;
    }
    /* Start so many threads at a time, and end them; 0, or why one could not be started. */
    static int looptax_start(pthread_t *thread, int count) {
        pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
        int started = 0, error = 0;
        pthread_mutex_lock(&gate);
        while (started < count && !(error = pthread_create(&thread[started], 0, looptax_idle, &gate))) started++;
        pthread_mutex_unlock(&gate);
        while (started) pthread_join(thread[--started], 0);
        return error;
    }
    typedef pthread_t looptax_thread;
    #else
    typedef char looptax_thread;
    static int looptax_start(looptax_thread *thread, int count) { return 0; }
    #endif
    """
    ctypedef struct looptax_thread:
        pass
    int looptax_start(looptax_thread* thread, int count) nogil
    int omp_get_max_threads() nogil
    int looptax_got(int threads) nogil


def threads():
    """Return how many threads a region entered by this thread would get, by OpenMP's own settings."""
    return omp_get_max_threads()


def got(int threads):
    """Enter a region that asks for so many threads, and return how many it got.

    OMP_THREAD_LIMIT, OMP_DYNAMIC and OMP_MAX_ACTIVE_LEVELS can make it fewer; `threads` knows nothing of them.
    """
    cdef int found
    with nogil:
        found = looptax_got(threads)
    return found


def trouble(int threads):
    """Return why a region of so many threads cannot have them, as an errno; 0 where it can.

    libgomp ends the whole process where it cannot start a thread.
    """
    cdef int error
    cdef looptax_thread* thread = <looptax_thread*>malloc(threads * sizeof(looptax_thread))
    if thread == NULL:
        raise MemoryError()
    with nogil:
        error = looptax_start(thread, threads - 1)
        free(thread)
    return error
