"""``looptax compare A.json B.json``: how long B takes in units of A, cell by cell and over all.

The two runs are independent: the interval of a ratio is Yuen's, see `ratios.independent`. The mean is
the geometric mean over the cells, formed in each sweep, so that its interval knows of drift.
"""

from __future__ import annotations

import operator
import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from . import result
from .numbers import LEGEND, interval, plain, seconds, speedup
from .ratios import MIN_SWEEPS, Ratio, geometric, independent
from .tables import Line, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .result import Cell, Document, Figure

    Mean = Callable[[list["Compared"]], Ratio | None]

CONDITION = re.compile(r"(ratio|mean|worst)\s*(>=|>)\s*(\d+(?:\.\d+)?)", re.ASCII)


class Compared(NamedTuple):
    """A cell that both runs have."""

    cell: Cell
    before: Figure
    after: Figure
    ratio: Ratio


class NotComparableError(ValueError):
    """Two runs have nothing to compare; the message says why, in one line."""


def compare(before: Document, after: Document) -> list[Compared]:
    """Return how the cells that both documents have compare, the second in units of the first.

    Raises
    ------
    NotComparableError
        No cell is measured in both; the message names what they differ in.
    """
    first, second = ({figure.cell: figure for figure in one.looptax.cells if figure.seconds} for one in (before, after))
    found = []
    for cell in first.keys() & second.keys():
        one, other = first[cell], second[cell]
        if (one.samples, one.features) != (other.samples, other.features):
            raise NotComparableError(
                f"{cell.source} is {one.samples} x {one.features} in the first, {other.samples} x {other.features} "
                f"in the second"
            )
        if ratio := independent(other.sweeps, one.sweeps):
            found.append(Compared(cell, one, other, ratio))
    if not found:
        raise NotComparableError(_why(set(first), set(second)))
    order = list(first)
    return sorted(found, key=lambda row: order.index(row.cell))


def _why(first: set[Cell], second: set[Cell]) -> str:
    """Say why two runs have no cell in common."""
    for place, cells in (("first", first), ("second", second)):
        if not cells:
            return f"the {place} has no measured cell"
    for field in result.Cell.__struct_fields__:
        one, other = ({getattr(cell, field) for cell in cells} for cells in (first, second))
        if not one & other:
            named = (", ".join(map(str, sorted(values))) for values in (one, other))
            return f"no {field} is in both: {' in the first, '.join(named)} in the second"
    return "no cell is in both"


def mean(found: list[Compared]) -> Ratio | None:
    """Return the geometric mean of the ratios over all cells; None where no sweep has them all."""
    return independent(*(geometric([figure.sweeps for figure in of]) for of in _columns(found)))


def _columns(found: list[Compared]) -> tuple[list[Figure], list[Figure]]:
    return [row.after for row in found], [row.before for row in found]


def worst(found: list[Compared]) -> Compared:
    """Return the cell whose ratio is the largest."""
    return max(found, key=lambda row: row.ratio.value)


MEASURES: dict[str, Callable[[list[Compared], Mean], list[Ratio | None]]] = {
    "ratio": lambda found, mean: [row.ratio for row in found],
    "worst": lambda found, mean: [worst(found).ratio],
    "mean": lambda found, mean: [mean(found)],
}


def condition(text: str, mean: Mean = mean) -> Callable[[list[Compared]], bool | None]:
    """Return the test that a condition such as "ratio>1.1" stands for; it returns None where it cannot be told.

    `ratio` is that of any cell, `worst` the largest, `mean` the geometric mean. A ratio counts only where
    its interval lies above 1, so that noise fails nobody. One without an interval tells nothing. How `mean` is formed
    depends on whether the runs are independent.

    Raises
    ------
    ValueError
        The text is not such a condition.
    """
    parts = CONDITION.fullmatch(text.strip())
    if not parts:
        raise ValueError(f"{text!r} is not a condition; expected ratio, mean or worst, > or >=, and a number")
    what, sign, number = parts.groups()
    beyond = operator.gt if sign == ">" else operator.ge

    def holds(found: list[Compared]) -> bool | None:
        ratios = MEASURES[what](found, mean)
        seen = [ratio for ratio in ratios if ratio and ratio.differs and ratio.value > 1]
        if any(beyond(ratio.value, float(number)) for ratio in seen):
            return True
        return False if all(ratio and ratio.low is not None for ratio in ratios) else None

    return holds


def remarks(before: Document, after: Document) -> list[str]:
    """Say what else differs between the runs, which of them was unstable, and which cells only one has measured."""
    said = []
    machines = [_machine(document) for document in (before, after)]
    if machines[0] != machines[1]:
        said.append(f"Machine against machine: A {machines[0]}, B {machines[1]}")
    for name, document in zip("AB", (before, after), strict=True):
        said += [f"{name} was unstable: {reason}" for reason in document.looptax.unstable]
    said += _other_bytes(before, after)
    return [*said, *_alone("AB", before, after), *_alone("BA", after, before)]


def _alone(names: str, one: Document, other: Document) -> Iterator[str]:
    """Say how many and which cells the one has measured and the other has not, and what became of them there."""
    there = {figure.cell: figure for figure in other.looptax.cells}
    found = defaultdict(list)
    for figure in one.looptax.cells:
        match = there.get(figure.cell)
        if figure.seconds and not (match and match.seconds):
            found[match.status if match else "not there"].append(figure.cell.id)
    for status, cells in found.items():
        yield f"Measured in {names[0]}, {status} in {names[1]}: {len(cells)} cells: {', '.join(cells)}"


def _other_bytes(before: Document, after: Document) -> Iterator[str]:
    """Say which files of one's own, data and steps, had the same name and other contents."""
    there, here = (_files(one) for one in (after, before))
    digests = {(type(one), one.name): one.sha256 for one in there}
    for one in here:
        if digests.get((type(one), one.name), one.sha256) != one.sha256:
            yield f"{one.name} is not the same in A and B: the files differ"


def _files(document: Document) -> list[result.Data | result.Guest]:
    return [*document.looptax.data, *document.looptax.guests]


def _machine(document: Document) -> str:
    """Return the CPU's name, without anything a terminal would obey."""
    brand = document.machine_info.get("cpu", {}).get("brand") or "unknown"
    return result.printable(brand, "")


def table(found: list[Compared], mean: Mean = mean) -> Table:
    """Return the table of what was compared; `mean` forms the geometric mean over the cells."""
    lines = [
        Line((row.cell.rung, " ".join(row.cell.words[1:]), seconds(row.before.seconds), seconds(row.after.seconds),
              speedup(row.ratio), interval(row.ratio)))
        for row in found
    ]  # fmt: skip
    overall, slowest = mean(found), worst(found)
    notes = LEGEND.splitlines()
    if any(row.ratio.low is None for row in found):
        notes.append(f"no interval: a run has fewer than {MIN_SWEEPS} sweeps")
    if overall:
        notes.append(f"geometric mean over {len(found)} cells: {speedup(overall)} {interval(overall)}".rstrip())
    notes.append(f"worst: {plain(slowest.ratio)}, {slowest.cell.id}")
    return Table("", ("rung", "cell", "A", "B", "B/A", "95 %"), lines, notes, text=("cell",))
