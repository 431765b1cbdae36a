"""What a duel is between: a commit, a wheel or an interpreter, each of which becomes an interpreter with looptax.

What has to be built is kept in the user's cache folder, under the commit or the wheel's content, and this environment:
a build has an environment of its own, which holds looptax alone and takes the other packages from this one.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
import tarfile
import tempfile
import tomllib
import venv
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ....kernels.choose import private, wisdom
from ..stopwatch import Stopwatch
from . import commands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Tell = Callable[[str], None]

KEPT = 8  # builds, those used last
LAYOUT = "1"  # of what is kept: another one has other names
LADDER = "kernels/ladder.py"  # what a repository of looptax has


class BuildError(RuntimeError):
    """A build cannot be had; the message says why."""


class UnknownError(BuildError):
    """What was given is no commit, wheel or interpreter."""


class Build(NamedTuple):
    """One side of a duel.

    Attributes
    ----------
    name : str
        "A" or "B".
    what : str
        What was given, in words.
    python : Path
        An interpreter that has it.
    isolated : bool
        Whether it minds nothing of the user's environment: it was built for this.
    """

    name: str
    what: str
    python: Path
    isolated: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.what})"


class Given(NamedTuple):
    """What was given, recognised but not built."""

    what: str
    python: Path | None = None  # an interpreter
    wheel: Path | None = None
    repository: Path | None = None
    commit: str | None = None


def recognised(text: str) -> Given:
    """Return what a text stands for: a wheel or an interpreter where there is such a file, else a commit."""
    path = Path(text).expanduser()
    if path.suffix == ".whl" and path.is_file():
        return Given(f"wheel {path.name}", wheel=path)
    if path.is_file() and os.access(path, os.X_OK):
        return Given(str(path), python=Path(os.path.abspath(path)))  # links as they are: they tell environments apart
    for folder in (Path.cwd(), Path(__file__).parent):
        if commit := _commit(folder, text):
            named = "" if commit.startswith(text) else f" ({text})"
            return Given(f"commit {commit[:7]}{named}", repository=folder, commit=commit)
    if "/" not in text and (found := shutil.which(text)):
        return Given(found, python=Path(found))
    raise UnknownError(f"{text!r} is no commit of looptax's repository, no wheel and no Python interpreter")


def made(name: str, given: Given, tell: Tell) -> Build:
    """Return the build, which may take minutes; `tell` is told of what does.

    Raises
    ------
    BuildError
        It cannot be built; the message ends with what was printed last.
    """
    if given.python:
        return Build(name, given.what, given.python)
    folder = _folder() / _key(given)
    with _alone(folder):
        if not folder.is_dir():
            _build(given, folder, tell)
        os.utime(folder)
        _forget_the_oldest(folder.parent)
    return Build(name, given.what, _python(folder), isolated=True)


def _commit(folder: Path, text: str) -> str | None:
    """Return the commit that a text names in the repository around a folder; None where it has none of looptax."""
    git = ["git", "-C", str(folder)]
    found = commands.said([*git, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{text}^{{commit}}"])
    return found if found and commands.said([*git, "cat-file", "-t", f"{found}:{LADDER}"]) == "blob" else None


def _folder() -> Path:
    """Return where builds are kept: beside wisdom."""
    try:
        file = wisdom.file()
    except wisdom.WisdomError as error:
        raise BuildError(str(error)) from None
    assert file, "platformdirs comes with looptax[bench]"
    return file.with_name("builds")


def _key(given: Given) -> str:
    """Return the name of a build: what it is of, and the environment whose packages it uses."""
    of = given.commit or hashlib.sha256(given.wheel.read_bytes()).hexdigest()  # type: ignore[union-attr]  # one of them
    here = f"{LAYOUT} {sys.version} {sys.prefix} {platform.machine()} {metadata.version('numpy')}"
    return f"{of[:16]}-{hashlib.sha256(here.encode()).hexdigest()[:8]}"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let no other duel make the same build meanwhile."""
    from filelock import FileLock

    try:
        private.closed(folder.parent)  # what is there is run
        with FileLock(f"{folder}.lock"):
            yield
    except OSError as error:
        raise BuildError(f"{error.filename or folder}: {error.strerror or error}") from None


def _build(given: Given, folder: Path, tell: Tell) -> None:
    """Make an environment and install looptax into it; nothing stays of one that fails."""
    watch = Stopwatch()
    with tempfile.TemporaryDirectory(prefix=".part-", dir=folder.parent) as parts:
        part = Path(parts, "venv")
        _environment(part)
        if given.wheel:
            tell(f"Installing {given.what} ...")
            _install(given.what, part, given.wheel.resolve())
        else:
            tell(f"Building {given.what}: it takes minutes, once ...")
            _install(given.what, part, _tree(given, Path(parts, "tree")))
        os.rename(part, folder)
    tell(f"{given.what} took {watch.elapsed:.0f} s; kept in {folder}")


def _environment(folder: Path) -> None:
    """Make an environment that takes from this one what it has not itself, looptax excepted."""
    venv.create(folder, symlinks=os.name != "nt")
    site = next(folder.rglob("site-packages"))
    others = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    site.joinpath("zz_packages.pth").write_text("\n".join(others) + "\n", "utf-8")


def _tree(given: Given, folder: Path) -> Path:
    """Write the files of a commit into a folder."""
    archive = folder.with_suffix(".tar")
    git = ["git", "-C", str(given.repository), "rev-parse", "--show-toplevel"]
    root = commands.said(git)
    commands.run(
        ["git", "-C", str(root), "archive", "--format=tar", "-o", str(archive), str(given.commit)], _failed(given.what)
    )
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder


def _install(what: str, environment: Path, package: Path) -> None:
    """Install a package without its dependencies, with the build tools of this environment where they will do."""
    isolated = package.is_dir() and not _has_tools(package)
    pip = [sys.executable, "-m", "pip", "--python", str(_python(environment)), "install", "--no-deps"]
    options = ["--disable-pip-version-check", "--force-reinstall", *["--no-build-isolation"] * (not isolated)]
    commands.run([*pip, *options, str(package)], _failed(what))


def _has_tools(tree: Path) -> bool:
    """Whether this environment has what a source tree is built with; of what cannot be read pip says what is wrong."""
    from packaging.requirements import Requirement

    try:
        asked = tomllib.loads(tree.joinpath("pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
        return all(one.specifier.contains(metadata.version(one.name), True) for one in map(Requirement, asked))
    except (OSError, ValueError, LookupError, metadata.PackageNotFoundError):
        return False


def _failed(what: str) -> Callable[[str], BuildError]:
    return lambda said: BuildError(f"{what} cannot be built: {said}")


def _python(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _forget_the_oldest(folder: Path) -> None:
    """Remove what was not used for longest, so that the cache does not grow without end."""
    builds = sorted(
        (path for path in folder.iterdir() if _python(path).exists()), key=lambda path: path.stat().st_mtime
    )
    for path in builds[:-KEPT]:
        shutil.rmtree(path, ignore_errors=True)
