"""When a run is called unstable."""

from collections import namedtuple

import made_up
import pytest
from looptax.bench.measure import noise, stopwatch
from looptax.bench.measure.noise import Watch, spread, unstable
from looptax.bench.show.result import Noise
from msgspec.structs import replace

QUIET = Noise(load=(0.1, 1.0), others=0.1, steal=0.0, mhz=None, spread=0.02, unstable=[])


def cell(*seconds, again=None, situation="alone"):
    return replace(made_up.figure("plan", seconds, situation=situation), again=again)


class TestUnstable:
    def test_a_quiet_run_is_not(self):
        assert unstable(QUIET, (0.97, 1.03)) == []
        assert unstable(replace(QUIET, steal=None, spread=None), None) == []

    @pytest.mark.parametrize(
        ("change", "aa", "sentence"),
        [
            ({"others": 0.7}, None, "Other processes kept 0.7 CPUs busy."),
            ({"steal": 0.031}, None, "The hypervisor gave 3% of the CPU time to other machines."),
            ({"spread": 0.2}, None, "The times of a cell differ by 20% between the middle half of its sweeps."),
            ({}, (1.01, 1.03), "A rung against itself is not 1 but 1.010 to 1.030."),
            ({}, (0.99, 1.11), "A rung against itself is uncertain: 0.990 to 1.110."),
            ({}, (0.89, 1.01), "A rung against itself is uncertain: 0.890 to 1.010."),
        ],
    )
    def test_each_reason_is_said(self, change, aa, sentence):
        assert unstable(replace(QUIET, **change), aa) == [sentence]


class TestSpread:
    def test_is_the_median_over_the_cells(self):
        cells = [cell(1.0, 1.1, 1.0), cell(2.0, None, 3.0), cell(4.0, 4.0), cell(5.0), cell()]
        assert spread(cells) == pytest.approx(0.05)  # of 0.05, 0.2 and 0

    def test_is_that_of_the_cells_that_were_alone(self):
        assert spread([cell(1.0, 1.1), cell(1.0, 9.0, situation="beside-process")]) == pytest.approx(0.05 / 1.05)

    def test_one_bad_sweep_of_nine_does_not_move_it(self):
        assert spread([cell(*[1.0, 1.01] * 4, 50.0)]) < 0.02

    def test_needs_two_sweeps(self):
        assert spread([cell(1.0), cell()]) is None


Times = namedtuple("Times", ["user", "system", "idle", "steal"])


class TestWatch:
    def test_reports_plain_figures(self):
        watch = Watch()
        watch.look()
        found = watch.report([cell(1.0, 1.0, 1.0, again=[1.0, 1.0, 1.0])])
        assert found.others >= 0
        assert found.mhz is None or 0 < found.mhz[0] <= found.mhz[1]

    def test_steal_and_others(self, monkeypatch):
        """Of 10 s of two CPUs, 1 s was stolen, 8 s were busy, and 3 s of those are our own."""
        clock, ours = [Times(5.0, 1.0, 3.0, 0.5), Times(12.0, 2.0, 14.0, 1.5)], [1.0, 4.0]
        monkeypatch.setattr(noise.psutil, "cpu_times", lambda: clock[0])
        monkeypatch.setattr(noise, "_own_seconds", lambda: ours[0])
        monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: 0.0)
        watch = Watch()
        clock.pop(0), ours.pop(0)
        monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: 10.0)
        found = watch.report([])
        assert found.steal == pytest.approx(1 / 20)
        assert found.others == pytest.approx(0.5)

    def test_a_counter_that_goes_back_stole_nothing(self, monkeypatch):
        clock = [Times(5.0, 1.0, 3.0, 1.5), Times(12.0, 2.0, 14.0, 0.5)]
        monkeypatch.setattr(noise.psutil, "cpu_times", lambda: clock[0])
        watch = Watch()
        clock.pop(0)
        assert watch.report([]).steal == 0

    def test_where_the_system_does_not_tell(self, monkeypatch):
        monkeypatch.setattr(noise.psutil, "cpu_times", lambda: namedtuple("T", ["user", "idle"])(1.0, 1.0))
        monkeypatch.setattr(noise.psutil, "cpu_freq", lambda: None)
        monkeypatch.delattr(noise.psutil, "getloadavg")
        watch = Watch()
        watch.look()
        found = watch.report([])
        assert (found.steal, found.mhz, found.load, found.spread) == (None, None, None, None)
