"""``looptax run``: every rung has a number, the document tells how, Ctrl-C keeps what there is, and its arguments."""

import json
import re
import shlex
import signal
from dataclasses import replace
from pathlib import Path

import hurried
import numpy as np
import pytest
from fresh import PYTHON, looptax, run, soon, started
from looptax.bench import options
from looptax.bench.measure import machine, matrix, threads, turn
from looptax.bench.measure.matrix import PRESETS, Matrix
from looptax.bench.show import result, storage, tables
from looptax.kernels.choose import isa
from looptax.kernels.ladder import LADDER
from terminal import command

#: Plain pytest, in a hurry.
PYTEST = (
    hurried.IMPORT
    + """
import pytest
with hurried():
    sys.exit(pytest.main(sys.argv[1:]))
"""
)
#: The command line in a hurry, which tells of each turn that was taken.
TELLING = (
    hurried.IMPORT
    + """
from looptax.bench.__main__ import main
from looptax.bench.measure import run
from unittest.mock import patch

def telling(*arguments):
    take(*arguments)
    with open("../taken", "a") as told:
        print("a turn", file=told)

take = run.take
with hurried(), patch.object(run, "take", telling):
    main()
"""
)


def figures(document):
    """The figures of a document that was read as JSON."""
    return storage.checked(document).looptax.cells


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
        "--sweeps",
        "3",
        "--json",
        "out.json",
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done, json.loads((folder / "out.json").read_text()), folder


class TestRun:
    def test_every_rung_has_a_number(self, small_run):
        _, document, _ = small_run
        found = figures(document)
        for dtype in ("float64", "float32"):
            measured = {f.cell.rung for f in found if f.cell.dtype == dtype and f.cell.threads == 1 and f.seconds}
            assert measured == {rung.name for rung in LADDER}

    def test_only_threaded_rungs_appear_under_several_threads(self, small_run):
        _, document, _ = small_run
        several = {f.cell.rung for f in figures(document) if f.cell.threads > 1}
        assert several == ({rung.name for rung in LADDER if rung.threads != "one"} if threads.usable() > 1 else set())

    def test_table_has_the_columns_and_every_rung(self, small_run):
        done, _, _ = small_run
        head = next(line for line in done.stdout.splitlines() if line.startswith("rung "))
        assert head.split() == [name for name in tables.LADDER if name not in ("technique", "interval")]
        assert all(rung.name in done.stdout for rung in LADDER)
        assert "40 × 3, float32, C order, 1 thread" in done.stdout
        assert "…" not in done.stdout  # nothing is cut off at 80 columns

    def test_document_tells_where_and_how(self, small_run):
        _, document, _ = small_run
        facts = document["machine_info"]
        assert facts["cpu"]["brand"]
        assert facts["kernels"]["compiler"]
        assert facts["kernels"]["instruction_set"]["cython_simd"]
        assert facts["packages"]["numpy"] == np.__version__
        assert document["looptax"]["schema"] == result.SCHEMA
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
        name = next(f.cell.id for f in figures(document) if f.cell.dtype == "float64")
        entries = [e for e in document["benchmarks"] if e["extra_info"]["cell"] == name]
        rounds = {e["extra_info"]["sweep"]: e["stats"]["data"] for e in entries if not e["extra_info"]["again"]}
        figure = next(f for f in figures(document) if f.cell.id == name)
        assert figure.sweeps == [np.median(rounds[sweep]) for sweep in range(3)]
        assert figure.seconds == np.median(figure.sweeps)
        assert figure.ns_per_element == pytest.approx(figure.seconds * 1e9 / 120)
        assert figure.gflops == pytest.approx(480 / figure.seconds / 1e9)
        assert figure.gbytes == pytest.approx(960 / figure.seconds / 1e9)

    def test_the_last_own_rung_is_measured_again(self, small_run):
        _, document, _ = small_run
        again = [cell for cell in document["looptax"]["cells"] if cell["again"] is not None]
        assert {cell["cell"]["rung"] for cell in again} == {LADDER[-1].name}
        assert len(again) == len({figure.cell.ladder for figure in figures(document)})
        assert all(len(cell["again"]) == 3 and min(cell["again"]) > 0 for cell in again)

    def test_a_written_run_reads_back_the_same(self, small_run):
        _, document, folder = small_run
        assert storage.plain(storage.read(folder / "out.json")) == document

    def test_leaves_nothing_else_behind(self, small_run):
        _, _, folder = small_run
        assert [path.name for path in folder.iterdir()] == ["out.json"]

    def test_the_users_own_pytest_settings_stay_out(self, tmp_path):
        (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
        (tmp_path / "conftest.py").write_text("raise SystemExit('must not be read')\n")
        done = looptax("run", "--rungs", "numpy-stable", "--shapes", "9x2", "--orders", "C", "--threads", "1",
                       cwd=tmp_path, PYTEST_ADDOPTS="--also-not")  # fmt: skip
        assert done.returncode == 0, done.stderr

    def test_over_budget_is_shown_with_the_budget(self, tmp_path):
        done = looptax("run", "--rungs", "python-array,numpy-stable", "--shapes", "20000x50", "--orders", "C",
                       "--threads", "1", "--budget", "0.5", "--json", "b.json", cwd=tmp_path)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert re.search(r"python-array\s+-\s*$", done.stdout, re.MULTILINE)
        assert f"python-array: over budget: {turn.CALLS} calls would need more than 0.5 s" in done.stdout
        assert re.search(r"numpy-stable\s+[\d.]+ .s", done.stdout)
        cells = json.loads((tmp_path / "b.json").read_text())["looptax"]["cells"]
        assert [cell["status"] for cell in cells] == ["over budget", "measured"]

    def test_nothing_measured_is_still_a_result(self, tmp_path):
        done = looptax("run", "--rungs", "python-array", "--shapes", "20000x50", "--orders", "C",
                       "--budget", "0.01", "--json", "n.json", cwd=tmp_path)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads((tmp_path / "n.json").read_text())["benchmarks"] == []

    @pytest.mark.parametrize(
        "name", ["SIGINT", *(pytest.param(name, marks=pytest.mark.long) for name in ("SIGTERM", "SIGHUP"))]
    )
    def test_what_was_measured_is_kept(self, tmp_path, name):
        arguments = ("run", "--shapes", "100x2,1000x100", "--rungs", "cython", "--sweeps", "100", "--json", "c.json")
        folder, told = tmp_path / "here", tmp_path / "taken"
        folder.mkdir()
        with started(*PYTHON, "-c", TELLING, *arguments, cwd=folder) as process:
            # The first turn is recorded when the second has been taken.
            assert soon(lambda: told.exists() and told.read_text().count("a turn") > 1)
            process.send_signal(getattr(signal, name))
            out, err = process.communicate(timeout=60)
        assert process.returncode == 128 + getattr(signal, name), err
        assert "Traceback" not in out + err
        done, total = map(int, re.search(r"Interrupted: (\d+) of (\d+) cells done", out).groups())
        assert 0 < done < total
        document = json.loads((folder / "c.json").read_text())
        statuses = [cell["status"] for cell in document["looptax"]["cells"]]
        assert statuses.count("not run") == total - done
        taken = [times for cell in document["looptax"]["cells"] for times in (cell["seconds"], cell["again"] or [])]
        assert len(document["benchmarks"]) == sum(time is not None for times in taken for time in times) > 0
        assert statuses.count("measured") > 0
        assert [path.name for path in folder.iterdir()] == ["c.json"]

    def test_plain_pytest_runs_the_matrix_too(self, tmp_path):
        bench = Path(matrix.__file__).parents[1]
        done = run(
            *PYTHON, "-c", PYTEST, bench, "--benchmark-only", "-q", "-k", "numpy-stable and 100x2",
            "-p", "no:cacheprovider", "--benchmark-json", tmp_path / "p.json", "--benchmark-max-time=0.01",
            cwd=bench.parent if (bench.parent / "pyproject.toml").exists() else tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        document = json.loads((tmp_path / "p.json").read_text())
        assert {f.cell.rung for f in figures(document) if f.seconds} == {"numpy-stable"}


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
            (["--budget", "inf"], "inf is not a positive number of seconds"),
            (["--budget", "nan"], "nan is not a positive number of seconds"),
            (["--json", "/no/such/folder/x.json"], "cannot write into the folder"),
        ],
    )
    def test_wrong_ones_are_named(self, arguments, message):
        done = command("run", *arguments, columns=300)
        assert done.exit_code == 2
        assert message in done.output

    def test_help(self):
        done = command("run", "--help", columns=120)
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


def test_machine_facts_are_plain_data():
    facts = machine.facts()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["cpu"]["usable"] >= 1


def test_matrix_settings_are_plain_data():
    settings = replace(Matrix(), threads=(1,)).settings()
    assert json.loads(json.dumps(settings))["threads"] == [1]


def test_a_stand_in_says_what_it_is_held_to(monkeypatch):
    for name in ("LOOPTAX_ISA", "OPENBLAS_CORETYPE", "NUMBA_CPU_NAME"):
        monkeypatch.delenv(name, raising=False)
    builds = list(isa.available("cython_simd"))
    assert machine.held_to() == {}
    monkeypatch.setenv("LOOPTAX_ISA", builds[0])  # what it would choose by itself
    assert machine.held_to() == {}
    monkeypatch.setenv("NUMBA_CPU_NAME", "nehalem")
    assert machine.held_to() == {"NUMBA_CPU_NAME": "nehalem"}
    if len(builds) > 1:
        monkeypatch.setenv("LOOPTAX_ISA", builds[-1])
        assert machine.held_to() == {"LOOPTAX_ISA": builds[-1], "NUMBA_CPU_NAME": "nehalem"}
