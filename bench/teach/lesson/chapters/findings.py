"""What every chapter leaves: numbers as attributes, and tables, pictures and listings by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from ....show.tables import Table
    from ..pictures import Picture

    class Tell(Protocol):
        """Told what is about to be measured, and how much of the chapter is done."""

        def __call__(self, what: str, share: float = 0.0) -> None: ...


class Findings:
    """What a chapter measured. A guess is checked against the attribute of its name; None: there is no number."""

    def tables(self) -> Mapping[str, Table]:
        """Return the tables, in English; `page` and the others turn them into the reader's language."""
        return {}

    def pictures(self) -> Mapping[str, Picture]:
        """Return the pictures."""
        return {}

    def listings(self) -> Mapping[str, str]:
        """Return what the interpreter, or the compiler, made of the code."""
        return {}
