"""``looptax figures``: write measured tables into a text, between markers, with the CPU they are from.

A block begins with ``<!-- figures: NAME -->`` and ends with ``<!-- figures: end -->``; what is between is written anew
from the files given. Its names are those of `BLOCKS`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from ..measure.limits import limit
from . import result
from .ladder import ladders, technique
from .numbers import digits, interval, percent, seconds, speedup, times
from .summary import against, input_of, own_rung

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .result import Document, Figure

    Lines = Iterator[str]

BEYOND = 30e6  # bytes: larger than what a core keeps in most caches


def ladder(document: Document) -> Lines:
    """The first ladder of a run."""
    found = ladders(document.looptax)[0]
    yield f"{found.title}; {_machine(document)}.\n"
    yield from _head("rung", "technique", "time", "GFLOP/s", "absolute", "relative", "over")
    for row in found.own:
        if row.figure.seconds:
            yield _row(
                row.rung, technique(row.rung), seconds(row.figure.seconds), digits(row.figure.gflops),
                times(row.absolute.value) if row.absolute else "1×", speedup(row.relative), row.over or "",
            )  # fmt: skip


def peers(document: Document) -> Lines:
    """How many times our time the peers take, over all cells, at the largest number of threads."""
    found = _of_most_threads(document)
    cells = len({figure.cell.data for figure in found})
    threads = max(figure.cell.threads for figure in found)
    yield f"`{own_rung(found)}`, {cells} cells, {threads} threads; {_machine(document)}.\n"
    yield from _head("", "mean", "95 %", "worst", "worst cell")
    for row in against(found):
        yield _row(row.peer, times(row.mean.value), interval(row.mean), times(row.worst), input_of(row.where))


def memory(document: Document) -> Lines:
    """How near one read of X our rung comes where X is large, at the largest number of threads."""
    found = _of_most_threads(document)
    own, limits = own_rung(found), document.looptax.limits
    yield f"`{own}`; {_machine(document)}.\n"
    yield from _head("", "time", "GB/s", "of one read")
    for figure in found:
        bound = limit(figure, limits)
        if figure.cell.rung == own and figure.seconds and bound and figure.bytes > BEYOND:
            share = percent(bound.seconds / figure.seconds)
            yield _row(input_of(figure.cell), seconds(figure.seconds), digits(figure.gbytes), share)


def regret(document: dict[str, Any]) -> Lines:
    """What ``looptax tune --check --json`` wrote: the mean, the worst, and the inputs above 1.05."""
    yield f"{document['machine']}, commit {str(document['commit'])[:7]}.\n"
    yield from _head("", "chosen", "best", "regret")
    for one in document["inputs"]:
        if one["regret"] > 1.05:
            yield _row(one["problem"], one["chosen"], one["best"], f"{one['regret']:.2f}")
    yield _row(f"geometric mean of {len(document['inputs'])}", "", "", f"{document['mean']:.3f}")
    yield _row("worst", "", "", f"{document['worst']:.2f}")


BLOCKS: dict[str, Callable[[Any], Lines]] = {"ladder": ladder, "peers": peers, "memory": memory, "regret": regret}


def figures_command(
    text: Annotated[Path, typer.Argument(help="The file that has the blocks.", exists=True, dir_okay=False)],
    ladder: Annotated[Path | None, typer.Option(help="A result file.", exists=True)] = None,
    peers: Annotated[Path | None, typer.Option(help="A result file of the preset peers.", exists=True)] = None,
    regret: Annotated[Path | None, typer.Option(help="What tune --check wrote.", exists=True)] = None,
) -> None:
    """Write measured tables into a text, between its markers. Exit code: 0, or 2 for a wrong argument."""
    given = {"ladder": ladder, "peers": peers, "memory": peers, "regret": regret}
    written = text.read_text("utf-8")
    for name, path in given.items():
        if path is None:
            continue
        document = msgspec.json.decode(path.read_bytes()) if name == "regret" else result.read(path)
        block = re.compile(rf"(<!-- figures: {name} -->\n).*?(<!-- figures: end -->)", re.DOTALL)
        found = block.search(written)
        if not found:
            raise typer.BadParameter(f"{text} has no block '<!-- figures: {name} -->'", param_hint="TEXT")
        lines = "\n".join(BLOCKS[name](document))
        written = f"{written[: found.end(1)]}\n{lines}\n\n{written[found.start(2) :]}"
    text.write_text(written, "utf-8")


def _of_most_threads(document: Document) -> list[Figure]:
    found = document.looptax.cells
    most = max(figure.cell.threads for figure in found)
    return [figure for figure in found if figure.cell.threads == most]


def _machine(document: Document) -> str:
    machine = document.machine_info
    cpu = machine["cpu"]
    commit = str(machine["git_commit"])[:7]
    reasons = " ".join(document.looptax.noise.unstable if document.looptax.noise else ())
    noise = f". The run calls itself unstable: {reasons.rstrip('.')}" if reasons else ""
    return f"{cpu['brand']} ({cpu['microarchitecture']}), {cpu['usable']} CPUs, commit {commit}{noise}"


def _head(*names: str) -> Lines:
    yield _row(*names)
    yield _row("---", *["--:"] * (len(names) - 1))


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
