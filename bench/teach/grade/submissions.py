"""The submissions in a folder: files that may hold a step, and folders with one such file."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import NamedTuple

from .confine import harmless
from .target import DEFAULT, SUFFIXES, split
from .words import say


class Submission(NamedTuple):
    """What one person handed in."""

    name: str  # of the file or the folder
    path: Path  # of the file
    alone: bool = True  # whether the file is all of it; it comes with its folder where it is not
    problem: str = ""  # why it cannot be graded

    def copied(self, folder: Path) -> Path:
        """Copy what was handed in, so that what it writes beside itself is not in the way of others."""
        if self.alone:
            return Path(shutil.copy(self.path, folder))
        skipped = shutil.ignore_patterns(".*", "__pycache__")
        return Path(shutil.copytree(self.path.parent, folder / self.name, ignore=skipped), self.path.name)


def folder_of(text: str) -> tuple[Path, str] | None:
    """Read ``FOLDER`` or ``FOLDER:function``; None where there is no such folder, or a package is meant."""
    path, function = split(text)
    if Path(text).is_dir():
        return Path(text), DEFAULT
    is_package = Path(path, "__init__.py").is_file() and path.isidentifier()
    return (Path(path), function) if Path(path).is_dir() and not is_package else None


def found(folder: Path, function: str) -> tuple[list[Submission], list[str]]:
    """Return the submissions, sorted by name, and in words what else is there; hidden files are not spoken of."""
    there, left_out = [], []
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.startswith((".", "__")):
            continue
        if harmless(path.name) != path.name:
            left_out.append(say("{0}: its name is not UTF-8, or has letters that cannot be shown", harmless(path.name)))
        elif path.is_dir():
            try:
                one = _of_folder(path, _files(path), function)
            except OSError as error:
                one = Submission(path.name, path, problem=say("it cannot be read: {0}", error.strerror))
            if one:
                there.append(one)
            else:
                left_out.append(say("{0}: a folder without a .py, .pyx or .ipynb file", path.name))
        elif _is_file(path):
            there.append(Submission(path.name, path))
        else:
            left_out.append(say("{0}: neither a .py, .pyx or .ipynb file nor a folder", path.name))
    return there, left_out


def _files(folder: Path) -> list[Path]:
    paths = sorted(folder.iterdir(), key=lambda path: path.name)
    return [path for path in paths if _is_file(path) and not path.name.startswith((".", "__"))]


def _is_file(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _of_folder(folder: Path, files: list[Path], function: str) -> Submission | None:
    """Return the submission of a folder: its one file, or of several the one that defines the function."""
    if not files:
        return None
    defining = [path for path in files if _defines(path, function)] if len(files) > 1 else files
    if len(defining) == 1:
        return Submission(folder.name, defining[0], alone=False)
    names = ", ".join(path.name for path in defining or files)
    said = "several files define {0}: {1}" if defining else "none of its files defines {0}: {1}"
    return Submission(folder.name, files[0], alone=False, problem=say(said, function, names))


def _defines(path: Path, function: str) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace")
    return re.search(rf"\bdef\s+{function}\s*\(|\bcpdef\b.*\b{function}\s*\(|\b{function} *= *[\w.]", text) is not None
