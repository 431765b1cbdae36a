/* The walk over samples for several weight vectors at once, X in memory. REAL is 64 or 32.

   A tile of samples is read for z of all weight vectors, and again for all gradients while it is still in a cache: small
   matrix products both (`products.h`), with `links.h` between them. Chunks, units and the tree are those of one weight
   vector, but for chunks that grow with the gradients, so that adding these stays a small part of the work. */
#include "links.h"
#include "products.h"

enum {
    MAX_ROWS = 256,                         /* in a tile along rows */
    GROWTH = 4096, MAX_GROWN = 1 << 16,
};

typedef struct {
    looptax_samples X;
    looptax_several of;
    ptrdiff_t m, n;
    ptrdiff_t inputs, outputs;
    bool columns, packed;
    ptrdiff_t chunk, unit, units;
    ptrdiff_t tile, pitch;    /* samples; numbers from one z to the next */
    ptrdiff_t row;            /* numbers from one gradient to the next: n + 1 and what makes them whole lanes */
    ptrdiff_t slot, slots;
    ptrdiff_t room;
    real *work;
    looptax_sums *sums;
} Job;

static inline bool is_hessian(const looptax_several *of) {
    return of->link == LOOPTAX_LOGISTIC_HESSIAN || of->link == LOOPTAX_SOFTMAX_HESSIAN;
}

static Job planned(const looptax_samples *X, const looptax_several *of, int threads) {
    Job job = {.X = *X, .of = *of, .m = X->m, .n = X->n, .inputs = inputs_of(of), .columns = is_columns(X)};
    job.packed = is_packed(X, job.columns);
    job.outputs = is_hessian(of) ? job.n + 1 : of->classes;
    job.row = round_up(job.n + 1, LANES);
    job.slot = job.outputs * job.row;
    job.chunk = chunk_samples(job.n, job.columns);
    while (job.chunk < MAX_GROWN && job.chunk * GROWTH < job.outputs * job.n) job.chunk *= 2;
    ptrdiff_t chunks = (job.m - 1) / job.chunk + 1;
    job.unit = unit_chunks_within(chunks, threads, job.slot);
    job.units = (chunks - 1) / job.unit + 1;
    ptrdiff_t samples = of->tile_bytes / ((job.n + job.inputs) * (ptrdiff_t)sizeof(real)) / LANES * LANES;
    samples = samples < LANES ? LANES : min(samples, MAX_ROWS);
    job.tile = min(job.columns ? COLUMN_CHUNK : samples, job.chunk);
    job.pitch = job.tile + LANES; /* no power of two */
    job.slots = log2_up(job.unit) + 1;
    job.room = job.slots * job.slot + (job.inputs + job.outputs) * job.pitch + job.outputs * LANES;
    if (job.packed) job.room += job.columns ? job.n * job.pitch : job.tile * job.row;
    return job;
}

/* X of a tile: its rows or columns, in `pack` where they have to be. */
static Rows tile_of(const Job *job, ptrdiff_t start, ptrdiff_t m, real *pack) {
    const looptax_samples *X = &job->X;
    const ptrdiff_t size = sizeof(real);
    if (!job->packed) return (Rows){(const real *)(X->data + start * X->row_stride),
                                    (job->columns ? X->column_stride : X->row_stride) / size};
    ptrdiff_t rows = job->columns ? 1 : job->row, columns = job->columns ? job->pitch : 1;
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t j = 0; j < job->n; j++) /* memcpy: it may be misaligned */
            memcpy(pack + i * rows + j * columns, X->data + (start + i) * X->row_stride + j * X->column_stride, sizeof(real));
    return (Rows){pack, job->columns ? job->pitch : job->row};
}

/* d_i x_ij of each feature j, and d_i last: what a row of the curvature is a gradient of. */
static void curved(const Job *job, Rows x, ptrdiff_t m, const real *d, real *to) {
    for (ptrdiff_t j = 0; j < job->n; j++)
        for (ptrdiff_t i = 0; i < m; i++)
            to[j * job->pitch + i] = d[i] * (job->columns ? x.x[j * x.stride + i] : x.x[i * x.stride + j]);
    memcpy(to + job->n * job->pitch, d, (size_t)m * sizeof(real));
}

/* Adds the gradients of a tile; of a curvature, what is on and above the diagonal, by blocks. */
static void gradients(const Job *job, Rows x, ptrdiff_t m, const real *d, real *lanes, real *out) {
    const Rows dz = {d, job->pitch};
    ptrdiff_t step = is_hessian(&job->of) ? 4 * OUTER_VECS * L : job->outputs;
    for (ptrdiff_t c = 0; c < job->outputs; c += step) {
        ptrdiff_t count = min(step, job->outputs - c), from = is_hessian(&job->of) ? min(c, job->n) : 0;
        Rows some = {dz.x + c * dz.stride, dz.stride};
        real *at = out + c * job->row + from;
        if (job->columns) inner((Rows){x.x + from * x.stride, x.stride}, job->n - from, some, count, m, true, at, job->row);
        else outer((Rows){x.x + from, x.stride}, m, some, count, job->n - from, at, job->row);
    }
    for (ptrdiff_t c = 0; c < job->outputs; c++)
        for (ptrdiff_t i = 0; i < m; i++) lanes[c * LANES + i % LANES] += d[c * job->pitch + i];
}

static looptax_sums chunk_of(const Job *job, ptrdiff_t first, ptrdiff_t m, real *work, real *out) {
    real *z = work, *d = is_hessian(&job->of) ? z + job->inputs * job->pitch : z;
    real *lanes = z + (job->inputs + job->outputs) * job->pitch, *pack = lanes + job->outputs * LANES;
    const Rows w = {job->of.w, job->n + 1};
    Totals sums = {.bad = false};
    memset(out, 0, (size_t)job->slot * sizeof(real));
    memset(lanes, 0, (size_t)(job->outputs * LANES) * sizeof(real));
    for (ptrdiff_t i = 0; i < m; i += job->tile) {
        ptrdiff_t count = min(job->tile, m - i);
        Rows x = tile_of(job, first + i, count, pack);
        if (job->columns) {
            memset(z, 0, (size_t)(job->inputs * job->pitch) * sizeof(real));
            outer(x, job->n, w, job->inputs, count, z, job->pitch);
        } else {
            inner(x, count, w, job->inputs, job->n, false, z, job->pitch);
        }
        linked(&(Linked){&job->of, first + i, count, job->n, z, job->pitch}, &sums);
        if (d != z) curved(job, x, count, z, d);
        gradients(job, x, count, d, lanes, out);
    }
    for (ptrdiff_t c = 0; c < job->outputs; c++) out[c * job->row + job->n] = (real)fold_wide(lanes + c * LANES);
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

ptrdiff_t NAME(several_chunk)(const looptax_samples *X, const looptax_several *of) { return planned(X, of, 1).chunk; }

size_t NAME(several_work)(const looptax_samples *X, const looptax_several *of, int threads) {
    Job job = planned(X, of, threads);
    return 64 + (size_t)(job.units * job.room) * sizeof(real);
}

looptax_sums NAME(several)(
    const looptax_samples *X, const looptax_several *of, looptax_runner run, int threads, int64_t ns, void *work,
    real *out) {
    Job job = planned(X, of, threads);
    looptax_sums sums[MAX_UNITS];
    job.work = (real *)(((uintptr_t)work + 63) / 64 * 64), job.sums = sums;
    run(unit, &job, (int)job.units, threads, ns);
    looptax_sums all = gathered(sums, job.units, job.work, job.room, job.slot);
    for (ptrdiff_t c = 0; c < job.outputs; c++)
        memcpy(out + c * (job.n + 1), job.work + c * job.row, (size_t)(job.n + 1) * sizeof(real));
    if (!of->s) all.weight = (double)job.m;
    return all;
}

looptax_sums NAME(several_mean)(
    looptax_sums sums, double l2, const real *w, ptrdiff_t classes, ptrdiff_t n, real *out) {
    return mean_of(sums, l2, w, classes, n, n + 1, out);
}
