"""How a duel came out: what was asked of it, in sentences and as an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .. import compare
from ..numbers import plain
from . import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ...measure.duel.contest import Contest
    from ..compare import Compared
    from ..result import Cell
    from .limits import Limit

    Said = tuple[int, str]  # an exit code and a sentence

FAILED, UNTOLD = 1, 2  # exit codes
WHY = "a cell has no number, or no interval for want of sweeps"


class Asked(NamedTuple):
    """What a duel is asked to fail on.

    Attributes
    ----------
    limits : sequence of Limit
    fail_if : str or None
        A condition as that of `looptax compare`.
    """

    limits: Sequence[Limit] = ()
    fail_if: str | None = None

    @property
    def condition(self) -> Callable[[list[Compared]], bool | None] | None:
        """The test that `fail_if` stands for; ValueError where it is none."""
        return None if self.fail_if is None else compare.condition(self.fail_if, tables.mean)

    def outcome(self, contest: Contest) -> tuple[int, list[str]]:
        """Return the exit code, and why it is not 0, in sentences."""
        found = tables.rows(contest)
        said = [*_faults(contest, found), *self._of_limits(found, tables.lost(contest)), *self._of_condition(found)]
        return min((code for code, _ in said), default=0), [sentence for _, sentence in said]

    def _of_limits(self, found: list[Compared], lost: list[Cell]) -> Iterator[Said]:
        for limit in self.limits:
            beyond = limit.exceeded(found, lost)
            if beyond is None:
                yield UNTOLD, f"{limit.text} cannot be told: {WHY}"
            for row in beyond or ():
                yield FAILED, f"Failed: {limit.text}: {row.cell.id} takes {plain(row.ratio)} as long"

    def _of_condition(self, found: list[Compared]) -> Iterator[Said]:
        if not self.condition:
            return
        true = self.condition(found) if found else None
        if true is None:
            yield UNTOLD, f"{self.fail_if} cannot be told: {WHY}"
        if true:
            yield FAILED, f"Failed: {self.fail_if}"


def _faults(contest: Contest, found: list[Compared]) -> Iterator[Said]:
    for name, figures in contest.figures.items():
        if failed := [cell.id for cell, figure in figures.items() if figure.status == "failed"]:
            yield FAILED, f"Failed: {name} is wrong, or raises, on {len(failed)} cells"
    if not found:
        yield FAILED, "No cell has a number with both builds."
