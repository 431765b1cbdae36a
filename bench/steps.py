"""What ``looptax run --with`` means: one's own steps, tried and loaded as `grade` does it, as rungs of a matrix."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import typer

from . import options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .measure.guest import Guest
    from .measure.matrix import Matrix
    from .teach.grade.target import Target

#: Of grade's families of cases, those that take seconds; each cell is judged on its own data besides.
FAMILIES = ["labels", "margins", "scales", "denormals"]


def joined(matrix: Matrix, words: Iterable[str], accuracy: str | None) -> Matrix:
    """Return a matrix with one's own steps after its rungs.

    Parameters
    ----------
    matrix : Matrix
    words : iterable of str
        ``my_step.py`` or ``my_step.pyx``, each with ``:function`` or without; several in one text with commas.
    accuracy : str, optional
        What the steps promise, as for ``looptax grade``.

    Raises
    ------
    typer.BadParameter
        A step cannot be run.
    typer.Exit
        A step is wrong, which was said.
    """
    from .measure.data import STEP, variant
    from .teach.grade.document import ACCURACIES

    found = _named(words)
    if accuracy is not None and not found:
        raise typer.BadParameter("it goes with --with", param_hint="--accuracy")
    if accuracy not in (None, *ACCURACIES):
        raise typer.BadParameter(f"{accuracy!r} is not one of {', '.join(ACCURACIES)}", param_hint="--accuracy")
    if found and not any(variant(source) == STEP for source in matrix.sources):
        raise _cannot("a step of your own is the plain step, which this preset does not measure")
    for target in found.values():
        _try(target, accuracy or "relative")
    guests = tuple(_guest(name, target, accuracy or "relative") for name, target in found.items())
    return replace(matrix, rungs=(*matrix.rungs, *found), guests=guests)


def _cannot(reason: str) -> typer.BadParameter:
    return typer.BadParameter(reason, param_hint="--with")


def _named(words: Iterable[str]) -> dict[str, Target]:
    """Return the steps by the names they have as rungs."""
    found: dict[str, Target] = {}
    for target in map(_target, _split(words)):
        if (name := _name(target)) in found:
            raise _cannot(f"two steps would be called {name}; give a file another name")
        found[name] = target
    return found


def _split(words: Iterable[str]) -> Iterable[str]:
    for text in words:
        whole = os.path.isfile(text) or os.path.isfile(text.rpartition(":")[0])  # a comma may be in its name
        yield from (text,) if whole else filter(None, map(str.strip, text.split(",")))


def _target(text: str) -> Target:
    from .teach.grade.target import TargetError, parse

    try:
        target = parse(text)
    except TargetError as error:
        raise _cannot(str(error)) from None
    if target.path is None:
        raise _cannot(f"{text!r} is a module; expected a .py, .pyx or .ipynb file")
    if target.path.suffix.lower() == ".pyx":
        options.needs("build")
        if target.path.stem in sys.modules:
            raise _cannot(f"{text} has the name of a module that is in use; give it another")
    return target


def _name(target: Target) -> str:
    """Return what a step is called: its file's stem, and its function where it is not `step`; never as a rung is."""
    from .measure.peers import ENTRANTS
    from .show.result import as_name
    from .teach.grade.target import DEFAULT

    assert target.path is not None
    name = as_name(target.path.stem + (f".{target.function}" if target.function != DEFAULT else ""))
    taken = {known for entrant in ENTRANTS for known in (entrant.name, entrant.family)}
    return f"own-{name}" if name in taken else name


def _try(target: Target, accuracy: str) -> None:
    """Try a step in a process of its own, where a crash or a hang does no harm; say so where it is wrong."""
    from .teach.grade.document import Job
    from .teach.grade.grading import grade

    text = f"{target.where}:{target.function}"
    typer.echo(f"Trying {text} …", err=True)
    found = grade(text, Job(accuracy=accuracy, shape=None, families=FAMILIES))
    if found.error is not None:
        raise _cannot(_shown(f"{text} cannot be run: {found.error}"))
    if failure := found.failure:
        said = f"does not conform, {failure.case} of {failure.family}, {failure.dtype}: {failure.problem}"
        raise options.failed(_shown(f"{text} {said}\n{failure.explanation}\n'looptax grade {text}' says more."))
    typer.echo(f"Right in {found.cases.total:,} cases; looptax grade tries all.", err=True)


def _shown(text: str) -> str:
    """Return what the code may have had a say in as it may be shown."""
    from .show.result import printable

    return printable(text, kept="\n")


def _guest(name: str, target: Target, accuracy: str) -> Guest:
    """Load a step into this process."""
    from .measure.guest import Guest
    from .show.result import printable
    from .teach.grade.target import TargetError, load

    assert target.path is not None
    digest = hashlib.sha256(target.path.read_bytes()).hexdigest()
    known = set(sys.modules)
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            step = load(target, Path(folder))
        except TargetError as error:
            raise _cannot(_shown(str(error))) from None
    for other in sys.modules.keys() - known:  # what it has imported it has: the next may have another of that name
        beside = Path(getattr(sys.modules[other], "__file__", None) or "/").is_relative_to(target.path.resolve().parent)
        if beside or other == target.path.stem:
            del sys.modules[other]
    return Guest(
        name, "", None, threads="own", accuracy=accuracy, skips_zeros=True, step=step,
        file=printable(target.path.name), function=target.function, sha256=digest,
    )  # fmt: skip
