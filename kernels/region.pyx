"""OpenMP's parallel regions: how many threads one would get and does get, and what entering one costs."""

from cython.parallel cimport prange

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    static double looptax_now(void) { return omp_get_wtime(); }
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
    static double looptax_now(void) { return 0; }
    #endif
    """
    int omp_get_max_threads() nogil
    int looptax_got(int threads) nogil
    double looptax_now() nogil


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


def seconds(int threads, int tries=20):
    """Return the least time of several that it took to enter and leave a region of so many threads."""
    cdef double start, least = 1e9
    cdef int _, i
    cdef double total = 0
    with nogil:
        for _ in range(tries):
            start = looptax_now()
            for i in prange(threads, num_threads=threads, schedule="static"):
                total += i
            least = min(least, looptax_now() - start)
    return least
