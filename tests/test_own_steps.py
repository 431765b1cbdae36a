"""``looptax run --with my_step.py``: one's own step is tried first, then measured and shown like a rung."""

import hashlib
import json
import sys

import pytest
from graded import RIGHT, body
from looptax.bench import options, steps
from looptax.bench.measure.matrix import Matrix
from looptax.bench.show import compare, report, storage
from looptax.bench.show.ladder import ladders
from looptax.bench.show.report.facts import facts
from looptax.bench.teach.grade import start
from terminal import command

SMALL = ["--shapes", "40x3", "--orders", "C", "--threads", "1", "--sweeps", "2", "--rungs", "numpy-stable,cython-tuned"]


@pytest.fixture(autouse=True)
def in_a_moment(monkeypatch, tmp_path):
    """Steps are tried on few cases, and leave no trace in this process."""
    monkeypatch.setattr(steps, "FAMILIES", ["labels"])
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def write(tmp_path):
    """Write a step to a file."""

    def write(name="my_step.py", text=RIGHT):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


def run(*arguments):
    return command("run", *SMALL, *arguments, columns=200)


class TestRungs:
    @pytest.fixture
    def document(self, write, tmp_path):
        """What a run with two steps wrote."""
        write("helper.py", "half = 0.5")
        write("two.py", "from helper import half\n" + RIGHT.replace("def step", "def forward_backward"))
        done = run("--with", f"{write()},two.py:forward_backward", "--json", "out.json")
        assert done.exit_code == 0, done.output
        assert "Trying" in done.stderr
        assert "cases; looptax grade tries all." in done.stderr
        self.output = done.stdout
        return storage.read(tmp_path / "out.json")

    def test_they_are_measured_and_shown(self, document, tmp_path):
        names = ["numpy-stable", "cython-tuned", "my_step", "two.forward_backward"]
        assert [one.cell.rung for one in document.looptax.cells] == names
        assert all(one.seconds for one in document.looptax.cells)
        own = document.looptax.cells[2:]
        assert all(0 <= one.error_used <= 1 for one in own)
        assert [one.again is None for one in document.looptax.cells] == [True, False, True, True]  # A/A is of our last
        assert "two.forward_backward: relative to cython-tuned" in self.output
        (found,) = ladders(document.looptax)
        assert found.last == "cython-tuned"
        assert [row.over for row in found.own] == [None, None, "cython-tuned", "cython-tuned"]
        report.write(document, tmp_path / "page.html")
        page = (tmp_path / "page.html").read_text("utf-8")
        assert page.count("two.forward_backward") > 2
        assert "my_step: step of my_step.py, SHA-256 " in page

    def test_the_document_tells_which_code_it_was(self, document, tmp_path):
        first, second = document.looptax.guests
        assert (first.name, first.file, first.function) == ("my_step", "my_step.py", "step")
        assert (second.name, second.file, second.function) == ("two.forward_backward", "two.py", "forward_backward")
        assert second.sha256 == hashlib.sha256((tmp_path / "two.py").read_bytes()).hexdigest()
        assert f"my_step: step of my_step.py, SHA-256 {first.sha256[:12]}\n" in self.output
        assert first.sha256[:12] in dict(facts(document))["Brought"]
        assert "guests" not in document.looptax.settings

        changed = storage.checked(storage.plain(document))
        changed.looptax.guests[0].sha256 = "0" * 64
        assert "my_step is not the same in A and B: the files differ" in compare.remarks(document, changed)

    def test_older_documents_have_none(self, document, tmp_path):
        held = storage.plain(document)
        del held["looptax"]["guests"]
        (tmp_path / "old.json").write_text(json.dumps(held))
        assert storage.read(tmp_path / "old.json").looptax.guests == []

    def test_each_has_the_helper_beside_it(self, write, tmp_path):
        for name, half in (("ada", "0.5"), ("bob", "1 / 2")):
            write(f"{name}/beside.py", f"half = {half}\nwhose = {name!r}")
            write(f"{name}/{name}.py", f"import beside\n{RIGHT}\nwhose = beside.whose\n")
        words = [str(tmp_path / name / f"{name}.py") for name in ("ada", "bob")]
        found = steps.joined(Matrix(rungs=("numpy-stable",), sources=("9x2",)), words, None).guests
        assert [one.step.__globals__["whose"] for one in found] == ["ada", "bob"]

    def test_on_a_busy_machine(self, write, tmp_path):
        arguments = ["--preset", "busy", "--shapes", "40x3", "--rungs", "cython-tuned", "--sweeps", "1"]
        done = command("run", *arguments, "--with", write(), "--json", tmp_path / "b.json", columns=200)
        assert done.exit_code == 0, done.output
        own = [one for one in storage.read(tmp_path / "b.json").looptax.cells if one.cell.rung == "my_step"]
        assert all(one.seconds for one in own)
        assert "my_step" in done.stdout

    def test_all_threads_are_theirs(self, write):
        matrix = steps.joined(Matrix(rungs=("numpy-stable",), threads=(1, 2), sources=("9x2",)), [str(write())], None)
        assert {cell.threads for cell in matrix.cells() if cell.rung == "my_step"} == {1, 2}

    @pytest.mark.long
    def test_a_pyx_file_is_compiled(self, write, tmp_path):
        cython = next(one for one in start.STARTERS if one.family == "cython")
        before = set(sys.modules)
        done = run("--with", write("mine.pyx", cython.text), "--json", "out.json")
        assert done.exit_code == 0, done.output
        assert storage.read(tmp_path / "out.json").looptax.cells[2].seconds
        assert "mine" not in set(sys.modules) - before
        assert {path.name for path in tmp_path.iterdir()} == {"mine.pyx", "out.json"}


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("my_step.py", "my_step"),
        ("my_step.py:fast", "my_step.fast"),
        ("my step.py", "my_step"),
        ("numpy-stable.py", "own-numpy-stable"),
        ("numpy.py", "own-numpy"),
        ("plan.py:step", "own-plan"),
        ("peer.py", "own-peer"),
    ],
)
def test_names_are_never_those_of_rungs(target, name, write):
    write(target.partition(":")[0])
    assert list(steps._named([target])) == [name]


class TestRefused:
    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["none.py"], "Invalid value for --with: there is no file none.py"),
            ([",".join(f"step_number_{k}.py" for k in range(30))], "there is no file step_number_0.py"),
            (["os:path"], "'os:path' is a module; expected a .py, .pyx or .ipynb file"),
            (["my_step.txt"], "'my_step.txt' is a module; expected a .py, .pyx or .ipynb file"),
            (["my step"], "'my step' is neither a .py, .pyx or .ipynb file nor module:function"),
            (["mine.ipynb"], "there is no file mine.ipynb"),
            (["my_step.py,my_step.py"], "two steps would be called my_step; give a file another name"),
            (["my_step.py", "there/my_step.py"], "two steps would be called my_step"),
            (["my_step.py:gone"], "cannot be run: my_step.py has no function gone; it has step: say my_step.py:step"),
            (["json.pyx"], "json.pyx has the name of a module that is in use; give it another"),
            (["raises.py"], "raises.py:step cannot be run: "),
        ],
    )
    def test_what_cannot_be_run(self, words, message, write):
        for name in ("my_step.py", "there/my_step.py", "json.pyx"):
            write(name)
        write("raises.py", "raise OSError('\x1b[31mno')")
        done = run(*(part for word in words for part in ("--with", word)))
        assert done.exit_code == 2, done.output
        assert message in done.output
        assert "\x1b" not in done.output

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (body("return np.nan, w, 0.0"), "my_step.py:step does not conform, "),
            (RIGHT.replace("/ m\n    dz", "\n    dz"), "1/m is missing in cost"),
            (body("import os; os._exit(3)"), "the step ended the process with exit code 3"),
        ],
    )
    def test_what_is_wrong(self, text, message, write):
        done = run("--with", write(text=text), "--json", "out.json")
        assert done.exit_code == 1
        assert message in done.output
        assert f"'looptax grade {write(text=text)}:step' says more." in done.output
        assert not (write().parent / "out.json").exists()

    def test_what_is_wrong_on_the_cell_alone(self, write, tmp_path):
        write(text=RIGHT.replace("    return cost", "    if m == 40: cost = cost * 2\n    return cost"))
        done = run("--with", "my_step.py", "--json", "out.json")
        assert done.exit_code == 1
        assert "my_step: failed: cost is " in done.output
        assert [one.status for one in storage.read(tmp_path / "out.json").looptax.cells][2] == "failed"

    def test_the_accuracy_of_most_libraries(self, write, monkeypatch, tmp_path):
        monkeypatch.setattr(steps, "FAMILIES", ["margins"])
        lines = (
            "z = X @ w + b", "cost = (np.logaddexp(0, z) - y * z).mean()", "dz = 1 / (1 + np.exp(-z)) - y",
            "return X.dtype.type(cost), X.T @ dz / X.dtype.type(len(y)), dz.mean()",
        )  # fmt: skip
        write(text=body(*lines))
        done = run("--with", "my_step.py")
        assert done.exit_code == 1
        assert "Digits are lost to cancellation" in done.output
        assert "--accuracy absolute lets you" in done.output
        done = run("--with", "my_step.py", "--accuracy", "absolute", "--json", "out.json")
        assert done.exit_code == 0, done.output
        assert storage.read(tmp_path / "out.json").looptax.guests[0].accuracy == "absolute"
        assert "accuracy absolute" in done.output

    def test_options_that_go_with_it(self, write):
        assert "--accuracy: it goes with --with" in run("--accuracy", "absolute").output
        done = run("--with", write(), "--accuracy", "good")
        assert "'good' is not one of relative, absolute, notes" in done.output
        for preset in ("estimators", "cluster"):
            done = command("run", "--preset", preset, "--with", "my_step.py", columns=200)
            assert (done.exit_code, "--with: it has no meaning for" in done.output) == (2, True)
        done = command("run", "--preset", "variants", "--with", "my_step.py", columns=200)
        assert "a step of your own is the plain step, which this preset does not measure" in done.output

    def test_what_is_not_installed(self, write, monkeypatch):
        monkeypatch.setattr(options, "_installed", lambda one: one != "Cython")
        done = run("--with", write("mine.pyx"))
        assert done.exit_code == 2
        assert "it needs Cython, not installed here: pip install 'looptax[build]'" in done.output
