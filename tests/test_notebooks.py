"""The lesson's notebooks: they run, hold the rungs' own source, and overwrite nobody's work."""

import copy
import tomllib
from pathlib import Path

import nbformat
import pytest
from looptax.bench.teach.lesson import notebooks, text
from looptax.bench.teach.lesson.chapters import CHAPTERS
from looptax.bench.teach.lesson.words import Words
from nbclient import NotebookClient
from packaging.requirements import Requirement
from terminal import command


@pytest.mark.parametrize(
    "name", ["slopes", *(pytest.param(name, marks=pytest.mark.long) for name in CHAPTERS if name != "slopes")]
)
def test_a_notebook_runs(name, tmp_path):
    execute(notebooks.notebook(name, "en", quick=True), tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chinese_notebook_runs(name, tmp_path):
    execute(notebooks.notebook(name, "zh", quick=True), tmp_path)


def execute(book, folder):
    """Execute a notebook; every call of the lesson in it must show something, and a guess must be compared."""
    nbformat.validate(book)
    for cell in book.cells:
        cell.source = cell.source.replace(", None)", ", 100)")
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    calls = [
        cell for cell in book.cells if cell.cell_type == "code" and "lesson." in cell.source.replace(".lesson.", "")
    ]
    assert len(calls) >= 3
    for cell in calls:
        if not cell.source.startswith("from "):
            (output,) = [one for one in cell.outputs if one.output_type == "execute_result"]
            assert "looptax" in output.data["text/html"]
    assert not [
        one for cell in book.cells if cell.cell_type == "code" for one in cell.outputs if one.output_type == "error"
    ]


def test_notebooks_hold_the_real_source_and_no_output():
    book = notebooks.notebook("loop", "en")
    sources = [cell.source for cell in book.cells if cell.cell_type == "code"]
    assert any("def double_loop(X, y, w, b, dw):" in source for source in sources)
    assert any("quick" not in source and "Lesson(" in source for source in sources)
    assert all(cell.outputs == [] for cell in book.cells if cell.cell_type == "code")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", CHAPTERS)
def test_the_answer_can_be_opened_and_the_last_cell_is_what_to_remember(name, language):
    words, *_, answer, last = Words(language), *notebooks.notebook(name, language).cells
    assert answer.source.startswith(f"<details><summary>{words('Answer')}</summary>\n\n")
    assert answer.source.endswith("\n\n</details>")
    assert last.source.startswith(f"**{words('To remember')}**\n\n")


def test_an_extra_brings_what_opens_them():
    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]
    brought = {Requirement(one).name for one in project["optional-dependencies"]["notebooks"]}
    assert {"looptax", "ipykernel", "jupyterlab"} <= brought


def test_a_busy_machine_is_told_of_where_it_was_measured(found, monkeypatch, language):
    it, shown = copy.copy(found["loop"]), []
    it.unstable = [("Other processes kept {others:.1f} CPUs busy.", {"others": 1.3})]
    monkeypatch.setattr(notebooks, "measure", lambda name, quick: it)
    monkeypatch.setattr("IPython.display.display", lambda one: shown.append(one.data))
    lesson = notebooks.Lesson("loop", language)
    lesson.guess("element", 100)
    lesson.guess("element", 100)
    assert shown == [f"<b>{said}</b>" for said in Words(language).unstable(it.unstable)]


class TestNotebooksCommand:
    def test_writes_a_notebook_for_each_chapter(self, tmp_path, language):
        done = command("teach", "--notebooks", str(tmp_path / "new" / "folder"), "--lang", language)
        assert done.exit_code == 0, done.output
        files = sorted(path.name for path in (tmp_path / "new" / "folder").iterdir())
        assert files == [f"{k:02}-{name}.ipynb" for k, name in enumerate(CHAPTERS, 1)]
        assert "pip install 'looptax[notebooks]'" in "".join(done.output.splitlines())
        assert ("To work through them" in done.output) == (language == "en")
        first = nbformat.read(tmp_path / "new" / "folder" / files[0], 4)
        assert text.chapter(CHAPTERS[0], language).title in first.cells[0].source

    def test_never_overwrites_a_readers_work(self, tmp_path):
        (tmp_path / "11-ladder.ipynb").write_text("my notes")
        done = command("teach", "--notebooks", str(tmp_path))
        assert done.exit_code == 2
        assert "11-ladder.ipynbistherealready" in "".join(done.output.replace("│", "").split())
        assert [path.name for path in tmp_path.iterdir()] == ["11-ladder.ipynb"]
