"""The words around the text, in the reader's language: names in tables, pictures and controls."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...measure.noise import Reason
    from ...show.tables import Table

LANGUAGES = {"en": "English", "zh": "中文"}
UNSTABLE = (
    "The machine was not quiet when this was measured; the figures may be wrong. To measure again: looptax teach."
)


class Words:
    """Turns an English word or phrase into a language of `LANGUAGES`; one that it has none for stays English."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.known = known(language, __package__)

    def __call__(self, text: str, **values: Any) -> str:
        """Return the phrase, with the values in its braces."""
        name, colon, reason = text.partition(": ")  # of a rung, why it has no number
        found = self.known.get(text) or (f"{self(name)}: {self(reason)}" if colon else text)
        return found.format(**values) if values else found

    def unstable(self, reasons: Sequence[Reason]) -> list[str]:
        """Return why what was measured is not to be trusted, in sentences; the first says that; none where it is."""
        said = [self(sentence, **numbers) for sentence, numbers in reasons]
        return [self(UNSTABLE), *said] if said else []

    def table(self, table: Table) -> Table:
        """Return a table in the language."""
        lines = [
            line._replace(cells=tuple(map(self, line.cells)), note=self(line.note), group=self(line.group))
            for line in table.lines
        ]
        return replace(table, columns=tuple(map(self, table.columns)), lines=lines, notes=list(map(self, table.notes)))


@cache
def known(language: str, package: str) -> dict[str, str]:
    """Return what the English phrases of a package are in a language; those that are the same are not there."""
    path = files(package).joinpath("text", language, "words.toml")
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
