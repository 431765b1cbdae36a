"""``looptax tune`` fills the memory, shows it, clears it, and says how good the choice was."""

import json
import os
import signal

import numpy as np
import pytest
from fresh import LOOPTAX, soon, started
from looptax.bench import cli
from looptax.bench.measure.matrix import PRESETS
from looptax.kernels import plan
from looptax.kernels.choose import isa, planner, wisdom
from looptax.kernels.choose.schedule import Schedule
from remembered import HERE, HOW, TIMES, link_to_nothing
from terminal import command

pytestmark = pytest.mark.usefixtures("two_threads")


def tune(*arguments, columns=300):
    return command("tune", *arguments, columns=columns)


class TestTune:
    def test_measures_remembers_and_shows(self, file):
        wisdom.store(np.ones((30, 4)), {HOW: {1: 1.0}})
        done = tune("--shapes", "30x4,50x2", "--dtypes", "float64")
        assert done.exit_code == 0, done.output
        assert f"Kept in {file}" in done.stdout
        rows = [line.split() for line in done.stdout.splitlines() if " float64 " in line]
        assert [row[:4] for row in rows] == [
            [shape, "float64", layout, "2"] for shape in ("30x4", "50x2") for layout in ("rows", "columns")
        ]
        assert [" ".join(row[4:]) for row in rows] == ["tile=65536 1: 3 µs, 2: 2 µs"] * 4
        shown = tune("--show")
        assert [line.split() for line in shown.stdout.splitlines() if " float64 " in line] == rows
        assert plan(np.ones((50, 2)), np.ones(50)).explain().startswith("2 threads and tile=65536, remembered")

    def test_the_preset_is_the_default(self, monkeypatch):
        seen = []
        monkeypatch.setattr("looptax.bench.measure.tune._measured", lambda matrix, errors: seen.append(matrix) or ())
        assert tune().exit_code == 0
        assert seen[0].sources == PRESETS["L"]["sources"]
        assert seen[0].dtypes == ("float64", "float32")
        assert seen[0].orders == ("C", "F")

    def test_show_tells_of_others(self, file):
        assert "Nothing is remembered" in tune("--show").output
        file.write_text(json.dumps({"format": wisdom.FORMAT, "entries": {"another": {HERE: {"tile=9": {"1": 1.0}}}}}))
        shown = tune("--show")
        assert shown.exit_code == 0
        assert "Nothing is remembered for this CPU" in shown.output
        assert "And 1 for others." in shown.output

    @pytest.mark.parametrize("make", [lambda path: path.write_text("damaged"), link_to_nothing])
    def test_clear_removes_the_file_whatever_it_is(self, file, make):
        make(file)
        assert (done := tune("--clear")).exit_code == 0
        assert f"Removed {file}" in done.output
        assert not os.path.lexists(file)
        assert (done := tune("--clear")).exit_code == 0
        assert f"There is no {file}" in done.output

    @pytest.mark.parametrize("arguments", [["--shapes", "9x2"], ["--show"]])
    def test_a_broken_file_is_one_line_and_exit_code_1(self, file, arguments):
        file.write_text(json.dumps({"format": wisdom.FORMAT + 1}))
        done = tune(*arguments)
        assert done.exit_code == 1
        assert f"{file}: its format is {wisdom.FORMAT + 1}; expected {wisdom.FORMAT}" in done.output.splitlines()[-1]

    def test_what_cannot_be_cleared_is_one_line_and_exit_code_1(self, file):
        file.mkdir()
        done = tune("--clear")
        assert done.exit_code == 1
        assert done.output.startswith(f"Error: {file}: ")

    def test_without_its_packages_it_says_so(self, monkeypatch):
        monkeypatch.setattr(wisdom, "_installed", lambda: False)
        done = tune("--shapes", "9x2")
        assert done.exit_code == 1
        assert "platformdirs and filelock are not installed" in done.output

    def test_a_folder_that_cannot_be_written_is_exit_code_1(self, tmp_path, monkeypatch):
        (tmp_path / "file").touch()
        monkeypatch.setenv(wisdom.VARIABLE, str(tmp_path / "file" / "folder"))
        done = tune("--shapes", "9x2")
        assert done.exit_code == 1
        assert done.output.splitlines()[-1] == f"Error: {tmp_path}/file/folder/wisdom.json: Not a directory"

    def test_check_prints_the_regret_and_remembers_nothing(self, cache_folder, monkeypatch):
        kernel = isa.load("cython_tuned")
        best = Schedule(1 << 16)

        def race(plans, keep, rounds=0):
            assert keep == kernel.schedule_of(np.ones((3000, 40)), 2)[0]
            return {how: 2e-6 if how == best else 3e-6 for how in plans}

        monkeypatch.setattr(planner, "race", race)
        done = tune("--check", "--shapes", "3000x40", "--dtypes", "float64", "--orders", "C")
        assert done.exit_code == 0, done.output
        (row,) = [line.split() for line in done.stdout.splitlines() if " float64 " in line]
        assert row[-4:] == ["tile=65536", "3", "µs", "1.50"]
        assert "Regret: mean 1.500, worst 1.50, 1 inputs, 2 threads, " in done.stdout
        assert not cache_folder.exists()

    @pytest.mark.usefixtures("cache_folder")
    def test_what_check_found_is_written_before_it_is_shown(self, monkeypatch, tmp_path):
        def fail(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(planner, "race", lambda plans, **_: dict.fromkeys(plans, 1e-6))
        monkeypatch.setattr("looptax.bench.measure.tune.table", fail)
        done = tune("--check", "--shapes", "9x2", "--dtypes", "float64", "--orders", "C", "--json", tmp_path / "c.json")
        assert (done.exit_code, done.stderr.splitlines()[-1]) == (1, "Error: No space left on device")
        assert json.loads((tmp_path / "c.json").read_text())["mean"] == 1

    @pytest.mark.usefixtures("file")
    def test_a_narrow_terminal_cuts_nothing_off(self, monkeypatch):
        X = np.ones((3000, 40))
        chosen = isa.load("cython_tuned").schedule_of(X, 2)[0]
        wisdom.store(X, {chosen: TIMES})
        monkeypatch.setattr(planner, "race", lambda plans, **_: {how: 3e-6 - (how != chosen) * 1e-6 for how in plans})
        check = ("--check", "--shapes", "3000x40", "--dtypes", "float64", "--orders", "C")
        for arguments in (["--show"], check):
            printed = tune(*arguments, columns=80).stdout
            assert "…" not in printed
            assert {"3000x40", "float64", *str(chosen).replace(",", ", ").split()} <= set(printed.split())

    def test_a_shape_too_large_for_the_memory_is_left_out(self, file):
        done = tune("--shapes", "1000000000x1000,9x2", "--dtypes", "float64", "--orders", "C")
        assert done.exit_code == 0, done.output
        assert "Left out: 1000000000x1000 needs 2.4e+04 GB of memory" in done.stderr
        (problems,) = json.loads(file.read_text())["entries"].values()
        assert list(problems) == ["9x2 float64 rows"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--show", "--clear"], "give one of --show, --check and --clear"),
            (["--shapes", "10x"], "'10x' is not a shape"),
            (["--dtypes", "float16"], "'float16' is not one of float32, float64"),
            (["--orders", "c"], "'c' is not one of C, F"),
        ],
    )
    def test_wrong_arguments_are_named(self, cache_folder, arguments, message):
        done = tune(*arguments)
        assert done.exit_code == 2
        assert message in done.output
        assert not cache_folder.exists()

    def test_ctrl_c_keeps_what_was_measured(self, cache_folder, tmp_path):
        file, shapes = cache_folder / "wisdom.json", ",".join(f"{30_000 + k}x30" for k in range(1000))
        with started(*LOOPTAX, "tune", "--shapes", shapes, cwd=tmp_path) as process:
            soon(lambda: file.exists() or process.poll() is not None)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        assert process.returncode == cli.INTERRUPTED, err
        assert "Traceback" not in out + err
        assert "Interrupted; kept in" in out
        (problems,) = json.loads(file.read_text())["entries"].values()
        assert 0 < sum(" float" in line for line in out.splitlines()) <= len(problems) < 4000
