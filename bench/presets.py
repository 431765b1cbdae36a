"""What ``looptax run --preset mine.toml`` means: a study that is a file, so that others can repeat it.

Its keys are the options of the command line. What is given there too takes the place of the file's; data and shapes
take each other's. Files that it names are found from its own folder.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer
from msgspec import Meta, Struct, field

from . import options, steps

if TYPE_CHECKING:
    from .measure.matrix import Matrix

Words = list[str] | None
SUFFIX = ".toml"


class Study(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What the file may say; None, or what the preset says, where it does not."""

    preset: Literal["S", "M", "L", "peers", "busy", "variants"] = "S"
    rungs: Words = None
    peers: bool = False
    shapes: Words = None
    dtypes: Words = None
    orders: Words = None
    threads: list[int] | None = None
    data: Words = None
    label: str | None = None
    standardise: bool = False
    steps: Words = field(name="with", default=None)
    accuracy: str | None = None
    budget: float | None = None
    sweeps: Annotated[int, Meta(ge=1)] | None = None
    seed: Annotated[int, Meta(ge=0)] | None = None


KEYS = {one.name: one.encode_name for one in msgspec.structs.fields(Study)}
#: What falls away with an option that is given: it belongs to what that replaces.
REPLACED = {"shapes": ("data", "label", "standardise"), "data": ("shapes", "label", "standardise")}


def matrix(preset: str, **given: Any) -> Matrix:
    """Return the matrix of a preset or of a file, with what was given in its place.

    Parameters
    ----------
    preset : str
        A name, or a file that ends in `SUFFIX`.
    **given
        What `options.matrix` and `steps.joined` take; None, False or nothing where it was not given.

    Raises
    ------
    typer.BadParameter
        It makes no sense; the message names the option, or the file and the key.
    typer.Exit
        A step is wrong, which was said.
    """
    given = _said(given)
    if not preset.lower().endswith(SUFFIX):
        return _matrix(preset, given)
    path = Path(preset)
    study, digest = _read(path)
    kept = _kept(study, given, path.parent)
    try:
        found = _matrix(study.preset, kept | given)
    except typer.BadParameter as error:
        keys = {f"--{KEYS[name]}": KEYS[name] for name in kept}
        if (hint := str(error.param_hint)) in keys:
            raise _wrong(path, error.message, keys[hint]) from None
        raise
    return replace(found, study={"file": path.name, "sha256": digest, **msgspec.to_builtins(study)})


def _matrix(preset: str, given: dict[str, Any]) -> Matrix:
    own = {name: given[name] for name in given.keys() - {"steps", "accuracy"}}
    return steps.joined(options.matrix(preset, **own), given.get("steps", ()), given.get("accuracy"))


def _wrong(path: Path, message: str, key: str = "") -> typer.BadParameter:
    return typer.BadParameter(f"{path}{', ' * bool(key)}{key}: {message}", param_hint="--preset")


def _read(path: Path) -> tuple[Study, str]:
    """Return what a file says, and the digest of its bytes."""
    try:
        held = path.read_bytes()
        return msgspec.convert(tomllib.loads(held.decode("utf-8")), Study), hashlib.sha256(held).hexdigest()
    except OSError as error:
        raise _wrong(path, error.strerror or str(error)) from None
    except msgspec.ValidationError as error:
        message, _, key = str(error).partition(" - at `$")
        known = f"; the keys are {', '.join(KEYS.values())}" if "unknown field" in message else ""
        message = message.replace("Object contains unknown field", "there is no key")
        raise _wrong(path, message + known, key.strip("`.")) from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise _wrong(path, str(error)) from None


def _kept(study: Study, given: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return what a file says and no option replaces, as the options take it."""
    from .measure.data import REAL

    gone = {"preset", *given, *(name for option in given for name in REPLACED.get(option, ()))}
    kept = {name: value for name, value in _said(msgspec.structs.asdict(study)).items() if name not in gone}
    if "threads" in kept:
        kept["threads"] = [str(number) for number in kept["threads"]]
    for name in kept.keys() & {"data", "steps"}:
        kept[name] = [word if word in REAL else str(folder / word) for word in kept[name]]
    return kept


def _said(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in options.items() if value is not None and value is not False}
