"""What a duel is given becomes an interpreter: a commit and a wheel are built once, by whoever asks first."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fresh import PYTHON, alive, run, soon, started
from looptax.bench.measure.duel import builds, commands
from looptax.bench.measure.duel.builds import BuildError, Given, UnknownError, made, recognised
from looptax.bench.measure.duel.link import Worker
from terminal import command

#: A looptax of one file, which takes a moment to build.
FILES = {
    "pyproject.toml": """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "looptax"
version = "9"
[tool.setuptools]
packages = ["looptax", "looptax.kernels"]
package-dir = {"looptax.kernels" = "kernels"}
""",
    "looptax/__init__.py": "__version__ = '9'",
    "kernels/__init__.py": "",
    "kernels/ladder.py": """
import numpy as np

class Rung:
    def load(self):
        return lambda X, y, w, b: (X.dtype.type(1), np.zeros_like(w), X.dtype.type(0))

def rung(name):
    return Rung()
""",
}

#: Starts another program that tells its number and sleeps.
SLEEPS = """
import subprocess, sys
child = subprocess.Popen(["sleep", "600"])
open("pid", "w").write(str(child.pid))
child.wait()
"""


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository of a small looptax, which is the current folder."""
    folder = tmp_path / "repository"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "init", "-q", "-b", "main")
    commit(folder)
    monkeypatch.chdir(folder)
    return folder


def git(folder, *arguments):
    who = ("-c", "user.name=n", "-c", "user.email=e@x")
    return subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True, text=True).stdout


def commit(folder):
    """Commit all there is."""
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "Work")


def about(build):
    """What a build says of itself."""
    worker = Worker(build, 1)
    try:
        return worker.greet()
    finally:
        worker.end()


class TestRecognised:
    def test_an_interpreter(self):
        assert recognised(sys.executable) == Given(sys.executable, python=Path(sys.executable))
        assert made("A", recognised(sys.executable), pytest.fail).python == Path(sys.executable)

    def test_one_on_the_path(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}")
        monkeypatch.chdir(tmp_path)
        assert recognised(Path(sys.executable).name).python == Path(sys.executable)

    def test_a_commit(self, repository):
        found = git(repository, "rev-parse", "HEAD").strip()
        git(repository, "tag", "old")
        assert recognised("old") == Given(f"commit {found[:7]} (old)", repository=repository, commit=found)
        assert recognised(found[:9]).what == f"commit {found[:7]}"

    def test_a_wheel(self, tmp_path):
        path = tmp_path / "looptax-9-py3-none-any.whl"
        path.write_bytes(b"")
        assert recognised(str(path)) == Given(f"wheel {path.name}", wheel=path)

    @pytest.mark.parametrize("text", ["nothing", "--help", "HEAD:kernels", "no.whl", "/", ""])
    def test_nothing(self, repository, text):
        with pytest.raises(
            UnknownError, match="is no commit of looptax's repository, no wheel and no Python interpreter"
        ):
            recognised(text)

    def test_a_commit_of_something_else(self, repository):
        git(repository, "rm", "-q", "kernels/ladder.py")
        commit(repository)
        git(repository, "tag", "gone")
        with pytest.raises(UnknownError):
            recognised("gone")


class TestMade:
    def test_a_commit_is_built_once(self, repository, cache_folder):
        said = []
        build = made("A", recognised("main"), said.append)
        assert [text.split(":")[0].split(" took")[0] for text in said] == [
            f"Building {build.what}", build.what
        ]  # fmt: skip
        found = about(build)
        assert found["version"] == "9"
        assert found["looptax"].startswith(str(cache_folder / "builds"))
        again = made("B", recognised("main"), pytest.fail)
        assert again.python == build.python
        assert [path.name for path in (cache_folder / "builds").iterdir() if path.name.startswith(".part")] == []
        assert git(repository, "worktree", "list").count("\n") == 1

    def test_a_wheel(self, repository, cache_folder, tmp_path):
        done = run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, ".",
                   cwd=repository)  # fmt: skip
        assert done.returncode == 0, done.stderr
        (wheel,) = tmp_path.glob("*.whl")
        build = made("A", recognised(str(wheel)), lambda text: None)
        assert about(build)["version"] == "9"
        assert made("A", recognised(str(wheel)), pytest.fail) == build

    def test_one_that_fails_says_why_and_leaves_nothing(self, repository, cache_folder):
        repository.joinpath("pyproject.toml").write_text(FILES["pyproject.toml"].replace('"kernels"', '"nowhere"'))
        commit(repository)
        with pytest.raises(
            BuildError, match=r"^commit \w+ \(main\) cannot be built: exit code 1\n(.*\n)*.*nowhere"
        ) as fault:
            made("A", recognised("main"), lambda text: None)
        assert str(fault.value).count("\n") <= commands.LINES
        assert [path for path in (cache_folder / "builds").iterdir() if path.suffix != ".lock"] == []

    def test_the_command_says_so(self, repository):
        repository.joinpath("pyproject.toml").write_text("nonsense")
        commit(repository)
        done = command("duel", sys.executable, "main", "--rungs", "plan")
        assert done.exit_code == 1
        assert "Error: commit " in done.stderr

    def test_one_that_is_wrong(self, repository):
        done = command(
            "duel",
            sys.executable,
            "main",
            "--rungs",
            "numpy-stable",
            "--shapes",
            "9x2",
            "--orders",
            "C",
            "--threads",
            "1",
        )
        assert done.exit_code == 1
        assert "No number with B, failed: cost is 1, expected" in done.stdout
        assert "B: commit " in done.stdout
        assert "looptax 9, Python" in done.stdout

    def test_what_was_not_used_for_longest_is_forgotten(self, tmp_path, monkeypatch):
        monkeypatch.setattr(builds, "KEPT", 2)
        for age, name in enumerate("abcd"):
            python = builds._python(tmp_path / name)
            python.parent.mkdir(parents=True)
            python.touch()
            builds.os.utime(tmp_path / name, (age, age))
        (tmp_path / "other").mkdir()
        builds._forget_the_oldest(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "d", "other"]

    @pytest.mark.long
    def test_this_commit(self, cache_folder, monkeypatch):
        """The whole of it, from its archive on, for few CPUs: minutes."""
        monkeypatch.setenv("LOOPTAX_LEVELS", "x86_64_v3")
        build = made("A", recognised("HEAD"), lambda text: None)
        done = command("duel", build.python, sys.executable, "--rungs", "cython-tuned", "--shapes", "1000x20")
        assert done.exit_code == 0, done.output
        assert about(build)["looptax"].startswith(str(cache_folder))


class TestCommands:
    def test_what_fails_shows_its_last_lines(self):
        code = "print(*range(100), sep='\\n'); raise SystemExit(3)"
        with pytest.raises(ValueError, match=r"^exit code 3\n  88\n(  \d+\n)+  99$"):
            commands.run([sys.executable, "-c", code], ValueError)

    def test_what_is_not_there(self):
        with pytest.raises(ValueError, match=r"^no-such-thing: No such file"):
            commands.run(["no-such-thing"], ValueError)
        assert commands.said(["no-such-thing"]) is None
        assert commands.said([sys.executable, "-c", "raise SystemExit(1)"]) is None

    def test_interrupted_it_ends(self, tmp_path):
        """And what it has started, which is in its session."""
        (tmp_path / "sleeps.py").write_text(SLEEPS)
        run_it = "commands.run([sys.executable, 'sleeps.py'], OSError)"
        code = f"import sys; from looptax.bench.measure.duel import commands; {run_it}"
        with started(*PYTHON, "-c", code, cwd=tmp_path) as process:
            assert soon(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
            pid = int((tmp_path / "pid").read_text())
            process.send_signal(signal.SIGINT)
            process.wait(60)
        assert soon(lambda: not alive(pid), 10)
