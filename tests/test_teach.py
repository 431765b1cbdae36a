"""``looptax teach``: the page in a browser, the walk in a terminal, the notebooks run, and the command."""

import json
import os
import signal
import time

import nbformat
import pexpect
import pytest
from browser import chromium
from fresh import interruptible
from looptax.bench import cli
from looptax.bench.teach.lesson import guesses, notebooks, page, text
from looptax.bench.teach.lesson.chapters import CHAPTERS
from looptax.bench.teach.lesson.words import LANGUAGES, Words
from nbclient import NotebookClient
from typer.testing import CliRunner

QUESTIONS = sum(block.kind == "guess" for name in CHAPTERS for block in text.chapter(name, "en").blocks)
PICTURES = sum(block.kind == "picture" for name in CHAPTERS for block in text.chapter(name, "en").blocks)


@pytest.fixture(scope="module")
def written(found, machine, tmp_path_factory):
    """The page in each language."""
    folder = tmp_path_factory.mktemp("lesson")
    for language in LANGUAGES:
        (folder / f"{language}.html").write_text(page.html(found, language, machine), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture(params=LANGUAGES)
def language(request):
    return request.param


@pytest.fixture
def opened(browser, written, language):
    browser.open(written / f"{language}.html")
    return browser


def count(browser, selector):
    return browser.run(f"document.querySelectorAll('{selector}').length")


def guess(browser, key, value):
    """Type a guess and press Compare."""
    browser.run(
        f"(() => {{ const form = document.querySelector('form[data-guess=\"{key}\"]');"
        f" form.elements.guess.value = {json.dumps(value)}; form.querySelector('[type=submit]').click(); }})()"
    )


class TestPage:
    def test_no_console_errors_and_no_network(self, opened):
        assert opened.problems() == []
        assert all(address.startswith("file:") and address.endswith(".html") for address in opened.requests())

    def test_has_every_chapter_picture_and_exercise(self, opened, language):
        assert count(opened, "section.chapter") == count(opened, "nav li") == len(CHAPTERS)
        assert count(opened, ".chart svg") == PICTURES
        assert count(opened, ".exercise") == len(CHAPTERS)
        assert opened.run("document.documentElement.lang") == {"en": "en", "zh": "zh-Hans"}[language]
        titles = opened.run("[...document.querySelectorAll('h2')].map((h) => h.lastChild.textContent)")
        assert titles == [text.chapter(name, language).title for name in CHAPTERS]

    def test_pictures_and_tables_say_what_they_are(self, opened):
        assert count(opened, "[role=img]:not([aria-label])") == 0
        assert count(opened, "[role=region]:not([aria-label])") == 0
        assert opened.run(
            "[...document.querySelectorAll('[role=img], [role=region]')].every((e) => e.ariaLabel.length > 5)"
        )

    def test_nothing_is_shown_before_the_guess(self, opened):
        keys = opened.run("[...document.querySelectorAll('form.guess')].map((form) => form.dataset.guess)")
        assert len(set(keys)) == len(keys) >= QUESTIONS - 2  # on one CPU there are fewer
        assert opened.run("[...document.querySelectorAll('.numbers')].every((e) => e.closest('.sealed')?.hidden)")

    def test_a_guess_reveals_and_is_judged(self, opened, language, found):
        measured = found["vectorize"].most
        guess(opened, "vectorize-most", f"{measured * 3:.0f}")
        assert opened.run("document.querySelector('[data-sealed=\"vectorize-most\"]').hidden") is False
        assert opened.run("document.querySelector('[data-sealed=\"vectorize-exp_ratio\"]').hidden") is True
        said = opened.run("document.querySelector('[data-guess=\"vectorize-most\"] .verdict p').textContent")
        assert Words(language)("the right order of magnitude") in said
        assert guesses.UNITS["times"].write(measured) in said
        assert "1" in opened.run("document.getElementById('score').textContent")
        left = opened.run(
            "['yours', 'theirs'].map((name) => parseFloat(document.querySelector("
            '`[data-guess="vectorize-most"] .${name}`).style.left))'
        )
        assert left[0] > left[1] > 0
        assert opened.problems() == []

    def test_what_is_no_number_is_asked_for_again(self, opened):
        guess(opened, "loop-element", "a lot")
        assert opened.run("document.querySelector('[data-guess=\"loop-element\"] .wrong').hidden") is False
        assert opened.run("document.querySelector('[data-sealed=\"loop-element\"]').hidden") is True
        guess(opened, "loop-element", "100")
        assert opened.run("document.querySelector('[data-guess=\"loop-element\"] .wrong').hidden") is True
        assert opened.run("document.querySelector('[data-sealed=\"loop-element\"]').hidden") is False

    def test_a_reader_may_look_without_guessing(self, opened):
        opened.run("document.querySelectorAll('.skip').forEach((button) => button.click())")
        assert count(opened, ".sealed[hidden]") == 0
        assert opened.run("document.getElementById('score').textContent") == ""

    def test_the_script_reads_guesses_as_python_does(self, opened):
        typed = [
            "30",
            " 1e-8 ",
            "10^-8",
            "1,000",
            "100x",
            "50%",
            "2^3",
            "",
            "many",
            "-3",
            "0",
            "nan",
            "Infinity",
            "^3",
            "2^",
        ]
        read = opened.run(f"{json.dumps(typed)}.map((one) => String(parse(one)))")
        for one, value in zip(typed, read, strict=True):
            try:
                expected = guesses.parse(one)
            except ValueError:
                assert value == "NaN", one
            else:
                assert float(value) == pytest.approx(expected), one

    @pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light"), (320, "dark")])
    def test_fits_the_window(self, browser, written, language, width, scheme):
        browser.open(written / f"{language}.html", width=width, scheme=scheme)
        browser.run("document.querySelectorAll('.skip').forEach((button) => button.click())")
        assert browser.run("document.documentElement.scrollWidth") <= width
        assert browser.problems() == []

    def test_without_scripts_all_is_shown_and_nothing_asked(self, browser, written, language):
        browser.open(written / f"{language}.html", scripts=False)
        text_ = browser.send("DOM.getDocument", depth=-1)
        outer = browser.send("DOM.getOuterHTML", nodeId=text_["root"]["nodeId"])["outerHTML"]
        assert outer.count('class="sealed"') > 20
        assert not [part for part in outer.split('class="sealed"')[1:] if "hidden" in part.partition(">")[0]]
        forms = outer.split('<form class="guess"')[1:]
        assert forms
        assert all("hidden" in form.partition(">")[0] for form in forms)


@pytest.mark.parametrize("name", [*CHAPTERS[1:4], *(pytest.param(n, marks=pytest.mark.long) for n in CHAPTERS)])
def test_a_notebook_runs(name, tmp_path):
    run(notebooks.notebook(name, "en", quick=True), tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chinese_notebook_runs(name, tmp_path):
    run(notebooks.notebook(name, "zh", quick=True), tmp_path)


def run(book, folder):
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


def looptax(*arguments):
    return CliRunner().invoke(cli.app, ["teach", *arguments])


class TestNotebooksCommand:
    def test_writes_a_notebook_for_each_chapter(self, tmp_path, language):
        done = looptax("--notebooks", str(tmp_path / "new" / "folder"), "--lang", language)
        assert done.exit_code == 0, done.output
        files = sorted(path.name for path in (tmp_path / "new" / "folder").iterdir())
        assert files == [f"{k:02}-{name}.ipynb" for k, name in enumerate(CHAPTERS, 1)]
        first = nbformat.read(tmp_path / "new" / "folder" / files[0], 4)
        assert text.chapter(CHAPTERS[0], language).title in first.cells[0].source

    def test_never_overwrites_a_readers_work(self, tmp_path):
        (tmp_path / "10-ladder.ipynb").write_text("my notes")
        done = looptax("--notebooks", str(tmp_path))
        assert done.exit_code == 2
        assert "10-ladder.ipynbistherealready" in "".join(done.output.replace("│", "").split())
        assert [path.name for path in tmp_path.iterdir()] == ["10-ladder.ipynb"]


class TestCommand:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--lang", "fr"], "'fr' is not one of en, zh"),
            (["-o", "lesson.pdf"], "does not end in .html"),
            (["-o", "/nowhere/at/all/lesson.html"], "cannot write into the folder"),
            (["--terminal", "--notebooks", "x"], "give --terminal or --notebooks"),
            (["lesson.html"], "unexpected extra argument"),
        ],
    )
    def test_a_wrong_argument_is_said_in_a_line(self, arguments, said):
        done = looptax(*arguments)
        assert done.exit_code == 2
        assert said in " ".join(done.output.replace("│", " ").split())
        assert "Traceback" not in done.output

    def test_writes_the_page_it_measured(self, found, monkeypatch, tmp_path, language):
        shared = {}
        monkeypatch.setattr(
            "looptax.bench.teach.lesson.command.measure", lambda name, sizes, tell: tell("x", 0.5) or found[name]
        )
        monkeypatch.setattr("typer.launch", lambda address: shared.update(address=address))
        done = looptax("-o", str(tmp_path / "page.html"), "--lang", language)
        assert done.exit_code == 0, done.output
        assert "<!doctype html>" in (tmp_path / "page.html").read_text(encoding="utf-8")
        assert not shared, "opened where nobody looks"

    def test_a_browser_is_opened_where_somebody_looks(self, found, monkeypatch, tmp_path):
        opened = []
        monkeypatch.setattr("looptax.bench.teach.lesson.command.measure", lambda name, sizes, tell: found[name])
        monkeypatch.setattr("looptax.bench.teach.lesson.command.watched", lambda: True)
        monkeypatch.setattr("typer.launch", opened.append)
        assert looptax("-o", str(tmp_path / "a b.html")).exit_code == 0
        assert opened == [(tmp_path / "a b.html").as_uri()]
        assert looptax("-o", str(tmp_path / "c.html"), "--no-open").exit_code == 0
        assert len(opened) == 1

    def test_ctrl_c_leaves_nothing_behind(self, tmp_path):
        program, *arguments = interruptible("-Im", "looptax.bench", "teach", "--no-open")
        child = pexpect.spawn(program, arguments, cwd=tmp_path, timeout=120, encoding="utf-8")
        child.expect("Logistic|slopes|graph|loop|Vectorize")
        time.sleep(1)
        child.kill(signal.SIGINT)
        child.expect("Interrupted")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 130
        assert list(tmp_path.iterdir()) == []


def spawn(folder, *arguments):
    """Start the walk in a terminal of its own."""
    environment = {**os.environ, "COLUMNS": "100", "TERM": "dumb"}
    program, *command = interruptible("-Im", "looptax.bench", "teach", "--terminal", "--quick", *arguments)
    return pexpect.spawn(
        program, command, cwd=folder, timeout=120, encoding="utf-8", env=environment, dimensions=(40, 100)
    )


class TestWalk:
    def test_is_walked_by_a_person(self, tmp_path):
        child = spawn(tmp_path)
        child.expect("Chapter 1 of 10: Logistic regression and its cost")
        child.expect("Predict, then measure")
        child.expect("Your guess, or Enter to skip")
        child.sendline("five or so")
        child.expect("A positive number, please")
        child.expect("Your guess, or Enter to skip")
        child.sendline("5")
        child.expect("You guessed 5, measured: 5 — spot on")
        child.expect("too large")
        child.expect("Exercise")
        child.expect("Enter for the next chapter, q to leave")
        child.sendline("")
        child.expect("Chapter 2 of 10")
        child.expect("Your guess")
        child.sendline("")
        child.expect("10⁻¹⁵")
        child.expect("Your guess")
        child.sendline("1e-12")
        child.expect("You guessed 10⁻¹², measured:")
        child.expect("q to leave")
        child.sendline("q")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0

    def test_in_chinese(self, tmp_path):
        child = spawn(tmp_path, "--lang", "zh")
        child.expect(text.chapter("cost", "zh").title)
        child.expect(Words("zh")("Your guess, or Enter to skip"))
        child.sendline("7")
        child.expect(Words("zh")("Exercise"))
        child.expect(Words("zh")("Enter for the next chapter, q to leave"))
        child.sendline("q")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0

    def test_ctrl_c_ends_it(self, tmp_path):
        child = spawn(tmp_path)
        child.expect("Your guess")
        child.sendintr()
        child.expect("Interrupted")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 130

    def test_ctrl_d_skips(self, tmp_path):
        child = spawn(tmp_path)
        child.expect("Your guess")
        child.sendeof()
        child.expect("too large")
        child.close(force=True)

    def test_nobody_is_asked_where_nobody_is(self, found, monkeypatch):
        monkeypatch.setattr("looptax.bench.teach.lesson.walk.measure", lambda name, sizes: found[name])
        done = looptax("--terminal")
        assert done.exit_code == 0, done.output
        assert "Your guess" not in done.output
        assert "Chapter 10 of 10: The ladder" in done.output
        assert "That was the lesson." in done.output
