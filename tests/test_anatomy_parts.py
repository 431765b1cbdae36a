"""The parts of a step: the method on known times, and the probe's parts against the rung's own results."""

import itertools
from functools import partial

import golden
import numpy as np
import pytest
from bits import build
from looptax.bench.measure import data
from looptax.bench.measure.anatomy import parts
from looptax.bench.measure.anatomy.arrays import allocated
from looptax.bench.measure.stopwatch import side_by_side
from looptax.kernels import ladder
from looptax.kernels.choose import isa
from looptax.pyimpl.parts.contract import Step


class TestParts:
    def test_known_parts_are_found(self, clock):
        calls = {seconds: clock.spinning(seconds) for seconds in (14.25, 2.0, 6.0, 14.0)}
        whole, *ends = side_by_side(calls, rounds=3).values()
        found = parts.split(whole, ends)
        assert found == pytest.approx({"call": 0.25, "Xw": 2.0, "link": 4.0, "gradient": 8.0}, abs=1e-9)

    @pytest.mark.long  # it wants a machine that does nothing else
    def test_work_is_found_by_the_real_clock(self):
        """Calls that count to known numbers; four times as far is more than twice and less than eight times."""

        def counting(number):
            def call():
                for _ in range(number):
                    pass

            return call

        calls = {number: counting(number) for number in (120_100, 20_000, 100_000, 120_000)}
        whole, *ends = side_by_side(calls, rounds=25).values()
        found = parts.split(whole, ends)
        assert 2 < found["link"] / found["Xw"] < 8
        assert 2 < found["link"] / found["gradient"] < 8
        assert sum(found.values()) == pytest.approx(whole)

    @pytest.mark.parametrize("name", parts.SPLIT)
    def test_parts_of_a_rung(self, name):
        entry = parts.measure(name, "100x10")
        assert set(entry.seconds) == {"call", *parts.PARTS}
        assert sum(entry.seconds.values()) == pytest.approx(entry.total)
        assert entry.passes == {"cython-simd": 2, "cython-tuned": 1}[name]
        assert entry.temporaries.bytes > 0
        assert entry.reason is None

    def test_a_rung_whose_parts_are_not_known_is_taken_whole(self):
        entry = parts.measure("numpy-stable", "100x10")
        assert entry.seconds == {}
        assert entry.total > 0
        assert entry.temporaries.count > 10
        assert (entry.passes, entry.reason) == (2, None)

    def test_a_slow_rung_is_left_out(self, monkeypatch):
        monkeypatch.setattr(parts, "BUDGET", 1e-9)
        assert parts.measure("python-array", "100x10").reason == "one call takes more than 1e-09 s"

    def test_a_rung_that_is_not_there_has_a_reason(self, monkeypatch):
        def fail(self):
            raise ladder.UnavailableError("no compiler")

        monkeypatch.setattr(ladder.Rung, "load", fail)
        entry = parts.measure("cython-tuned", "100x10")
        assert (entry.seconds, entry.total, entry.reason) == (None, None, "no compiler")

    def test_a_rung_that_raises_has_a_reason(self, monkeypatch):
        def step(X, y, w, b):
            raise ZeroDivisionError("of\nmine")

        monkeypatch.setattr(ladder.Rung, "load", lambda self: step)
        entry = parts.measure("cython-tuned", "100x10")
        assert (entry.seconds, entry.total, entry.reason) == (None, None, "ZeroDivisionError: of mine")

    def test_arrays_are_counted(self):
        a = np.ones(50)
        assert allocated(lambda: None) == allocated(lambda: a.sum()) == 0
        assert allocated(lambda: [a + 1, np.zeros(3)]) == 2
        assert allocated(lambda: [np.empty(7) for _ in range(20)]) == 20

    def test_temporaries(self):
        """Two arrays beside the result, one of them gone when the other is made."""

        def step():
            half, whole = np.ones(10_000).size, np.ones(20_000).size
            return Step(0.0, np.zeros(whole // half), 0.0)

        found = parts.temporaries(step)
        assert found.count == 2
        assert 160_000 <= found.bytes < 170_000

    def test_temporaries_of_a_rung(self):
        arguments = data.load("100x10", "float64", "C")[1:]
        assert parts.temporaries(partial(ladder.rung("numpy-stable").load(), *arguments)).count > 10


BUILDS = [(name, level) for name in parts.SPLIT for level in isa.available("parts.probe")]


@pytest.mark.parametrize(("name", "level"), BUILDS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("layout", ["C", "F", "strided"])
@pytest.mark.parametrize("source", ["60x3", "300x17", "3000x40"])
class TestProbe:
    """The probe's parts are those of the rung's step, and of no more than they say."""

    def run(self, name, level, dtype, layout, source):
        """Return the rung's step, and the sums of the probe after each of its parts."""
        _, X, y, w, b = data.load(source, dtype, "C")
        arguments = golden.LAYOUTS[layout](X), y, w, b
        step, probe = (build(level, kernel) for kernel in (ladder.rung(name).module, "parts.probe"))
        if name == "cython-tuned":
            X, y, *at = arguments
            part = partial(step.Bound(X, y, 1, None).part, *at)
        else:
            part = partial(probe.part, *arguments)
        return step.step(*arguments), [part(last, 1) for last in parts.PARTS]

    def test_all_parts_are_the_step(self, name, level, dtype, layout, source):
        step, (*_, last) = self.run(name, level, dtype, layout, source)
        m = int(source.partition("x")[0])
        found = [np.asarray(value) / m for value in last]
        assert [np.asarray(value, dtype).tobytes() for value in found] == [np.asarray(v).tobytes() for v in step]
        tolerance = 1e-5 if dtype == "float32" else 1e-12
        for value, right in zip(found, step, strict=True):
            np.testing.assert_allclose(value, right, rtol=tolerance, atol=tolerance)

    def test_parts_left_out_are_left_out(self, name, level, dtype, layout, source):
        _, (multiplied, linked, whole) = self.run(name, level, dtype, layout, source)
        assert (multiplied[0], multiplied[2]) == (0, 0)
        assert (linked[0], linked[2]) == (whole[0], whole[2])
        assert not multiplied[1].any()
        assert not linked[1].any()
        assert whole[1].all()


@pytest.mark.parametrize("name", parts.SPLIT)
class TestProbeCalls:
    ARGUMENTS = data.load("60x4", "float64", "C")[1:]

    def test_sums_are_of_all_repeats(self, name):
        one, three = (parts.prober(name, *self.ARGUMENTS)("gradient", repeats) for repeats in (1, 3))
        for few, many in zip(one, three, strict=True):
            np.testing.assert_allclose(many, 3 * few)

    def test_unknown_parts_and_wrong_arguments_are_refused(self, name):
        with pytest.raises(KeyError, match="all"):
            parts.prober(name, *self.ARGUMENTS)("all", 1)
        X, y, w, b = self.ARGUMENTS
        with pytest.raises(ValueError, match=r"w"):
            parts.prober(name, X, y, w[1:], b)("gradient", 1)


class Watched(np.ndarray):
    """An X that notes every product it is in and every row that is read element by element."""

    def __array_function__(self, function, types, args, kwargs):
        if function is np.dot:
            Watched.reads.append("all")
        plain = [a.view(np.ndarray) if isinstance(a, np.ndarray) else a for a in args]
        return function(*plain, **kwargs)

    def __getitem__(self, key):
        if isinstance(key, tuple):
            Watched.reads.append(key[0])
        return self.view(np.ndarray)[key]


@pytest.mark.parametrize("name", ["python-array", "numpy-notes", "numpy-stable", "numpy-buffers"])
def test_passes_over_X(name):
    """A product with all of X is one pass; so is going down the rows once, however often each is read there."""
    _, X, y, w, b = data.load("20x3", "float64", "C")
    Watched.reads = []
    ladder.rung(name).load()(X.view(Watched), y, w, b)
    reads = [row for row, _ in itertools.groupby(Watched.reads)]
    passes = len(Watched.reads) if "all" in reads else len(reads) / len(y)
    assert passes == ladder.rung(name).passes
