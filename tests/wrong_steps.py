"""Typical wrong steps: each must be caught, and given the right explanation."""

import numpy as np
from looptax.pyimpl import numpy_stable

right = numpy_stable.step


def textbook(y, z):
    a = 1 / (1 + np.exp(-z))
    return a, -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))


def margin(X, y, w, b):
    y = y.astype(X.dtype)
    z = X @ w + b
    sign = 1 - 2 * y
    s = sign * z
    e = np.exp(-np.abs(s))
    return z, np.maximum(s, 0) + np.log1p(e), sign * np.where(s > 0, 1, e) / (1 + e)


def missing_1_m(X, y, w, b):
    cost, dw, db = right(X, y, w, b)
    m = X.dtype.type(len(y))
    return cost * m, dw * m, db * m


def missing_1_m_in_dw(X, y, w, b):
    cost, dw, db = right(X, y, w, b)
    return cost, dw * X.dtype.type(len(y)), db


def divided_by_n(X, y, w, b):
    cost, dw, db = right(X, y, w, b)
    m, n = X.shape
    return cost, dw * X.dtype.type(m / n), db


def dz_reversed(X, y, w, b):
    cost, dw, db = right(X, y, w, b)
    return cost, -dw, -db


def negative_cost(X, y, w, b):
    cost, dw, db = right(X, y, w, b)
    return -cost, dw, db


def negative_dw(X, y, w, b):
    cost, dw, db = right(X, y, w, b)
    return cost, -dw, db


def blocks_of_four(X, y, w, b):
    m, dtype = len(y), X.dtype.type
    kept = m - m % 4
    _, losses, dz = margin(X[:kept], y[:kept], w, b)
    return losses.sum() / dtype(m), X[:kept].T @ dz / dtype(m), dz.sum() / dtype(m)


def blocks_of_eight_in_dw(X, y, w, b):
    cost, _, db = right(X, y, w, b)
    kept = len(y) - len(y) % 8
    _, _, dz = margin(X, y, w, b)
    return cost, X[:kept].T @ dz[:kept] / X.dtype.type(len(y)), db


def last_sample_left_out(X, y, w, b):
    _, losses, dz = margin(X, y, w, b)
    m = X.dtype.type(len(y))
    return losses[:-1].sum() / m, X[:-1].T @ dz[:-1] / m, dz[:-1].sum() / m


def unrolled_features(X, y, w, b):
    n = len(w) - len(w) % 4
    cost, dw, db = right(X, y, np.where(np.arange(len(w)) < n, w, 0).astype(w.dtype), b)
    dw[n:] = 0
    return cost, dw, db


def bias_forgotten(X, y, w, b):
    return right(X, y, w, 0.0)


def y_not_subtracted(X, y, w, b):
    cost, _, _ = right(X, y, w, b)
    a = 1 / (1 + np.exp(-(X @ w + b)))
    return cost, X.T @ a / X.dtype.type(len(y)), a.mean()


def half_the_loss(X, y, w, b):
    _, dw, db = right(X, y, w, b)
    a, _ = textbook(y, X @ w + b)
    return np.mean(-y * np.log(a)).astype(X.dtype), dw, db


def other_half_of_the_loss(X, y, w, b):
    _, dw, db = right(X, y, w, b)
    a, _ = textbook(y, X @ w + b)
    return np.mean(-(1 - y) * np.log(1 - a)).astype(X.dtype), dw, db


def squared_error(X, y, w, b):
    cost, _, _ = right(X, y, w, b)
    a, _ = textbook(y, X @ w + b)
    dz = (a - y) * a * (1 - a)
    return cost, X.T @ dz / X.dtype.type(len(y)), dz.mean()


def base_ten(X, y, w, b):
    cost, dw, db = right(X, y, w, b)
    return cost / X.dtype.type(np.log(10)), dw, db


def no_sigmoid(X, y, w, b):
    cost, _, _ = right(X, y, w, b)
    dz = X @ w + b - y
    return cost, X.T @ dz / X.dtype.type(len(y)), dz.mean()


def sigmoid_upside_down(X, y, w, b):
    return right(X, y, -w, -b)


def labels_plus_minus(X, y, w, b):
    z = X @ w + b
    s = -y * z
    dz = -y / (1 + np.exp(-s))
    return np.log1p(np.exp(s)).mean(), X.T @ dz / X.dtype.type(len(y)), dz.mean()


def labels_swapped(X, y, w, b):
    return right(X, 1 - y, w, b)


def squared_cost(X, y, w, b):
    _, dw, db = right(X, y, w, b)
    a, _ = textbook(y, X @ w + b)
    return np.mean((a - y) ** 2).astype(X.dtype), dw, db


def two_mistakes(X, y, w, b):
    cost, dw, db = right(X, y, w, b)
    return cost / X.dtype.type(2), -dw, db


def unheard_of(X, y, w, b):
    cost, dw, db = right(X, y, w, b)
    return cost, dw, db + X.dtype.type(0.37)


def the_textbook(X, y, w, b):
    y = y.astype(X.dtype)
    a, cost = textbook(y, X @ w + b)
    dz = a - y
    return cost, X.T @ dz / X.dtype.type(len(y)), dz.mean()


def log_of_exp(X, y, w, b):
    _, dw, db = right(X, y, w, b)
    z = X @ w + b
    return np.mean(np.log1p(np.exp(z)) - y * z), dw, db


def a_minus_y(X, y, w, b):
    cost, _, _ = right(X, y, w, b)
    dz = 1 / (1 + np.exp(-(X @ w + b))) - y
    return cost, X.T @ dz / X.dtype.type(len(y)), dz.mean()


def clipped_z(X, y, w, b):
    z, _, _ = margin(X, y, w, b)
    s = (1 - 2 * y) * np.clip(z, -500, 500)
    _, dw, db = right(X, y, w, b)
    return np.mean(np.maximum(s, 0) + np.log1p(np.exp(-np.abs(s)))), dw, db


def epsilon_in_log(X, y, w, b):
    _, dw, db = right(X, y, w, b)
    a = 1 / (1 + np.exp(-(X @ w + b)))
    return -np.mean(y * np.log(a + 1e-7) + (1 - y) * np.log(1 - a + 1e-7)), dw, db


def single_precision(X, y, w, b):
    cost, dw, db = right(X.astype(np.float32), y, w.astype(np.float32), np.float32(b))
    return X.dtype.type(cost), dw.astype(X.dtype), X.dtype.type(db)


def flushed(X, y, w, b):
    small = np.abs(X) < np.finfo(X.dtype).smallest_normal
    return right(np.where(small, X.dtype.type(0), X), y, w, b)


def nan_to_num(X, y, w, b):
    return right(np.where(np.isnan(X), X.dtype.type(0), X), y, w, b)


def clipped_infinity(X, y, w, b):
    largest = np.finfo(X.dtype).max
    return right(np.clip(X, -largest, largest), y, w, b)


def inf_minus_inf(X, y, w, b):
    _, dw, db = right(X, y, w, b)
    z = X @ w + b
    return np.mean(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))), dw, db


def scales_w(X, y, w, b):
    result = right(X, y, w, b)
    w *= 2
    return result


def shifts_y(X, y, w, b):
    result = right(X, y, w, b)
    y -= 0.5
    return result


def no_return(X, y, w, b):
    right(X, y, w, b)


def two_results(X, y, w, b):
    return right(X, y, w, b)[:2]


def a_dict(X, y, w, b):
    return right(X, y, w, b)._asdict()


def a_column(X, y, w, b):
    cost, dw, db = right(X, y, w, b)
    return cost, dw[:, None], db


def per_sample(X, y, w, b):
    cost, dw, db = right(X, y, w, b)
    return cost, X @ dw, db


def cost_array(X, y, w, b):
    cost, dw, db = right(X, y, w, b)
    return np.array([cost]), dw, db


def python_float(X, y, w, b):
    cost, dw, db = right(X, y, w, b)
    return float(cost), dw, db


def a_list(X, y, w, b):
    cost, dw, db = right(X, y, w, b)
    return cost, dw.tolist(), db


def widened(X, y, w, b):
    cost, dw, db = right(X, y, w, b)
    return cost, np.zeros(len(w)) + dw, db


def w_itself(X, y, w, b):
    cost, _, db = right(X, y, w, b)
    return cost, w, db


def raises(X, y, w, b):
    return right(X, y, w, b) + undefined  # noqa: F821


def out_of_memory(X, y, w, b):
    return np.ones(1 << 50)


def raw_buffer(X, y, w, b):
    if not X.flags.c_contiguous:
        X = X.ravel(order="K").reshape(X.shape)
    return right(X, y, w, b)


def strides_ignored(X, y, w, b):
    if not (X.flags.c_contiguous or X.flags.f_contiguous) and X.strides[0] > 0 and X.base is not None:
        X = np.array(np.lib.stride_tricks.as_strided(X, (X.size,), (X.itemsize,))).reshape(X.shape)
    return right(X, y, w, b)


def unsigned_labels(X, y, w, b):
    with np.errstate(all="ignore"):
        sign = (1 - 2 * y).astype(X.dtype)
    z = X @ w + b
    s = sign * z
    e = np.exp(-np.abs(s))
    dz = sign * np.where(s > 0, 1, e) / (1 + e)
    return np.mean(np.maximum(s, 0) + np.log1p(e)), X.T @ dz / X.dtype.type(len(y)), dz.mean()


def minus_a_bool(X, y, w, b):
    return right(X, -np.negative(y), w, b)


def accumulates():
    kept = {}

    def step(X, y, w, b):
        cost, dw, db = right(X, y, w, b)
        total = kept.setdefault(len(w), np.zeros_like(dw))
        if total.dtype != dw.dtype:
            total = kept[len(w)] = np.zeros_like(dw)
        total += dw
        return cost, total.copy(), db

    return step


def reuses_its_buffer():
    kept = {}

    def step(X, y, w, b):
        cost, dw, db = right(X, y, w, b)
        buffer = kept.setdefault((len(w), X.dtype), np.zeros_like(dw))
        buffer[:] = dw
        return cost, buffer, db

    return step


def random_step():
    rng = np.random.default_rng(0)

    def step(X, y, w, b):
        cost, dw, db = right(X, y, w, b)
        return cost * X.dtype.type(rng.random()), dw, db

    return step


def other_order(X, y, w, b):
    cost, dw, db = right(X, y, w, b)
    return dw, db, cost


def first_feature_left_out_of_z(X, y, w, b):
    y, m = y.astype(X.dtype), X.dtype.type(len(y))
    _, losses, dz = margin(X[:, 1:], y, w[1:], b)
    return losses.sum() / m, X.T @ dz / m, dz.sum() / m


def last_sample_left_out_of_z(X, y, w, b):
    z = np.zeros(len(y), X.dtype)
    for i in range(len(y) - 1):
        z[i] = X[i] @ w
    sign = 1 - 2 * y.astype(X.dtype)
    s = sign * (z + b)
    e = np.exp(-np.abs(s))
    dz = sign * np.where(s > 0, 1, e) / (1 + e)
    return np.mean(np.maximum(s, 0) + np.log1p(e)), X.T @ dz / X.dtype.type(len(y)), dz.mean()


def blocks_of_sixteen_features(X, y, w, b):
    n = len(w) - len(w) % 16
    cost, dw, db = right(X, y, np.where(np.arange(len(w)) < n, w, 0).astype(w.dtype), b)
    dw[n:] = 0
    return cost, dw, db


def cost_is_none(X, y, w, b):
    return None, *right(X, y, w, b)[1:]


def cost_is_text(X, y, w, b):
    return "one half", *right(X, y, w, b)[1:]


def ragged(X, y, w, b):
    cost, _, db = right(X, y, w, b)
    return cost, [[1.0], [1.0, 2.0]], db


def ellipsis(X, y, w, b):
    cost, _, db = right(X, y, w, b)
    return cost, ..., db


def nan_everywhere(X, y, w, b):
    return tuple(np.nan * value for value in right(X, y, w, b))


def halved(X, y, w, b):
    return tuple(value / X.dtype.type(2) for value in right(X, y, w, b))


def python_float_too_few(X, y, w, b):
    """Its cost is a Python float, and lacks the last sample: that comes first."""
    _, dw, db = right(X, y, w, b)
    m = len(y)
    few = right(X[:-1], y[:-1], w, b).cost if m > 1 else 0.0
    return float(few) * (m - 1) / m, dw, db
