"""A duel on made-up machines that drift: equal builds are equal, a slower one is found; and what is said of it."""

import json
import random
from collections import Counter
from dataclasses import replace

import duelling
import numpy as np
import pytest
from duelling import MATRIX, Machine, contest
from looptax.bench.measure.duel import contest as contests
from looptax.bench.measure.duel.builds import Build
from looptax.bench.measure.duel.contest import order, rounds
from looptax.bench.measure.duel.crossing import bits, returned
from looptax.bench.measure.duel.worker import _told
from looptax.bench.show.duel import tables, written
from looptax.bench.show.duel.limits import limit
from looptax.bench.show.duel.verdict import Asked
from looptax.bench.show.ratios import floor
from looptax.bench.show.terminal import table
from scipy import stats
from terminal import printed
from test_ratios import covered

DUELS = 30
CELLS = len(MATRIX.rungs)


def fought(count=DUELS, *, seen=lambda ratio: ratio.differs, machine=None, **given):
    """How many of the ratios of so many duels are `seen`."""
    duels = (contest(Machine(seed, **(machine or {})), **given) for seed in range(count))
    return sum(seen(row.ratio) for one in duels for row in tables.rows(one))


def at_most(rate):
    """How many of all ratios may be seen at such a rate, but once in ten thousand times."""
    return stats.binom.ppf(1 - 1e-4, DUELS * CELLS, rate)


class TestPromise:
    def test_equal_builds_differ_no_more_than_once_in_twenty_times(self):
        assert 1 - covered(MATRIX.sweeps) < 0.05
        assert fought() <= at_most(1 - covered(MATRIX.sweeps))

    def test_a_machine_that_becomes_ever_slower_favours_nobody(self):
        assert fought(machine={"trend": 0.2, "drift": 0.0}) <= at_most(1 - covered(MATRIX.sweeps))

    def test_a_tenth_is_found(self):
        assert fought(seen=lambda ratio: ratio.differs and ratio.value > 1, slower=1.1) > 0.95 * DUELS * CELLS

    def test_two_turns_one_after_the_other_take_a_trend_for_a_difference(self, monkeypatch):
        """Why one build's turns are around the other's."""
        monkeypatch.setattr(contests, "order", lambda rng: [("A", False), ("A", True), ("B", False), ("B", True)])
        assert fought(machine={"trend": 0.2, "drift": 0.0}) > 0.9 * DUELS * CELLS

    def test_the_same_processes_in_all_sweeps_take_their_luck_for_a_difference(self):
        """Why each sweep has processes of its own."""
        assert fought(machine={"luck": 0.03, "drift": 0.0}, once=True) > 0.3 * DUELS * CELLS

    def test_a_build_against_itself_tells_of_the_luck_of_processes(self):
        low, high = floor(contest(Machine(1, drift=0.0, noise=0.0, luck=0.05)).figures["A"].values())
        assert low < 0.99 < 1.01 < high
        low, high = floor(contest(Machine(1, drift=0.0, noise=0.0, luck=0.0)).figures["A"].values())
        assert (low, high) == pytest.approx((1, 1))

    def test_the_mean_is_of_sweeps_that_drift_does_not_move(self):
        found = tables.mean(tables.rows(contest(Machine(2, drift=0.1, noise=0, luck=0), slower=1.5)))
        assert found.low < 1.5 < found.high
        assert found.high / found.low < 1.2


class TestTurns:
    def test_each_order_is_as_likely(self):
        rng = random.Random(1)
        found = Counter("".join(name + "'" * again for name, again in order(rng)) for _ in range(4000))
        assert len(found) == 8
        assert min(found.values()) > 400
        assert all(sorted(one.replace("'", "")) == list("AABB") for one in found)

    def test_the_seed_decides(self):
        assert [order(random.Random(3)) for _ in range(2)] == [order(random.Random(3))] * 2

    @pytest.mark.parametrize(
        ("seconds", "expected"), [([2**-20, 2**-19], (525, 9)), ([1e-3, 1e-3], (1, 10)), ([1e-3, 2.0], (1, 1))]
    )
    def test_both_are_timed_alike(self, seconds, expected):
        assert rounds(seconds, 0.01)[:2] == expected

    def test_every_sweep_has_four_turns(self):
        found = contest()
        for figures in found.figures.values():
            for figure in figures.values():
                assert len(figure.sweeps) == len(figure.again) == MATRIX.sweeps
                assert None not in figure.sweeps + figure.again


class TestConformance:
    def test_a_wrong_result_has_no_number(self):
        wrong = duelling.right() | {"db": {"type": "float64", "dtype": "float64", "numbers": 1.0}}
        found = contest(**{"numpy-stable": {"result": wrong}})
        assert {row.cell.rung for row in tables.rows(found)} == {*MATRIX.rungs} - {"numpy-stable"}
        said = "\n".join(tables.remarks(found, {}, {}))
        assert "No number with B, failed: db is 1, expected" in said
        code, why = Asked().outcome(found)
        assert (code, why) == (1, ["Failed: B is wrong, or raises, on 1 cells"])

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            ({"modified": ["X"]}, "No number with B, failed: modified X: 1 cells: numpy-stable-20x3"),
            ({"status": "unavailable", "reason": "no Numba"}, "No number with B, unavailable: no Numba: 1 cells"),
            ({"status": "over budget", "reason": "slow"}, "No number with B, over budget: 1 cells"),
        ],
    )
    def test_why_there_is_no_number_is_said(self, answer, said):
        found = contest(**{"numpy-stable": answer})
        assert said in "\n".join(tables.remarks(found, {}, {}))
        assert found.figures["A"][next(iter(tables.rows(found))).cell].status == "measured"

    def test_other_bits_are_said(self):
        other = duelling.right()
        other["cost"] = other["cost"] | {"numbers": float(np.nextafter(other["cost"]["numbers"], 1))}
        said = "\n".join(tables.remarks(contest(**{"numpy-stable": {"result": other}}), {}, {}))
        assert "Right in both, but not the same bits: 1 cells: numpy-stable-20x3-float64-C-1" in said

    def test_data_that_cannot_be_read(self, monkeypatch):
        said = {"status": "failed", "reason": "raised MemoryError: no room"}
        monkeypatch.setattr(duelling.Worker, "load", lambda self, message: said)
        found = contest()
        told = "\n".join(tables.remarks(found, {}, {}))
        assert f"No number with A, unavailable: the data cannot be read: {said['reason']}: {CELLS} cells" in told

    def test_a_loud_machine_is_said(self):
        found = contest()
        found.unstable = ["Loud."]
        assert "Unstable: Loud." in list(tables.remarks(found, {}, {}))

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_results_cross_the_pipe_with_all_digits(self, dtype):
        kind = np.dtype(dtype).type
        result = kind(1) / kind(3), np.array([np.nan, np.inf, 1e-30], dtype) / kind(7), kind(-0.0)
        there = json.loads(json.dumps(_told(result)))
        found = returned(there)
        assert [type(part) for part in found] == [kind, np.ndarray, kind]
        assert bits(there) == b"".join(np.asarray(part).tobytes() for part in result)

    def test_what_is_no_array_stays_none(self):
        assert returned(_told((1.5, [1.0, 2.0], np.float32(1)))) == (1.5, [1.0, 2.0], np.float32(1))


class TestLimits:
    def test_one_that_is_exceeded(self):
        found = contest(slower=1.5)
        one = limit("numpy-*/20x3:1.2", found.figures["A"])
        code, why = Asked([one]).outcome(found)
        assert code == 1
        assert len(why) == sum(name.startswith("numpy-") for name in MATRIX.rungs)
        assert why[0].startswith("Failed: numpy-*/20x3:1.2: numpy-")
        assert Asked([limit("*:2", found.figures["A"])]).outcome(found) == (0, [])
        assert Asked([limit("*:1.2", found.figures["A"])]).outcome(contest(slower=0.5)) == (0, [])

    def test_noise_exceeds_none(self):
        found = contest(Machine(4, luck=0.3))
        row = max((row for row in tables.rows(found) if not row.ratio.differs), key=lambda row: row.ratio.value)
        assert row.ratio.value > 1.02
        assert Asked([limit(f"{row.cell.rung}/20x3:1.01", found.figures["A"])]).outcome(found) == (0, [])

    @pytest.mark.parametrize("sweeps", [2, 9])
    def test_one_that_cannot_be_told(self, sweeps):
        found = contest(
            matrix=replace(MATRIX, sweeps=sweeps),
            slower=1.5,
            **{"numpy-stable": {"status": "over budget", "reason": "slow"}},
        )
        asked = Asked([limit("numpy-stable/*:1.1", found.figures["A"])], "mean>1.1" if sweeps == 2 else None)
        code, why = asked.outcome(found)
        assert code == 2
        assert [text.split(" cannot be told")[0] for text in why] == [
            "numpy-stable/*:1.1",
            *["mean>1.1"] * (sweeps == 2),
        ]

    @pytest.mark.parametrize("status", ["over budget", "unavailable", "failed"])
    def test_what_b_alone_has_no_number_for_is_not_within_a_limit(self, status):
        found = contest(**{"numpy-stable": {"status": status, "reason": "slow"}})
        untold = "numpy-*/*:1.5 cannot be told: a cell has no number, or no interval for want of sweeps"
        code, why = Asked([limit("numpy-*/*:1.5", found.figures["A"])]).outcome(found)
        assert (code, why[-1]) == (1 if status == "failed" else 2, untold)
        found.figures = {"A": found.figures["B"], "B": found.figures["A"]}  # A alone: something new
        assert untold not in Asked([limit("numpy-*/*:1.5", found.figures["A"])]).outcome(found)[1]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("cython-slow/*:1.1", "'cython-slow/\\*' matches no cell; there are .*, \\.\\.\\."),
            ("*/20x3", "is not a limit; expected rung/shape:number"),
            ("*:fast", "is not a limit"),
            ("*:-1", "is not a limit"),
            ("*:nan", "is not a limit"),
            (":1.1", "is not a limit"),
            ("", "is not a limit"),
        ],
    )
    def test_a_wrong_one(self, text, said):
        with pytest.raises(ValueError, match=said):
            limit(text, MATRIX.cells())

    def test_a_condition_is_as_that_of_compare(self):
        assert Asked(fail_if="mean>1.2").outcome(contest(slower=1.5)) == (1, ["Failed: mean>1.2"])
        assert Asked(fail_if="mean>1.2").outcome(contest()) == (0, [])


BUILDS = {name: Build(name, f"commit {name * 7}", None) for name in "AB"}
ABOUT = {name: {"looptax": "/x", "version": "1", "python": "3.11", "numpy": "2"} for name in "AB"}


class TestShown:
    def test_the_tables(self):
        found = contest(slower=1.5)
        shown = printed(*map(table, tables.tables(found)))
        assert "1.5" in shown
        assert "A against itself: " in shown
        assert "page faults and memory of a call: the same in" in shown
        assert "instructions of a call: not told by this machine" in shown

    def test_counts_that_differ(self):
        found = contest(**{"numpy-stable": {"peak": 4096}})
        *_, counts = tables.tables(found)
        (line,) = counts.lines
        assert line.cells == ("numpy-stable", "20x3 float64 C 1", "0.00", "0.00", "100 B", "4 KiB")
        assert f"the same in {CELLS - 1} of {CELLS} cells" in "\n".join(counts.notes)

    def test_counts_that_a_cell_has_not(self):
        found = contest(**{rung: {"peak": None} for rung in MATRIX.rungs[:1]}, **{MATRIX.rungs[1]: {"peak": 4096}})
        *_, counts = tables.tables(found)
        assert [line.cells[0] for line in counts.lines] == [MATRIX.rungs[1]]
        assert "instructions of a call: not told by this machine" in counts.notes

    def test_markdown(self):
        found = contest(slower=1.5)
        said = list(tables.remarks(found, BUILDS, ABOUT))
        text = written.markdown(found, said, ["Failed: mean>1.2"])
        assert text.startswith("# Duel: B takes 1.")
        assert "**Failed: mean\\>1.2**" in text
        assert "- A: commit AAAAAAA, looptax 1, Python 3.11, NumPy 2, in /x" in text
        assert "- A and B are in the same folder." in text
        assert "| rung | cell | A | B | B/A | 95 % |" in text

    def test_json(self):
        found = contest(slower=1.5)
        held = json.loads(written.document(found, BUILDS, ABOUT, "looptax duel a b"))
        assert held["duel"] == 1
        assert held["builds"]["A"]["given"] == "commit AAAAAAA"
        assert len(held["cells"]) == len(held["ratios"]) == CELLS
        assert held["cells"][0]["same_bits"] is True
        assert len(held["cells"][0]["B"]["again"]) == MATRIX.sweeps

    def test_nothing_in_common(self):
        nothing = {name: {"status": "unavailable", "reason": "gone"} for name in MATRIX.rungs}
        found = contest(**nothing)
        assert list(tables.tables(found)) == []
        assert Asked().outcome(found) == (1, ["No cell has a number with both builds."])
        assert written.markdown(found, [], []).startswith("# Duel: no common number")
