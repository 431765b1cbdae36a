"""``looptax figures``: write measured tables into a text, between markers, with the CPU they are from.

A block begins with ``<!-- figures: NAME -->`` and ends with ``<!-- figures: end -->``; what is between is written anew
from the files given. Its names are those of `BLOCKS`.
"""

from __future__ import annotations

import re
from itertools import groupby
from math import inf
from statistics import median
from typing import TYPE_CHECKING, Any

from ..measure import machine
from ..measure.cluster import MEMORY, Way
from ..measure.fits import Fit
from . import cluster as over_cluster
from . import numbers
from . import scaling as model
from .busy import Who, pair, situations_of, times_of, unit_for
from .fits import answer, by_input
from .ladder import bounded, ladders, technique
from .numbers import digits, interval, percent, plain, seconds, speedup, times
from .ratios import ratio
from .result import printable, typical
from .summary import NAMES, against, name_of, own_rung

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .busy import Both
    from .result import Document, Figure
    from .tables import Table

    Lines = Iterator[str]

BEYOND = 30e6  # bytes: larger than what a core keeps in most caches
KERNELS = (":(top)kernels", ":(top)pyimpl")  # as git calls the folders


def ladder(document: Document) -> Lines:
    """The first ladder of a run."""
    found = ladders(document.looptax)[0]
    yield f"{found.title}; {_machine(document)}.\n"
    yield from _head("rung", "technique", "time", "GFLOP/s", "absolute", "relative", "over")
    for row in found.own:
        if row.figure.seconds:
            yield _row(
                row.rung, technique(row.rung), seconds(row.figure.seconds), digits(row.figure.gflops),
                speedup(row.absolute) or "1×", speedup(row.relative), row.over or "",
            )  # fmt: skip


def peers(document: Document) -> Lines:
    """How many times our time the peers take, over all cells, at the largest number of threads."""
    found = _of_most_threads(document)
    cells = len({figure.cell.data for figure in found})
    threads = max(figure.cell.threads for figure in found)
    yield f"`{own_rung(found)}`, {cells} cells, {threads} threads; {_machine(document)}.\n"
    yield from _head("", "mean", "95 %", "worst", "worst cell")
    for row in against(found):
        yield _row(row.peer, plain(row.mean), interval(row.mean), times(row.worst), name_of(row.where))


def memory(document: Document) -> Lines:
    """How near one read of X our rung comes where X is large, at the largest number of threads."""
    found = _of_most_threads(document)
    own, limits = own_rung(found), document.looptax.limits
    yield f"`{own}`; {_machine(document)}.\n"
    yield from _head("", "time", "GB/s", "of one read")
    for figure in found:
        reached = bounded(figure, limits).fraction
        if figure.cell.rung == own and reached and figure.bytes > BEYOND:
            yield _row(name_of(figure.cell), seconds(figure.seconds), digits(figure.gbytes), percent(reached))


def regret(document: dict[str, Any]) -> Lines:
    """What ``looptax tune --check --json`` wrote: the mean, the worst, and the inputs above 1.05."""
    yield f"{document['machine']}, {document['date']}, commit {str(document['commit'])[:7]}.\n"
    yield from _head("", "chosen", "best", "regret")
    for one in document["inputs"]:
        if one["regret"] > 1.05:
            yield _row(one["problem"], one["chosen"], one["best"], f"{one['regret']:.2f}")
    yield _row(f"geometric mean of {len(document['inputs'])}", "", "", f"{document['mean']:.3f}")
    yield _row("worst", "", "", f"{document['worst']:.2f}")


def busy(document: Document) -> Lines:
    """The preset busy: our rung on one thread and on all, and the best peer, by situation."""
    cells = [figure for figure in document.looptax.cells if figure.seconds]
    situations = situations_of(cells)
    yield f"Median / 90th percentile; {_machine(document)}.\n"
    yield from _head("", "", *situations)
    for _, group in groupby(cells, key=lambda figure: figure.cell.data):
        figures = list(group)
        times = times_of(figures)
        own, most = own_rung(figures) or "", max(figure.cell.threads for figure in figures)
        unit, factor = unit_for(figures)
        rows = {
            numbers.threads(count): [times.get((Who(own, count), each)) for each in situations]
            for count in sorted({1, most})
        }
        rows["best peer"] = [_best(times, most, each) for each in situations]
        head = f"{numbers.shape(figures[0].cell.source)}, {unit}"
        for name, row in rows.items():
            yield _row(head, name, *(pair(both, factor) for both in row))
            head = ""


def fits(document: dict[str, Any]) -> Lines:
    """The preset estimators: a fit by each solver, ours first."""
    found = [Fit(**one) for one in document["fits"]]
    solvers = list(dict.fromkeys(fit.solver for fit in found))
    cpu = document["machine"]["cpu"]
    where = f"{cpu['brand']} ({cpu['microarchitecture']}), {document['threads']} threads, {document['date']}"
    yield f"{answer(found)} {printable(where)}, commit {printable(document['commit'][:7])}.\n"
    yield from _head("", *solvers)
    for (source, dtype), some in by_input(found):
        times = {fit.solver: fit.seconds for fit in some if not fit.problem}
        cells = (seconds(float(median(times[solver]))) if solver in times else "–" for solver in solvers)
        yield _row(f"{numbers.shape(source)}, {dtype}", *cells)


def cluster(document: dict[str, Any]) -> Lines:
    """The preset cluster: a step from each place, by input; then what a pass over a cluster is made of."""
    found = [Way(**one) for one in document["ways"]]
    sources = list(dict.fromkeys(way.source for way in found))
    by_place = {(way.name, way.source): way for way in found}
    yield f"A step, and its time in units of the one in memory, float64; {_place(document)}.\n"
    yield from _head("from", *map(numbers.shape, sources))
    for name in dict.fromkeys(way.name for way in found):
        ways = [(by_place.get((name, source)), by_place.get((MEMORY, source))) for source in sources]
        yield _row(name, *(_compared(*pair) for pair in ways))
    yield ""
    yield from _table(over_cluster.passes(found))
    for way in found:
        if way.problem:
            yield f"\n{way.name}, {numbers.shape(way.source)}: {way.problem}"


def _compared(way: Way | None, memory: Way | None) -> str:
    """Return a way's time, and how many times that of memory it is."""
    if way is None or not way.seconds:
        return "–"
    time = seconds(float(median(way.seconds)))
    return time if memory is None or way is memory else f"{time}, {speedup(ratio(way.seconds, memory.seconds))}"


def scaling(document: dict[str, Any]) -> Lines:
    """The model of a step on more machines, with what the preset cluster measured."""
    found = [Way(**one) for one in document["ways"]]
    measured = model.measured(found)
    if measured is None:
        raise LookupError("no step on two workers")
    yield f"A model, with what was measured on {_place(document)}.\n"
    table = model.table(measured)
    yield from _table(table)
    for note in (*table.notes, model.check(found)):
        yield f"\n{note}"


def _best(times: dict[tuple[Who, str], Both], threads: int, situation: str) -> Both | None:
    """Return the times of the peer whose median is the least."""
    found = [both for peer in NAMES if (both := times.get((Who(peer, threads), situation)))]
    return min(found, key=lambda both: typical(both.median) or inf, default=None)


BLOCKS: dict[str, Callable[[Any], Lines]] = {
    "ladder": ladder, "peers": peers, "memory": memory, "busy": busy, "regret": regret, "fits": fits,
    "cluster": cluster, "scaling": scaling,
}  # fmt: skip
BLOCK = r"(<!-- figures: {name} -->\n)(.*?)(<!-- figures: end -->)"


def block(text: str, name: str) -> re.Match[str] | None:
    """Find a block: its first marker, what is between, its last one."""
    return re.search(BLOCK.format(name=name), text, re.DOTALL)


def renewed(text: str, found: re.Match[str], lines: Lines) -> str:
    """Return the text with these lines in a block."""
    return "\n".join((text[: found.end(1)], *lines, "", text[found.start(3) :]))


def ages(text: str) -> Lines:
    """Say of each block of a text how many commits have changed the kernels since its figures were measured."""
    for name in BLOCKS:
        found = block(text, name)
        if not found:
            continue
        commit = re.search(r"commit ([0-9a-f]{7,})", found[2])
        since = machine.git("rev-list", "--count", f"{commit[1]}..HEAD", "--", *KERNELS) if commit else None
        if since is None:
            yield f"{name}: it cannot be told how old its figures are"
        elif since == "0":
            yield f"{name}: of these kernels"
        else:
            yield f"{name}: older than the kernels; commits since then that changed them: {since}"


def _of_most_threads(document: Document) -> list[Figure]:
    found = document.looptax.cells
    most = max(figure.cell.threads for figure in found)
    return [figure for figure in found if figure.cell.threads == most]


def _machine(document: Document) -> str:
    cpu, commit = document.machine_info["cpu"], str(document.machine_info["git_commit"])[:7]
    reasons = " ".join(document.looptax.unstable)
    noise = f". The run calls itself unstable: {reasons.rstrip('.')}" if reasons else ""
    date = (document.datetime or "")[:10]
    return _on(cpu, f"{date}, commit {commit}{noise}")


def _place(document: dict[str, Any]) -> str:
    cpu, commit = document["machine"]["cpu"], str(document["commit"])[:7]
    return _on(cpu, f"{document['date']}, commit {commit}")


def _on(cpu: Any, when: str) -> str:
    return printable(f"{cpu['brand']} ({cpu['microarchitecture']}), {cpu['usable']} CPUs, {when}")


def _table(table: Table) -> Lines:
    """The columns and lines of a table; a line's note is not told."""
    yield from _head(*table.columns)
    for line in table.lines:
        yield _row(*line.cells)


def _head(*names: str) -> Lines:
    yield _row(*names)
    yield _row("---", *["--:"] * (len(names) - 1))


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
