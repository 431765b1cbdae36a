"""The order of sums in the lesson: digests beside the published one, and a wrong one told as such."""

import dataclasses

import pytest
from bits import FUSED
from looptax.bench.teach.lesson import text
from looptax.bench.teach.lesson.chapters.order import OURS, PUBLISHED, Order, Result
from looptax.kernels.choose import cpu, isa

OTHER = PUBLISHED[:-1] + ("0" if PUBLISHED[-1] != "0" else "1")  # in its last digit
SENTENCES = {
    "wrong": ("It does not hold here.", "这在这里不成立"),
    "same": ("has the published bits, to the last one", "与公布的每一位都相同：不管"),
    "unfused": ("has no fused multiply-add. It rounds twice", "没有乘加融合指令，要舍入两次"),
}


@pytest.fixture
def say(found, language):
    """The chapter's text in one line, with another order."""

    def said(order):
        it = dataclasses.replace(found["simd"], order=order)
        return " ".join(" ".join(text.say(block.body, it) for block in text.chapter("simd", language).blocks).split())

    return said


def numpy(*bits, difference=1e-16):
    """NumPy's results."""
    return [Result("numpy-stable", "one thread", one, difference) for one in bits]


def ours(*bits, fused=True):
    """Those of our rung."""
    return [Result(OURS, "one thread", one, 0.0, fused) for one in bits]


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        (ours(PUBLISHED, PUBLISHED), "same"),
        (ours(PUBLISHED) + ours(OTHER, fused=False), "same"),
        (ours(PUBLISHED, OTHER), "wrong"),
        (ours(OTHER, OTHER), "wrong"),
        (ours(OTHER, fused=False), "unfused"),
        (ours(OTHER, fused=False) + ours(OTHER), "wrong"),
    ],
)
def test_a_digest_is_told_as_what_it_is(results, expected, say, language):
    place = language == "zh"
    shown = say(Order(results + numpy(OTHER), "x86_64_v2"))
    assert [name for name, both in SENTENCES.items() if both[place] in shown] == [expected]
    older = ("for older machines, rounds twice", "给旧机器的构建")[place]
    assert (older in shown) == (expected == "same" and len({one.bits for one in results}) > 1)


def test_a_cost_and_an_intercept_count_as_a_gradient_does():
    cost, db, dw = PUBLISHED.split()
    for bits in (f"{OTHER[:5]}8{cost[6:]} {db} {dw}", f"{cost} {cost} {dw}"):
        assert Order(ours(PUBLISHED, bits), "x86_64_v3").wrong


@pytest.mark.parametrize(
    ("results", "same", "varies"),
    [
        (numpy(OTHER, OTHER), False, False),
        (numpy(OTHER, PUBLISHED), False, True),
        (numpy(OTHER, difference=0), True, False),
    ],
)
def test_what_numpy_differs_by(results, same, varies, say, language):
    shown = say(Order(ours(PUBLISHED) + results, "x86_64_v3"))
    assert ({"en": "happens to have the same bits", "zh": "碰巧每一位都相同"}[language] in shown) == same
    assert ({"en": "even depends on the number of threads", "zh": "甚至随线程数而变"}[language] in shown) == varies


def test_this_machine(found):
    """On whatever CPU this is."""
    it = found["simd"].order
    first, *lines = it.table().lines
    assert first.cells[3] == PUBLISHED.split()[-1]
    assert {one.step for one in it.results} == {OURS, "numpy-stable"}
    assert not it.wrong
    assert it.fused == isa.fused(it.level)
    if cpu.instruction_sets():  # of x86-64
        assert [level for level in isa.available("cython_tuned") if isa.fused(level)] == FUSED
    if it.fused:
        assert lines[0].cells[3] == first.cells[3]
    builds = isa.available("cython_tuned").keys() - {it.level}
    assert {one.way for one in it.results} >= {"one thread", "every schedule", *builds}
    assert all(0 <= one.difference < 1e-13 for one in it.results)
    assert found["simd"].numpy_difference == (it.numpy or None)
