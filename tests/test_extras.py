"""What is not installed is named, with the extra that brings it."""

import re
import tomllib
from pathlib import Path

import pytest
import typer
from fresh import python
from looptax.bench import cli, options
from packaging.requirements import Requirement
from packaging.version import Version
from typer.testing import CliRunner

#: What `test` brings besides its own.
TRIED = ("arrow", "bench", "build", "dask", "data", "lesson", "report", "sklearn")


def absent(monkeypatch, *packages):
    """As if these packages were not installed."""
    monkeypatch.setattr(options, "_installed", lambda name: name not in packages)


def test_each_extra_has_those_it_builds_on():
    assert {"altair", "jinja2", "cython", "typer"} <= {name.lower() for name in options._packages("report")}
    assert {"typer", "scipy"} <= set(options._packages("bench"))
    assert not {"altair", "pandas", "nbformat"} & set(options._packages("bench"))


def test_nothing_missing_is_nothing_said():
    for extra in ("bench", "data", "build", "report", "lesson"):
        options.needs(extra)


def test_all_that_is_missing_is_named(monkeypatch):
    absent(monkeypatch, "altair", "jinja2")
    with pytest.raises(
        typer.BadParameter, match=r"it needs altair, jinja2, not installed here: pip install 'looptax\[report\]'"
    ):
        options.needs("report")
    options.needs("bench")


@pytest.mark.parametrize(
    ("package", "extra", "arguments"),
    [
        ("altair", "report", ["report", "r.json"]),
        ("altair", "report", ["class", "r.json"]),
        ("jinja2", "report", ["run", "--html", "r.html"]),
        ("pygments", "report", ["run", "--study"]),
        ("uniplot", "lesson", ["teach", "--terminal"]),
        ("nbformat", "lesson", ["teach", "--notebooks", "books"]),
        ("Cython", "build", ["grade", "my_step.pyx"]),
    ],
)
def test_a_command_says_it_before_it_begins(package, extra, arguments, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    absent(monkeypatch, package)
    done = CliRunner().invoke(cli.app, arguments, env={"COLUMNS": "300"})
    assert done.exit_code == 2
    assert f"it needs {package}, not installed here: pip install 'looptax[{extra}]'" in done.output
    assert list(tmp_path.iterdir()) == []


def test_without_any_extra():
    done = python("import sys; sys.modules['typer'] = None; from looptax.bench.__main__ import main; main()")
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "The command looptax needs typer, which is not installed: pip install 'looptax[bench]'"
    )


def test_running_the_matrix_imports_nothing_of_the_others():
    done = python(
        "import sys; from looptax.bench import cli;"
        "print(*{'altair', 'jinja2', 'nbformat', 'markdown_it', 'pandas', 'sklearn', 'uniplot', 'vl_convert'}"
        " & sys.modules.keys())"
    )
    assert (done.returncode, done.stdout.strip()) == (0, "")


def test_the_oldest_versions_are_those_that_are_declared():
    """.ci/oldest tries them; where this fails, the first lines of the file say how it is written anew."""
    root = Path(__file__).parents[1]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *(one for name in ("test", *TRIED) for one in extras[name])]
    least = {
        one.name.lower(): str(one.specifier)[2:].removesuffix(".*") for one in map(Requirement, asked) if one.specifier
    }
    pins = dict(re.findall(r"^([\w.-]+)==([\w.]+)$", (root / ".ci/oldest.txt").read_text("ascii"), re.MULTILINE))
    assert len(least) > 30
    assert {name: version for name, version in least.items() if Version(pins[name]) != Version(version)} == {}
