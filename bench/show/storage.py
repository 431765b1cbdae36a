"""Result files: read and checked, written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from .result import SCHEMA, Document

MAX_BYTES = 200_000_000  # of a file; a run of preset L leaves a tenth


class ResultError(ValueError):
    """A file is not a result that can be read; the message says why, in one line."""


def read(path: Path) -> Document:
    """Return what a file holds.

    Raises
    ------
    ResultError
        The file cannot be read, is none of ours, of another schema, damaged, or larger than `MAX_BYTES`.
    """
    try:
        return checked(msgspec.json.decode(_bytes(path)))
    except OSError as error:
        raise ResultError(f"{path} cannot be read: {error.strerror or error}") from None
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise ResultError(f"{path} is not a result of looptax: {error}") from None


def _bytes(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise ResultError("it is not a file")
    if path.stat().st_size > MAX_BYTES:
        raise ResultError(f"it has {path.stat().st_size / 1e6:,.0f} MB, more than {MAX_BYTES / 1e6:.0f}")
    return path.read_bytes()


def checked(data: Any) -> Document:
    """Return plain data as a document; ResultError or msgspec.ValidationError where they are none."""
    section = data.get("looptax") if isinstance(data, dict) else None
    schema = section.get("schema") if isinstance(section, dict) else None
    if type(schema) is not int:
        raise ResultError("it has no section looptax with a schema")
    if schema != SCHEMA:
        raise ResultError(f"it has schema {schema}; this version of looptax reads {SCHEMA}")
    document = msgspec.convert(data, Document)
    cells = document.looptax.cells
    if len({figure.cell for figure in cells}) < len(cells):
        raise ResultError("a cell occurs twice")
    return document


def plain(document: Document) -> dict[str, Any]:
    """Return a document as plain data: what its file holds."""
    return msgspec.json.decode(msgspec.json.encode(document))


def of_pytest_benchmark(data: dict[str, Any]) -> Document:
    """Return what pytest-benchmark made, section `looptax` included, as it would be read back."""
    return msgspec.json.decode(msgspec.json.encode(data, enc_hook=_known), type=Document)


def _known(value: Any) -> Any:
    """Return a value as JSON knows it: NumPy's numbers are Python's too."""
    return float(value) if isinstance(value, float) else repr(value)


def write(document: Document, path: Path) -> None:
    """Write a document as JSON: whole or not at all, replacing what was there."""
    write_text(msgspec.json.format(msgspec.json.encode(document), indent=1).decode(), path)


def write_text(text: str, path: Path) -> None:
    """Write a text file: whole or not at all, replacing what was there; into a device or a pipe as it comes."""
    file = replaced(path)
    if file is None:
        path.write_text(text, "utf-8")
        return
    name = None
    try:
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=".part")  # short: a name has an end
        with os.fdopen(descriptor, "w", encoding="utf-8") as part:
            part.write(text)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, file)
    except BaseException as error:
        if name:
            Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno:
            raise OSError(error.errno, error.strerror, str(path)) from None  # what was asked for
        raise


def replaced(path: Path) -> Path | None:
    """Return the file that writing to a path replaces: where links lead; None where there is something else.

    Raises
    ------
    OSError
        No file can have that name: it is too long, a link that leads to itself, or a folder's.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    return Path(os.path.realpath(path)) if stat.S_ISREG(mode) else None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
