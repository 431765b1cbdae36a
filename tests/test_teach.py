"""``looptax teach``: the command, and the walk in a terminal."""

import copy
import io
import os
import select
import signal
import sys
import termios
import time
from contextlib import ExitStack, suppress
from types import SimpleNamespace

import pexpect
import pytest
from fresh import LOOPTAX, in_terminal
from looptax.bench.teach.lesson import text, waiting
from looptax.bench.teach.lesson import walk as walk_of_lesson
from looptax.bench.teach.lesson.chapters import CHAPTERS
from looptax.bench.teach.lesson.words import Words
from rich.console import Console
from terminal import command, whole


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
        done = command("teach", *arguments)
        assert done.exit_code == 2
        assert said in " ".join(done.output.replace("│", " ").split())
        assert "Traceback" not in done.output

    @pytest.mark.parametrize("language", ["en", pytest.param("zh", marks=pytest.mark.long)])
    def test_writes_the_page_it_measured(self, found, monkeypatch, tmp_path, language):
        shared = {}
        monkeypatch.setattr(
            "looptax.bench.teach.lesson.command.measure", lambda name, sizes, tell: tell(0.5) or found[name]
        )
        monkeypatch.setattr("typer.launch", lambda address: shared.update(address=address))
        done = command("teach", "-o", str(tmp_path / "page.html"), "--lang", language)
        assert done.exit_code == 0, done.output
        assert "<!doctype html>" in (tmp_path / "page.html").read_text(encoding="utf-8")
        assert Words(language)("Lesson: {path}", path="").strip() in done.output
        assert not shared, "opened where nobody looks"

    def test_a_browser_is_opened_where_somebody_looks(self, found, monkeypatch, tmp_path):
        opened = []
        monkeypatch.setattr("looptax.bench.teach.lesson.command.measure", lambda name, sizes, tell: found[name])
        monkeypatch.setattr("looptax.bench.teach.lesson.command.watched", lambda: True)
        monkeypatch.setattr("looptax.bench.teach.lesson.page.html", lambda *arguments: "the page")
        monkeypatch.setattr("typer.launch", opened.append)
        assert command("teach", "-o", str(tmp_path / "a b.html")).exit_code == 0
        assert opened == [(tmp_path / "a b.html").as_uri()]
        assert command("teach", "-o", str(tmp_path / "c.html"), "--no-open").exit_code == 0
        assert len(opened) == 1

    @pytest.mark.parametrize("way", [["--no-open"], ["--terminal"]])
    def test_a_rung_that_raises_ends_it_with_a_line(self, way, monkeypatch, tmp_path):
        def fail(*_):
            raise ZeroDivisionError("of\nmine")

        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("looptax.bench.teach.lesson.chapters.cost.measure", fail)
        done = command("teach", "--quick", *way)
        assert done.exit_code == 1
        said = "Error: the chapter cost cannot be measured: ZeroDivisionError: of mine"
        assert done.stderr.splitlines()[-1] == said
        assert list(tmp_path.iterdir()) == []

    def test_ctrl_c_leaves_nothing_behind(self, tmp_path):
        with in_terminal(*LOOPTAX, "teach", "--no-open", cwd=tmp_path) as child:
            child.expect("Logistic|slopes|graph|loop|Vectorize")
            time.sleep(1)
            child.kill(signal.SIGINT)
            child.expect("Interrupted")
            assert ended(child) == 130
        assert list(tmp_path.iterdir()) == []


def ended(child):
    """Wait for a program to end, and return its exit code."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


@pytest.fixture
def walk(tmp_path):
    """Start the walk in a terminal of its own."""
    with ExitStack() as stack:
        command = (*LOOPTAX, "teach", "--terminal", "--quick")
        plain = {"COLUMNS": "100", "TERM": "dumb"}
        yield lambda *arguments: stack.enter_context(in_terminal(*command, *arguments, cwd=tmp_path, **plain))


class TestWalk:
    def test_is_walked_by_a_person(self, walk):
        child = walk()
        child.expect(f"Chapter 1 of {len(CHAPTERS)}: Logistic regression and its cost")
        child.expect("measuring")
        child.sendline("123")
        child.expect("Predict, then measure")
        child.expect("Your guess, or Enter to skip")
        assert "123" not in child.before, "it was typed while nobody asked"
        child.sendline("five or so")
        child.expect("A positive number, please")
        child.expect("Your guess, or Enter to skip")
        child.sendline("5")
        child.expect("You guessed 5, measured: 5 — spot on")
        child.expect("too large")
        child.expect("Exercise")
        child.expect("To remember")
        child.expect("Enter for the next chapter, a for the answer, q to leave")
        assert "Answer" not in child.before
        child.sendline("a")
        child.expect("Answer")
        child.expect("About 10")
        child.expect("Enter for the next chapter")
        child.sendline("")
        child.expect(f"Chapter 2 of {len(CHAPTERS)}")
        child.expect("Your guess")
        child.sendline("")
        child.expect("10⁻¹⁵")
        child.expect("Your guess")
        child.sendline("1e-12")
        child.expect("You guessed 10⁻¹², measured:")
        child.expect("q to leave")
        child.sendline("q")
        assert ended(child) == 0

    def test_in_chinese(self, walk):
        child = walk("--lang", "zh")
        child.expect(text.chapter("cost", "zh").title)
        child.expect(Words("zh")("Your guess, or Enter to skip"))
        child.sendline("7")
        child.expect(Words("zh")("Exercise"))
        child.expect(Words("zh")(walk_of_lesson.NEXT))
        child.sendline("q")
        assert ended(child) == 0

    def test_ctrl_c_ends_it(self, walk):
        child = walk()
        child.expect("Your guess")
        for _ in range(3):  # one that comes in the moment before Python waits for a line is heard with the next
            child.sendintr()
            if child.expect(["Interrupted", pexpect.TIMEOUT], timeout=10) == 0:
                break
        assert ended(child) == 130

    def test_ctrl_d_skips(self, walk):
        child = walk()
        child.expect("Your guess")
        child.sendeof()
        child.expect("too large")

    def test_nobody_is_asked_where_nobody_is(self, found, monkeypatch):
        monkeypatch.setattr("looptax.bench.teach.lesson.walk.measure", lambda name, sizes, tell: found[name])
        done = command("teach", "--terminal")
        assert done.exit_code == 0, done.output
        assert "Your guess" not in done.output
        assert done.output.count("measuring") == len(CHAPTERS)
        assert done.output.count("─ Answer ─") == done.output.count("─ To remember ─") == len(CHAPTERS)
        assert f"Chapter {len(CHAPTERS)} of {len(CHAPTERS)}: The ladder" in done.output
        assert "That was the lesson." in done.output

    @pytest.mark.parametrize("typing", [True, False])
    @pytest.mark.parametrize("looking", [True, False])
    def test_a_person_is_asked_who_sees_the_question(self, typing, looking, monkeypatch):
        asked, ends = [], {"stdin": typing, "stdout": looking}
        system = SimpleNamespace(**{name: SimpleNamespace(isatty=lambda is_=is_: is_) for name, is_ in ends.items()})
        monkeypatch.setattr("looptax.bench.teach.lesson.command.sys", system)
        monkeypatch.setattr("looptax.bench.teach.lesson.walk.walk", lambda *given, ask: asked.append(ask))
        assert command("teach", "--terminal").exit_code == 0
        assert asked == [typing and looking]

    def test_a_busy_machine_is_told_of(self, found, monkeypatch, language):
        busy = [("Other processes kept {others:.1f} CPUs busy.", {"others": 1.3})]
        changed = {name: copy.copy(one) for name, one in found.items()}
        changed["loop"].unstable = busy
        monkeypatch.setattr("looptax.bench.teach.lesson.walk.measure", lambda name, sizes, tell: changed[name])
        shown = command("teach", "--terminal", "--lang", language).output
        assert all(said in shown.replace("\n", " ") for said in Words(language).unstable(busy))

    def test_any_encoding_will_do(self, found, monkeypatch):
        monkeypatch.setattr("looptax.bench.teach.lesson.walk.measure", lambda name, sizes, tell: found[name])
        for encoding in ("ascii", "cp1252"):
            code, shown, _ = whole(monkeypatch, "teach", "--terminal", encoding=encoding)
            assert code == 0
            assert "That was the lesson." in shown.decode(encoding)


class TestWaiting:
    """While the lesson measures, nobody listens."""

    @pytest.fixture
    def terminal(self, monkeypatch):
        """Both ends of a terminal: what a person types into, and what the program reads."""
        typed, read = os.openpty()
        with open(read, closefd=False) as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            yield typed, read
        os.close(typed)
        os.close(read)

    @staticmethod
    def echoes(terminal):
        return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)

    @staticmethod
    def waits(terminal):
        """Whether something is there to be read."""
        return bool(select.select([terminal], [], [], 0)[0])

    @pytest.mark.parametrize("ending", [None, KeyboardInterrupt, ValueError])
    def test_what_is_typed_is_neither_shown_nor_kept(self, terminal, ending):
        typed, read = terminal
        before = termios.tcgetattr(read)
        with suppress(KeyboardInterrupt, ValueError), waiting._deaf():
            assert not self.echoes(read)
            os.write(typed, b"100\n")
            assert self.waits(read)
            if ending:
                raise ending
        assert not self.waits(read)
        assert not self.waits(typed), "it was echoed"
        assert termios.tcgetattr(read) == before

    def test_a_bar_shows_the_share(self):
        console = Console(file=io.StringIO(), force_terminal=True, width=80, _environ={"TERM": "xterm"})
        with waiting.waiting(console, "measuring") as tell:
            tell(0.42)
            time.sleep(0.3)
        assert "measuring" in console.file.getvalue()
        assert "42%" in console.file.getvalue()
