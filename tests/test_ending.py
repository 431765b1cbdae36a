"""How a command ends: at once where it is asked wrongly, without a traceback and with its files whatever happens."""

import codecs
import io
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress

import made_up
import pytest
from fresh import PYTHON, python, run
from looptax import __version__
from looptax.bench import cli, ending
from looptax.bench.measure import run as measure
from looptax.bench.show import storage, terminal
from pytest_benchmark.stats import Stats
from terminal import command, whole

HEAVY = ("numpy", "scipy", "numba", "altair", "pytest", "rich", "psutil", "jinja2")
IMPORTED = f"""
import atexit, sys
atexit.register(lambda: print("IMPORTED", *({set(HEAVY)} & sys.modules.keys())))
from looptax.bench.__main__ import main
main()
"""
COMMANDS = [command.name for command in cli.app.registered_commands]
TINY = ("run", "--rungs", "numpy-stable", "--shapes", "9x2", "--orders", "C", "--threads", "1", "--sweeps", "1")


@pytest.fixture
def result(tmp_path):
    """A made-up result file."""
    storage.write(made_up.document(sources=("100x2", "100000x30")), tmp_path / "r.json")
    return tmp_path / "r.json"


class TestAtOnce:
    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            (["--help"], 0),
            (["run", "--help"], 0),
            (["--version"], 0),
            (["run", "--nope"], 2),
            (["run", "--json", "/no/such/folder/r.json"], 2),
            (["compare", "a.json", "b.json"], 2),
            (["grade", "x.py", "--accuracy", "good"], 2),
            (["teach", "--lang", "xx"], 2),
        ],
    )
    def test_help_and_wrong_arguments_import_nothing_that_takes_time(self, arguments, code, tmp_path):
        done = python(IMPORTED, *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout.splitlines()[-1]) == (code, "IMPORTED"), done.stderr

    def test_the_version(self):
        assert command("--version").stdout.split() == ["looptax", __version__]

    @pytest.mark.parametrize("module", ["looptax", "looptax.bench"])
    def test_it_is_a_module_too(self, module, tmp_path):
        done = run(*PYTHON, "-m", module, "--version", cwd=tmp_path)
        assert (done.returncode, done.stdout.split()[0]) == (0, "looptax"), done.stderr

    @pytest.mark.parametrize("name", [None, *COMMANDS])
    def test_help_fits_any_width_and_tells_flags_from_values(self, name, monkeypatch):
        for columns in (54, 70, 100):
            code, shown, _ = whole(monkeypatch, *filter(None, [name]), "--help", columns=columns)
            lengths = [len(line) for line in shown.decode().splitlines()]
            assert code == 0
            assert b"<bool>" not in shown
            assert columns - 20 < max(lengths) <= columns


class TestSignals:
    BEGIN = "import os, signal, sys; from looptax.bench import ending\n"

    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
    def test_while_modules_are_imported_a_line_is_said(self, name):
        done = python(f"""if True:
            import os, signal, sys

            class Signal:
                def find_spec(name, path=None, target=None):
                    if name == "looptax.bench.options":
                        os.kill(os.getpid(), signal.{name})

            sys.meta_path.insert(0, Signal)
            from looptax.bench.__main__ import main
            main()
            """)
        assert (done.returncode, done.stderr) == (128 + getattr(signal, name), "Interrupted.\n")

    def test_the_second_says_what_is_kept_and_the_third_ends_at_once(self):
        done = python(
            self.BEGIN
            + """if True:
            ending.prepare()
            for k in (1, 2, 3):
                try:
                    os.kill(os.getpid(), signal.SIGINT)
                    print(k, "goes on")
                except KeyboardInterrupt:
                    print(k, "ends")
            """
        )
        assert done.stdout.splitlines() == ["1 ends", "2 goes on", "3 ends"]
        assert "what was measured is being kept" in done.stderr

    def test_one_that_nohup_ignores_stays_ignored(self):
        code = "signal.signal(signal.SIGHUP, signal.SIG_IGN); ending.prepare(); os.kill(os.getpid(), signal.SIGHUP)"
        assert python(self.BEGIN + code).returncode == 0

    def test_a_command_that_keeps_what_it_has_ends_with_the_signals_code(self, monkeypatch):
        monkeypatch.setattr(ending, "_asked", [])
        with suppress(KeyboardInterrupt):
            ending._interrupt(signal.SIGTERM, None)
        with pytest.raises(SystemExit) as end, ending.told():
            sys.exit(ending.INTERRUPTED)
        assert end.value.code == 143

    def test_a_terminal_that_closes_cannot_be_written_either(self, monkeypatch, capsys):
        monkeypatch.setattr(ending, "_asked", [signal.SIGHUP])
        with pytest.raises(SystemExit) as end, ending.told():
            raise OSError(5, "Input/output error")
        assert end.value.code == 129
        assert capsys.readouterr().err == "Error: Input/output error\n"

    def test_a_run_that_measured_nothing_says_so_and_leaves_files_alone(self, monkeypatch, tmp_path):
        def interrupted(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(measure, "take", interrupted)
        (tmp_path / "r.json").write_text("before")
        done = command(*TINY, "--json", tmp_path / "r.json")
        assert done.exit_code == 130
        assert done.stdout == ""
        assert done.stderr.splitlines()[-1] == "Interrupted: none of 1 cells was measured, nothing is written."
        assert (tmp_path / "r.json").read_text() == "before"

    def test_a_run_interrupted_in_the_first_round_of_a_turn_too(self, monkeypatch):
        """Then pytest-benchmark has figures of it that are of nothing."""

        def interrupted(self, duration):
            raise KeyboardInterrupt

        monkeypatch.setattr(Stats, "update", interrupted)
        done = command(*TINY)
        assert done.exit_code == 130
        assert done.stderr.splitlines()[-1] == "Interrupted: none of 1 cells was measured, nothing is written."


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
class TestOutput:
    """Of a real program: Python itself writes once more at its end."""

    @staticmethod
    def ended(*arguments, **streams):
        """Run the program with these streams; return its exit code and what it says of errors."""
        done = subprocess.run([*PYTHON, "-m", "looptax.bench", *arguments], stderr=subprocess.PIPE, **streams)
        return done.returncode, done.stderr.decode()

    @staticmethod
    def broken():
        """Return a pipe that nobody reads."""
        reader, writer = os.pipe()
        os.close(reader)
        return writer

    @pytest.mark.parametrize("arguments", [["--help"], ["grade", "--family"]])
    def test_a_full_disk_is_a_line(self, arguments):
        with open("/dev/full", "w") as full:
            assert self.ended(*arguments, stdout=full) == (1, "Error: No space left on device\n")

    @pytest.mark.parametrize("arguments", [["--help"], ["grade", "--family"]])
    def test_a_reader_who_has_gone_is_no_error(self, arguments):
        assert self.ended(*arguments, stdout=self.broken()) == (141, "")

    def test_what_cannot_be_said_of_an_error_is_dropped(self):
        for stderr in (self.broken(), os.open("/dev/full", os.O_WRONLY)):
            done = subprocess.run([*PYTHON, "-m", "looptax.bench", "--nope"], stderr=stderr)
            assert done.returncode == 2

    def test_no_file_gets_the_number_of_a_closed_stream(self):
        code = "from looptax.bench import ending; ending.prepare(); print(open('/dev/null').fileno() > 2, file=f)"
        begin = "import os, sys; f = os.fdopen(int(sys.argv[1]), 'w'); "
        reader, writer = os.pipe()
        shell = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *PYTHON, "-c", begin + code, str(writer)]
        assert subprocess.run(shell, pass_fds=[writer]).returncode == 0
        os.close(writer)
        assert os.read(reader, 10) == b"True\n"


class TestFilesFirst:
    @pytest.mark.parametrize("error", [BrokenPipeError(32, "Broken pipe"), OSError(28, "No space left on device")])
    def test_a_run_is_written_before_it_is_shown(self, error, monkeypatch, tmp_path):
        def fail(*_):
            raise error

        monkeypatch.setattr(terminal, "show", fail)
        done = command(*TINY, "--json", tmp_path / "r.json")
        assert done.exit_code == 1
        assert f"Error: {error.strerror}" in done.stderr
        assert storage.read(tmp_path / "r.json").looptax.cells[0].seconds

    def test_what_cannot_be_written_is_shown(self, monkeypatch, tmp_path):
        monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        done = command(*TINY, "--json", tmp_path / "r.json")
        assert done.exit_code == 1
        assert f"Error: {tmp_path / 'r.json'} not written: No space left on device" in done.stderr
        assert "numpy-stable" in done.stdout

    @pytest.mark.parametrize(("name", "reason"), [("a" * 256 + ".json", "File name too long"), ("loop", "Too many")])
    def test_a_name_that_no_file_can_have_is_refused_before_measuring(self, name, reason, tmp_path):
        (tmp_path / "loop").symlink_to("loop")
        done = command(*TINY, "--json", tmp_path / name)
        assert done.exit_code == 2
        assert reason in done.stderr


class TestLetters:
    @pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
    @pytest.mark.parametrize(
        "arguments",
        [
            ("compare", "{r}", "{r}"),
            ("figures", "{text}", "--ladder", "{r}", "--age"),
            ("report", "{r}", "-o", "{r}.md"),
            ("grade", "--family"),
            ("tune", "--show"),
            ("grade", "none–.py"),
            ("run", "--help"),
            pytest.param(TINY, marks=pytest.mark.long),
        ],
        ids=lambda arguments: arguments[0],
    )
    def test_any_encoding_will_do(self, arguments, encoding, monkeypatch, result, tmp_path):
        text = tmp_path / "TEXT.md"
        text.write_text("<!-- figures: ladder -->\n<!-- figures: end -->\n")
        given = [argument.format(r=result, text=text) for argument in arguments]
        code, out, err = whole(monkeypatch, *given, encoding=encoding)
        assert code == (2 if "none–.py" in given else 0), err
        shown = (out + err).decode(encoding)
        assert shown
        assert "?" not in shown.replace("?\n", "")

    @pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
    def test_the_tables_of_a_run_in_any_encoding(self, encoding):
        from rich.console import Console

        codecs.register_error("plain", ending._plain)
        buffer = io.BytesIO()
        stream = ending.Output(buffer, encoding, "plain")
        terminal.show(made_up.document(sources=("100x2",)).looptax, Console(file=stream, width=80))
        stream.flush()
        shown = buffer.getvalue().decode(encoding)
        assert "?" not in shown
        assert "95 % interval" in shown

    def test_a_letter_without_a_plain_form_is_a_question_mark(self):
        codecs.register_error("plain", ending._plain)
        assert "".join(ending.PLAIN).encode("ascii", "plain").decode() == "".join(ending.PLAIN.values())
        assert "中\udcff – π".encode("ascii", "plain") == b"?? - ?"


def test_a_command_in_the_file_holds_nothing_a_terminal_obeys(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["looptax", "run", "\x1b[31m", "\udcff"])
    assert command(*TINY, "--json", tmp_path / "r.json").exit_code == 0
    assert json.loads((tmp_path / "r.json").read_text())["looptax"]["command"] == "looptax run ' [31m' ' '"
