"""The chapter on busy machines: what it says of every outcome, and what it leaves running."""

import time

import psutil
import pytest
from looptax.bench.measure import noise, threads
from looptax.bench.measure.situations import SITUATIONS
from looptax.bench.teach.lesson import page, text
from looptax.bench.teach.lesson.chapters import busy, parts
from looptax.bench.teach.lesson.chapters.busy import TEAM, WAITS, Busy, Calls
from looptax.bench.teach.lesson.page import Writer
from looptax.bench.teach.lesson.words import Words

QUIET = [[1e-4] * 10] * 9  # rounds of calls
SLOW = [[1e-2] * 10] * 9
TAIL = [[1e-4] * 8 + [1e-2] * 2] * 9  # one call in five is slow
WILD = [[1e-6] * 10, [1e-2] * 10, [1e-4] * 10] * 3  # rounds that differ
QUICK = [[6e-5] * 10] * 9  # with all threads


def found(waits=(QUIET, QUIET), team=(QUIET, QUIET), alone=QUIET):
    """What a machine with two CPUs found: (alone, beside) on both threads; one thread takes `alone`."""
    both = [Calls(name, 1, alone, alone) for name in (WAITS, TEAM)]
    return Busy(2, [*both, Calls(WAITS, 2, *waits), Calls(TEAM, 2, *team)])


def flat(it, language="en"):
    """The whole text of the chapter in one line."""
    blocks = text.chapter("busy", language).blocks
    return " ".join(" ".join(text.say(block.body, it) for block in blocks).split())


WAITING = {  # of the rung that is waited for: (what was found, English, Chinese)
    "hurt": ((QUIET, SLOW), "which is 100× as long as before", "是原来的 100×"),
    "wild": ((QUIET, WILD), "step of `cython-parallel` slower, this run does not decide", "一步变慢，这次运行说不准"),
    "tail": ((QUIET, TAIL), "but the slow ones do: one in ten takes more than 10 ms", "慢的调用却受影响"),
    "harmless": ((QUIET, QUIET), "did `cython-parallel` no harm", "没有受那个进程的害"),
}
TEAMS = {
    "hurt": ((QUIET, SLOW), "even such a step is hurt", "连这样的一步也受害"),
    "wild": ((QUIET, WILD), "hurt or help such a step beside the other process, this run does not", "受自己的线程所害"),
    "gains": ((QUICK, QUICK), "still 1.67× as fast as with one", "速度仍是一个线程的 1.67×"),
    "even": ((QUICK, QUIET), "about as long as with one", "与用一个线程差不多"),
}


class TestOutcomes:
    @pytest.mark.parametrize(("cases", "whose"), [(WAITING, "waits"), (TEAMS, "team")])
    def test_each_is_told_as_what_it_is(self, cases, whose, language):
        place = 1 + (language == "zh")
        for case in cases.values():
            shown = flat(found(**{whose: case[0]}), language)
            assert [one[place] for one in cases.values() if one[place] in shown] == [case[place]]

    def test_a_machine_that_was_busy_before(self, language):
        said = {"en": "already took 100× as long", "zh": "就已经是用一个线程的 100×"}[language]
        assert said in flat(found(waits=(SLOW, SLOW)), language)
        assert said not in flat(found(waits=(QUIET, SLOW)), language)

    def test_both_are_compared(self):
        shown = flat(found(waits=(QUIET, SLOW)))
        assert "all threads together take 100× as long as one" in shown
        assert "`cython-parallel` takes 100× as long." in shown
        assert "`cython-parallel` takes" not in flat(found())

    def test_what_may_be_chance_is_no_gain_and_no_loss(self, language):
        rounds = [[one] * 10 for one in (5e-5, 5e-5, 5e-5, 5e-5, 5e-5, 1.2e-4, 1.2e-4, 1.2e-4, 1.2e-4)]
        it = found(waits=(QUIET, QUIET), team=(QUIET, rounds))
        assert it.team_cost.beside.value == pytest.approx(0.5)
        assert not it.team_cost.beside.differs
        assert TEAMS["wild"][1 + (language == "zh")] in flat(it, language)
        assert {"en": "`cython-parallel` takes", "zh": "`cython-parallel` 的用时是它"}[language] not in flat(
            it, language
        )

    def test_one_cpu_has_nothing_to_share(self, language):
        it = Busy(1, [Calls(name, 1, QUIET, TAIL) for name in (WAITS, TEAM)])
        assert {"en": "There is one processor", "zh": "只有一个处理器"}[language] in flat(it, language)
        assert {"en": "has no OpenMP", "zh": "没有 OpenMP"}[language] not in flat(it, language)
        assert it.slower is None
        self.shown(it, language)

    def test_without_openmp_nobody_is_waited_for(self, language):
        it = Busy(2, [Calls(WAITS, 1, QUIET, QUIET), *(Calls(TEAM, number, QUIET, QUIET) for number in (1, 2))])
        assert {"en": "has no OpenMP", "zh": "没有 OpenMP"}[language] in flat(it, language)
        assert it.slower is None
        self.shown(it, language)

    def shown(self, it, language):
        """Nothing is hidden by a guess, and all else is there."""
        pieces = list(page._pieces(text.chapter("busy", language), Writer(it, Words(language))))
        assert not [one for one in pieces if one.guess]
        assert sum("<svg" in one.html for one in pieces) == 1

    def test_the_table_says_what_the_rounds_do_not_decide(self):
        lines = found(waits=(QUIET, WILD), team=(QUIET, SLOW)).tables()["calls"].lines
        assert [line.cells[-1] for line in lines] == ["1.00×", "1.00×", "undecided", "100×"]
        assert lines[3].cells[2:6] == ("100 µs", "100 µs", "10 ms", "10 ms")

    def test_every_round_counts_alike(self):
        """One with a thousand fast calls is a round as one with two slow calls is."""
        rounds = [[1e-6] * 1000] * 4 + [[1e-2] * 2] * 5
        assert Calls(WAITS, 2, rounds, rounds).typical == (1e-2, 1e-2)


def busy_ones():
    """The processes that are busy."""
    return [child for child in psutil.Process().children() if "getppid" in " ".join(child.cmdline())]


class TestMeasuring:
    @pytest.mark.parametrize("ending", [ZeroDivisionError, KeyboardInterrupt])
    def test_nothing_is_left_running_whatever_ends_it(self, ending, monkeypatch):
        seen = []

        def fail(call, who, limit):
            seen.append(busy_ones())
            if seen[-1]:
                raise ending
            return [1.0]

        monkeypatch.setattr(busy, "_round", fail)
        with pytest.raises(ending):
            busy.measure(parts.QUICK, lambda share: None)
        assert len(seen[-1]) == 1
        assert busy_ones() == []

    def test_half_of_it_is_alone(self, monkeypatch):
        seen = []
        monkeypatch.setattr(busy, "_round", lambda *_: seen.append(len(busy_ones())) or [1.0])
        shares = []
        it = busy.measure(parts.QUICK, shares.append)
        assert seen == [0] * (len(seen) // 2) + [1] * (len(seen) // 2)
        assert len(seen) == 2 * busy.ROUNDS * len(it.calls)
        assert shares == sorted(shares)
        assert all(len(one.alone) == len(one.beside) == busy.ROUNDS for one in it.calls)

    def test_without_openmp_it_has_one_thread(self, monkeypatch):
        monkeypatch.setattr(threads.region, "got", lambda threads: 1)
        monkeypatch.setattr(busy.team, "available", lambda: 2)
        monkeypatch.setattr(busy, "_round", lambda *_: [1.0])
        it = busy.measure(parts.QUICK, lambda share: None)
        assert [one[:2] for one in it.calls] == [(WAITS, 1), (TEAM, 1), (TEAM, 2)]

    def test_a_process_of_ours_is_no_other(self):
        """It would make the run unstable, which keeps it busy on purpose."""
        before = noise._own_seconds()
        with SITUATIONS["beside-process"](None, 1):
            (child,) = busy_ones()
            while child.cpu_times().user < 0.2:  # more: the clock has hundredths, and the difference of two is rounded
                time.sleep(0.01)
        assert noise._own_seconds() - before >= 0.1
