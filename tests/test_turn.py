"""One turn of the matrix: in which order cells are measured, what is judged first, and what gets no number."""

import time
from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest
from looptax.bench.conformance.judge import judge
from looptax.bench.measure import data, limits, peers, turn
from looptax.bench.measure.matrix import Matrix, Turn
from looptax.bench.measure.run import take_turns
from looptax.bench.measure.turn import record, refuse
from looptax.bench.show import storage
from looptax.bench.show.result import Cell, Figure
from looptax.kernels import ladder
from looptax.kernels.choose import planner
from looptax.pyimpl import numpy_stable
from terminal import command


class TestTurns:
    MATRIX = Matrix(rungs=("numpy-stable", "cython-tuned", "peer-numpy"), sources=("9x2", "8x3"),
                    dtypes=("float64", "float32"), threads=(1, 2), sweeps=4)  # fmt: skip

    def test_every_cell_once_in_each_sweep_and_the_last_own_rung_twice(self):
        turns = self.MATRIX.turns()
        assert len(turns) == len(set(turns)) == len({turn.id for turn in turns})
        for sweep in range(4):
            mine = [turn for turn in turns if turn.sweep == sweep]
            assert sorted(turn.cell for turn in mine if not turn.again) == sorted(self.MATRIX.cells())
            again = [turn.cell for turn in mine if turn.again]
            assert {cell.rung for cell in again} == {"cython-tuned"}
            assert len({cell.ladder for cell in again}) == len(again) == 2 * 2 * 2 * 2

    def test_sweeps_come_one_after_the_other_in_orders_of_their_own(self):
        turns = self.MATRIX.turns()
        assert [turn.sweep for turn in turns] == sorted(turn.sweep for turn in turns)
        orders = {tuple(turn[::2] for turn in turns if turn.sweep == sweep) for sweep in range(4)}
        assert len(orders) == 4

    def test_the_seed_decides(self):
        assert self.MATRIX.turns() == self.MATRIX.turns()
        assert self.MATRIX.turns() != replace(self.MATRIX, seed=1).turns()

    def test_data_are_made_once_in_a_sweep(self):
        """The cells of a source stay together, and within them those of a dtype and order."""
        for parts in (1, 3):
            inputs = [(turn.sweep, *turn.cell.data[:parts]) for turn in self.MATRIX.turns()]
            assert len(list(groupby(inputs))) == len(set(inputs))

    def test_a_cell_turned_away_is_not_tried_again(self, monkeypatch):
        tries = []

        def load(self):
            tries.append(self.name)
            raise ladder.UnavailableError("no such compiler")

        monkeypatch.setattr(ladder.Rung, "load", load)
        figure = Figure(Cell("numba-simd", "50x4", "float64", "C", 1), 50, 4)
        for sweep in range(3):
            turn.take(Turn(figure.cell, sweep), figure, Matrix(budget=10.0), None)
        assert tries == ["numba-simd"]

    def test_a_right_cell_is_judged_once(self, monkeypatch):
        judged = []
        monkeypatch.setattr(turn, "judge", lambda *args, **kwargs: judged.append(1) or judge(*args, **kwargs))
        figure = Figure(Cell("numpy-stable", "50x4", "float64", "C", 1), 50, 4)
        for sweep in range(3):
            benchmark = FakeBenchmark()
            turn.take(Turn(figure.cell, sweep), figure, Matrix(budget=10.0), benchmark)
            assert benchmark.asked
        assert len(judged) == 1

    def test_what_is_recorded(self):
        figure = Figure(Cell("numpy-stable", "50x4", "float64", "C", 1), 50, 4, status="measured")
        record(Turn(figure.cell, 2), figure, 3.0)
        record(Turn(figure.cell, 0, again=True), figure, 4.0)
        assert (figure.sweeps, figure.again) == ([None, None, 3.0], [4.0])
        refuse(figure, "unavailable", "no such compiler")
        assert (figure.status, figure.reason, figure.sweeps, figure.again) == (
            "unavailable", "no such compiler", [], None,
        )  # fmt: skip


class FakeBenchmark:
    """Stands where pytest-benchmark's fixture would, and notes that it was asked for a number."""

    def __init__(self):
        self.asked = False

    def __call__(self, step, *args):
        self.asked = True


def measured(monkeypatch, step, name="numpy-stable", source="50x4"):
    monkeypatch.setattr(ladder.Rung, "load", lambda self: step)
    cell, benchmark = Cell(name, source, "float64", "C", 1), FakeBenchmark()
    figure = Figure(cell, *data.shape(source))
    turn.take(Turn(cell, 0), figure, Matrix(budget=10.0), benchmark)
    return figure, benchmark.asked


class TestGate:
    def test_a_wrong_rung_gets_no_number(self, monkeypatch):
        def wrong(X, y, w, b):
            return numpy_stable.step(X, y, w, b)._replace(db=np.float64(0.5))

        figure, asked = measured(monkeypatch, wrong)
        assert figure.status == "failed"
        assert figure.reason.startswith("db is 0.5, expected ")
        assert not asked

    def test_a_right_one_does(self, monkeypatch):
        figure, asked = measured(monkeypatch, numpy_stable.step)
        assert (figure.status, figure.reason, asked) == ("measured", None, True)

    def test_a_missing_one_is_shown(self, monkeypatch):
        def load(self):
            raise ladder.UnavailableError("no such compiler")

        monkeypatch.setattr(ladder.Rung, "load", load)
        cell = Cell("numba-simd", "50x4", "float64", "C", 1)
        figure = Figure(cell, 50, 4)
        turn.take(Turn(cell, 0), figure, Matrix(budget=10.0), None)
        assert (figure.status, figure.reason) == ("unavailable", "no such compiler")

    def test_data_too_large_for_the_memory_is_shown(self, monkeypatch):
        figure, asked = measured(monkeypatch, numpy_stable.step, source="1000000000x1000")
        assert figure.status == "unavailable"
        assert "needs 2.4e+04 GB of memory" in figure.reason
        assert not asked

    def test_failed_cells_make_the_exit_code_1(self, monkeypatch):
        def wrong(X, y, w, b):
            return numpy_stable.step(X, y, w, b)._replace(cost=np.float64(0))

        monkeypatch.setattr(ladder.Rung, "load", lambda self: wrong)
        arguments = ["run", "--rungs", "numpy-stable", "--shapes", "9x2", "--orders", "C", "--threads", "1"]
        done = command(*arguments)
        assert done.exit_code == 1, done.output
        assert "numpy-stable: failed: cost is 0, expected " in done.output

    @pytest.mark.parametrize("when", ["loaded", "called", "timed"])
    def test_an_error_fails_its_cell_and_no_other(self, monkeypatch, tmp_path, when):
        def fail(*_):
            raise ZeroDivisionError("\x1b[31mof\ntwo lines")

        calls = []

        def late(*arguments):
            calls.append(1)
            return fail() if len(calls) > 30 else numpy_stable.step(*arguments)

        def load(rung):
            return {"loaded": fail, "called": lambda: fail, "timed": lambda: late}[when]() if rung == wrong else right

        wrong, right = ladder.rung("numpy-notes"), numpy_stable.step
        monkeypatch.setattr(ladder.Rung, "load", load)
        done = command("run", "--rungs", "numpy-notes,numpy-stable,peer-numpy", "--shapes", "9x2", "--orders", "C",
                       "--threads", "1", "--json", tmp_path / "r.json")  # fmt: skip
        assert done.exit_code == 1
        assert "numpy-notes: failed: ZeroDivisionError: [31mof two lines" in done.output
        found = {figure.cell.rung: figure for figure in storage.read(tmp_path / "r.json").looptax.cells}
        assert found["numpy-notes"].sweeps == []
        assert len(found["numpy-stable"].sweeps) == len(found["peer-numpy"].sweeps) == 9

    def test_an_error_of_a_peer_and_of_the_machine_is_one_of_a_cell(self, monkeypatch):
        tries = []

        def measure(*_):
            tries.append(1)
            if len(tries) == 1:
                raise OSError("no such counter")
            return limits.Limits([], [], 1e-7)

        def prepare(*_):
            raise RuntimeError("another version")

        monkeypatch.setattr(limits, "measure", measure)
        monkeypatch.setattr(peers.Peer, "prepare", prepare)
        rungs = ("peer-numpy", "numpy-stable", "numpy-notes", "plan")
        matrix = Matrix(rungs=rungs, sources=("9x2",), orders=("C",), threads=(1,))
        document, _ = take_turns(matrix, lambda turn: None, "")
        reasons = [figure.reason for figure in document.looptax.cells]
        assert "RuntimeError: another version" in reasons
        assert "OSError: no such counter" in reasons


class TestSettle:
    @pytest.mark.parametrize(("busy", "naps"), [((0, 0.0001), 1), ((0, 0.005, 0.005, 0.0051), 2)])
    def test_waits_until_no_thread_is_busy(self, busy, naps, monkeypatch):
        clock, slept = iter(busy), []
        monkeypatch.setattr(planner.time, "process_time", lambda: next(clock))
        monkeypatch.setattr(planner.time, "sleep", slept.append)
        planner.settle()
        assert len(slept) == naps

    def test_waits_no_longer_than_a_second(self, monkeypatch):
        clock, busy = iter(range(100)), iter(range(100))
        monkeypatch.setattr(planner.time, "perf_counter", lambda: next(clock) / 3)
        monkeypatch.setattr(planner.time, "process_time", lambda: next(busy))
        monkeypatch.setattr(planner.time, "sleep", lambda seconds: None)
        planner.settle()
        assert next(clock) < 8


class TestBudget:
    def test_fits(self):
        case = data.load("3000x10", "float64", "F")

        def slow(X, y, w, b):
            time.sleep(len(y) * 1e-5)

        assert turn.fits(numpy_stable.step, case, 2.0)
        assert turn.fits(slow, case, 10.0)
        assert not turn.fits(slow, case, 0.05)

    def test_one_late_call_does_not_decide(self):
        """A rung that starts its threads in its first calls must not be judged by them."""
        case = data.load("3000x10", "float64", "C")
        calls = []

        def late(X, y, w, b):
            calls.append(len(y))
            if len(calls) == 2:
                time.sleep(0.01)

        assert turn.fits(late, case, 2.0)
        assert calls[-1] == 3000
