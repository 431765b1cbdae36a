"""``looptax run --preset mine.toml``: a study that is a file, which others can repeat."""

import hashlib
import json

import pytest
from graded import RIGHT
from looptax.bench import presets, steps
from looptax.bench.measure.data import REAL
from looptax.bench.measure.matrix import Matrix
from looptax.bench.show import own, report, storage
from terminal import command

WHOLE = """
# everything that a study may say, but for data, which exclude shapes
shapes = ["40x3", "9x2"]
dtypes = ["float32"]
orders = ["F"]
rungs = ["numpy-stable", "cython"]
threads = [1]
budget = 2.5
sweeps = 2
seed = 7
with = ["steps/my_step.py"]
accuracy = "absolute"
peers = false
"""


@pytest.fixture(autouse=True)
def untried(monkeypatch):
    """Steps are not tried here."""
    monkeypatch.setattr(steps, "_try", lambda *arguments: None)


@pytest.fixture
def write(tmp_path):
    """Write a preset, and what it may name beside it."""
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "my_step.py").write_text(RIGHT)
    (tmp_path / "two, or more.csv").write_text("a,y\n1,no\n2,yes\n4,no\n")

    def write(text, name="mine.toml"):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path / name

    return write


def of(path, **given):
    return presets.matrix(str(path), **given)


class TestMatrix:
    def test_every_key_is_read(self, write):
        found = of(write(WHOLE))
        assert (found.sources, found.dtypes, found.orders) == (("40x3", "9x2"), ("float32",), ("F",))
        assert (found.threads, found.budget, found.sweeps, found.seed) == ((1,), 2.5, 2, 7)
        assert found.rungs[:2] == ("numpy-stable", "cython-serial")
        assert found.rungs[-1] == "my_step"
        assert found.guests[0].accuracy == "absolute"

    def test_an_empty_one_is_the_smallest_preset(self, write):
        found = of(write(""))
        assert found.cells() == Matrix().cells()
        assert of(write('preset = "M"')).sources == of("M").sources

    def test_a_seed_of_none_is_said_too(self, write):
        assert of(write('preset = "S"\nseed = 0')).study["seed"] == 0

    def test_files_are_beside_it_wherever_one_is(self, write, tmp_path, monkeypatch):
        path = write('data = ["two, or more.csv", "breast-cancer"]\nlabel = "y"')
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        assert of(path).sources == ("two__or_more", "breast-cancer")
        assert of("../mine.toml").sources == ("two__or_more", "breast-cancer")

    def test_the_command_line_is_stronger(self, write):
        path = write(WHOLE)
        found = of(path, sweeps=3, rungs="numpy-notes", dtypes="float64")
        assert (found.sweeps, found.rungs, found.dtypes) == (3, ("numpy-notes", "my_step"), ("float64",))
        assert found.study["sweeps"] == 2  # what the file says
        assert of(path, data="breast-cancer").sources == ("breast-cancer",)
        path = write('data = ["two, or more.csv"]\nlabel = "y"\nstandardise = true')
        assert of(path, shapes="9x2").sources == ("9x2",)
        assert of(path, data="breast-cancer").sources == ("breast-cancer",)


class TestRefused:
    """With the file and the key; exit code 2."""

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("shapse = ['9x2']", ": there is no key `shapse`; the keys are preset, rungs, peers, shapes, "),
            ("sweeps = 0", ", sweeps: Expected `int` >= 1"),
            ("sweeps = 2.5", ", sweeps: Expected `int | null`, got `float`"),
            ("seed = -1", ", seed: Expected `int` >= 0"),
            ("threads = ['1']", ", threads[0]: Expected `int`, got `str`"),
            ("shapes = '9x2'", ", shapes: Expected `array | null`, got `str`"),
            ("preset = 'XL'", ", preset: Invalid enum value 'XL'"),
            ("budget = 'long'", ", budget: Expected `float | null`, got `str`"),
            ("shapes = ['9x']", ", shapes: '9x' is not a shape; expected samples x features"),
            ("shapes = []", ", shapes: the list is empty"),
            ("dtypes = ['float16']", ", dtypes: 'float16' is not one of float32, float64"),
            ("orders = ['c']", ", orders: 'c' is not one of C, F"),
            ("rungs = ['numbo']", ", rungs: 'numbo' is not one of python-array"),
            ("threads = [100000]", ", threads: '100000' is not a number from 1 to"),
            ("budget = 0", ", budget: 0.0 is not a positive number of seconds"),
            ("budget = nan", ", budget: nan is not a positive number of seconds"),
            ("data = ['none.csv']", f"none.csv' is not one of {', '.join(REAL)}, and no file"),
            ("data = ['two, or more.csv']", "two, or more.csv needs --label, the column that holds the labels"),
            ("data = ['two, or more.csv']\nlabel = 'z'", "has no column 'z'; it has a, y"),
            ("data = ['flights']\nshapes = ['9x2']", ", data: a data set has its own shape"),
            ("label = 'y'", ", label: it goes with a file in --data"),
            ("with = ['gone.py']", ", with: there is no file"),
            ("with = ['steps/my_step.py:gone']", ", with: "),
            ("accuracy = 'absolute'", ", accuracy: it goes with --with"),
            ("sweeps = ", "mine.toml: Invalid value (at "),
            (b"label = '\xff'", "codec can't decode byte 0xff"),
        ],
    )
    def test_what_is_wrong(self, text, message, write):
        path = write(text)
        done = command("run", "--preset", path, columns=400)
        assert done.exit_code == 2, done.output
        assert f"Invalid value for --preset: {path}" in done.output
        assert message in done.output

    def test_what_is_wrong_on_the_command_line_is_of_the_command_line(self, write):
        done = command("run", "--preset", write(WHOLE), "--shapes", "9x", columns=200)
        assert (done.exit_code, "Invalid value for --shapes: '9x' is not a shape" in done.output) == (2, True)

    def test_no_file(self, tmp_path):
        for path, message in ((tmp_path / "none.toml", "No such file or directory"), (tmp_path, "and no .toml file")):
            done = command("run", "--preset", path, columns=200)
            assert (done.exit_code, message in done.output) == (2, True)


def test_a_run_carries_it(write, tmp_path):
    path = write(WHOLE)
    done = command("run", "--preset", path, "--json", tmp_path / "out.json", columns=200)
    assert done.exit_code == 0, done.output
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert f"study: mine.toml, SHA-256 {digest[:12]}\n" in done.stdout
    document = storage.read(tmp_path / "out.json")
    study = document.looptax.settings["study"]
    assert (study["file"], study["sha256"]) == ("mine.toml", digest)
    assert (study["shapes"], study["with"], study["seed"]) == (["40x3", "9x2"], ["steps/my_step.py"], 7)
    assert {one.cell.rung for one in document.looptax.cells if one.seconds} >= {"numpy-stable", "my_step"}
    report.write(document, tmp_path / "page.html")
    assert "study: mine.toml, SHA-256" in (tmp_path / "page.html").read_text("utf-8")


@pytest.mark.parametrize("said", [None, 3, [], {}, {"file": "\x1b[31m", "sha256": 5}, {"file": {}}])
def test_whatever_a_document_says_of_it_can_be_shown(said, result_document):
    document = result_document(("numpy-stable", 1.0))
    document.looptax.settings = {"study": said}
    assert "\x1b" not in json.dumps([*own.brought(document.looptax)], ensure_ascii=False)
