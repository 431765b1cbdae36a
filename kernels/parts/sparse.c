/* The walk over samples for one or several weight vectors, X in compressed rows. REAL is 64 or 32.

   A tile of rows is read for z, and again for the gradient: a small one, still in a cache; but where weights and gradient
   do not fit there together, a large one, so that each has the cache for itself for a while. Weights and gradients lie
   feature after feature, so that all that belong to one entry are in one line of the cache. Chunks grow with n, so that
   adding whole gradients stays a small part of the work, and a gradient of a million features is not kept for every few
   rows. */
#include "entries.h"
#include "links.h"

enum { SMALL_TILE = 64, LARGE_TILE = 8192, MIN_ROWS = 256, MAX_ROWS = 1 << 20, FEATURES_PER_ROW = 32 };

typedef struct {
    looptax_sparse X;
    looptax_several of;
    ptrdiff_t m, n;
    ptrdiff_t inputs, outputs;
    ptrdiff_t chunk, unit, units;
    ptrdiff_t tile;            /* samples */
    ptrdiff_t slot, slots, room;
    const real *w;             /* feature after feature */
    real *work;
    looptax_sums *sums;
} Job;

static Job planned(const looptax_sparse *X, const looptax_several *of, int threads) {
    Job job = {.X = *X, .of = *of, .m = X->m, .n = X->n, .inputs = inputs_of(of), .outputs = of->classes};
    ptrdiff_t numbers = (job.n + 1) * job.outputs;
    job.chunk = MIN_ROWS;
    while (job.chunk < MAX_ROWS && job.chunk * FEATURES_PER_ROW < numbers) job.chunk *= 2;
    ptrdiff_t chunks = (job.m - 1) / job.chunk + 1;
    job.unit = unit_chunks_within(chunks, threads, numbers);
    job.units = (chunks - 1) / job.unit + 1;
    bool near = numbers * (ptrdiff_t)sizeof(real) * 2 <= of->tile_bytes;
    job.tile = min(near ? SMALL_TILE : round_up(LARGE_TILE / job.inputs, SMALL_TILE), job.chunk);
    job.slot = round_up(numbers, LANES);
    job.slots = log2_up(job.unit) + 1;
    job.room = job.slots * job.slot + job.inputs * job.tile + job.outputs * LANES;
    job.room = round_up(job.room, LANES);
    return job;
}

/* A tile of samples from `start` on; `lanes` has the sums of dz. Returns whether an index is out of range. */
INLINE bool tile_of(
    const Job *job, bool wide, ptrdiff_t start, ptrdiff_t m, real *z, Totals *sums, real *lanes, real *out) {
    bool bad = false;
    for (ptrdiff_t i = 0; i < m; i++) {
        Entries e = entries_of(&job->X, wide, start + i, &bad);
        if (job->inputs == 1) few_xw(e, wide, 1, job->w, z + i, job->tile, &bad);
        else if (job->inputs == 2) few_xw(e, wide, 2, job->w, z + i, job->tile, &bad);
        else many_xw(e, wide, job->inputs, job->w, z + i, job->tile, &bad);
    }
    linked(&(Linked){&job->of, start, m, job->n, z, job->tile}, sums);
    for (ptrdiff_t i = 0; i < m; i++) {
        Entries e = entries_of(&job->X, wide, start + i, &bad);
        if (job->outputs == 1) gradient_of_one(e, wide, z[i], out, &bad);
        else gradient_of_many(e, wide, job->outputs, z + i, job->tile, out, &bad);
    }
    for (ptrdiff_t c = 0; c < job->outputs; c++)
        for (ptrdiff_t i = 0; i < m; i++) lanes[c * LANES + i % LANES] += z[c * job->tile + i];
    return bad;
}

static looptax_sums chunk_of(const Job *job, ptrdiff_t first, ptrdiff_t m, real *work, real *out) {
    real *lanes = work + job->inputs * job->tile;
    Totals sums = {.bad = false};
    memset(out, 0, (size_t)job->slot * sizeof(real));
    memset(lanes, 0, (size_t)(job->outputs * LANES) * sizeof(real));
    for (ptrdiff_t i = 0; i < m; i += job->tile) {
        ptrdiff_t count = min(job->tile, m - i);
        if (job->X.wide) sums.bad |= tile_of(job, true, first + i, count, work, &sums, lanes, out);
        else sums.bad |= tile_of(job, false, first + i, count, work, &sums, lanes, out);
    }
    for (ptrdiff_t c = 0; c < job->outputs; c++) out[job->n * job->outputs + c] = (real)fold_wide(lanes + c * LANES);
    return (looptax_sums){fold_wide(sums.cost), 0, fold_wide(sums.weight), sums.bad};
}

static void unit(void *argument, int k) {
    const Job *job = argument;
    real *work = job->work + k * job->room;
    ptrdiff_t first = k * job->unit * job->chunk, end = min(first + job->unit * job->chunk, job->m);
    Tree tree;
    plant(&tree, work, job->slot);
    for (; first < end; first += job->chunk) {
        real *out = tree.dw + leaf_slot(tree.leaves) * tree.slot;
        add_leaf(&tree, chunk_of(job, first, min(job->chunk, end - first), work + job->slots * job->slot, out), true);
    }
    job->sums[k] = collapse(&tree);
}

ptrdiff_t NAME(sparse_chunk)(const looptax_sparse *X, const looptax_several *of) { return planned(X, of, 1).chunk; }

size_t NAME(sparse_work)(const looptax_sparse *X, const looptax_several *of, int threads) {
    Job job = planned(X, of, threads);
    ptrdiff_t weights = job.inputs == 1 ? 0 : (job.n + 1) * job.inputs;
    return 64 + (size_t)(job.units * job.room + weights) * sizeof(real);
}

looptax_sums NAME(sparse)(
    const looptax_sparse *X, const looptax_several *of, looptax_runner run, int threads, int64_t ns, void *work,
    real *out) {
    Job job = planned(X, of, threads);
    looptax_sums sums[MAX_UNITS];
    job.work = (real *)(((uintptr_t)work + 63) / 64 * 64), job.sums = sums;
    real *w = job.work + job.units * job.room;
    const real *given = of->w;
    job.w = job.inputs == 1 ? given : w;
    for (ptrdiff_t c = 0; job.w == w && c < job.inputs; c++)
        for (ptrdiff_t j = 0; j <= job.n; j++) w[j * job.inputs + c] = given[c * (job.n + 1) + j];
    run(unit, &job, (int)job.units, threads, ns);
    looptax_sums all = gathered(sums, job.units, job.work, job.room, job.slot);
    for (ptrdiff_t c = 0; c < job.outputs; c++)
        for (ptrdiff_t j = 0; j <= job.n; j++) out[c * (job.n + 1) + j] = job.work[j * job.outputs + c];
    if (!of->s) all.weight = (double)job.m;
    return all;
}
