"""Wisdom: what is remembered is used, what is broken is ignored with one warning, and `looptax tune` fills it."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from bits import as_bytes
from filelock import FileLock
from fresh import soon, started
from looptax.bench import cli
from looptax.bench.conformance import cases
from looptax.kernels import fastest, plan
from looptax.kernels.choose import isa, planner, team, wisdom
from looptax.kernels.choose.schedule import Schedule
from typer.testing import CliRunner

_, X, y, w, b = cases.ordinary("", 700, 23, np.float64)
HERE = "700x23 float64 rows"
TIMES = {1: 3e-6, 2: 2e-6}
HOW = Schedule(1 << 16)


@pytest.fixture(autouse=True)
def two_threads(monkeypatch):
    """As on a machine with two CPUs where all is worth sharing; nothing was wrong so far; measuring takes no time."""
    monkeypatch.setattr(team, "available", lambda: 2)
    monkeypatch.setattr(planner, "shared", lambda X: team.available())
    monkeypatch.setattr(wisdom, "_warned", False)
    monkeypatch.setattr(planner, "race", lambda plans: {HOW: TIMES[next(iter(plans.values()))._at_most]})


@pytest.fixture
def file(cache_folder):
    """The file, in its folder, which is there."""
    cache_folder.mkdir()
    return cache_folder / "wisdom.json"


def document(times, problem=HERE):
    return {"format": 2, "entries": {wisdom.machine(): {problem: {str(HOW): times}}}}


def untouched(path):
    """What tells whether a path has been written."""
    if not os.path.lexists(path):
        return None
    found = path.lstat()
    return *found[:7], found.st_mtime_ns  # not when it was read


class TestMemory:
    def test_what_is_measured_is_used_from_then_on(self, cache_folder, monkeypatch):
        assert plan(X, y).explain() == fastest.which(X)
        assert not cache_folder.exists()
        measured = plan(X, y, effort="measure")
        assert measured.explain() == "2 threads and tile=65536, measured to be as fast as any (1: 3 us, 2: 2 us)"
        monkeypatch.setattr(planner, "measure", None)  # a call fails
        for effort in ("estimate", "measure"):
            made = plan(X, y, effort=effort)
            assert made.explain() == "2 threads and tile=65536, remembered to be as fast as any (1: 3 us, 2: 2 us)"
            assert made.threads == 2
            assert as_bytes(made.step(w, b)) == as_bytes(fastest(X, y, w, b))

    def test_the_file_says_it_in_json(self, file):
        plan(X, y, effort="measure")
        found = json.loads(file.read_text())
        assert found == {"format": 2, "entries": {wisdom.machine(): {HERE: {"tile=65536": {"1": 3e-6, "2": 2e-6}}}}}
        assert re.fullmatch(r".+, \w+, looptax [\d.]+\S*, 2 threads", wisdom.machine())

    @pytest.mark.parametrize(("times", "threads"), [({"1": 1e-6, "2": 2e-6}, 1), ({"1": 2e-6, "2": 1e-6}, 2)])
    def test_the_file_decides(self, file, times, threads):
        file.write_text(json.dumps(document(times)))
        assert plan(X, y).threads == threads
        assert plan(X, y, threads=3 - threads).threads == 3 - threads

    @pytest.mark.parametrize(
        ("other", "name"),
        [
            (X[:-1], "699x23 float64 rows"),
            (X[:, :-1].copy(), "700x22 float64 rows"),
            (X.astype("f4"), "700x23 float32 rows"),
            (np.asfortranarray(X), "700x23 float64 columns"),
            (np.repeat(X, 2, axis=1)[:, ::2], "700x23 float64 strided"),
        ],
    )
    def test_other_data_are_another_problem(self, file, other, name):
        plan(X, y, effort="measure")
        labels = y[: len(other)]
        assert "remembered" not in plan(other, labels).explain()
        plan(other, labels, effort="measure")
        assert "remembered" in plan(other, labels).explain()
        assert list(json.loads(file.read_text())["entries"][wisdom.machine()]) == [HERE, name]

    @pytest.mark.parametrize(
        ("module", "name", "other"),
        [
            (wisdom, "_cpu", lambda: "another"),
            (wisdom, "_version", lambda: "0.0.1"),
            (isa, "chosen", lambda kernel: "another"),
            (team, "available", lambda: 4),
        ],
    )
    def test_another_machine_has_its_own(self, monkeypatch, module, name, other):
        plan(X, y, effort="measure")
        monkeypatch.setattr(module, name, other)
        assert wisdom.recall(X) is None
        wisdom.remember(X, {HOW: {1: 1.0}})
        assert wisdom.recall(X) == {HOW: {1: 1.0}}

    def test_wisdom_of_an_older_format_is_ignored_and_written_anew(self, file):
        file.write_text(json.dumps({"format": 1, "entries": {wisdom.machine(): {HERE: {"1": 1e-6}}}}))
        assert plan(X, y).explain() == fastest.which(X)
        assert "measured" in plan(X, y, effort="measure").explain()
        assert json.loads(file.read_text())["format"] == 2

    def test_the_schedule_is_the_fastest_that_was_measured(self, file):
        other = Schedule(1 << 20, streamed=True)
        times = {str(HOW): {"1": 3e-6, "2": 2e-6}, str(other): {"1": 4e-6, "2": 1e-6}}
        file.write_text(json.dumps({"format": 2, "entries": {wisdom.machine(): {HERE: times}}}))
        made = plan(X, y)
        assert made.explain() == f"2 threads and {other}, remembered to be as fast as any (1: 4 us, 2: 1 us)"
        assert as_bytes(made.step(w, b)) == as_bytes(fastest(X, y, w, b))

    def test_more_threads_than_there_are_are_not_used(self, file):
        file.write_text(json.dumps(document({"1": 2e-6, "8": 1e-6})))
        assert plan(X, y).explain() == fastest.which(X)

    @pytest.mark.parametrize("package", ["platformdirs", "filelock"])
    def test_without_its_packages_nothing_is_remembered(self, file, monkeypatch, package):
        monkeypatch.setitem(sys.modules, package, None)
        monkeypatch.setattr(wisdom, "_installed", wisdom._installed.__wrapped__)
        assert "measured" in plan(X, y, effort="measure").explain()
        assert "measured" in plan(X, y, effort="measure").explain()
        assert not file.exists()

    def test_the_users_cache_folder_is_the_place(self, monkeypatch, tmp_path):
        monkeypatch.delenv(wisdom.VARIABLE)
        if sys.platform == "linux":
            monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
            assert wisdom.file() == tmp_path / "looptax" / "wisdom.json"
        assert wisdom.file().parent.name.lower() in ("looptax", "cache")

    def test_says_what_the_cpu_calls_itself(self):
        cpuinfo = Path("/proc/cpuinfo")
        told = wisdom._cpu.__wrapped__()
        assert told
        if cpuinfo.exists() and (model := re.search(r"^model name\s*: (.+)", cpuinfo.read_text(), re.MULTILINE)):
            assert model.group(1).strip() in told


WRITES = """
import numpy as np
from looptax.kernels.choose import wisdom
from looptax.kernels.choose.schedule import Schedule
for n in range({first}, 60, 2):
    wisdom.store(np.ones((n + 1, 2)), {{Schedule(9): {{1: 1.0}}}})
"""


def test_processes_that_write_at_once_all_end_up_in_the_file(cache_folder):
    writers = [subprocess.Popen([sys.executable, "-I", "-c", WRITES.format(first=k)]) for k in (0, 1)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    (problems,) = json.loads((cache_folder / "wisdom.json").read_text())["entries"].values()
    assert set(problems) == {f"{n + 1}x2 float64 rows" for n in range(60)}


ROW = '{"format": 2, "entries": {"m": {"1x1 float64 rows": {"tile=9": {"1": SECONDS}}}}}'
BROKEN = {
    "empty": "",
    "cut off": '{"format": 2, "entr',
    "not text": b"\xff\xfe\x00",
    "a list": "[1, 2]",
    "a number": "3",
    "a word": '"wisdom"',
    "nothing": "null",
    "no format": '{"entries": {}}',
    "a later format": '{"format": 3, "entries": {}}',
    "no entries": '{"format": 2}',
    "entries in a list": '{"format": 2, "entries": []}',
    "a machine's in a list": '{"format": 2, "entries": {"m": [1]}}',
    "a problem's in a number": '{"format": 2, "entries": {"m": {"1x1 float64 rows": 4}}}',
    "another problem": '{"format": 2, "entries": {"m": {"X": {"tile=9": {"1": 1.0}}}}}',
    "no times": '{"format": 2, "entries": {"m": {"1x1 float64 rows": {}}}}',
    "another schedule": '{"format": 2, "entries": {"m": {"1x1 float64 rows": {"fast": {"1": 1.0}}}}}',
    "no seconds": '{"format": 2, "entries": {"m": {"1x1 float64 rows": {"tile=9": {}}}}}',
    "no threads": '{"format": 2, "entries": {"m": {"1x1 float64 rows": {"tile=9": {"0": 1.0}}}}}',
    "threads in words": '{"format": 2, "entries": {"m": {"1x1 float64 rows": {"tile=9": {"two": 1.0}}}}}',
    **{
        f"{seconds[:9]} seconds": ROW.replace("SECONDS", seconds)
        for seconds in ("NaN", "Infinity", "1e999", "-1.0", "0.0", '"fast"', "null", "[1.0]", "9" * 400)
    },
    "lists in lists without end": "[" * 100_000,
}


def no_file(path):
    path.mkdir()


def link_to_nothing(path):
    path.symlink_to(path.with_name("gone"))


def link_to_itself(path):
    path.symlink_to(path)


def pipe(path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(path)


def too_large(path):
    path.touch()
    os.truncate(path, wisdom.LARGEST + 1)


def only_warning(path):
    """Plan with the file as it is; return the only warning's text once the plans are seen to work."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = [plan(X, y, effort=effort) for effort in ("estimate", "measure", "estimate", "measure")]
    for each in made:
        assert as_bytes(each.step(w, b)) == as_bytes(fastest(X, y, w, b))
    assert (
        made[1].explain()
        == made[3].explain()
        == "2 threads and tile=65536, measured to be as fast as any (1: 3 us, 2: 2 us)"
    )
    (warning,) = caught
    assert warning.category is RuntimeWarning
    assert warning.filename == __file__
    assert str(warning.message).startswith(f"wisdom is ignored: {path}: ")
    return str(warning.message)


class TestFaults:
    @pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
    def test_a_broken_file_is_ignored_and_left_as_it_is(self, file, content):
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        before = untouched(file)
        only_warning(file)
        assert untouched(file) == before

    @pytest.mark.parametrize(
        ("make", "problem"),
        [
            (no_file, "not a regular file"),
            (link_to_nothing, "not a regular file"),
            (link_to_itself, "not a regular file"),
            (pipe, "not a regular file"),
            (too_large, "larger than 10,000,000 bytes"),
        ],
    )
    def test_what_is_no_file_or_too_large_is_ignored_and_left_as_it_is(self, file, make, problem):
        make(file)
        before = untouched(file)
        assert only_warning(file).endswith(problem)
        assert untouched(file) == before

    def test_a_file_that_cannot_be_read_is_ignored(self, file, monkeypatch):
        def refuse(*args):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        file.write_text(json.dumps(document({"1": 1.0})))
        monkeypatch.setattr(Path, "read_text", refuse)
        assert only_warning(file).endswith("Permission denied")

    @pytest.mark.parametrize("name", ["replace", "mkdir", "open"])
    def test_a_full_disk_is_told(self, cache_folder, monkeypatch, name):

        def full(*args, **kwargs):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, name, full)
        file = cache_folder / "wisdom.json"
        assert only_warning(file).endswith("No space left on device")
        assert not file.exists()

    def test_a_write_that_fails_leaves_what_was_there(self, file, monkeypatch):
        wisdom.store(X[:5], {HOW: {1: 1.0}})
        before = file.read_text()

        def half(path, text, encoding):
            path.write_bytes(text[:20].encode())
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(Path, "write_text", half)
        assert only_warning(file).endswith("No space left on device")
        assert file.read_text() == before
        assert sorted(path.name for path in file.parent.iterdir()) == ["wisdom.json", "wisdom.json.lock"]

    def test_a_folder_below_a_file(self, tmp_path, monkeypatch):
        (tmp_path / "file").touch()
        monkeypatch.setenv(wisdom.VARIABLE, str(tmp_path / "file" / "folder"))
        only_warning(tmp_path / "file" / "folder" / "wisdom.json")

    def test_a_lock_that_others_keep(self, file, monkeypatch):
        monkeypatch.setattr(wisdom, "PATIENCE", 0.01)
        with FileLock(f"{file}.lock"):
            assert "could not be acquired" in only_warning(file)

    @pytest.mark.skipif(sys.platform != "linux", reason="home folders are found in another way here")
    def test_no_home_folder(self, tmp_path, monkeypatch):
        import pwd

        def nobody(number):
            raise KeyError(number)

        for name in (wisdom.VARIABLE, "HOME", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(pwd, "getpwuid", nobody)
        monkeypatch.chdir(tmp_path)
        only_warning("no home folder, and LOOPTAX_CACHE names no other")
        assert not list(tmp_path.iterdir())


def tune(*arguments, columns=300):
    return CliRunner().invoke(cli.app, ["tune", *arguments], env={"COLUMNS": str(columns)})


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
        assert [" ".join(row[4:]) for row in rows] == ["tile=65536 1: 3 us, 2: 2 us"] * 4
        shown = tune("--show")
        assert [line.split() for line in shown.stdout.splitlines() if " float64 " in line] == rows
        assert plan(np.ones((50, 2)), np.ones(50)).explain().startswith("2 threads and tile=65536, remembered")

    def test_the_preset_is_the_default(self, monkeypatch):
        seen = []
        monkeypatch.setattr("looptax.bench.measure.tune._measured", lambda matrix, errors: seen.append(matrix) or ())
        assert tune().exit_code == 0
        assert len(seen[0].sources) == 9
        assert seen[0].dtypes == ("float64", "float32")
        assert seen[0].orders == ("C", "F")

    def test_show_tells_of_others(self, file):
        assert "Nothing is remembered" in tune("--show").output
        file.write_text(json.dumps({"format": 2, "entries": {"another": {HERE: {"tile=9": {"1": 1.0}}}}}))
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
        file.write_text('{"format": 3}')
        done = tune(*arguments)
        assert done.exit_code == 1
        assert f"{file}: its format is 3; expected 2" in done.output.splitlines()[-1]

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
        assert row[-4:] == ["tile=65536", "3", "us", "1.50"]
        assert "Regret: mean 1.500, worst 1.50, 1 inputs, 2 threads, " in done.stdout
        assert not cache_folder.exists()

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
        command = ["-Im", "looptax.bench", "tune", "--shapes", shapes]
        with started(*command, cwd=tmp_path) as process:
            soon(lambda: file.exists() or process.poll() is not None)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        assert process.returncode == cli.INTERRUPTED, err
        assert "Traceback" not in out + err
        assert "Interrupted; kept in" in out
        (problems,) = json.loads(file.read_text())["entries"].values()
        assert 0 < sum(" float" in line for line in out.splitlines()) <= len(problems) < 4000
