"""The command line in this process, and what a terminal shows."""

import io
import sys
from tempfile import TemporaryFile

import pytest
from hurried import hurried
from looptax.bench import cli, ending
from looptax.bench.__main__ import main
from rich.console import Console
from typer.testing import CliRunner


def command(*arguments, columns=80):
    """Call the command line in this process, on a terminal so wide, and return what came of it."""
    with hurried():
        return CliRunner().invoke(cli.app, [str(argument) for argument in arguments], env={"COLUMNS": str(columns)})


def printed(*things, width=80):
    """Return what Rich prints of tables and pictures on a terminal so wide."""
    console = Console(width=width)
    with console.capture() as captured:
        for thing in things:
            console.print(thing, highlight=False)
    return captured.get()


def whole(monkeypatch, *arguments, encoding="utf-8", columns=80):
    """Call the whole program in this process, and return its exit code and the bytes of both streams."""
    monkeypatch.setattr(sys, "argv", ["looptax", *map(str, arguments)])
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(ending, "SIGNALS", ())
    with TemporaryFile() as out, TemporaryFile() as err, hurried():
        for name, file in (("stdout", out), ("stderr", err)):
            stream = io.TextIOWrapper(open(file.fileno(), "wb", closefd=False), encoding)  # noqa: SIM115  # not ours
            monkeypatch.setattr(sys, name, stream)
            monkeypatch.setattr(sys, f"__{name}__", stream)
        monkeypatch.setattr(sys, "__stdin__", sys.stdin)
        with pytest.raises(SystemExit) as end:
            main()
        sys.stdout.flush(), sys.stderr.flush()
        return end.value.code, *(file.seek(0) or file.read() for file in (out, err))
