"""Typical wrong steps, each given the right explanation."""

import numpy as np
import pytest
from looptax.bench.teach.grade import suite, worker
from looptax.bench.teach.grade.document import Failure, Job
from looptax.pyimpl import numpy_stable

right = numpy_stable.step


class Listener:
    """Stands for the channel and the trace of a worker in this process."""

    def __init__(self):
        self.messages = []

    def send(self, event, **content):
        self.messages.append({"event": event, **content})

    def after(self, seconds):
        pass

    @property
    def failure(self) -> Failure | None:
        return next((m["failure"] for m in reversed(self.messages) if m["event"] == "failed"), None)


def failure_of(step, *families, accuracy="relative", seed=0):
    """The last that the worker tells of a step's first failure; None where there is none."""
    heard = Listener()
    worker.conforms(step, heard, Job(families=list(families) or None, accuracy=accuracy, seed=seed), heard)
    return heard.failure


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


SHAPES = ("shapes",)

WRONG = [
    (missing_1_m, SHAPES, "missing 1/m", "in cost, dw and db"),
    (missing_1_m_in_dw, SHAPES, "missing 1/m", "in dw:"),
    (divided_by_n, SHAPES, "divided by n", "dw is divided by n"),
    (dz_reversed, SHAPES, "dz reversed", "y - a in place of a - y"),
    (negative_cost, SHAPES, "wrong sign", "cost has the wrong sign"),
    (negative_dw, SHAPES, "wrong sign", "dw has the wrong sign"),
    (blocks_of_four, SHAPES, "dropped samples", "the last m mod 4"),
    (blocks_of_eight_in_dw, SHAPES, "dropped samples", "the last m mod 8 are missing from dw"),
    (last_sample_left_out, SHAPES, "dropped samples", "The last sample is left out"),
    (unrolled_features, SHAPES, "dropped features", "the last n mod 4"),
    (bias_forgotten, SHAPES, "bias forgotten", "z = Xw + b"),
    (y_not_subtracted, SHAPES, "y not subtracted", "dw and db is made from a"),
    (half_the_loss, SHAPES, "half the loss", "-y log a alone"),
    (other_half_of_the_loss, SHAPES, "half the loss", "-(1-y) log(1-a) alone"),
    (squared_error, SHAPES, "squared error", "a (1 - a)"),
    (squared_cost, SHAPES, "squared error", "cost is that of the squared error (a - y)²"),
    (base_ten, SHAPES, "another logarithm", "base 10"),
    (no_sigmoid, SHAPES, "sigmoid forgotten", "z - y"),
    (sigmoid_upside_down, SHAPES, "sign in the sigmoid", "1 / (1 + e^z)"),
    (labels_plus_minus, SHAPES, "labels ±1", "log 2"),
    (labels_swapped, SHAPES, "labels swapped", "1 - y"),
    (two_mistakes, SHAPES, "factor 1/2 + wrong sign", "dw: dw has the wrong sign"),
    (unheard_of, SHAPES, "unknown", "No mistake known"),
    (the_textbook, ("margins",), "cancellation", "--accuracy absolute"),
    (a_minus_y, ("margins",), "cancellation", "a - y"),
    (clipped_z, ("margins",), "clipped z", "±500"),
    (epsilon_in_log, ("margins",), "epsilon in log", "1e-07"),
    (single_precision, SHAPES, "digits lost", "a float32 array"),
    (flushed, ("denormals",), "subnormals flushed", "flush-to-zero"),
    (nan_to_num, ("nonfinite",), "NaN swallowed", "NaN is swallowed"),
    (clipped_infinity, ("nonfinite",), "NaN swallowed", "infinity is swallowed"),
    (inf_minus_inf, ("nonfinite",), "NaN made", "inf - inf"),
    (scales_w, SHAPES, "input modified", "The input w is modified"),
    (shifts_y, SHAPES, "input modified", "The input y is modified"),
    (no_return, SHAPES, "nothing returned", "is the return forgotten?"),
    (two_results, SHAPES, "number of results", "returned 2 results"),
    (a_dict, SHAPES, "number of results", "of a dict only the names"),
    (a_column, SHAPES, "shape", "dw.ravel()"),
    (per_sample, SHAPES, "shape", "one number per sample"),
    (cost_array, SHAPES, "shape", "cost has shape (1,)"),
    (python_float, SHAPES, "dtype", "X.dtype.type(cost)"),
    (a_list, SHAPES, "dtype", "np.array(dw, X.dtype)"),
    (widened, SHAPES, "dtype", "silently widened"),
    (w_itself, SHAPES, "shared memory", "a fresh array"),
    (raises, SHAPES, "raised", "NameError: name 'undefined' is not defined"),
    (out_of_memory, SHAPES, "out of memory", "y[:, None] - a"),
    (raw_buffer, SHAPES, "memory layout", '"X F"'),
    (strides_ignored, ("layouts",), "memory layout", "X[i, j]"),
    (unsigned_labels, ("layouts",), "labels dtype", "uint64"),
    (minus_a_bool, ("layouts",), "labels dtype", "bool"),
    (accumulates, SHAPES, "state kept", "grows by the same amount"),
    (random_step, SHAPES, "state kept", "at random"),
    (reuses_its_buffer, SHAPES, "buffer reused", "SciPy"),
]


@pytest.mark.parametrize(("wrong", "families", "kind", "says"), WRONG, ids=lambda value: getattr(value, "__name__", ""))
def test_is_explained(wrong, families, kind, says):
    step = wrong() if wrong.__code__.co_argcount == 0 else wrong
    found = failure_of(step, *families)
    assert found is not None
    assert (found.kind, says in found.explanation) == (kind, True), (found.kind, found.explanation, found.problem)


@pytest.mark.parametrize(
    ("wrong", "accuracy", "kind", "says"),
    [
        (log_of_exp, "absolute", "overflow", "overflows at saturation"),
        (the_textbook, "absolute", "cancellation", "--accuracy notes"),
    ],
)
def test_is_explained_within_a_weaker_promise(wrong, accuracy, kind, says):
    found = failure_of(wrong, "margins", accuracy=accuracy)
    assert (found.kind, says in found.explanation) == (kind, True), (found.kind, found.explanation, found.problem)


@pytest.mark.parametrize(
    ("step", "accuracy", "family"),
    [
        (right, "relative", "labels"),
        (a_minus_y, "absolute", "margins"),
        (the_textbook, "notes", "margins"),
    ],
)
def test_what_is_right_enough_passes(step, accuracy, family):
    with np.errstate(all="ignore"):
        assert failure_of(step, family, accuracy=accuracy) is None


class TestShrinking:
    def test_ends_with_few_simple_numbers(self):
        found = failure_of(blocks_of_four, "shapes")
        assert found.input.shrunk
        there = {}
        exec(found.input.python, there)  # what is shown can be typed, and fails
        assert there["X"].size <= 4
        cost, _, _ = blocks_of_four(there["X"], there["y"], there["w"], there["b"])
        assert str(cost) == found.returned["cost"] != found.expected["cost"]

    def test_keeps_the_layout(self):
        found = failure_of(raw_buffer, "shapes")
        there = {}
        exec(found.input.python, there)
        assert there["X"].flags.f_contiguous
        assert not there["X"].flags.c_contiguous
        assert there["X"].size == 4

    def test_keeps_what_makes_it_fail(self):
        found = failure_of(nan_to_num, "nonfinite")
        assert "nan" in found.input.python
        there = {}
        exec(found.input.python, there)
        assert np.isnan(there["X"]).any()

    def test_the_case_can_be_had_again(self):
        found = failure_of(unsigned_labels, "layouts", seed=5)
        there = {}
        exec(found.input.again, there)
        assert there["y"].dtype == np.uint64
        assert there["X"].shape == (67, 5)

    def test_an_odd_layout_can_be_typed(self):
        found = failure_of(strides_ignored, "layouts")
        there = {}
        exec(found.input.python, there)
        assert not there["X"].flags.c_contiguous


def test_a_step_that_squeezes_too_much_is_wrong_with_one_feature_alone():
    def squeezed(X, y, w, b):
        cost, dw, db = right(X, y, w, b)
        return cost, np.squeeze(dw)[()] if len(dw) == 1 else dw, db

    found = failure_of(squeezed, "shapes")
    assert found.kind == "shape"
    assert "a single number" in found.explanation


def test_the_line_is_that_of_the_step():
    found = failure_of(raises, "shapes")
    assert found.line.endswith("in raises: return right(X, y, w, b) + undefined  # noqa: F821")
    assert "test_grade_mistakes.py" in found.line


class TestSeed:
    def test_the_same_makes_the_same_cases(self):
        one, same, other = (suite.entries(seed) for seed in (1, 1, 2))
        for a, b in zip(one, same, strict=True):
            assert (a.family, a.case.name, a.layouts) == (b.family, b.case.name, b.layouts)
            assert all(p.tobytes() == q.tobytes() for p, q in zip(a.case[1:], b.case[1:], strict=True))
        assert any(a.case.X.tobytes() != b.case.X.tobytes() for a, b in zip(one, other, strict=True))

    def test_small_before_large_and_float64_before_float32(self):
        found = suite.entries(0)
        kinds = [(entry.case.X.dtype.itemsize, suite.ORDER.index(entry.family)) for entry in found]
        assert kinds == sorted(kinds, key=lambda kind: (-kind[0], kind[1]))
        sizes = [entry.case.X.size for entry in found if entry.family == "shapes" and entry.case.X.itemsize == 8]
        assert sizes == sorted(sizes)
        assert len(sizes) > 200

    def test_every_case_of_both_orders_is_there(self):
        found = suite.entries(0, ["shapes"])
        assert all(entry.layouts == ("C", "F") for entry in found if min(entry.case.X.shape) > 1)
        _, X, *_ = suite.find("shapes", "17x3", "float32", "F")
        assert X.flags.f_contiguous
        assert X.dtype == np.float32
