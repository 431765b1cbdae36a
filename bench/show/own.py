"""What a user brought to a run, in words: files that X and y were read from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .result import Data, Section


def brought(section: Section) -> Iterator[str]:
    """Say what each file is, and which of its labels is 1."""
    yield from map(_data, section.data)


def _data(one: Data) -> str:
    where = "y" if one.label is None else one.label
    scale = "; X is standardised" if one.standardised else ""
    return f"{one.name}: {one.file}, {where} = {one.one} is 1, {where} = {one.zero} is 0{scale}"
