"""The ladder of each cell, derived from a result document: speed-ups with intervals, and the limit reached."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from ...kernels.ladder import LADDER, nearest
from ...kernels.variants.ladder import VARIANTS
from ..measure.data import STEP, is_shape, variant
from ..measure.limits import Limit, limit
from ..measure.peers import ENTRANTS
from . import numbers
from .ratios import Ratio, ratio
from .result import ALONE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .result import Figure, Limits, Section, Sweeps

OWN = (*LADDER, *VARIANTS)
KNOWN = {known.name: known for known in ENTRANTS}
AFTER = ("plan", "other")  # families of what stands after the ladder: plans and one's own steps
NUMPY = "numpy-stable"  # what heat maps and break-even compare with


class Choice(NamedTuple):
    """What the page's selectors choose: an input and a number of threads."""

    source: str
    dtype: str
    order: str
    threads: str


class Row(NamedTuple):
    """A rung, or peer, in a ladder.

    Attributes
    ----------
    figure : Figure
    absolute : Ratio or None
        How many times as fast as the ladder's first measured rung.
    relative : Ratio or None
        How many times as fast as `over`.
    over : str or None
        The nearest measured rung that it grew from; of a plan, a peer and one's own step the last of our own rungs.
    limit : Limit or None
        The least time this machine needs.
    """

    figure: Figure
    absolute: Ratio | None = None
    relative: Ratio | None = None
    over: str | None = None
    limit: Limit | None = None

    @property
    def rung(self) -> str:
        """Its name."""
        return self.figure.cell.rung

    @property
    def sweeps(self) -> Sweeps:
        """The seconds of each sweep."""
        return self.figure.sweeps

    @property
    def fraction(self) -> float | None:
        """The share of the limit it reaches; above 1, the limit was measured too low."""
        return self.limit.seconds / self.figure.seconds if self.limit and self.figure.seconds else None


class Ladder(NamedTuple):
    """All rungs, and after them all peers, on one input with one number of threads."""

    choice: Choice
    samples: int
    features: int
    own: list[Row]
    peers: list[Row]

    @property
    def rows(self) -> list[Row]:
        """Our own rungs and the peers."""
        return self.own + self.peers

    @property
    def numpy(self) -> Row | None:
        """The row of `NUMPY`, where it has a number."""
        return next((row for row in _timed(self.own) if row.rung == NUMPY), None)

    @property
    def first(self) -> str | None:
        """The rung that absolute speed-ups are over."""
        return next((row.rung for row in self.rows if row.figure.seconds), None)

    @property
    def last(self) -> str | None:
        """The rung that peers are compared with."""
        return next((row.rung for row in reversed(_timed(self.own)) if family(row.rung) not in AFTER), None)

    @property
    def title(self) -> str:
        """What was measured, in words."""
        known = variant(self.choice.source)
        own = "" if is_shape(self.choice.source) else self.choice.source
        name = own if known == STEP else known
        shape = f"{self.samples:,} × {self.features:,}"
        order = "compressed rows" if known == "sparse" else f"{self.choice.order} order"
        words = (name, shape, self.choice.dtype, order, numbers.threads(self.choice.threads))
        return ", ".join(filter(None, words))


def ladders(section: Section) -> list[Ladder]:
    """Return the ladder of each input and number of threads of a result, in the order they were asked for.

    What was timed on a machine made busy on purpose is no part of a ladder.
    """
    found = [figure for figure in section.cells if figure.cell.situation == ALONE]
    return [ladder(group, section.limits) for _, group in groupby(found, key=lambda figure: figure.cell.ladder)]


def ladder(figures: Iterable[Figure], limits: Limits | None) -> Ladder:
    """Return the ladder of figures that have all but the rung in common."""
    rows = [bounded(figure, limits) for figure in figures]
    own = [row for row in rows if family(row.rung) != "peer"]
    peers = [row for row in rows if family(row.rung) == "peer"]
    timed = {row.rung: row.sweeps for row in _timed(own)}
    first = next((row.sweeps for row in _timed(own + peers)), [])
    last = next((name for name in reversed(timed) if family(name) not in AFTER), None)
    cell = rows[0].figure.cell
    return Ladder(
        Choice(cell.source, cell.dtype, cell.order, str(cell.threads)),
        rows[0].figure.samples,
        rows[0].figure.features,
        [_compared(row, first, timed, nearest(row.rung, timed, OWN) or _end(row, last)) for row in own],
        [_compared(row, first, timed, last) for row in peers],
    )


def bounded(figure: Figure, limits: Limits | None) -> Row:
    """Return a figure as a row compared with the machine's limit alone, where it has a number."""
    return Row(figure, limit=limit(figure, limits) if figure.seconds else None)


def _timed(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.figure.seconds]


def _end(row: Row, last: str | None) -> str | None:
    """What a row is compared with that grew from nothing measured: a plan, and one's own step, with our last rung."""
    return last if family(row.rung) in AFTER else None


def _compared(row: Row, first: Sweeps, timed: dict[str, Sweeps], over: str | None) -> Row:
    """Add its ratios to a row that has a number: over `first`, and over the rung `over`."""
    if not row.figure.seconds:
        return row
    relative = _ratio(timed[over], row.sweeps) if over else None
    absolute, over = _ratio(first, row.sweeps), over if relative else None
    return row._replace(absolute=absolute, relative=relative, over=over)


def _ratio(over: Sweeps, own: Sweeps) -> Ratio | None:
    return ratio(over, own) if over is not own else None


def largest(found: list[Ladder]) -> tuple[Ladder, Row] | None:
    """Return the largest speed-up of a rung over its ladder's first, and where; None where none is seen."""
    every = [
        (ladder, row) for ladder in found for row in ladder.own
        if row.absolute and row.absolute.value > 1 and not row.absolute.undecided and family(row.rung) != "plan"
    ]  # fmt: skip
    return max(every, key=lambda pair: pair[1].absolute.value, default=None)  # type: ignore[union-attr]


def family(name: str) -> str:
    """Return the family of a rung; "other" where this version knows none of that name: one's own step."""
    return KNOWN[name].family if name in KNOWN else "other"


def grew_from(name: str) -> str | None:
    """Return the rung that a rung grew from; None where this version knows of none."""
    return getattr(KNOWN.get(name), "grew_from", None)


def technique(name: str) -> str:
    """Return what a rung does, in a few words; nothing where this version knows none of that name."""
    return KNOWN[name].technique if name in KNOWN else ""
