"""The texts hold: their blocks of Python and the docstrings' examples run, what they name and link to is there.

The pages run as a reader would: block after block, in one namespace. A comment that begins with ``<!-- python`` is a
block that is run and not shown: what a reader has already, or what must hold in the end.
"""

import ast
import doctest
import importlib
import re
import shlex
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import looptax
import pytest
import typer
from looptax.bench.cli import app
from looptax.bench.show import figures

HERE = Path(looptax.__file__).parents[1]
PAGES = [HERE / "README.md", *sorted(path for path in HERE.glob("docs/**/*.md") if "_build" not in path.parts)]
PACKAGES = {"looptax.pyimpl": HERE / "pyimpl", "looptax.kernels": HERE / "kernels", "looptax.bench": HERE / "bench"}
BLOCK = re.compile(r"^(?:```|<!-- )(\w[\w-]*)?\n(.*?)^(?:```|-->)$", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^(```|:::).*?^\1$", re.MULTILINE | re.DOTALL)
COMMANDS = typer.main.get_command(app).commands

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(HERE).as_posix())


def modules_with_examples():
    """Return the names of the modules whose docstrings have examples."""
    found = [
        ".".join([package, *path.relative_to(folder).with_suffix("").parts]).removesuffix(".__init__")
        for package, folder in PACKAGES.items()
        for path in sorted(folder.rglob("*.py"))
        if re.search(r"^ *>>> ", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert {"looptax.kernels", "looptax.kernels.sklearn", "looptax.pyimpl.course.graph"} <= {*found}
    return found


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_in_docstrings_run(name):
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert not failed
    assert tried or name == "looptax.kernels.dask"  # which need a cluster: kernel.md has one


def test_the_examples_of_what_is_compiled_are_found():
    found = {one.name: one.examples for one in doctest.DocTestFinder().find(importlib.import_module("looptax.kernels"))}
    assert len(found["looptax.kernels.fastest"]) == 3


def blocks(text, *languages):
    """Yield the blocks of these languages."""
    yield from (block for language, block in BLOCK.findall(text) if language in languages)


@each_page
def test_blocks_of_python_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": page.stem}
    for block in blocks(page.read_text("utf-8"), "python"):
        exec(compile(block, page.name, "exec"), namespace)


@each_page
def test_every_block_says_what_it_is(page):
    languages = re.findall(r"^```([^\n]+)\n.*?^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    known = re.compile(r"python|sh|toml|text|diff|\{(eval-rst|include|literalinclude)\}.*")
    assert [language for language in languages if not known.fullmatch(language)] == []


def commands(text):
    """Yield the words of each command of ours in blocks for the shell."""
    for line in "\n".join(blocks(text, "sh")).splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        for apart, part in groupby(words, lambda word: word in ("&&", ";", "|")):
            program, *arguments = part
            if not apart and program.rpartition("/")[2] == "looptax":
                yield arguments


def unknown_options(text):
    """Return the commands that are not there, and those that have not all options they are given."""
    known = {name: {one for option in command.params for one in option.opts} for name, command in COMMANDS.items()}
    return [
        (name, *words)
        for name, *words in commands(text)
        if name not in known or not {word for word in words if word.startswith("-")} <= known[name]
    ]


@each_page
def test_every_command_is_there(page):
    assert unknown_options(page.read_text("utf-8")) == []


def test_each_command_for_figures_names_a_text_that_has_the_block():
    found = [words for page in PAGES for name, *words in commands(page.read_text("utf-8")) if name == "figures"]
    assert found
    for text, *words in found:
        for option in words[::2]:
            assert figures.block((HERE / text).read_text("utf-8"), option.removeprefix("--")), (text, option)


@lru_cache
def names_in(path):
    """Return the names of the functions, classes and methods of a file."""
    top = [one for one in ast.parse(path.read_text("utf-8")).body if isinstance(one, ast.FunctionDef | ast.ClassDef)]
    inside = {f"{one.name}::{part.name}" for one in top for part in one.body if isinstance(part, ast.FunctionDef)}
    return {one.name for one in top} | inside


def unheld(text):
    """Return the promises of a page's tables that name no test, or one that is not there."""
    rows = re.findall(r"^\| (.+) \| (.+) \|$", text, re.MULTILINE)
    promises = {promise: re.findall(r"`(test_\w+\.py)(?:::([\w:]+))?`", held) for promise, held in rows}
    del promises["promise"]  # the head
    assert promises
    return [
        promise
        for promise, held in promises.items()
        if not held or any(test and test not in names_in(HERE / "tests" / file) for file, test in held)
    ]


def test_every_promise_names_tests_that_are_there():
    assert unheld(HERE.joinpath("docs", "promises.md").read_text("utf-8")) == []


def anchors(path):
    """Return the anchors of a page's headings, as Git forges and MyST make them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(text, page):
    """Return the links of a page's text that lead to no file, or no heading of it; of those that stay here."""
    found = (link.partition("#") for link in re.findall(r"\]\(\s*([^)\s]+)\)", FENCE.sub("", text)))
    targets = {(page.parent / file if file else page, anchor) for file, _, anchor in found if ":" not in file}
    return [(path, name) for path, name in targets if not path.exists() or (name and name not in anchors(path))]


@pytest.mark.parametrize("page", [*PAGES, HERE / "CHANGELOG.md"], ids=lambda path: path.relative_to(HERE).as_posix())
def test_links_lead_somewhere(page):
    assert dead_links(page.read_text("utf-8"), page) == []


@pytest.mark.parametrize("text", ["[x](docs/none.md)", "[x](#none)", "[x](docs/kernel.md#none)", "[x](\n  none.md)"])
def test_a_dead_link_is_found(text):
    assert len(dead_links(f"[x](docs/kernel.md#on-a-cluster) {text}", HERE / "README.md")) == 1


@pytest.mark.parametrize("line", ["looptax ran", "x && looptax run --fast", ".venv/bin/looptax run --rungs x --quick"])
def test_a_command_that_is_not_there_is_found(line):
    assert len(unknown_options(f"```sh\nlooptax run --rungs numpy\n{line}\n```\n")) == 1


@pytest.mark.parametrize("held", ["faith", "`test_right.py::test_none`", "`test_right.py`, `test_bits.py::test_none`"])
def test_a_promise_that_nothing_holds_is_found(held):
    table = "| promise | held by |\n|---|---|\n| one | `test_right.py::test_values` |\n| two | {} |\n"
    assert unheld(table.format(held)) == ["two"]


def test_the_gallery_shows_every_program():
    shown = re.findall(
        r"^```\{literalinclude\} (.+)$", (HERE / "docs/gallery/index.md").read_text("utf-8"), re.MULTILINE
    )
    assert sorted(shown) == sorted(path.name for path in HERE.glob("docs/gallery/*.py"))
