"""``looptax grade`` survives the reader's code, and says what happened."""

from pathlib import Path

import pytest
from graded import RIGHT, Listener, body, graded
from looptax.bench.teach.grade import target, worker
from looptax.bench.teach.grade.document import Job
from looptax.bench.teach.grade.grading import grade


class TestAccidents:
    """Each is survived, and told as a failure of the step."""

    @pytest.mark.parametrize(
        ("lines", "kind", "says"),
        [
            (["while True: pass"], "hung", "did not come to an end within 1 s"),
            pytest.param(["while True: print('round and round')"], "hung", "within 1 s", marks=pytest.mark.long),
            pytest.param(["import time; time.sleep(1000)"], "hung", "within 1 s", marks=pytest.mark.long),
            (["import ctypes", "ctypes.string_at(0)"], "crashed", "SIGSEGV"),
            (["import os; os.abort()"], "crashed", "SIGABRT"),
            (["raise SystemExit(3)"], "exited", "SystemExit(3)"),
            (["import sys; sys.exit()"], "exited", "SystemExit()"),
            (["import os; os._exit(0)"], "exited", "ended the process with exit code 0"),
            (["raise KeyboardInterrupt"], "exited", "KeyboardInterrupt"),
            (["np.ones(1 << 40)"], "out of memory", "ran out of memory"),
            (["return input()"], "raised", "EOFError"),
        ],
    )
    def test_is_survived(self, tmp_path, lines, kind, says):
        found = graded(tmp_path, body(*lines), seconds=1.0)
        assert found.exit_code == 1
        assert (found.failure.kind, says in found.failure.explanation) == (kind, True), found.failure
        assert found.failure.case
        assert found.failure.input.again

    def test_a_list_that_grows_meets_the_limit(self, tmp_path):
        lines = ["kept = []", "while True: kept.append(np.ones(1_000_000))"]
        found = graded(tmp_path, body(*lines), seconds=20.0, memory_gb=0.5)
        assert found.failure.kind == "out of memory"

    def test_a_global_that_keeps_the_memory_does_not_stop_the_telling(self, tmp_path):
        found = graded(
            tmp_path, body("while True: kept.append(bytes(10_000))", before="kept = []"), seconds=20.0, memory_gb=0.3
        )
        assert found.failure.kind == "out of memory"

    def test_the_time_of_the_right_answer_is_not_the_steps(self, monkeypatch):
        heard, within = Listener(), []
        monkeypatch.setattr(worker, "reference", lambda *case: within.append(heard.messages[-1]["within"]))
        monkeypatch.setattr(worker, "Trial", lambda *given: within.append(heard.messages[-1]["within"]) or 1 / 0)
        with pytest.raises(ZeroDivisionError):
            worker.conforms(None, heard, Job(families=["labels"], seconds=3.0), heard)
        assert within == [worker.RIGHT_SECONDS, 3.0]

    def test_the_line_is_told(self, tmp_path):
        found = graded(tmp_path, body("z = X @ w", "while True:", "    z = z + 1"), seconds=1.0)
        assert found.failure.line.startswith("line ")
        assert "of mine.py, in step" in found.failure.line
        found = graded(tmp_path, body("import ctypes", "return ctypes.string_at(0)"))
        assert found.failure.line == "line 5 of mine.py, in step: return ctypes.string_at(0)"

    def test_the_last_of_endless_printing_is_kept(self, tmp_path):
        found = graded(tmp_path, body("n = 0", "while True: n += 1; print(n)"), seconds=1.0)
        numbers = [int(line) for line in found.output.split()[1:-1]]
        assert 100 < len(found.output) <= 4000
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert numbers[0] > 1000

    def test_a_crash_in_the_second_case_names_it(self, tmp_path):
        text = RIGHT.replace("    m = X", "    import os\n    if len(y) > 1: os.abort()\n    m = X", 1)
        found = graded(tmp_path, text)
        assert found.failure.kind == "crashed"
        assert found.failure.case == "17x3 all 0"
        assert found.cases.run > 1

    def test_a_crash_while_it_is_explained_loses_nothing(self, tmp_path):
        text = body(
            "calls.append(1)",
            "if len(calls) > 1: import os; os.abort()",
            "return w.sum(), w * 2, b",
            before="calls = []",
        )
        found = graded(tmp_path, text)
        assert found.failure.problem.startswith("cost is ")
        assert found.exit_code == 1


class TestChannel:
    """Only the worker speaks to the grader, and what it says may be shown."""

    FORGED = (
        "import os",
        "for number in range(3, 100):",
        "    try:",
        "        os.write(number, LINE)",
        "    except OSError:",
        "        pass",
        "return X.dtype.type(0), np.zeros(len(w), X.dtype), X.dtype.type(0)",
    )

    @pytest.mark.parametrize("line", ['{"event": "conforms"}', '{"event": "done"}', "[1]", "3", "{}", "\\xff"])
    def test_what_the_code_writes_there_is_no_message(self, tmp_path, line):
        found = graded(tmp_path, body(*self.FORGED, before=f"LINE = b'\\n{line}\\n'"))
        assert (found.exit_code, found.error) == (1, None)
        assert found.failure.problem.startswith("cost is 0")

    @pytest.mark.parametrize("text", ["\\ud800", "\\x1b[2J"])
    def test_no_text_harms_a_terminal_or_the_document(self, tmp_path, text):
        found = graded(tmp_path, body(f"raise ValueError('{text}')"))
        assert found.error is None
        assert found.failure.explanation.startswith("The step raised ValueError: \ufffd")

    def test_nor_does_a_line_of_the_file(self, tmp_path):
        found = graded(tmp_path, body("while True: '\x1b[2J'", before="print('\x1b[2J')"), seconds=1.0)
        assert found.failure.line.endswith("while True: '\ufffd[2J'")
        assert found.output.startswith("\ufffd[2J")

    def test_the_readers_error_state_is_not_ours(self, tmp_path):
        assert graded(tmp_path, RIGHT + "\nnp.seterr(all='raise')\n", families=["margins"]).passed


class TestCannotBeRun:
    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("def step(X, y, w, b:\n", "SyntaxError"),
            ("import no_such_module_anywhere\n", "No module named 'no_such_module_anywhere'"),
            ("1 / 0\n", "ZeroDivisionError"),
            ("raise SystemExit(4)\n", "SystemExit(4)"),
            ("import os; os._exit(4)\n", "exit code 4"),
            ("import ctypes; ctypes.string_at(0)\n", "SIGSEGV"),
            ("while True: pass\n", "did not come to an end within 3 s"),
            ("def other(X, y, w, b): pass\n", "has no function step; it has other"),
            ("step = 3\n", "step is a int, not a function"),
            ("def step(X, y): pass\n", "does not take four arguments"),
            ("def step(X, y, w, b, learning_rate): pass\n", "does not take four arguments"),
        ],
    )
    def test_is_told(self, tmp_path, text, says):
        found = graded(tmp_path, text, load_seconds=3.0)
        assert found.exit_code == 2
        assert says in found.error
        assert found.failure is None

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("no_such_file.py", "there is no file no_such_file.py"),
            ("no_such_module_at_all:step", "No module named 'no_such_module_at_all'"),
            ("what is this?", "neither a .py, .pyx or .ipynb file nor module:function"),
        ],
    )
    def test_there_is_nothing(self, text, says):
        found = grade(text, Job(shape=None))
        assert (found.exit_code, says in found.error) == (2, True), found.error

    def test_a_file_called_without_its_ending(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("mine.py").write_text(RIGHT)
        assert "for the file say mine.py" in grade("mine", Job(shape=None)).error

    def test_what_does_not_compile_has_the_compilers_message(self, tmp_path):
        found = graded(tmp_path, "def step(X, y, w, b):\n    cdef int k = 'no'\n", name="mine.pyx")
        assert found.exit_code == 2
        assert "mine.pyx:2" in found.error
        assert "Traceback" not in found.error
        assert [path.name for path in tmp_path.iterdir()] == ["mine.pyx"]

    def test_the_traceback_is_the_readers_alone(self, tmp_path):
        found = graded(tmp_path, "def f():\n    return 1 / 0\nf()\n")
        assert "in f" in found.error
        assert "target.py" not in found.error

    def test_a_file_in_capitals(self, tmp_path):
        assert graded(tmp_path, RIGHT, name="UPPER.PY").passed

    def test_names(self):
        assert target.parse("a.b:c") == target.Target("a.b", "c")
        assert target.parse(__file__) == target.Target(__file__, "step")
        assert target.parse(f"{__file__}:g") == target.Target(__file__, "g")
