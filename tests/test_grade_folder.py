"""``looptax grade FOLDER``: a class at a time, whatever one of them does."""

import csv
import functools
import io
import json
import os
import signal

import psutil
import pytest
from fresh import LOOPTAX, soon, started
from graded import RIGHT, body, graded
from looptax.bench.teach.grade import sheet
from looptax.bench.teach.grade.document import Cases, Grade, Job, RungTime, Timing
from looptax.bench.teach.grade.submissions import folder_of, found
from terminal import command

WRONG = RIGHT.replace("X.T @ dz / m", "X.T @ dz")


@pytest.fixture
def quick(monkeypatch):
    """Let the command try a few cases alone."""
    few = functools.partial(Job, families=["labels"])
    monkeypatch.setattr("looptax.bench.teach.grade.command.Job", few)


def grading(*arguments):
    return command("grade", *arguments, "--no-time", columns=200)


def made(folder, **texts):
    """A folder with files of these texts; "a__py" is a.py, "a_b__py" is a/b.py."""
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '.').replace('_', '/')}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def notebook(*cells):
    """A notebook with these code cells."""
    kinds = [{"cell_type": "markdown", "source": "# Mine"}]
    return json.dumps({"cells": [*kinds, *({"cell_type": "code", "source": cell} for cell in cells)]})


class TestSubmissions:
    def test_are_sorted_by_the_bytes_of_their_names(self, tmp_path):
        made(tmp_path, b__py="", B__py="", 李__py="", é__pyx="", a__ipynb="{}", Z_mine__py="")
        there, left_out = found(tmp_path, "step")
        assert [one.name for one in there] == ["B.py", "Z", "a.ipynb", "b.py", "é.pyx", "李.py"]
        assert left_out == []

    def test_hidden_files_are_skipped_and_others_told(self, tmp_path):
        (tmp_path / ".hidden.py").touch()
        (tmp_path / "__pycache__").mkdir()
        (tmp_path / "empty").mkdir()
        (tmp_path / "notes.txt").touch()
        os.mkfifo(tmp_path / "pipe.py")
        (tmp_path / "ok.PY").touch()
        there, left_out = found(tmp_path, "step")
        assert [one.name for one in there] == ["ok.PY"]
        assert [said.partition(":")[0] for said in left_out] == ["empty", "notes.txt", "pipe.py"]

    def test_a_name_that_is_no_utf_8_is_told(self, tmp_path):
        try:
            os.close(os.open(os.fsencode(tmp_path) + b"/\xff.py", os.O_CREAT))
        except OSError:
            pytest.skip("this file system has no such names")
        there, left_out = found(tmp_path, "step")
        assert there == []
        assert left_out[0].startswith("\ufffd.py: its name is not UTF-8")

    def test_of_several_files_in_a_folder_the_one_that_defines_the_function(self, tmp_path):
        made(tmp_path, a_helper__py="x = 1", a_mine__py="def step(X, y, w, b): pass")
        made(tmp_path, b_one__py="def step(X): pass", b_two__py="step = one", c_x__py="", c_y__py="")
        a, b, c = found(tmp_path, "step")[0]
        assert (a.path.name, a.problem) == ("mine.py", "")
        assert b.problem == "several files define step: one.py, two.py"
        assert c.problem == "none of its files defines step: x.py, y.py"

    def test_a_folder_is_told_from_a_package(self, tmp_path, monkeypatch):
        monkeypatch.chdir(made(tmp_path, class_a__py="", package_a__py=""))
        (tmp_path / "package" / "__init__.py").touch()
        assert folder_of("class") == folder_of("class:step")
        assert folder_of("class:other")[1] == "other"
        assert folder_of("package:step") is None
        assert folder_of("mine.py") is None


class TestClass:
    def test_nothing_that_one_does_ends_the_others(self, tmp_path, quick):
        made(
            tmp_path,
            aborts__py=body("import os; os.abort()"),
            exits__py="import sys; sys.exit(3)",
            hangs__py=body("while True: pass"),
            kills__py=body("import os, signal; os.kill(os.getppid(), signal.SIGKILL); os.kill(0, signal.SIGKILL)"),
            prints__py="print('\\x1b[2J' * 10_000)\n" + RIGHT,
            right__py=RIGHT,
            writes__py="for name in ('right.py', 'zz.py'): open(name, 'w').write('1 / 0')\n" + RIGHT,
        )
        done = grading(tmp_path, "--seconds", 3, "--jobs", 2)
        assert done.exit_code == 1, done.output
        lines = [line.split() for line in done.stdout.splitlines()[1:8]]
        assert [(name, verdict) for name, verdict, *_ in lines if verdict != "cannot"] == [
            ("aborts.py", "fails"), ("hangs.py", "fails"), ("kills.py", "fails"),
            ("prints.py", "passes"), ("right.py", "passes"), ("writes.py", "passes"),
        ]  # fmt: skip
        assert "exits.py" in done.stdout
        assert "\x1b" not in done.stdout
        assert (tmp_path / "right.py").read_text() == RIGHT
        assert not (tmp_path / "zz.py").exists()

    def test_a_folder_brings_what_is_in_it(self, tmp_path, quick):
        made(tmp_path, mine_helper__py="one = 1", mine_data__txt="1", mine_step__py="")
        text = "from helper import one\nassert open('data.txt').read() == '1'\n"
        made(tmp_path, mine_step__py=text + RIGHT, other__py="import mine\n" + RIGHT)
        done = grading(tmp_path)
        assert done.stdout.splitlines()[1].startswith("mine      passes")
        assert "No module named 'mine'" in done.stdout.splitlines()[2]

    def test_exit_codes(self, tmp_path, quick):
        made(tmp_path, good_a__py=RIGHT, bad_a__py=WRONG, broken_a__py="1 / 0", none_a__txt="")
        codes = [grading(tmp_path / name).exit_code for name in ("good", "bad", "broken", "none")]
        assert codes == [0, 1, 1, 2]

    def test_an_empty_folder_is_told(self, tmp_path):
        (tmp_path / "notes.txt").touch()
        done = grading(tmp_path)
        assert (done.exit_code, done.stdout) == (2, "")
        assert f"Error: there is no .py, .pyx or .ipynb file in the folder {tmp_path}" in done.stderr
        assert "Left out: notes.txt: neither a" in done.stderr

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["--jobs", "2"], "what is timed goes one after another"),
            (["--no-time", "--jobs", "0"], "should be greater than or equal to 1"),
            (["--csv", "grades.txt"], "does not end in .csv"),
            (["--html", "/nowhere/at/all/x.html"], "cannot write into the folder"),
            (["--lang", "fr"], "'fr' is not one of en, zh"),
        ],
    )
    def test_wrong_arguments(self, tmp_path, arguments, says):
        done = command("grade", made(tmp_path, a__py=RIGHT), *arguments, columns=200)
        assert (done.exit_code, says in done.output) == (2, True), done.output

    def test_what_goes_with_a_folder_alone(self, tmp_path):
        done = command("grade", made(tmp_path, a__py=RIGHT) / "a.py", "--jobs", 2)
        assert done.exit_code == 2
        assert "it goes with a folder" in done.output

    def test_all_have_the_same_cases_however_many_at_a_time(self, tmp_path, quick):
        made(tmp_path, a__py=WRONG, b__py=WRONG)
        one, two = (json.loads(grading(tmp_path, "--json", "--jobs", n, "--seed", 5).stdout) for n in (1, 2))
        assert one == two
        a, b = one["submissions"]
        assert a.pop("target") == "a.py"
        assert b.pop("target") == "b.py"
        assert a == b
        assert (a["seed"], one["exit_code"], one["interrupted"]) == (5, 1, False)

    def test_what_passes_is_timed_beside_numpy(self, tmp_path, quick):
        made(tmp_path, a__py="import sys\n" + RIGHT)
        shown = []
        found = Grade("a.py", 0, "relative", {}, {}, True, Cases(9, 9), exit_code=0)
        times = [
            RungTime(name, "ok", None, seconds, *[None] * 5)
            for name, seconds in (("numpy-stable", 3e-3), ("yours", 2e-3))
        ]
        found.timing = Timing("10x3", "", times)
        shown.append(sheet.line(sheet.row(found), ["a.py"]))
        assert shown[0].endswith("9/9  2 ms, 1.50× as fast as numpy-stable")


class TestFiles:
    @pytest.fixture
    def graded_class(self, tmp_path, quick):
        there = made(tmp_path / "class", **{"=1+1__py": WRONG, "<b>李__py": RIGHT, "mine__py": "1 / 0"})
        done = grading(there, "--csv", tmp_path / "o.csv", "--html", tmp_path / "o.html")
        assert done.exit_code == 1
        return tmp_path

    def test_csv(self, graded_class):
        rows = list(csv.DictReader(io.StringIO((graded_class / "o.csv").read_text("utf-8"))))
        assert [row["submission"] for row in rows] == ["<b>李.py", "'=1+1.py", "mine.py"]
        assert [row["verdict"] for row in rows] == ["passes", "fails", "cannot be run"]
        assert rows[0]["cases right"] == rows[0]["cases"]
        assert (rows[1]["mistake"], rows[1]["seconds"]) == ("missing 1/m", "")
        assert rows[2]["explanation"].endswith("ZeroDivisionError: division by zero")

    def test_html(self, graded_class):
        page = (graded_class / "o.html").read_text("utf-8")
        assert "&lt;b&gt;李.py" in page
        assert "<b>" not in page
        assert "Grades of class" in page
        assert page.count("<details>") == 2
        assert "X = np.array(" in page
        assert "http" not in page.replace("http-equiv", "")

    def test_summary(self):
        grades = [Grade(name, 0, "", {}, {}, exit_code=code, error="x" * (code == 2)) for name, code in
                  (("a", 0), ("b", 2), ("c", 2))]  # fmt: skip
        table = sheet.summary([sheet.row(one) for one in grades])
        assert [line.cells for line in table.lines] == [("cannot be run", "2", "b, c"), ("passes", "1", "a")]

    def test_long_and_wide_names_line_up(self):
        grades = [Grade(name, 0, "", {}, {}, exit_code=2, error="here") for name in ("a", "李" * 9, "x" * 99)]
        rows = [sheet.row(one) for one in grades]
        lines = [sheet.line(row, [row.name for row in rows]) for row in rows]
        ends = [sheet.cell_len(line.partition("cannot")[0]) for line in lines]
        assert ends == [34, 34, 101]


def test_ctrl_c_keeps_what_was_done(tmp_path):
    there = made(
        tmp_path / "class", a__py="1 / 0", b__py=body("open('/dev/null'); import time; time.sleep(100)"), c__py=""
    )
    command = (*LOOPTAX, "grade", there, "--no-time", "--jobs", "1", "--seconds", "90", "--csv", tmp_path / "o.csv")
    with started(*command, "--lang", "zh") as process:
        begun = [process.stdout.readline() for _ in range(2)]
        assert begun[1].startswith("a.py  不能运行")
        assert soon(lambda: len(psutil.Process(process.pid).children(recursive=True)) > 1)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "已中断：3 份中评了 1 份。" in err
    assert "不能运行" in out
    assert (tmp_path / "o.csv").read_text("utf-8").count("ZeroDivisionError") == 1
    assert soon(lambda: not any(child.is_running() for child in children), 10)


class TestNotebooks:
    def test_passes(self, tmp_path):
        cells = (
            "%matplotlib inline\n!ls\nimport os\nos.path?\nos??",
            "files = !ls\na = %who",
            "%%bash\nls",
            ["x = (7\n", "% 3)\n", "assert x != 2\n"],
            RIGHT,
        )
        assert graded(tmp_path, notebook(*cells), name="mine.ipynb").passed

    def test_a_line_is_that_of_a_cell(self, tmp_path):
        found = graded(tmp_path, notebook("import numpy as np", body("while True: pass")), "mine.ipynb", seconds=1.0)
        assert found.failure.line == "line 4 of mine.ipynb, code cell 2, in step"
        found = graded(tmp_path, notebook("1", body("return missing")), "mine.ipynb")
        assert found.failure.line == "line 4 of mine.ipynb, code cell 2, in step: return missing"

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": 3}', '{"cells": [{"cell_type": "code"}]}'])
    def test_what_is_none_is_told(self, tmp_path, text):
        found = graded(tmp_path, text, "mine.ipynb")
        assert found.exit_code == 2
        assert found.error == "mine.ipynb is not a Jupyter notebook with cells"
