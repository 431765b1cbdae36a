"""Typical wrong forms of the variants: each must be caught."""

import numpy as np
from looptax.pyimpl.variants import curvature, softmax, sparse, weighted
from scipy.sparse import csr_array

# Weights and a penalty.


def margins(X, y, w, b):
    sign = 1 - 2 * y.astype(X.dtype)
    s = sign * (X @ w + b)
    e = np.exp(-np.abs(s))
    return np.maximum(s, 0) + np.log1p(e), sign * np.where(s > 0, 1, e) / (1 + e)


def weights_forgotten(X, y, w, b, s, l2):
    return weighted.products(X, y, w, b, np.ones(len(y), X.dtype), l2)


def weights_forgotten_in_the_cost(X, y, w, b, s, l2):
    return weights_forgotten(X, y, w, b, s, l2).cost, *weighted.products(X, y, w, b, s, l2)[1:]


def weights_forgotten_in_db(X, y, w, b, s, l2):
    return *weighted.products(X, y, w, b, s, l2)[:2], weights_forgotten(X, y, w, b, s, l2).db


def divided_by_m(X, y, w, b, s, l2):
    cost, dw, db = weighted.products(X, y, w, b, s, 0.0)
    share, real = s.astype(X.dtype).mean(), X.dtype.type
    return cost * share + real(l2 / 2) * (w @ w), dw * share + real(l2) * w, db * share


def divided_by_those_that_count(X, y, w, b, s, l2):
    cost, dw, db = weighted.products(X, y, w, b, s, 0.0)
    share, real = X.dtype.type(s.astype(float).sum() / np.count_nonzero(s)), X.dtype.type
    return cost * share + real(l2 / 2) * (w @ w), dw * share + real(l2) * w, db * share


def weights_squared(X, y, w, b, s, l2):
    return weighted.products(X, y, w, b, s.astype(X.dtype) ** 2, l2)


def weights_as_whole_numbers(X, y, w, b, s, l2):
    return weighted.products(X, y, w, b, np.ceil(s), l2)


def weights_in_half_the_digits(X, y, w, b, s, l2):
    half = {4: np.float16, 8: np.float32}[X.itemsize]
    return weighted.products(X, y, w, b, np.maximum(s, 1e-4).astype(half), l2)


def those_of_weight_zero_left_out(X, y, w, b, s, l2):
    """0 times a NaN would be a NaN."""
    counts = s != 0
    return weighted.products(X[counts], y[counts], w, b, s[counts], l2)


def b_penalised(X, y, w, b, s, l2):
    cost, dw, db = weighted.products(X, y, w, b, s, l2)
    return cost + X.dtype.type(l2 / 2) * b * b, dw, db + X.dtype.type(l2) * b


def b_penalised_in_db(X, y, w, b, s, l2):
    cost, dw, db = weighted.products(X, y, w, b, s, l2)
    return cost, dw, db + X.dtype.type(l2) * b


def penalty_not_halved(X, y, w, b, s, l2):
    cost, dw, db = weighted.products(X, y, w, b, s, l2)
    return cost + X.dtype.type(l2 / 2) * (w @ w) if l2 else cost, dw, db


def penalty_halved_in_dw(X, y, w, b, s, l2):
    cost, dw, db = weighted.products(X, y, w, b, s, l2)
    return cost, dw - X.dtype.type(l2 / 2) * w if l2 else dw, db


def penalty_averaged(X, y, w, b, s, l2):
    return weighted.products(X, y, w, b, s, l2 / len(y))


def penalty_pushes(X, y, w, b, s, l2):
    cost, dw, db = weighted.products(X, y, w, b, s, l2)
    return cost, dw - X.dtype.type(2 * l2) * w if l2 else dw, db


def penalty_of_absolute_values(X, y, w, b, s, l2):
    cost, dw, db = weighted.products(X, y, w, b, s, 0.0)
    return cost + X.dtype.type(l2) * np.abs(w).sum(), dw + X.dtype.type(l2) * np.sign(w), db


def zero_times_an_infinite_weight(X, y, w, b, s, l2):
    cost, dw, db = weighted.products(X, y, w, b, s, l2)
    return cost + X.dtype.type(0) * (w @ w), dw, db


def a_minus_y(X, y, w, b, s, l2):
    cost, _, _ = weighted.products(X, y, w, b, s, l2)
    s = s.astype(X.dtype)
    dz = s * (1 / (1 + np.exp(-(X @ w + b))) - y.astype(X.dtype)) / s.sum()
    return cost, X.T @ dz + X.dtype.type(l2) * w, dz.sum()


# Several classes.


def next_class(X, y, W, b):
    return softmax.products(X, (y.astype(int) + 1) % len(W), W, b)


def next_class_in_the_loss(X, y, W, b):
    return next_class(X, y, W, b).cost, *softmax.products(X, y, W, b)[1:]


def label_not_subtracted(X, y, W, b):
    z = X @ W.T + b
    e = np.exp(z - z.max(axis=1, keepdims=True))
    a = e / e.sum(axis=1, keepdims=True) / X.dtype.type(len(y))
    return softmax.products(X, y, W, b).cost, a.T @ X, a.sum(axis=0)


def probability_less_one(X, y, W, b):
    cost, _, _ = softmax.products(X, y, W, b)
    z = X @ W.T + b
    e = np.exp(z - z.max(axis=1, keepdims=True))
    dz = e / e.sum(axis=1, keepdims=True)
    dz[np.arange(len(y)), y.astype(int)] -= 1
    dz /= X.dtype.type(len(y))
    return cost, dz.T @ X, dz.sum(axis=0)


def log_of_the_whole_sum(X, y, W, b):
    """The largest e, which is 1, hides the others."""
    _, dW, db = softmax.products(X, y, W, b)
    z = X @ W.T + b
    top = z.max(axis=1)
    losses = np.log(np.exp(z - top[:, None]).sum(axis=1)) + top - z[np.arange(len(y)), y.astype(int)]
    return losses.mean(), dW, db


def log_of_the_probability(X, y, W, b):
    _, dW, db = softmax.products(X, y, W, b)
    z = X @ W.T + b
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return -np.log((e / e.sum(axis=1, keepdims=True))[np.arange(len(y)), y.astype(int)]).mean(), dW, db


def largest_not_subtracted(X, y, W, b):
    _, dW, db = softmax.products(X, y, W, b)
    z = X @ W.T + b
    return (np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y.astype(int)]).mean(), dW, db


def last_class_does_not_count(X, y, W, b):
    cost, dW, db = softmax.products(X, y, W, b)
    dW[-1], db[-1] = 0, 0
    return cost, dW, db


def last_class_is_the_reference(X, y, W, b):
    return softmax.products(X, y, W - W[-1], b - b[-1])


def intercepts_forgotten(X, y, W, b):
    return softmax.products(X, y, W, np.zeros_like(b))


def one_intercept(X, y, W, b):
    return softmax.products(X, y, W, np.full_like(b, b[0]))


def each_class_on_its_own(X, y, W, b):
    """A logistic regression for each."""
    cost, dW, db = 0, np.empty(W.shape, X.dtype), np.empty(b.shape, X.dtype)
    for c in range(len(W)):
        losses, dz = margins(X, (y == c).astype(X.dtype), np.ascontiguousarray(W[c]), b[c])
        cost, dW[c], db[c] = cost + losses.mean(), X.T @ dz / X.dtype.type(len(y)), dz.mean()
    return X.dtype.type(cost), dW, db


def divided_by_classes(X, y, W, b):
    cost, dW, db = softmax.products(X, y, W, b)
    return cost, dW / X.dtype.type(len(W)), db


def classes_by_fours(X, y, W, b):
    k = len(W) - len(W) % 4 or len(W)
    cost, dW, db = softmax.products(X, np.minimum(y, k - 1), W[:k], b[:k])
    rest = len(W) - k
    return cost, np.concatenate([dW, np.zeros((rest, W.shape[1]), X.dtype)]), np.append(db, np.zeros(rest, X.dtype))


def weights_in_other_order(X, y, W, b):
    return softmax.products(X, y, np.ravel(W, order="F").reshape(W.shape), b)


def infinite_minus_infinite_is_zero(X, y, W, b):
    return tuple(np.nan_to_num(part) for part in softmax.products(X, y, W, b))


# Sparse X.


def of_entries(X, data, indices, pointers):
    return csr_array((data, indices, pointers), shape=X.shape)


def repeated_overwrite(X, y, w, b):
    dense = np.zeros(X.shape, X.dtype)
    for i in range(len(y)):
        row = slice(X.indptr[i], X.indptr[i + 1])
        dense[i, X.indices[row]] = X.data[row]
    return sparse.products(csr_array(dense), y, w, b)


def repeated_overwrite_in_dw(X, y, w, b):
    cost, _, db = sparse.products(X, y, w, b)
    return cost, repeated_overwrite(X, y, w, b)[1], db


def repeated_left_out(X, y, w, b):
    data = X.data.copy()
    for i in range(len(y)):
        row = slice(X.indptr[i], X.indptr[i + 1])
        repeated = np.setdiff1d(np.arange(len(X.indices[row])), np.unique(X.indices[row], return_index=True)[1])
        data[row][repeated] = 0
    return sparse.products(of_entries(X, data, X.indices, X.indptr), y, w, b)


def columns_by_position(X, y, w, b):
    """As if the entries of each row were in order."""
    indices = X.indices.copy()
    for i in range(len(y)):
        indices[X.indptr[i] : X.indptr[i + 1]].sort()
    return sparse.products(of_entries(X, X.data, indices, X.indptr), y, w, b)


def empty_rows_skipped(X, y, w, b):
    """They have a loss too: their z is b."""
    filled = np.diff(X.indptr) > 0
    if not filled.any():
        return sparse.products(X, y, w, b)
    cost, dw, db = sparse.products(X[filled], y[filled], w, b)
    share = X.dtype.type(filled.mean())
    return cost * share, dw * share, db * share


def mean_over_filled_rows(X, y, w, b):
    filled = np.diff(X.indptr) > 0
    return sparse.products(X[filled], y[filled], w, b) if filled.any() else sparse.products(X, y, w, b)


def made_dense(X, y, w, b):
    """0 times an infinite weight is a NaN, and what is not there is no 0."""
    m = X.dtype.type(len(y))
    losses, dz = margins(X.toarray(), y, w, b)
    return losses.sum() / m, X.toarray().T @ dz / m, dz.sum() / m


def past_the_last_row(X, y, w, b):
    pointers = X.indptr.copy()
    pointers[-1] = len(X.data)
    return sparse.products(of_entries(X, X.data, X.indices, pointers), y, w, b)


def first_entry_left_out(X, y, w, b):
    data = X.data.copy()
    data[:1] = 0
    return sparse.products(of_entries(X, data, X.indices, X.indptr), y, w, b)


def entries_by_eights(X, y, w, b):
    data = X.data.copy()
    for start, stop in zip(X.indptr[:-1], X.indptr[1:], strict=True):
        data[stop - (stop - start) % 8 : stop] = 0
    return sparse.products(of_entries(X, data, X.indices, X.indptr), y, w, b)


def divided_by_entries(X, y, w, b):
    cost, dw, db = sparse.products(X, y, w, b)
    return cost, dw * X.dtype.type(len(y) / max(X.nnz, 1)), db


def sorts_x_in_place(X, y, w, b):
    X.sum_duplicates()
    return sparse.products(X, y, w, b)


# The Hessian times a vector.


def v0_forgotten(X, y, w, b, v, v0):
    return curvature.products(X, y, w, b, v, 0.0)


def intercept_does_not_change(X, y, w, b, v, v0):
    return curvature.products(X, y, w, b, v, v0)[0], X.dtype.type(0)


def b_forgotten_in_z(X, y, w, b, v, v0):
    return curvature.products(X, y, w, 0.0, v, v0)


def product(X, d, v, v0):
    d = d * (X @ v + v0) / X.dtype.type(len(d))
    return X.T @ d, d.sum()


def probability_in_place_of_curvature(X, y, w, b, v, v0):
    return product(X, 1 / (1 + np.exp(-(X @ w + b))), v, v0)


def one_minus_a(X, y, w, b, v, v0):
    a = 1 / (1 + np.exp(-(X @ w + b)))
    return product(X, a * (1 - a), v, v0)


def squared_gradients(X, y, w, b, v, v0):
    """Of Fisher, and equal to the Hessian in the mean only."""
    _, dz = margins(X, y, w, b)
    return product(X, dz * dz, v, v0)


def bound_on_the_curvature(X, y, w, b, v, v0):
    return product(X, np.full(len(y), 0.25, X.dtype), v, v0)


def diagonal_only(X, y, w, b, v, v0):
    e = np.exp(-np.abs(X @ w + b))
    d = e / (1 + e) ** 2 / X.dtype.type(len(y))
    return (X * X).T @ d * v, d.sum() * v0


def summed_over_samples(X, y, w, b, v, v0):
    dv, dv0 = curvature.products(X, y, w, b, v, v0)
    return dv * X.dtype.type(len(y)), dv0 * X.dtype.type(len(y))


def twice_in_place_of_the_square(X, y, w, b, v, v0):
    e = np.exp(-np.abs(X @ w + b))
    return product(X, e / (1 + e), v, v0)


def of_the_gradient_at_v(X, y, w, b, v, v0):
    m = X.dtype.type(len(y))
    _, dz = margins(X, y, v, v0)
    return X.T @ dz / m, dz.sum() / m


def by_differences(X, y, w, b, v, v0):
    h = X.dtype.type(1e-5 if X.itemsize == 8 else 1e-2)
    _, up = margins(X, y, w + h * v, b + h * v0)
    _, down = margins(X, y, w - h * v, b - h * v0)
    d = (up - down) / (2 * h) / X.dtype.type(len(y))
    return X.T @ d, d.sum()


MUTANTS = {
    "weighted": (
        weights_forgotten, weights_forgotten_in_the_cost, weights_forgotten_in_db, divided_by_m,
        divided_by_those_that_count, weights_squared, weights_as_whole_numbers, weights_in_half_the_digits,
        those_of_weight_zero_left_out, b_penalised, b_penalised_in_db, penalty_not_halved, penalty_halved_in_dw,
        penalty_averaged, penalty_pushes, penalty_of_absolute_values, zero_times_an_infinite_weight, a_minus_y,
    ),
    "softmax": (
        next_class, next_class_in_the_loss, label_not_subtracted, probability_less_one, log_of_the_whole_sum,
        log_of_the_probability, largest_not_subtracted, last_class_does_not_count, last_class_is_the_reference,
        intercepts_forgotten, one_intercept, each_class_on_its_own, divided_by_classes, classes_by_fours,
        weights_in_other_order, infinite_minus_infinite_is_zero,
    ),
    "sparse": (
        repeated_overwrite, repeated_overwrite_in_dw, repeated_left_out, columns_by_position, empty_rows_skipped,
        mean_over_filled_rows, made_dense, past_the_last_row, first_entry_left_out, entries_by_eights,
        divided_by_entries, sorts_x_in_place,
    ),
    "curvature": (
        v0_forgotten, intercept_does_not_change, b_forgotten_in_z, probability_in_place_of_curvature, one_minus_a,
        squared_gradients, bound_on_the_curvature, diagonal_only, summed_over_samples, twice_in_place_of_the_square,
        of_the_gradient_at_v, by_differences,
    ),
}  # fmt: skip
