"""What this CPU can run, and how the compiled kernels were built."""

cdef extern from *:
    """
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
    int LOOPTAX_OPENMP
    const char* LOOPTAX_FAMILY
    const char* LOOPTAX_COMPILER


def instruction_sets():
    """Return the x86-64 micro-architecture levels this CPU runs, best first; empty on other CPUs."""
    return [f"x86_64_v{level}" for level in range(looptax_level(), 1, -1)]


def openmp():
    """Return the OpenMP version (yyyymm) the kernels were built with, or 0: they run on one thread."""
    return LOOPTAX_OPENMP


def compiler():
    """Return the C compiler that built the kernels, with its version."""
    return (LOOPTAX_FAMILY + LOOPTAX_COMPILER).decode()
