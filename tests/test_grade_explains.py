"""Typical wrong steps: each gets the right explanation, with the smallest input that fails."""

import numpy as np
import pytest
from chinese import chinese, english
from graded import failure_of
from looptax.bench.teach.grade import mistakes, show, suite, trial, words, worker
from wrong_steps import (
    a_column,
    a_dict,
    a_list,
    a_minus_y,
    accumulates,
    base_ten,
    bias_forgotten,
    blocks_of_eight_in_dw,
    blocks_of_four,
    blocks_of_sixteen_features,
    clipped_infinity,
    clipped_z,
    cost_array,
    cost_is_none,
    cost_is_text,
    divided_by_n,
    dz_reversed,
    ellipsis,
    epsilon_in_log,
    first_feature_left_out_of_z,
    flushed,
    half_the_loss,
    halved,
    inf_minus_inf,
    labels_plus_minus,
    labels_swapped,
    last_sample_left_out,
    last_sample_left_out_of_z,
    log_of_exp,
    minus_a_bool,
    missing_1_m,
    missing_1_m_in_dw,
    nan_everywhere,
    nan_to_num,
    negative_cost,
    negative_dw,
    no_return,
    no_sigmoid,
    other_half_of_the_loss,
    other_order,
    out_of_memory,
    per_sample,
    python_float,
    python_float_too_few,
    ragged,
    raises,
    random_step,
    raw_buffer,
    reuses_its_buffer,
    right,
    scales_w,
    shifts_y,
    sigmoid_upside_down,
    single_precision,
    squared_cost,
    squared_error,
    strides_ignored,
    the_textbook,
    two_mistakes,
    two_results,
    unheard_of,
    unrolled_features,
    unsigned_labels,
    w_itself,
    widened,
    y_not_subtracted,
)

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
    (y_not_subtracted, SHAPES, "y not subtracted", "dw and db are made from a"),
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
    pytest.param(shifts_y, SHAPES, "input modified", "The input y is modified", marks=pytest.mark.long),
    (no_return, SHAPES, "nothing returned", "is the return forgotten?"),
    (other_order, SHAPES, "order of results", "in the order (dw, db, cost)"),
    (first_feature_left_out_of_z, SHAPES, "dropped features", "The first feature is left out of z"),
    (python_float_too_few, SHAPES, "dropped samples", "The last sample is left out"),
    (last_sample_left_out_of_z, SHAPES, "dropped samples", "z of the last sample stays b"),
    (blocks_of_sixteen_features, SHAPES, "dropped features", "takes 16 features at a time"),
    (cost_is_none, SHAPES, "dtype", "cost is a NoneType"),
    (cost_is_text, SHAPES, "dtype", "cost is a str"),
    (ragged, SHAPES, "dtype", "dw is a list"),
    (ellipsis, SHAPES, "dtype", "dw is a ellipsis"),
    (nan_everywhere, SHAPES, "overflow", "cost, dw and db are NaN"),
    (halved, SHAPES, "factor 1/2", "cost, dw and db are too small"),
    (the_textbook, ("margins",), "cancellation", "the cost is inf or NaN"),
    (two_results, SHAPES, "number of results", "returned 2 results"),
    (a_dict, SHAPES, "number of results", "of a dict only the names"),
    (a_column, SHAPES, "shape", "dw.ravel()"),
    (per_sample, SHAPES, "shape", "one number per sample"),
    (cost_array, SHAPES, "shape", "cost has shape (1,)"),
    pytest.param(python_float, SHAPES, "dtype", "X.dtype.type(cost)", marks=pytest.mark.long),
    (a_list, SHAPES, "dtype", "np.array(dw, X.dtype)"),
    pytest.param(widened, SHAPES, "dtype", "silently widened", marks=pytest.mark.long),
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


@pytest.mark.parametrize(("wrong", "families", "kind", "says"), WRONG, ids=lambda value: getattr(value, "__name__", ""))
def test_is_explained_in_chinese(wrong, families, kind, says, monkeypatch):
    """But what Python says of an exception."""
    monkeypatch.setattr(worker, "smallest", lambda trial, found: (trial, found))
    with words.speaking("zh"):
        found = failure_of(wrong() if wrong.__code__.co_argcount == 0 else wrong, *families)
        there = [found.explanation, found.problem, show.kind(found), show.where(found), found.line or ""]
        there += [found.input.X, found.input.y, found.input.w]
    assert found.kind == kind
    assert chinese(found.explanation)
    assert not [one for one in there if english(one) and "Error" not in one]


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
    assert "wrong_steps.py" in found.line


@pytest.mark.parametrize("axis", [0, 1], ids=["samples", "features"])
def test_no_two_lengths_of_a_block_leave_the_same_out(axis):
    """And none leaves out nothing, or what it leaves could not be told from what is right."""
    counts = [shape[axis] for shape in trial.ELSEWHERE]
    left = {tuple(count - count % block for count in counts) for block in mistakes.BLOCKS}
    assert len(left - {tuple(counts)}) == len(mistakes.BLOCKS)


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
