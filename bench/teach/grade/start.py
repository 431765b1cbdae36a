"""The starters: steps that are right as they stand, to be made faster; or with gaps, to be made right first."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from ...show.storage import write_text
from .words import say

GAP = re.compile(r"^( +\S+ \+?= )(.*?)  # gap$", re.MULTILINE)  # a line that a reader is to write

LEFT = re.compile(r"= 0  # your turn$")  # one that is not written yet


class Starter(NamedTuple):
    """A file to begin with."""

    family: str
    what: str  # it does, in a line
    suffix: str = ".py"

    @property
    def text(self) -> str:
        """The file's contents."""
        return GAP.sub(r"\1\2", self._marked)

    @property
    def gapped(self) -> str:
        """The same with 0 in the place of the formulas: it runs, and is wrong."""
        return GAP.sub(r"\g<1>0  # your turn", self._marked)

    @property
    def _marked(self) -> str:
        name = f"start_{self.family}{self.suffix}"
        return Path(__file__).with_name("starters").joinpath(name).read_text(encoding="utf-8")


STARTERS = (
    Starter("loops", "two nested loops in plain Python, as one would write the formulas down"),
    Starter("numpy", "no loop left: two products with X, and what is done sample by sample in arrays"),
    Starter("numba", "the two loops again, compiled when they are first called"),
    Starter("cython", "the two loops over typed memoryviews, compiled before; its file is a .pyx", ".pyx"),
)


class StartError(ValueError):
    """A starter cannot be written; the message says why."""


def left(path: Path) -> str | None:
    """Say which lines of a starter with gaps are still to be written; None where there are none."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    gaps = [f"{number}: {line.split()[0]}" for number, line in enumerate(lines, 1) if LEFT.search(line)]
    said = say("The step has gaps, 0 in place of a formula, in the lines {0}.", ", ".join(gaps))
    return said if gaps else None


def write(family: str, path: Path, *, gaps: bool = False) -> None:
    """Write a starter to a new file, with gaps or without, or raise a `StartError`."""
    starter = next((one for one in STARTERS if one.family == family), None)
    if starter is None:
        raise StartError(f"{family!r} is not one of {', '.join(one.family for one in STARTERS)}")
    if path.suffix != starter.suffix:
        raise StartError(f"{path} does not end in {starter.suffix}, as a file for {family} must")
    if os.path.lexists(path):
        raise StartError(f"{path} exists already, and is left as it is")
    try:
        write_text(starter.gapped if gaps else starter.text, path)
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror}") from None
