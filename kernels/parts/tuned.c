/* The step over explicit vectors: the walk over chunks and tiles, shared among threads. REAL is 64 or 32.

   A tile of samples is read from memory for z (`xw`), and again for the gradient while it is still in a cache;
   between them z becomes the loss and dz. What is added to what is decided in `sums.h`, and a `looptax_schedule`
   decides the rest. With its samples shared, a thread takes a unit of 2^k chunks and gives back its sums; with its
   features shared, all threads take parts of the same tile, three times one after the other. */
#include "tile.h"
#include "tree.h"

enum { STRETCH = 64 };

typedef struct {
    looptax_samples X;
    const real *y, *s, *w;     /* s: the weights of the samples, or NULL */
    real b;
    looptax_schedule how;
    enum looptax_part last;
    bool columns, packed;
    ptrdiff_t chunk, chunks;   /* samples in one; how many */
    ptrdiff_t unit, units;     /* chunks in one; how many */
    ptrdiff_t tile;            /* samples */
    ptrdiff_t slot, slots;     /* numbers in one; in each unit */
    ptrdiff_t room;            /* numbers a unit works in */
    real *work;
    looptax_sums *sums;        /* of each unit, or of each chunk in the tile */
    ptrdiff_t parts, pitch;    /* of the features for z; numbers in one part's z: the last vec passes a tile's end */
    ptrdiff_t start, samples;  /* the tile whose features are shared, */
    ptrdiff_t group;           /* features of it that are taken together for the gradient, */
    real *z;                   /* its Xw, part after part, */
    Tree *tree;                /* and the sums of the tiles before */
} Job;

/* ---- What follows from shape, layout and schedule ---- */

static Job planned(const looptax_samples *X, const looptax_schedule *how, int threads) {
    Job job = {.X = *X, .how = *how, .columns = is_columns(X)};
    ptrdiff_t size = sizeof(real), least = job.columns ? COLUMN_CHUNK : 4;
    job.packed = is_packed(X, job.columns);
    job.how.by_features = how->by_features && job.columns && !job.packed;
    job.how.overlapped = how->overlapped && !job.columns && !job.packed;
    job.chunk = chunk_samples(X->n, job.columns);
    job.chunks = (X->m - 1) / job.chunk + 1;
    ptrdiff_t wanted = threads == 1 ? 1 : min(UNITS_PER_THREAD * (ptrdiff_t)threads, MAX_UNITS);
    job.unit = job.how.by_features ? job.chunks : unit_chunks(job.chunks, wanted);
    job.units = (job.chunks - 1) / job.unit + 1;
    ptrdiff_t samples = how->tile_bytes / (X->n * size) / least * least;
    if (samples > LANES) samples = samples / LANES * LANES;
    ptrdiff_t most = job.how.by_features ? job.chunks * job.chunk : job.columns ? MAX_TILE : job.chunk;
    job.tile = min(samples > least ? samples : least, most);
    job.slot = round_up(X->n, LANES);
    job.slots = log2_up(job.unit) + 1;
    job.room = job.slots * job.slot;
    if (job.packed && !job.columns) job.room += job.tile * job.slot;
    if (job.how.by_features) {
        job.parts = (X->n - 1) / part_features(X->n) + 1, job.pitch = job.tile + LANES;
        job.room += job.parts * job.pitch;
    }
    return job;
}

/* ---- The loss of a piece of a chunk ---- */

typedef struct {
    real cost[LANES], db[LANES], weight[LANES];
    bool bad;
} Lanes;

/* In two loops: in one, half of some eighty instructions wait for the one before, and a processor looks too few
   instructions ahead to begin with the next samples meanwhile (1.15 to 1.35 times as long on Emerald Rapids). */
INLINE void whole_lanes(const real *y, const real *s, real b, real *z, ptrdiff_t m, Lanes *sums) {
    vec cost[W], db[W], weight[W];
    bits bad = as_bits(zeros());
    UNROLL for (int u = 0; u < W; u++) {
        cost[u] = load(sums->cost + u * L), db[u] = load(sums->db + u * L);
        if (s) weight[u] = load(sums->weight + u * L);
    }
    for (ptrdiff_t start = 0; start < m; start += STRETCH) {
        _Alignas(64) real e[STRETCH];
        const real *answer = y + start;
        real *at = z + start;
        ptrdiff_t count = min(m - start, STRETCH);
        for (ptrdiff_t i = 0; i < count; i += L) {
            vec wrong = margin(load(at + i), broadcast(b), load(answer + i));
            store(at + i, wrong), store(e + i, exp_minus(wrong));
        }
        for (ptrdiff_t i = 0; i < count; i += LANES)
            UNROLL for (int u = 0; u < W; u++) {
                ptrdiff_t k = i + u * L;
                vec share = s ? load(s + start + k) : zeros(), loss, dz;
                loss_and_dz(load(at + k), load(e + k), load(answer + k), &loss, &dz, &bad);
                if (s) loss = loss * share, dz = dz * share, weight[u] = weight[u] + share, bad |= no_weight(share);
                cost[u] = cost[u] + loss, db[u] = db[u] + dz;
                store(at + k, dz);
            }
    }
    UNROLL for (int u = 0; u < W; u++) {
        store(sums->cost + u * L, cost[u]), store(sums->db + u * L, db[u]);
        if (s) store(sums->weight + u * L, weight[u]);
    }
    integer lane[L];
    memcpy(lane, &bad, sizeof bad);
    for (int k = 0; k < L; k++) sums->bad |= lane[k] << 1 != 0; /* a negative zero is a zero */
}

/* From z = Xw to dz, of m samples that begin with number `first` of the chunk. */
INLINE void loss_of(const real *y, const real *s, real b, real *z, ptrdiff_t first, ptrdiff_t m, Lanes *sums) {
    ptrdiff_t i = 0;
    while (i < m) {
        int lane = (int)((first + i) % LANES), count = (int)min(m - i, LANES - lane);
        if (count == LANES) {
            ptrdiff_t whole = (m - i) / LANES * LANES;
            whole_lanes(y + i, s ? s + i : NULL, b, z + i, whole, sums);
            i += whole;
            continue;
        }
        real some_z[LANES] = {0}, some_y[LANES] = {0}, some_s[LANES] = {0};
        Lanes some = {.bad = false};
        memcpy(some_z, z + i, (size_t)count * sizeof(real));
        memcpy(some_y, y + i, (size_t)count * sizeof(real));
        if (s) memcpy(some_s, s + i, (size_t)count * sizeof(real));
        whole_lanes(some_y, s ? some_s : NULL, b, some_z, LANES, &some);
        memcpy(z + i, some_z, (size_t)count * sizeof(real));
        for (int k = 0; k < count; k++) {
            sums->cost[lane + k] += some.cost[k], sums->db[lane + k] += some.db[k];
            if (s) sums->weight[lane + k] += some.weight[k];
        }
        sums->bad |= some.bad;
        i += count;
    }
}

/* The same of samples from number `start` on. */
static void loss(const Job *job, ptrdiff_t start, real *z, ptrdiff_t first, ptrdiff_t m, Lanes *sums) {
    if (job->s) loss_of(job->y + start, job->s + start, job->b, z, first, m, sums);
    else loss_of(job->y + start, NULL, job->b, z, first, m, sums);
}

static looptax_sums folded(const Job *job, const Lanes *sums) {
    double weight = job->s ? fold_wide(sums->weight) : 0;
    return (looptax_sums){fold_wide(sums->cost), fold_wide(sums->db), weight, sums->bad};
}

/* ---- Along rows ---- */

static void pack_rows(const looptax_samples *X, ptrdiff_t start, ptrdiff_t m, ptrdiff_t stride, real *to) {
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t j = 0; j < X->n; j++) /* memcpy: it may be misaligned */
            memcpy(to + i * stride + j, X->data + (start + i) * X->row_stride + j * X->column_stride, sizeof(real));
}

static Tile rows_tile(const Job *job, ptrdiff_t start, ptrdiff_t m, real *pack) {
    const looptax_samples *X = &job->X;
    Tile t = {(const real *)(X->data + start * X->row_stride), X->row_stride / (ptrdiff_t)sizeof(real), m, X->n};
    if (job->packed) {
        pack_rows(X, start, m, job->slot, pack);
        t.x = pack, t.stride = job->slot;
    }
    return t;
}

static void rows_chunk(const Job *job, ptrdiff_t first, ptrdiff_t m, real *pack, Tree *tree) {
    real parity[2][MAX_CHUNK], *z = parity[0], *following = parity[1];
    real *dw = tree->dw + leaf_slot(tree->leaves) * tree->slot;
    Lanes sums = {.bad = false};
    memset(dw, 0, (size_t)tree->slot * sizeof(real));
    Tile t = rows_tile(job, first, min(job->tile, m), pack), next = {0};
    ptrdiff_t ahead = job->how.prefetch / (ptrdiff_t)sizeof(real);
    rows_xw(t, job->w, job->how.streamed, ahead, z);
    for (ptrdiff_t i = 0; i < m; i += job->tile) {
        if (job->last >= LOOPTAX_LOSS) loss(job, first + i, z, i, t.m, &sums);
        ptrdiff_t left = min(job->tile, m - i - t.m);
        bool both = job->how.overlapped && job->last >= LOOPTAX_GRADIENT && left > 0;
        if (job->last >= LOOPTAX_GRADIENT && !both) rows_gradient(t, z, dw);
        if (left > 0) next = rows_tile(job, first + i + t.m, left, pack); /* packed where this one was */
        if (both) overlapped(t, next, job->w, z, ahead, dw, following);
        else if (left > 0) rows_xw(next, job->w, job->how.streamed, ahead, following);
        real *other = z;
        z = following, following = other, t = next;
    }
    add_leaf(tree, folded(job, &sums), true);
}

/* ---- Along columns ---- */

static void pack_columns(Tile *t, const looptax_samples *X, ptrdiff_t start, ptrdiff_t j, real *to) {
    const char *x = X->data + start * X->row_stride + j * X->column_stride;
    const ptrdiff_t size = sizeof(real);
    if (t->n == 2 && X->row_stride == 2 * size && X->column_stride == size && (uintptr_t)x % sizeof(real) == 0) {
        const real *pair = (const real *)x;
        for (ptrdiff_t i = 0; i < t->m; i++) to[i] = pair[2 * i], to[MAX_TILE + i] = pair[2 * i + 1];
    } else {
        for (ptrdiff_t k = 0; k < t->n; k++)
            for (ptrdiff_t i = 0; i < t->m; i++)
                memcpy(to + k * MAX_TILE + i, x + i * X->row_stride + k * X->column_stride, sizeof(real));
    }
    t->x = to, t->stride = MAX_TILE;
}

/* Columns j to j + n of m samples, in `pack` where they have to be. */
static inline Tile columns_tile(const Job *job, ptrdiff_t start, ptrdiff_t m, ptrdiff_t j, ptrdiff_t n, real *pack) {
    const looptax_samples *X = &job->X;
    Tile t = {(const real *)(X->data + j * X->column_stride) + start, X->column_stride / (ptrdiff_t)sizeof(real), m, n};
    if (job->packed && X->n > TOGETHER) pack_columns(&t, X, start, j, pack);
    else if (job->packed) t.x = pack + j * MAX_TILE, t.stride = MAX_TILE; /* all of them are there */
    return t;
}

/* z = Xw of the features j to j + n. */
static void part_xw(const Job *job, ptrdiff_t start, ptrdiff_t m, ptrdiff_t j, ptrdiff_t n, real *pack, real *z) {
    if (!job->how.streamed && !job->packed) {
        columns_across(columns_tile(job, start, m, j, n, pack), job->w + j, job->how.prefetch / 64, z);
        return;
    }
    for (ptrdiff_t k = 0; k < n; k += TOGETHER)
        columns_down(columns_tile(job, start, m, j + k, min(TOGETHER, n - k), pack), job->w + j + k, k == 0, z);
}

/* The gradient of columns j to end, chunk after chunk; `leaf` is the number of the first. */
static void columns_gradient(
    const Job *job, ptrdiff_t start, ptrdiff_t m, ptrdiff_t j, ptrdiff_t end, const real *dz, real *pack,
    const Tree *tree, ptrdiff_t leaf) {
    const ptrdiff_t ahead = job->how.prefetch / (ptrdiff_t)sizeof(real);
    for (; j < end; j += COLUMNS) {
        Tile t = columns_tile(job, start, m, j, min(COLUMNS, job->X.n - j), pack);
        for (ptrdiff_t i = 0, k = leaf; i < m; i += COLUMN_CHUNK, k++) {
            real sum[COLUMNS], *slot = tree->dw + leaf_slot(k) * tree->slot + j;
            Tile chunk = {t.x + i, t.stride, min(COLUMN_CHUNK, m - i), t.n};
            if (ahead) columns_gradient_of(chunk, dz + i, ahead, sum);
            else columns_gradient_of(chunk, dz + i, 0, sum);
            for (int c = closed_by(k); c--;) {
                slot -= tree->slot;
                for (int q = 0; q < COLUMNS; q++) sum[q] = slot[q] + sum[q];
            }
            memcpy(slot, sum, sizeof sum);
        }
    }
}

static void columns_of_samples(const Job *job, ptrdiff_t start, ptrdiff_t m, Tree *tree) {
    const ptrdiff_t n = job->X.n, part = part_features(n);
    real pack[TOGETHER * MAX_TILE], parts[5][MAX_TILE + LANES], *z = parts[0];
    if (job->packed && n <= TOGETHER) {
        Tile all = {.m = m, .n = n};
        pack_columns(&all, &job->X, start, 0, pack);
    }
    ptrdiff_t count = (n - 1) / part + 1, padded = round_up(m, L);
    for (ptrdiff_t p = 0; p < count; p++) {
        int depth = leaf_slot(p);
        part_xw(job, start, m, p * part, min(part, n - p * part), pack, parts[depth]);
        int closing = p + 1 < count ? closed_by(p) : depth;
        for (; closing--; depth--) add(parts[depth], padded, parts[depth - 1]);
    }
    ptrdiff_t leaf = tree->leaves;
    for (ptrdiff_t i = 0; i < m; i += COLUMN_CHUNK) {
        Lanes sums = {.bad = false};
        if (job->last >= LOOPTAX_LOSS) loss(job, start + i, z + i, 0, min(COLUMN_CHUNK, m - i), &sums);
        add_leaf(tree, folded(job, &sums), false);
    }
    if (job->last >= LOOPTAX_GRADIENT) columns_gradient(job, start, m, 0, n, z, pack, tree, leaf);
}

/* ---- Samples shared: a unit of chunks ---- */

static void unit(void *argument, int k) {
    const Job *job = argument;
    real *work = job->work + k * job->room;
    ptrdiff_t first = k * job->unit * job->chunk, end = min(first + job->unit * job->chunk, job->X.m);
    Tree tree;
    plant(&tree, work, job->slot);
    ptrdiff_t step = job->columns ? job->tile : job->chunk;
    for (; first < end; first += step)
        if (job->columns) columns_of_samples(job, first, min(step, end - first), &tree);
        else rows_chunk(job, first, min(step, end - first), work + job->slots * job->slot, &tree);
    job->sums[k] = collapse(&tree);
}

static looptax_sums by_samples(Job *job, looptax_runner run, int threads, int64_t ns) {
    looptax_sums sums[MAX_UNITS];
    job->sums = sums;
    run(unit, job, (int)job->units, threads, ns);
    return gathered(sums, job->units, job->work, job->room, job->slot);
}

/* ---- Features shared: all threads at one tile ---- */

static void xw_of_part(void *argument, int p) {
    const Job *job = argument;
    ptrdiff_t part = part_features(job->X.n), j = p * part;
    part_xw(job, job->start, job->samples, j, min(part, job->X.n - j), NULL, job->z + p * job->pitch);
}

static void loss_of_chunk(void *argument, int c) {
    const Job *job = argument;
    ptrdiff_t i = c * job->chunk, m = min(job->chunk, job->samples - i);
    real *z = job->z + i;
    for (ptrdiff_t step = 1; step < job->parts; step *= 2) /* the tree of the parts */
        for (ptrdiff_t p = 0; p + step < job->parts; p += 2 * step)
            add(z + (p + step) * job->pitch, round_up(m, L), z + p * job->pitch);
    Lanes sums = {.bad = false};
    if (job->last >= LOOPTAX_LOSS) loss(job, job->start + i, z, 0, m, &sums);
    job->sums[c] = folded(job, &sums);
}

static void gradient_of_group(void *argument, int g) {
    const Job *job = argument;
    ptrdiff_t j = g * job->group, end = min(j + job->group, job->X.n);
    columns_gradient(job, job->start, job->samples, j, end, job->z, NULL, job->tree, job->tree->leaves);
}

static looptax_sums by_features(Job *job, looptax_runner run, int threads, int64_t ns) {
    Tree tree;
    plant(&tree, job->work, job->slot);
    ptrdiff_t n = job->X.n, tiles = (job->X.m - 1) / job->tile + 1;
    job->tree = &tree;
    job->z = job->work + job->slots * job->slot;
    job->sums = (looptax_sums *)(job->z + job->parts * job->pitch);
    job->group = round_up((n - 1) / min(UNITS_PER_THREAD * (ptrdiff_t)threads, MAX_UNITS) + 1, COLUMNS);
    for (job->start = 0; job->start < job->X.m; job->start += job->tile) {
        job->samples = min(job->tile, job->X.m - job->start);
        ptrdiff_t chunks = (job->samples - 1) / job->chunk + 1;
        run(xw_of_part, job, (int)job->parts, threads, ns / tiles / 2);
        run(loss_of_chunk, job, (int)chunks, threads, job->samples);
        if (job->last >= LOOPTAX_GRADIENT)
            run(gradient_of_group, job, (int)((n - 1) / job->group + 1), threads, ns / tiles / 2);
        for (ptrdiff_t c = 0; c < chunks; c++) add_leaf(&tree, job->sums[c], false);
    }
    return collapse(&tree);
}

/* ---- What is called from outside ---- */

ptrdiff_t NAME(chunk)(const looptax_samples *X) { return chunk_samples(X->n, is_columns(X)); }

int NAME(layout)(const looptax_samples *X) { return is_columns(X) + 2 * is_packed(X, is_columns(X)); }

looptax_schedule NAME(effective)(const looptax_samples *X, const looptax_schedule *how) {
    Job job = planned(X, how, 1);
    bool overlapped = job.how.overlapped && job.tile < X->m;
    return (looptax_schedule){
        .tile_bytes = min(job.tile, X->m),
        .streamed = how->streamed || (job.columns && job.packed),
        .by_features = job.how.by_features,
        .overlapped = overlapped,
        .prefetch = !job.columns && how->streamed && !overlapped ? 0 : how->prefetch,
    };
}

size_t NAME(work_bytes)(const looptax_samples *X, const looptax_schedule *how, int threads) {
    Job job = planned(X, how, threads);
    size_t sums = job.how.by_features ? (size_t)(job.tile / job.chunk) * sizeof(looptax_sums) : 0;
    return 64 + (size_t)(job.units * job.room) * sizeof(real) + sums;
}

looptax_sums NAME(sums)(
    const looptax_samples *X, const real *y, const real *s, const real *w, real b, const looptax_schedule *how,
    looptax_runner run, int threads, int64_t ns, enum looptax_part last, void *work, real *dw) {
    Job job = planned(X, how, threads);
    job.y = y, job.s = s, job.w = w, job.b = b, job.last = last;
    job.work = (real *)(((uintptr_t)work + 63) / 64 * 64);
    looptax_sums sums = (job.how.by_features ? by_features : by_samples)(&job, run, threads, ns);
    memcpy(dw, job.work, (size_t)X->n * sizeof(real));
    if (!s) sums.weight = (double)X->m;
    return sums;
}

looptax_sums NAME(mean)(looptax_sums sums, double l2, const real *w, ptrdiff_t n, real *dw) {
    return mean_of(sums, l2, w, 1, n, n, dw);
}
