"""What a user brought to a run, in words: files that X and y were read from, steps, and a preset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .result import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .result import Data, Guest, Section


def brought(section: Section) -> Iterator[str]:
    """Say what each file is, and which of its labels is 1; and where each step comes from."""
    yield from map(_data, section.data)
    yield from map(_guest, section.guests)
    study = section.settings.get("study")  # settings hold what a file says: it may be anything
    if isinstance(study, dict) and study:
        yield printable("study: {}, SHA-256 {:.12}".format(*(str(study.get(key)) for key in ("file", "sha256"))))


def _data(one: Data) -> str:
    where = "y" if one.label is None else one.label
    scale = "; X is standardised" if one.standardised else ""
    return f"{one.name}: {one.file}, {where} = {one.one} is 1, {where} = {one.zero} is 0{scale}"


def _guest(one: Guest) -> str:
    accuracy = "" if one.accuracy == "relative" else f", accuracy {one.accuracy}"
    return f"{one.name}: {one.function} of {one.file}, SHA-256 {one.sha256[:12]}{accuracy}"
