"""The command line in this process, and what a terminal shows."""

from hurried import hurried
from looptax.bench import cli
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
