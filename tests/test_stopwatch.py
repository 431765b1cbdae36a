"""The stopwatch: times that are known, and no other file of bench reads a clock."""

import re
from pathlib import Path

import pytest
from looptax import bench
from looptax.bench.measure import stopwatch
from looptax.bench.measure.stopwatch import Stopwatch, per_call, seconds, side_by_side

CLOCK = re.compile(r"(?<!%)\b(perf_counter|monotonic|process_time|thread_time|timeit|time\.time)\b")


def test_one_call(clock):
    assert seconds(clock.spinning(0.25)) == 0.25
    assert seconds(lambda *given: clock.spinning(sum(given))(), 1, 2) == 3


def test_the_mean_of_several(clock):
    assert per_call(clock.spinning(0.25), 8) == 0.25
    assert clock.calls == 8


def test_a_deadline(clock):
    watch = Stopwatch(2.0)
    assert (watch.elapsed, watch.left) == (0, 2)
    clock.now = 3.0
    assert (watch.elapsed, watch.left) == (3, -1)
    assert Stopwatch().left == float("inf")


class TestSideBySide:
    @pytest.mark.parametrize("taken", [2**-27, 2**-16, 2**-10, 2**-7, 1.0])
    def test_known_times_are_found(self, clock, taken):
        assert side_by_side({"a": clock.spinning(taken), "b": clock.spinning(2 * taken)}) == {
            "a": taken,
            "b": 2 * taken,
        }

    def test_a_round_is_long_enough_to_be_read_from_a_clock(self, clock, monkeypatch):
        read = []
        monkeypatch.setattr(
            stopwatch, "per_call", lambda call, number: read.append(number * 2**-20) or per_call(call, number)
        )
        side_by_side({"a": clock.spinning(2**-20)}, rounds=3)
        assert min(read[-3:]) >= stopwatch.ROUND_SECONDS

    def test_drift_meets_all_alike(self, clock):
        """The machine becomes slower and slower: the ratio of calls that take turns stays what it is."""

        def slowed():
            return 1 + clock.now

        found = side_by_side({"a": clock.spinning(2**-8, slowed), "b": clock.spinning(2**-6, slowed)}, budget=10)
        assert found["b"] / found["a"] == pytest.approx(4, rel=0.1)

    @pytest.mark.parametrize(("taken", "rounds"), [(1.0, 1), (0.15, 2), (0.01, 5)])
    def test_a_slow_call_has_fewer_rounds(self, clock, taken, rounds):
        side_by_side({"a": clock.spinning(taken)}, rounds=5, budget=0.4)
        assert clock.calls == 1 + rounds  # the first decides how many fill a round


def test_nobody_else_reads_a_clock():
    folder = Path(bench.__file__).parent
    readers = [
        path.name for path in folder.rglob("*.py*") if path.suffix in (".py", ".pyx") and CLOCK.search(path.read_text())
    ]
    assert readers == ["stopwatch.py"]
