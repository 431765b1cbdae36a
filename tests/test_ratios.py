"""Ratios on timings with known answers: drift that takes whole sweeps along, noise on top of it, and bad moments."""

import math

import made_up
import numpy as np
import pytest
from looptax.bench.show import ratios
from looptax.bench.show.ratios import MIN_SWEEPS, Ratio, floor, geometric, independent, ratio
from msgspec.structs import replace
from scipy import stats

TRIALS = 2000
SWEEPS = 9
NOISE = 0.02
DRIFT = 0.10  # from one measurement to the next
DELAYED = 1 / 20  # of the measurements on a machine that has other things to do
DELAY = 3.0  # how many times its time such a one takes longer, on average


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


def delayed(rng, true):
    """The same two rungs on a machine where now and then another process is in the way."""
    outliers = 1 + rng.exponential(DELAY, (2, SWEEPS)) * (rng.random((2, SWEEPS)) < DELAYED)
    return [(np.array(times) * late).tolist() for times, late in zip(swept(rng, true), outliers, strict=True)]


def one_after_the_other(rng, true):
    """The same two rungs as a harness without sweeps measures them: all rounds of one, then the other's."""
    drift = drifting(rng, 2 * SWEEPS)
    return timings(rng, true, drift[:SWEEPS]), timings(rng, 1.0, drift[SWEEPS:])


def count(harness, true, seen, summary=ratio):
    """How many of `TRIALS` ratios are `seen`."""
    rng = np.random.default_rng(11)
    return sum(seen(summary(*harness(rng, true))) for _ in range(TRIALS))


def covered(sweeps):
    """How often an interval covers the median, whatever the distribution: fair coins, two at the ends, decide."""
    rank = ratios._rank(sweeps)
    return 1 - 2 * stats.binom.cdf(rank - 1, sweeps, 0.5)


def plausible(successes, rate):
    """Whether so many of `TRIALS` are what a rate gives, but once in ten thousand times."""
    low, high = stats.binom.ppf((0.5e-4, 1 - 0.5e-4), TRIALS, rate)
    return low <= successes <= high


class TestPromise:
    @pytest.mark.parametrize("harness", [swept, delayed])
    def test_identical_rungs_differ_no_more_than_once_in_twenty_times(self, harness):
        assert 1 - covered(SWEEPS) < 0.05
        assert plausible(count(harness, 1.0, lambda found: found.differs), 1 - covered(SWEEPS))

    @pytest.mark.parametrize("harness", [swept, delayed])
    def test_a_true_ratio_is_covered_as_often_as_promised(self, harness):
        assert plausible(count(harness, 1.5, lambda found: found.low <= 1.5 <= found.high), covered(SWEEPS))

    def test_a_tenth_is_found(self):
        assert count(swept, 1.1, lambda found: found.differs and found.value > 1) > 0.95 * TRIALS

    def test_half_as_much_again_is_found_on_a_machine_that_is_late_now_and_then(self):
        seen = count(delayed, 1.5, lambda found: found.differs and found.value > 1)
        assert seen > 0.93 * TRIALS

    def test_students_interval_does_not_find_it(self):
        """Why the interval is that of the order statistics: one bad sweep makes the other one as wide as all."""

        def student(slow, fast):
            logs = np.log(np.divide(slow, fast))
            return stats.ttest_1samp(logs, 0.0).confidence_interval(0.95)

        assert count(delayed, 1.5, lambda found: found.low > 0, student) < 0.82 * TRIALS

    def test_other_numbers_of_sweeps_keep_it_too(self, monkeypatch):
        for sweeps in (6, 12):
            monkeypatch.setitem(globals(), "SWEEPS", sweeps)
            assert 1 - covered(sweeps) < 0.05
            assert plausible(count(swept, 1.0, lambda found: found.differs), 1 - covered(sweeps))

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
    @pytest.mark.parametrize("sweeps", range(1, 30))
    def test_is_scipys_interval_of_the_median(self, sweeps):
        rng = np.random.default_rng(sweeps)
        slow, fast = rng.lognormal(size=(2, sweeps)).tolist()
        found = np.divide(slow, fast)
        interval = stats.quantile_test(found).confidence_interval(0.95)
        ends = (None, None) if sweeps < MIN_SWEEPS else tuple(interval)
        assert ratio(slow, fast) == (pytest.approx(np.median(found)), *ends, sweeps)

    def test_one_bad_sweep_moves_no_end_beyond_the_others(self):
        times = [1.5, 1.6, 1.55, 1.45, 1.52, 1.58, 1.49, 1.51, 1.54]
        for bad in (1e-6, 1e6):
            found = ratio([*times[:-1], bad], [1.0] * 9)
            assert 1.45 <= found.low <= found.value <= found.high <= 1.6

    def test_is_yuens_interval(self):
        slow, fast = [2.0, 2.2, 2.1, 1.9, 2.05, 9.0], [1.0, 1.1, 1.05, 0.9, 1.02, 1.01, 1.03]
        test = stats.ttest_ind(np.log(slow), np.log(fast), equal_var=False, trim=1 / 6)
        found = independent(slow, fast)
        assert found[1:] == pytest.approx((*np.exp(test.confidence_interval(0.95)), 6))
        assert found.value == pytest.approx(stats.gmean(sorted(slow)[1:-1]) / stats.gmean(sorted(fast)[1:-1]))

    def test_a_sweep_that_one_does_not_have_does_not_count(self):
        assert ratio([2.0, None, 4.0, 6.0], [1.0, 5.0, 2.0]) == (pytest.approx(2.0), None, None, 2)

    @pytest.mark.parametrize("function", [ratio, independent])
    def test_fewer_than_six_sweeps_have_no_interval(self, function):
        found = function([2.0] * 5, [1.0] * 5)
        assert found == (pytest.approx(2.0), None, None, 5)
        assert not found.differs

    @pytest.mark.parametrize("function", [ratio, independent])
    def test_nothing_to_compare(self, function):
        assert function([], [1.0]) is None
        assert function([None], [1.0]) is None

    @pytest.mark.parametrize("function", [ratio, independent])
    def test_no_noise_no_width(self, function):
        assert function([2.0] * 6, [1.0] * 6) == pytest.approx((2.0, 2.0, 2.0, 6))

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
        times = [([1.0] * 6, [1.0 + 0.01 * k * side for side in (-1, -0.5, 0, 0, 0.5, 1)]) for k in (1, 2, 40)]
        assert floor(cells(*times, ([5.0] * 6, None))) == ratio(times[1][1], times[1][0])[1:3]

    def test_covers_one_where_the_rungs_are_equal(self):
        rng = np.random.default_rng(13)
        runs = [floor(cells(*(swept(rng, 1.0) for _ in range(6)))) for _ in range(100)]
        assert sum(low <= 1 <= high for low, high in runs) > 0.95 * len(runs)

    def test_too_little_to_tell(self):
        assert floor(cells()) is None
        assert floor(cells(([1.0] * 6, None))) is None
        assert floor(cells(([1.0] * 5, [1.0] * 5))) is None


def test_confidence_is_what_the_docstring_says():
    assert f"at least {ratios.CONFIDENCE:.0%}".replace("%", " %") in ratios.__doc__
