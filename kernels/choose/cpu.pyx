"""What this CPU can run, and how the compiled kernels were built."""

cdef extern from *:
    """
    #include <string.h>
    #if defined(__linux__)
    #  include <unistd.h>
    #elif defined(__APPLE__)
    #  include <sys/sysctl.h>
    #endif
    #if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    #  include <cpuid.h>
    #endif
    #if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    #  define HAS(feature) (__builtin_cpu_supports(feature) != 0)
    static int looptax_level(void) {
        __builtin_cpu_init();
        if (!(HAS("ssse3") && HAS("sse4.2") && HAS("popcnt"))) return 1;
        if (!(HAS("avx2") && HAS("fma") && HAS("bmi2"))) return 2;
        if (!(HAS("avx512f") && HAS("avx512bw") && HAS("avx512cd") && HAS("avx512dq")
              && HAS("avx512vl"))) return 3;
        return 4;
    }
    #else
    static int looptax_level(void) { return 0; }
    #endif
    /* vendor: 12 letters; numbers: family and model. All are 0 where CPUID is not to be asked. */
    static void looptax_identity(char *vendor, int *numbers) {
        memset(vendor, 0, 13), numbers[0] = numbers[1] = 0;
    #if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
        unsigned a, b, c, d;
        if (!__get_cpuid(0, &a, &b, &c, &d)) return;
        memcpy(vendor, &b, 4), memcpy(vendor + 4, &d, 4), memcpy(vendor + 8, &c, 4);
        if (!__get_cpuid(1, &a, &b, &c, &d)) return;
        numbers[0] = (a >> 8 & 15) + ((a >> 8 & 15) == 15 ? a >> 20 & 255 : 0);
        numbers[1] = (a >> 4 & 15) | (a >> 16 & 15) << 4;
    #endif
    }
    static long looptax_cache(int level) {
    #if defined(__linux__) && defined(_SC_LEVEL1_DCACHE_SIZE)
        const int names[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
        return sysconf(names[level - 1]);
    #elif defined(__APPLE__)
        long long size = 0;
        size_t length = sizeof size;
        const char *name = level == 1 ? "hw.l1dcachesize" : level == 2 ? "hw.l2cachesize" : "hw.l3cachesize";
        return sysctlbyname(name, &size, &length, NULL, 0) ? 0 : (long)size;
    #else
        return 0;
    #endif
    }
    #if defined(_OPENMP)
    #  define LOOPTAX_OPENMP _OPENMP
    #else
    #  define LOOPTAX_OPENMP 0
    #endif
    #if defined(__clang__) || defined(__GNUC__)
    #  define LOOPTAX_COMPILER __VERSION__
    #elif defined(_MSC_VER)
    #  define LOOPTAX_STRING_(x) #x
    #  define LOOPTAX_STRING(x) LOOPTAX_STRING_(x)
    #  define LOOPTAX_COMPILER "MSVC " LOOPTAX_STRING(_MSC_VER)
    #else
    #  define LOOPTAX_COMPILER "unknown"
    #endif
    #if defined(__clang__) || !defined(__GNUC__)
    #  define LOOPTAX_FAMILY ""
    #else
    #  define LOOPTAX_FAMILY "GCC "
    #endif
    """
    int looptax_level()
    void looptax_identity(char* vendor, int* numbers)
    long looptax_cache(int level)
    int LOOPTAX_OPENMP
    const char* LOOPTAX_FAMILY
    const char* LOOPTAX_COMPILER


def instruction_sets():
    """Return the x86-64 micro-architecture levels this CPU runs, best first; empty on other CPUs."""
    return [f"x86_64_v{level}" for level in range(looptax_level(), 1, -1)]


def identity():
    """Return vendor, family and model of an x86 CPU, as CPUID tells them; ("", 0, 0) of others."""
    cdef char vendor[13]
    cdef int numbers[2]
    looptax_identity(vendor, numbers)
    return (<bytes>vendor).decode("ascii", "replace"), numbers[0], numbers[1]


def caches():
    """Return the bytes of the first, second and last level of cache for data; 0 where they are not told."""
    return tuple(max(looptax_cache(level), 0) for level in (1, 2, 3))


def openmp():
    """Return the OpenMP version (yyyymm) the kernels were built with, or 0: they run on one thread."""
    return LOOPTAX_OPENMP


def compiler():
    """Return the C compiler that built the kernels, with its version."""
    return (LOOPTAX_FAMILY + LOOPTAX_COMPILER).decode()
