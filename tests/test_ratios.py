"""Ratios on timings with known answers: drift that takes whole sweeps along, and noise on top of it."""

import math

import made_up
import numpy as np
import pytest
from looptax.bench.show import ratios
from looptax.bench.show.ratios import Ratio, floor, geometric, independent, ratio
from msgspec.structs import replace
from scipy import stats

TRIALS = 2000
SWEEPS = 5
NOISE = 0.02
DRIFT = 0.10  # from one measurement to the next


def drifting(rng, count):
    """The machine's slowness at `count` moments: a random walk, which takes everything along."""
    return np.exp(np.cumsum(rng.normal(0, DRIFT, count)))


def timings(rng, true, drift):
    """The times of a rung of `true` seconds at moments of such drift."""
    return (true * drift * rng.lognormal(0, NOISE, len(drift))).tolist()


def swept(rng, true):
    """Two rungs, the first `true` times as slow, both in each sweep."""
    drift = drifting(rng, SWEEPS)
    return timings(rng, true, drift), timings(rng, 1.0, drift)


def one_after_the_other(rng, true):
    """The same two rungs as a harness without sweeps measures them: all rounds of one, then the other's."""
    drift = drifting(rng, 2 * SWEEPS)
    return timings(rng, true, drift[:SWEEPS]), timings(rng, 1.0, drift[SWEEPS:])


def count(harness, true, seen, summary=ratio):
    """How many of `TRIALS` ratios are `seen`."""
    rng = np.random.default_rng(11)
    return sum(seen(summary(*harness(rng, true))) for _ in range(TRIALS))


def plausible(successes, rate):
    """Whether so many of `TRIALS` are what a rate gives, but once in ten thousand times."""
    low, high = stats.binom.ppf((0.5e-4, 1 - 0.5e-4), TRIALS, rate)
    return low <= successes <= high


class TestPromise:
    def test_identical_rungs_differ_once_in_twenty_times(self):
        assert plausible(count(swept, 1.0, lambda found: found.differs), 0.05)

    def test_a_true_ratio_is_covered_as_often_as_promised(self):
        assert plausible(count(swept, 1.1, lambda found: found.low <= 1.1 <= found.high), 0.95)

    def test_a_tenth_is_found(self):
        assert count(swept, 1.1, lambda found: found.differs and found.value > 1) > 0.95 * TRIALS

    def test_other_numbers_of_sweeps_keep_it_too(self, monkeypatch):
        for sweeps in (3, 9):
            monkeypatch.setitem(globals(), "SWEEPS", sweeps)
            assert plausible(count(swept, 1.0, lambda found: found.differs), 0.05)

    def test_without_sweeps_drift_is_taken_for_a_difference(self):
        """Why the matrix is swept: rungs that are equal differ in most runs, or the other way round."""
        differ = count(one_after_the_other, 1.0, lambda found: found.differs, independent)
        assert not plausible(differ, 0.05)
        assert differ > 0.3 * TRIALS

    def test_the_ratio_of_medians_is_further_from_the_truth(self):
        rng = np.random.default_rng(12)
        ours, naive = [], []
        for _ in range(TRIALS):
            ours.append(math.log(ratio(*swept(rng, 1.1)).value / 1.1))
            slow, fast = one_after_the_other(rng, 1.1)
            naive.append(math.log(np.median(slow) / np.median(fast) / 1.1))
        assert np.std(naive) > 5 * np.std(ours)

    def test_independent_runs_keep_it_without_drift(self):
        def runs(rng, true):
            return [timings(rng, true * factor, np.ones(SWEEPS)) for factor in (1.0, 1 / true)]

        assert plausible(count(runs, 1.1, lambda found: found.low <= 1.1 <= found.high, independent), 0.95)


class TestRatio:
    def test_is_the_textbooks_paired_interval(self):
        slow, fast = [2.0, 2.2, 4.1, 1.9], [1.0, 1.0, 2.0, 1.0]
        test = stats.ttest_rel(np.log(slow), np.log(fast))
        interval = test.confidence_interval(0.95)
        found = ratio(slow, fast)
        assert found == pytest.approx((stats.gmean(slow) / stats.gmean(fast), *np.exp(interval), 4))
        assert found.differs

    def test_is_welchs_interval(self):
        slow, fast = [2.0, 2.2, 2.1, 1.9], [1.0, 1.1, 1.05]
        interval = stats.ttest_ind(np.log(slow), np.log(fast), equal_var=False).confidence_interval(0.95)
        assert independent(slow, fast) == pytest.approx((stats.gmean(slow) / stats.gmean(fast), *np.exp(interval), 3))

    def test_a_sweep_that_one_does_not_have_does_not_count(self):
        assert ratio([2.0, None, 4.0, 6.0], [1.0, 5.0, 2.0]) == (pytest.approx(2.0), None, None, 2)

    @pytest.mark.parametrize("function", [ratio, independent])
    def test_fewer_than_three_sweeps_have_no_interval(self, function):
        found = function([2.0, 2.0], [1.0, 1.0])
        assert found == (pytest.approx(2.0), None, None, 2)
        assert not found.differs

    @pytest.mark.parametrize("function", [ratio, independent])
    def test_nothing_to_compare(self, function):
        assert function([], [1.0]) is None
        assert function([None], [1.0]) is None

    @pytest.mark.parametrize("function", [ratio, independent])
    def test_no_noise_no_width(self, function):
        assert function([2.0] * 3, [1.0] * 3) == pytest.approx((2.0, 2.0, 2.0, 3))

    def test_the_other_way_round(self):
        assert Ratio(2.0, 1.6, 2.5, 5).inverse == Ratio(0.5, 0.4, 0.625, 5)

    def test_geometric(self):
        assert geometric([[1.0, 2.0, None], [4.0, 8.0, 1.0]]) == [pytest.approx(2.0), pytest.approx(4.0), None]
        assert geometric([]) == []


def cells(*times):
    """Figures of (seconds of each sweep, the same again)."""
    return [replace(made_up.figure("plan", seconds), again=again) for seconds, again in times]


class TestFloor:
    def test_is_the_median_of_the_intervals(self):
        times = [([1.0] * 3, [1.0, 1.0 + 0.01 * k, 1.0 - 0.01 * k]) for k in (1, 2, 40)]
        assert floor(cells(*times, ([5.0] * 3, None))) == ratio(times[1][1], times[1][0])[1:3]

    def test_covers_one_where_the_rungs_are_equal(self):
        rng = np.random.default_rng(13)
        runs = [floor(cells(*(swept(rng, 1.0) for _ in range(6)))) for _ in range(100)]
        assert sum(low <= 1 <= high for low, high in runs) > 0.95 * len(runs)

    def test_too_little_to_tell(self):
        assert floor(cells()) is None
        assert floor(cells(([1.0] * 5, None))) is None
        assert floor(cells(([1.0] * 2, [1.0] * 2))) is None


def test_confidence_is_what_the_docstring_says():
    assert f"{ratios.CONFIDENCE:.0%} interval".replace("%", " %") in ratios.__doc__
