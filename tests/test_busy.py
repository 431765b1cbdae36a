"""On a busy machine: the situations and what they leave behind, their figures, tables and comparison."""

import json
import re
import signal
import threading
from contextlib import nullcontext
from statistics import median

import numpy as np
import psutil
import pytest
from fresh import LOOPTAX, PYTHON, alive, looptax, soon, started
from looptax.bench import cli, options
from looptax.bench.measure import threads, turn
from looptax.bench.measure.matrix import PRESETS, Matrix, Turn
from looptax.bench.measure.situations import CALLERS, SITUATIONS
from looptax.bench.measure.turn import record, refuse
from looptax.bench.show import busy, report, storage, terminal
from looptax.bench.show.compare import compare
from looptax.bench.show.ladder import ladders
from looptax.bench.show.result import ALONE, Cell, Figure
from made_up import figure
from msgspec.structs import replace
from terminal import command, printed
from threadpoolctl import threadpool_info

BUSY_ONES = [name for name in SITUATIONS if name != ALONE]


def nothing():
    """What is called in place of a step."""


def busy_ones(parent=None):
    """The busy processes that a situation of this process, or of another, has started."""
    return [child for child in psutil.Process(parent).children() if "getppid" in _command(child)]


def _command(process):
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it ended
        return ""


class TestSituations:
    @pytest.mark.parametrize("name", SITUATIONS)
    @pytest.mark.parametrize("ending", [None, ZeroDivisionError, KeyboardInterrupt])
    def test_leave_nothing_running_whatever_ends_them(self, name, ending):
        before = threading.active_count()
        children = []
        with pytest.raises(ending) if ending else nullcontext(), SITUATIONS[name](lambda: nothing, 1) as between:
            between()
            children = busy_ones()
            if ending:
                raise ending
        assert len(children) == (name == "beside-process")
        assert not any(alive(child.pid) for child in children)
        assert busy_ones() == []
        assert threading.active_count() == before

    def test_the_other_process_is_busy(self):
        with SITUATIONS["beside-process"](lambda: nothing, 1):
            (child,) = busy_ones()
            used = child.cpu_times().user
            assert soon(lambda: child.cpu_times().user > used)

    def test_the_other_process_ends_with_a_parent_that_was_killed(self):
        code = """if True:
            import os, signal, psutil
            from looptax.bench.measure.situations import SITUATIONS
            with SITUATIONS["beside-process"](None, 1):
                print(psutil.Process().children()[0].pid, flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            """
        with started(*PYTHON, "-c", code) as process:
            other = int(process.stdout.readline())
            assert process.wait(60) == -signal.SIGKILL
            assert soon(lambda: not alive(other))

    def test_the_product_leaves_the_threads_of_the_call_as_they_are(self):
        with threads.limited(1), SITUATIONS["after-product"](lambda: nothing, 1) as between:
            between()
            assert {pool["num_threads"] for pool in threadpool_info()} == {1}

    def test_four_call_at_the_same_time_each_a_call_of_its_own(self):
        counts = []
        meeting = threading.Barrier(CALLERS, timeout=60)

        def another():
            mine = [threading.get_ident()]
            counts.append(mine)

            def call():
                if len(mine) == 2:  # the second call of each waits for those of the others, and of this thread
                    meeting.wait()
                mine.append(0)

            return call

        with SITUATIONS["four-callers"](another, 1):
            meeting.wait()
        assert len({mine[0] for mine in counts} - {threading.get_ident()}) == CALLERS - 1
        assert all(len(mine) > 2 for mine in counts)

    def test_limits_are_as_they_were(self):
        for _ in range(5):
            before = [pool["num_threads"] for pool in threadpool_info()]
            with SITUATIONS["four-callers"](lambda: lambda: None, 1):
                pass
            assert [pool["num_threads"] for pool in threadpool_info()] == before

    def test_what_ends_a_caller_is_told(self):
        def another():
            raise threads.ThreadsError("three is a crowd")

        with pytest.raises(threads.ThreadsError, match="crowd"), SITUATIONS["four-callers"](another, 1):
            pass


class TestMatrix:
    def test_names(self):
        cell = Cell("plan", "9x2", "float64", "C", 1)
        assert cell.situation == ALONE
        assert cell.id == "plan-9x2-float64-C-1"
        assert replace(cell, situation="four-callers").id == "plan-9x2-float64-C-1-four-callers"

    def test_preset(self):
        matrix = Matrix(**PRESETS["busy"])
        cells = matrix.cells()
        assert {cell.situation for cell in cells} == set(SITUATIONS)
        assert len({cell.id for cell in cells}) == len(cells)
        assert {turn.cell.situation for turn in matrix.turns() if turn.again} == {ALONE}
        assert matrix.single_calls
        assert not Matrix(**PRESETS["L"]).single_calls

    def test_options_come_in_its_place(self):
        matrix = options.matrix("busy", shapes="60x4", rungs="numpy-stable")
        assert (matrix.sources, matrix.rungs) == (("60x4",), ("numpy-stable",))
        assert matrix.situations == tuple(SITUATIONS)

    def test_what_is_recorded(self):
        found = Figure(Cell("plan", "9x2", "float64", "C", 1), 9, 2, "measured")
        record(Turn(found.cell, 1), found, 3.0, 4.0)
        record(Turn(found.cell, 0, again=True), found, 5.0, 6.0)
        assert (found.sweeps, found.again, found.p90) == ([None, 3.0], [5.0], [None, 4.0])
        refuse(found, "failed", "wrong")
        assert (found.sweeps, found.again, found.p90) == ([], None, None)


ARGUMENTS = ["--preset", "busy", "--shapes", "60x4", "--rungs", "cython-tuned,peer-numpy,peer-onedal", "--threads", "1"]


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    """A tiny run in every situation, and the document it wrote."""
    folder = tmp_path_factory.mktemp("busy")
    done = looptax("run", *ARGUMENTS, "--sweeps", "2", "--json", "b.json", cwd=folder, COLUMNS="80")
    assert done.returncode == 0, done.stderr
    return done.stdout, folder / "b.json"


class TestRun:
    def test_every_situation_has_its_figures(self, small_run):
        found = [figure for figure in storage.read(small_run[1]).looptax.cells if figure.cell.rung != "peer-onedal"]
        assert [figure.cell.situation for figure in found] == [name for name in SITUATIONS for _ in range(2)]
        assert all(len(figure.sweeps) == len(figure.p90) == 2 for figure in found)
        assert all(p90 >= middle > 0 for figure in found for middle, p90 in zip(figure.sweeps, figure.p90, strict=True))

    def test_figures_are_those_of_single_calls(self, small_run):
        document = json.loads(small_run[1].read_text())
        cells = {Cell(**cell["cell"]).id: cell for cell in document["looptax"]["cells"]}
        for entry in document["benchmarks"]:
            info, calls = entry["extra_info"], entry["stats"]["data"]
            cell, sweep = cells[info["cell"]], info["sweep"]
            assert entry["stats"]["iterations"] == 1
            assert len(calls) >= turn.MIN_SINGLE
            assert cell["again" if info["again"] else "seconds"][sweep] == median(calls)
            assert info["again"] or cell["p90"][sweep] == np.quantile(calls, 0.9)

    def test_a_written_run_reads_back_the_same(self, small_run):
        assert storage.plain(storage.read(small_run[1])) == json.loads(small_run[1].read_text())

    def test_shows_the_tables(self, small_run):
        text, _ = small_run
        heads = [line.split() for line in text.splitlines() if line.startswith("rung")]
        assert heads == [["rung,", "threads", *SITUATIONS], ["rung", "as", *SITUATIONS]]
        assert re.search(r"^cython-tuned 1( +[\d.,]+ / [\d.,]+){4} *$", text, re.MULTILINE)
        assert re.search(r"^cython-tuned best peer +~[\d.,]+ / ", text, re.MULTILINE)
        shown = re.split("\nThe best other|\nThis run|\nLimits", text)[0]  # what follows are sentences
        assert max(map(len, shown.splitlines())) <= 80
        assert "…" not in text
        assert "absolute" not in text

    def test_the_report_shows_what_was_alone(self, small_run, tmp_path):
        document = storage.read(small_run[1])
        assert {row.figure.cell.situation for ladder in ladders(document.looptax) for row in ladder.rows} == {ALONE}
        for suffix in ("html", "md", "csv"):
            report.write(document, tmp_path / f"r.{suffix}")
        assert len((tmp_path / "r.csv").read_text().splitlines()) == 1 + 3

    def test_ctrl_c_leaves_no_process_behind(self, tmp_path):
        found = []

        def other():
            found[:] = busy_ones(process.pid)
            return found or process.poll() is not None

        with started(*LOOPTAX, "run", *ARGUMENTS, "--sweeps", "1000", cwd=tmp_path) as process:
            assert soon(other, 300)  # the limits of the machine come first, and on a busy one they take a minute
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            assert soon(lambda: not any(alive(child.pid) for child in found))
        assert process.returncode == cli.INTERRUPTED, err
        assert "Traceback" not in out + err


def drifting(rung, number, situation, seconds, p90):
    """A made-up figure of six sweeps, some of which took twice as long or half."""
    sweeps, tails = (tuple(value * drift for drift in (1, 2, 0.5, 1, 2, 0.5)) for value in (seconds, p90))
    return figure(rung, sweeps, source="1000000x28", dtype="float32", threads=number, situation=situation, p90=tails)


class TestTables:
    def test_the_widest_fit(self):
        rungs = (("cython-parallel", 1), ("cython-parallel", 128), ("plan", 128), ("peer-torch-autograd", 128))
        text = printed(
            *map(
                terminal.table,
                busy.tables([drifting(*who, name, 0.0123456, 98.7654) for name in SITUATIONS for who in rungs]),
            )
        )
        assert max(map(len, text.splitlines())) <= 80
        assert "…" not in text
        assert re.search(r"^peer-torch-autograd 128( +12.3 / 98,765){4}$", text, re.MULTILINE)

    def test_what_does_not_fit_is_not_cut(self):
        found = [drifting("plan", 1, name, 1.23e-7, 123.4) for name in SITUATIONS]
        text = printed(*map(terminal.table, busy.tables(found)), width=50)
        assert "…" not in text

    def test_ratios_are_formed_in_each_sweep(self):
        found = [
            *(drifting("cython-tuned", number, ALONE, *times) for number, times in ((1, (4.0, 5.0)), (2, (2.0, 15.0)))),
            *(drifting("peer-numpy", number, ALONE, 8.0, 150.0) for number in (1, 2)),
            *(drifting("peer-sklearn", number, ALONE, 16.0, 60.0) for number in (1, 2)),
        ]
        text = printed(*map(terminal.table, busy.tables(found)))
        assert re.search(r"^cython-tuned 2 +2.00 / 15.0$", text, re.MULTILINE)
        assert re.search(r"^cython-tuned 1 thread +0.5 / 3$", text, re.MULTILINE)
        assert re.search(r"^cython-tuned best peer 0.25 / 0.25$", text, re.MULTILINE)

    def test_what_has_no_number_is_said_once(self):
        cells = [drifting("peer-onedal", 1, name, 1.0, 1.0) for name in SITUATIONS]
        missing = [replace(one, status="unavailable", reason="[not] there", sweeps=[]) for one in cells]
        text = printed(*map(terminal.table, busy.tables(missing)))
        assert text.count("peer-onedal: unavailable, [not] there") == 1


class TestDocument:
    def test_of_before_there_were_situations(self, result_document, tmp_path):
        old = storage.plain(result_document(("plan", [1.0, 2.0, 3.0])))
        del old["looptax"]["cells"][0]["cell"]["situation"], old["looptax"]["cells"][0]["p90"]
        (found,) = storage.checked(old).looptax.cells
        assert (found.cell.situation, found.p90) == (ALONE, None)

    @pytest.mark.parametrize(("p90", "message"), [([-1.0], "p90"), (3.0, "p90")])
    def test_hand_edited(self, result_document, tmp_path, p90, message):
        document = result_document(("plan", [1.0]))
        document.looptax.cells[0].p90 = p90
        storage.write(document, tmp_path / "r.json")
        with pytest.raises(storage.ResultError, match=message):
            storage.read(tmp_path / "r.json")


class TestCompare:
    def in_situations(self, document, *names):
        """The same document with its cells in these situations."""
        for one, name in zip(document.looptax.cells, names, strict=True):
            one.cell = replace(one.cell, situation=name)
        return document

    @pytest.fixture
    def documents(self, result_document):
        names = ("alone", "four-callers")
        before = self.in_situations(result_document(("plan", [1.0] * 3), ("plan", [4.0] * 3)), *names)
        after = self.in_situations(result_document(("plan", [6.0] * 3), ("plan", [2.0] * 3)), *reversed(names))
        return before, after

    def test_pairs_by_situation(self, documents):
        found = compare(*documents)
        assert [(row.cell.situation, row.ratio.value) for row in found] == [
            ("alone", pytest.approx(2.0)), ("four-callers", pytest.approx(1.5)),
        ]  # fmt: skip

    def test_nothing_in_common(self, documents, result_document):
        other = self.in_situations(result_document(("plan", [1.0])), "beside-process")
        with pytest.raises(ValueError, match="no situation is in both: alone, four-callers in the first, beside-proc"):
            compare(documents[0], other)

    def test_the_situation_is_shown(self, result_document, tmp_path):
        wide = result_document(("peer-torch-autograd", [0.1034] * 3), source="1000000x28", dtype="float32", threads=16)
        storage.write(self.in_situations(wide, "beside-process"), tmp_path / "a.json")
        done = command("compare", tmp_path / "a.json", tmp_path / "a.json")
        assert done.exit_code == 0
        assert "…" not in done.output
        assert "beside-process" in done.output
