"""The tables of a duel, and what is said beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from .. import compare, ratios
from ..compare import Compared
from ..numbers import count, digits, interval, itself, plain, size
from ..ratios import geometric
from ..result import printable
from ..tables import Line, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ...measure.duel.builds import Build
    from ...measure.duel.contest import Contest
    from ..ratios import Ratio
    from ..result import Cell, Figure

# What does not drift: how it is called, and written.
COUNTS: dict[str, tuple[str, Callable[[float], str]]] = {
    "page_faults": ("page faults", digits),
    "peak": ("memory", size),
    "instructions": ("instructions", count),
}
NOT_REFUSED = ("measured", "not run")  # of a figure
SAME = 0.01  # counts that differ by less are the same: a page more or less is chance


def rows(contest: Contest) -> list[Compared]:
    """Return the cells that both builds have numbers for, with B's times in units of A's, paired in each sweep.

    A build's time of a sweep is the geometric mean of its two.
    """
    found = []
    for cell, figure in contest.figures["A"].items():
        a, b = (msgspec.structs.replace(one, sweeps=_both(one)) for one in (figure, contest.figures["B"][cell]))
        ratio = ratios.ratio(b.sweeps, a.sweeps)
        if a.status == b.status == "measured" and ratio:
            found.append(Compared(cell, a, b, ratio))
    return found


def lost(contest: Contest) -> list[Cell]:
    """Return the cells that A can be timed on, and B not."""
    a, b = contest.figures.values()
    return [cell for cell in a if a[cell].status in NOT_REFUSED and b[cell].status not in NOT_REFUSED]


def _both(figure: Figure) -> list[float | None]:
    return geometric([figure.sweeps, figure.again])


def mean(found: list[Compared]) -> Ratio | None:
    """Return the geometric mean of the ratios over all cells, formed in each sweep; None where no sweep has all."""
    return ratios.mean([(row.after.sweeps, row.before.sweeps) for row in found])


def tables(contest: Contest) -> Iterator[Table]:
    """Yield the table of times, and that of the counts that differ."""
    found = rows(contest)
    if not found:
        return
    times = replace(compare.table(found, mean), title="Seconds a call takes")
    counts = _counts(contest, found)
    times.notes.extend(_against_itself(contest))
    if not counts.lines:
        times.notes.extend(counts.notes)
    yield times
    if counts.lines:
        yield counts


def _against_itself(contest: Contest) -> Iterator[str]:
    for name, figures in contest.figures.items():
        if ends := ratios.floor(figures.values()):
            yield f"{name} against itself: {itself(*ends)}"


def _counts(contest: Contest, found: list[Compared]) -> Table:
    """Return the counts of the cells in which one differs; its notes say which are the same, or not told."""
    told = [kind for kind in COUNTS if any(_pair(contest, row.cell, kind) for row in found)]
    lines = [Line(_count_cells(contest, row.cell, told)) for row in found if _differ(contest, row.cell, told)]
    names = [COUNTS[kind][0] for kind in told]
    missing = [COUNTS[kind][0] for kind in COUNTS if kind not in told]
    notes = ["memory: the most that NumPy and Python hold at once in a call"] if lines and "peak" in told else []
    if told and len(lines) < len(found):
        notes.append(f"{' and '.join(names)} of a call: the same in {len(found) - len(lines)} of {len(found)} cells")
    notes += [f"{' and '.join(missing)} of a call: not told by this machine"] if missing else []
    heads = (f"{name} {side}" for name in names for side in ("A", "B"))
    return Table("What a call costs besides", ("rung", "cell", *heads), lines, notes, text=("cell",))


def _count_cells(contest: Contest, cell: Cell, told: list[str]) -> tuple[str, ...]:
    pairs = ((COUNTS[kind][1], _pair(contest, cell, kind)) for kind in told)
    written = [text for write, pair in pairs for text in (map(write, pair) if pair else ("", ""))]
    return (cell.rung, " ".join(cell.words[1:]), *written)


def _differ(contest: Contest, cell: Cell, told: list[str]) -> bool:
    pairs = [_pair(contest, cell, kind) for kind in told]
    return any(abs(pair[1] - pair[0]) > SAME * max(1, *pair) for pair in pairs if pair)


def _pair(contest: Contest, cell: Cell, kind: str) -> tuple[float, float] | None:
    """Return a count of both builds; None where one has none."""
    one, other = (contest.typical_count(name, cell, kind) for name in ("A", "B"))
    return None if one is None or other is None else (one, other)


def remarks(contest: Contest, builds: Mapping[str, Build], about: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    """Say what was measured, which cells have no number and why, and where the results have other bits."""
    for name, told in about.items():
        with_what = f"looptax {told['version']}, Python {told['python']}, NumPy {told['numpy']}"
        yield printable(f"{name}: {builds[name].what}, {with_what}, in {told['looptax']}")
    if len(about) > 1 and len({told["looptax"] for told in about.values()}) == 1:
        yield "A and B are in the same folder."
    yield from (f"Unstable: {reason}" for reason in contest.unstable)
    for name, figures in contest.figures.items():
        yield from _without_number(name, figures)
    if contest.other_bits:
        yield f"Right in both, but not the same bits: {_named(contest.other_bits)}"


def _without_number(name: str, figures: Mapping[Cell, Figure]) -> Iterator[str]:
    found: dict[str, list[Cell]] = {}
    for cell, figure in figures.items():
        if figure.status not in NOT_REFUSED:
            why = f"{figure.status}: {figure.reason}" if figure.status != "over budget" else figure.status
            found.setdefault(why, []).append(cell)
    for why, cells in found.items():
        yield f"No number with {name}, {why}: {_named(cells)}"


def _named(cells: list[Cell]) -> str:
    return f"{len(cells)} cells: {', '.join(cell.id for cell in cells)}"


def verdict(found: Ratio | None, cells: int) -> str:
    """Return how the duel came out over all cells, in a few words."""
    if found is None:
        return "no sweep has every cell"
    ends = interval(found)
    return f"B takes {plain(found)} as long as A{f' ({ends})' if ends else ''}, geometric mean over {cells} cells"
