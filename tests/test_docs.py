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


@each_page
def test_every_command_is_there(page):
    for name, *words in commands(page.read_text("utf-8")):
        known = {option for one in COMMANDS[name].params for option in (*one.opts, *one.secondary_opts)}
        assert {word for word in words if word.startswith("-")} <= known, (name, words)


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


def test_every_promise_names_tests_that_are_there():
    rows = re.findall(r"^\| (.+) \| (.+) \|$", HERE.joinpath("docs", "promises.md").read_text("utf-8"), re.MULTILINE)
    promises = [(promise, held) for promise, held in rows if held not in ("held by", "")]
    assert len(promises) > 30
    for promise, held in promises:
        named = re.findall(r"`(test_\w+\.py)(?:::([\w:]+))?`", held)
        assert named, promise
        for file, test in named:
            names = names_in(HERE / "tests" / file)
            assert not test or test in names, f"{promise}: {file}::{test}"


def anchors(path):
    """Return the anchors of a page's headings, as Git forges and MyST make them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, HERE / "CHANGELOG.md"], ids=lambda path: path.relative_to(HERE).as_posix())
def test_links_lead_somewhere(page):
    text = FENCE.sub("", page.read_text("utf-8"))
    for link in re.findall(r"\]\(\s*([^)\s]+)\)", text):
        if not re.match(r"https?://", link):
            file, _, anchor = link.partition("#")
            target = page.parent / file if file else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def test_the_gallery_shows_every_program():
    shown = re.findall(
        r"^```\{literalinclude\} (.+)$", (HERE / "docs/gallery/index.md").read_text("utf-8"), re.MULTILINE
    )
    assert sorted(shown) == sorted(path.name for path in HERE.glob("docs/gallery/*.py"))
