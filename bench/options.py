"""What the options of the command line mean: text in, a matrix out; `typer.BadParameter` where it means nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache, partial
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .show import storage

if TYPE_CHECKING:
    from collections.abc import Callable

    from .measure.matrix import Matrix
    from .show.result import Document


def matrix(
    preset: str, *, peers: bool = False, label: str | None = None, standardise: bool = False, **given: Any
) -> Matrix:
    """Return a preset with what was given in its place.

    Parameters
    ----------
    preset : str
        One of `PRESETS`.
    peers : bool
        Whether the peers, and a plan, come in addition to the rungs.
    label, standardise
        What `files.read` takes, of the files in `data`.
    **given
        What the options `rungs`, `shapes`, `data`, `dtypes`, `orders`, `threads`, `budget`, `sweeps` and
        `seed` were given; None where they were not.

    Raises
    ------
    typer.BadParameter
        It makes no sense; the message says why and what does.
    """
    from .measure.data import variant
    from .measure.matrix import PRESETS, Matrix
    from .measure.peers import PLAN

    if preset not in PRESETS:
        raise typer.BadParameter(
            f"{preset!r} is not one of {', '.join(PRESETS)}, and no .toml file", param_hint="--preset"
        )
    given = {name: value for name, value in given.items() if value is not None}
    if given.keys() >= {"data", "shapes"}:
        raise typer.BadParameter("a data set has its own shape; give --shapes or --data", param_hint="--data")
    if not 0 < given.get("budget", 1) < inf:
        raise typer.BadParameter(f"{given['budget']} is not a positive number of seconds", param_hint="--budget")
    parsers = PARSERS | {"data": partial(_data_sets, label=label, standardise=standardise)}
    changes = {FIELDS.get(name, name): parsers.get(name, _as_it_is)(value) for name, value in given.items()}
    if (label is not None or standardise) and "data" not in given:
        raise typer.BadParameter(
            "it goes with a file in --data", param_hint="--standardise" if label is None else "--label"
        )
    if preset == VARIANTS:
        changes |= _of_variants(changes, given)
    found = replace(Matrix(**PRESETS[preset]), **changes)
    rungs = _rungs(",".join((*found.rungs, PLAN.name, "peer"))) if peers else found.rungs
    asked = {variant(source) for source in found.sources}
    found = replace(found, rungs=tuple(name for name in rungs if found.entrant(name).variant in asked))
    if not found.cells():
        raise typer.BadParameter("none of these rungs is for these inputs and numbers of threads", param_hint="--rungs")
    return found


def _of_variants(changes: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return what shapes are for the variants of the step: each of them for each; there are no real data."""
    from .measure.data import NAMES

    if "data" in given:
        raise typer.BadParameter("the variants are measured on synthetic samples; give --shapes", param_hint="--data")
    shapes = changes.get("sources")
    return {"sources": tuple(f"{name}-{shape}" for name in NAMES for shape in shapes)} if shapes else {}


def fits(given: dict[str, Any], data: str | None, dtypes: str | None) -> tuple[list[str], tuple[str, ...]]:
    """Return the inputs and dtypes of whole fits; `typer.BadParameter` for what has no meaning there."""
    from .measure.fits import INPUTS

    for option, value in given.items():
        if value:
            raise typer.BadParameter("it has no meaning for whole fits (--preset estimators)", param_hint=option)
    inputs = data.split(",") if data else [*INPUTS]
    for name in inputs:
        if name not in INPUTS:
            raise typer.BadParameter(f"{name!r} is not one of {', '.join(INPUTS)}", param_hint="--data")
    return inputs, PARSERS["dtypes"](dtypes) if dtypes else ("float64", "float32")


def ways(given: dict[str, Any], shapes: str | None) -> list[str]:
    """Return the inputs of steps over files and clusters; `typer.BadParameter` for what has no meaning there."""
    from .measure.cluster import INPUTS

    for option, value in given.items():
        if value:
            raise typer.BadParameter("it has no meaning for files and clusters (--preset cluster)", param_hint=option)
    return [*PARSERS["shapes"](shapes)] if shapes else [*INPUTS]


def writable(option: str, path: Path | None, suffix: str = "") -> None:
    """Raise `typer.BadParameter` where a file cannot be written there, or does not end in `suffix`."""
    if path is None:
        return
    if not path.suffix.lower().endswith(suffix):
        raise typer.BadParameter(f"{path} does not end in {suffix}", param_hint=option)
    try:
        file = storage.replaced(path)
    except OSError as error:
        raise typer.BadParameter(f"cannot write {path}: {error.strerror}", param_hint=option) from None
    if not file and not os.access(path, os.W_OK):
        raise typer.BadParameter(f"cannot write into {path}", param_hint=option)
    if file and not (file.parent.is_dir() and os.access(file.parent, os.W_OK)):
        raise typer.BadParameter(f"cannot write into the folder {file.parent}", param_hint=option)


def result(path: Path, option: str) -> Document:
    """Return what a result file holds; `typer.BadParameter` where it is none."""
    try:
        return storage.read(path)
    except storage.ResultError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def failed(reason: str) -> typer.Exit:
    """Say why a command cannot do what it is asked, in words like those of a wrong argument; return what ends it."""
    typer.echo(f"Error: {reason}", err=True)
    return typer.Exit(1)


def needs(extra: str, *only: str) -> None:
    """Raise `typer.BadParameter` where a package of an extra of looptax is not installed; it names the extra.

    Where some of its packages are named, only those are needed.
    """
    missing = [name for name in only or _packages(extra) if not _installed(name)]
    if missing:
        raise typer.BadParameter(
            f"it needs {', '.join(missing)}, not installed here: pip install 'looptax[{extra}]'", param_hint=extra
        )


@cache
def _packages(extra: str) -> tuple[str, ...]:
    """Return the packages of an extra, and of those it builds on."""
    from importlib import metadata

    from packaging.requirements import Requirement

    asked = map(Requirement, metadata.requires("looptax") or ())
    found: list[str] = []
    for one in asked:
        if one.marker and one.marker.evaluate({"extra": extra}):
            found += [name for part in one.extras for name in _packages(part)] if one.extras else [one.name]
    return tuple(dict.fromkeys(found))


def _installed(package: str) -> bool:
    from importlib import metadata

    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _split(text: str | list[str], option: str) -> tuple[str, ...]:
    parts = text.split(",") if isinstance(text, str) else text
    words = tuple(dict.fromkeys(word.strip() for word in parts if word.strip()))
    if not words:
        raise typer.BadParameter("the list is empty", param_hint=option)
    return words


def _choices(text: str | list[str], option: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    words = _split(text, option)
    for word in words:
        if word not in allowed:
            raise typer.BadParameter(f"{word!r} is not one of {', '.join(allowed)}", param_hint=option)
    return words


def _rungs(text: str | list[str]) -> tuple[str, ...]:
    from .measure.peers import ENTRANTS

    families = {rung.family for rung in ENTRANTS}
    wanted = _choices(text, "--rungs", (*(rung.name for rung in ENTRANTS), *sorted(families)))
    return tuple(rung.name for rung in ENTRANTS if rung.name in wanted or rung.family in wanted)


def _data_sets(text: str | list[str], label: str | None, *, standardise: bool) -> tuple[str, ...]:
    """Return the sources that named sets and files are; the files are read."""
    from .measure import data, files

    words = (text,) if isinstance(text, str) and os.path.isfile(text) else _split(text, "--data")
    own = [Path(word) for word in words if word not in data.REAL]
    if standardise and not own:
        raise typer.BadParameter("it goes with a file; the named sets are standardised", param_hint="--standardise")
    try:
        for path in own:
            _readable(path)
        takes_label = {path: not files.FORMATS[files.ending(path)].labelled for path in own}
        if label is not None and not any(takes_label.values()):
            raise typer.BadParameter("no file is given that has its labels in a column", param_hint="--label")
        for word in words:
            if word in data.REAL:
                data.samples_and_features(word)
        named = {path: data.add(path, label if takes_label[path] else None, standardise=standardise) for path in own}
    except (ImportError, files.FileError) as error:
        raise typer.BadParameter(str(error), param_hint="--data") from None
    if len(set(named.values())) < len(named):
        raise typer.BadParameter("two files have the same name, which tells them apart", param_hint="--data")
    return tuple(named.get(Path(word), word) for word in words)


def _readable(path: Path) -> None:
    """Raise `typer.BadParameter` where there is no such file, or what reads it is not installed."""
    from .measure import data, files

    if not os.path.isfile(path):  # of a name that is too long, too
        raise typer.BadParameter(
            f"{str(path)!r} is not one of {', '.join(data.REAL)}, and no file", param_hint="--data"
        )
    if packages := files.FORMATS[files.ending(path)].packages:
        needs("data", *packages)


def _shapes(text: str | list[str]) -> tuple[str, ...]:
    from .measure import data

    words = _split(text, "--shapes")
    try:
        return tuple("{}x{}".format(*data.shape(word)) for word in words)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--shapes") from None


def _threads(text: str | list[str]) -> tuple[int, ...]:
    from .measure import threads

    words = _split(text, "--threads")
    most = threads.usable()
    for word in words:
        if not (word.isascii() and word.isdigit() and 1 <= int(word) <= most):
            raise typer.BadParameter(
                f"{word!r} is not a number from 1 to {most}, the CPUs there are", param_hint="--threads"
            )
    return tuple(sorted(map(int, words)))


def _as_it_is(value: Any) -> Any:
    return value


PARSERS: dict[str, Callable[..., Any]] = {
    "rungs": _rungs,
    "shapes": _shapes,
    "data": _data_sets,
    "dtypes": partial(_choices, option="--dtypes", allowed=("float32", "float64")),
    "orders": partial(_choices, option="--orders", allowed=("C", "F")),
    "threads": _threads,
}
VARIANTS = "variants"  # the preset whose sources are shapes of each variant
FIELDS = {"shapes": "sources", "data": "sources"}  # of a matrix, where they are called otherwise
