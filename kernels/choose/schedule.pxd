"""The schedule of a step and how many threads are worth having, from shape and layout: a few comparisons, no call."""

from libc.stdint cimport int64_t

from parts.tuned cimport LAYOUT_COLUMNS, LAYOUT_PACKED, Samples, Schedule, chunk, layout

cdef enum:
    SHARED = 8000  # ns: less is done before a helper that is awake has seen it
    LINE = 64  # bytes of a cache: columns whole lines apart are read line by line, and need no help
    SHORT_ROW = 256  # bytes: the gradient of four AVX-512 registers
    PART = 64  # features are worked on together in any case: MIN_PART of sums.h
    Z_SAMPLES = 16384  # of which z stays in a second-level cache

cdef struct Rules:  # see schedule.py, which makes them for this CPU
    Schedule rows, short_rows, wide_rows, far_rows
    Schedule columns, middle_columns, far_columns, shared_columns, wide_columns
    Py_ssize_t wide_row, rows_far, columns_middle, columns_far, columns_memory, own, wide  # bytes
    bint given  # all schedules are the same one, as it stands


cdef inline int64_t alone_ns(const Samples* X, int size) noexcept nogil:
    """About how long one thread needs: within a factor of two, on CPUs of these years and data in their caches."""
    return (3 * X.m + X.m * X.n // 4) * size // 8


cdef inline Schedule chosen(const Rules* rules, const Samples* X, int size, int threads) noexcept nogil:
    """The schedule for X on so many threads: which of the rules holds, and how long its tiles are."""
    cdef Schedule how
    cdef Py_ssize_t row = X.n * size, samples = min(chunk(X, size), X.m)
    cdef int kind = layout(X, size)
    if rules.given:
        return rules.rows
    if not kind & LAYOUT_COLUMNS:
        if row >= rules.wide_row:
            how = rules.wide_rows
        elif row <= SHORT_ROW and row * X.m <= rules.own:
            how = rules.short_rows
        else:
            how = rules.far_rows if row * X.m > rules.rows_far else rules.rows
    elif row * X.m > rules.columns_memory and samples * row <= rules.wide:
        how = rules.far_columns
    elif kind & LAYOUT_PACKED or samples * row <= rules.own and X.m > samples:
        how = rules.middle_columns if rules.columns_middle < row * X.m <= rules.columns_far else rules.columns
    elif samples * row <= rules.wide:
        how = rules.shared_columns if threads > 1 and X.n > PART else rules.columns
    else:
        how = rules.wide_columns
        how.tile_bytes = max(how.tile_bytes, Z_SAMPLES * row)
    if kind & LAYOUT_COLUMNS and X.column_stride % LINE == 0:
        how.prefetch = 0
    return how


cdef inline bint is_shareable(const Samples* X, const Schedule* how, int size) noexcept nogil:
    """Whether a step on X is shared: it has several pieces, and helpers that are awake can do some of the work."""
    return alone_ns(X, size) > SHARED and (how.by_features or X.m > chunk(X, size))
