"""From files to machines: what cannot be used is left out and told by the name of its file, never in silence."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import typer

from .. import storage
from ..result import ALONE, printable
from .entry import Entry, entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from ..result import Data, Document, Guest

NEVER = datetime.min.replace(tzinfo=UTC)


class Told(NamedTuple):
    """What is to be known of a file."""

    file: str
    what: str
    left_out: bool = False


def gathered(files: Sequence[Path], newest: bool = False) -> tuple[list[Entry], list[Told]]:
    """Return the machines of these files, in their order, and what is to be told of the files.

    With `newest`, of several runs of what may be the same machine the newest counts.
    """
    entries, told = read(files)
    for alike in _alike(entries):
        names = " and ".join(one.file for one in alike[1:])
        if newest:
            last = max(alike, key=when)
            gone = [one for one in alike if one is not last]
            told += [Told(one.file, f"{last.file} is a newer run of such a machine", True) for one in gone]
            entries = [one for one in entries if one not in gone]
        else:
            what = f"{names} {'tells' if len(alike) == 2 else 'tell'} of the same CPU, caches and memory"
            told.append(Told(alike[0].file, f"{what}; all count (--newest: the newest alone)"))
    return entries, told


def read(files: Sequence[Path]) -> tuple[list[Entry], list[Told]]:
    """Return the runs of these files, in their order, and what is to be told of the files.

    What cannot be used is left out, and so is a run that is there twice. Unstable ones count, and are told.
    """
    told: list[Told] = []
    entries = _different(list(_read(files, told)), told)
    return entries, told + [
        Told(one.file, f"unstable: {why}") for one in entries for why in one.document.looptax.unstable
    ]


def tell(told: Iterable[Told]) -> None:
    """Say it on standard error, a line for each."""
    for one in told:
        typer.echo(printable(f"{one.file}{' left out' * one.left_out}: {one.what}"), err=True)


def _read(files: Iterable[Path], told: list[Told]) -> Iterator[Entry]:
    """Yield what can be used, and tell of the rest."""
    names = _names(list(dict.fromkeys(files)))
    for file, name in names.items():
        shown = printable(str(file), "?")
        try:
            document = storage.read(file)
        except storage.ResultError as error:
            told.append(Told(shown, str(error).removeprefix(f"{file} "), True))
            continue
        document.benchmarks = []  # nine tenths of a file, and nothing of it is shown
        _call_by_digest(document)
        if any(figure.seconds and figure.cell.situation == ALONE for figure in document.looptax.cells):
            yield entry(name, shown, document)
        else:
            told.append(Told(shown, "has no cell with a number, or only those of a machine made busy", True))


def _call_by_digest(document: Document) -> None:
    """Call data and steps of one's own by what is in their files, too: others may have files of the same names."""
    section = document.looptax
    sources, rungs = ({one.name: _with_digest(one) for one in of} for of in (section.data, section.guests))
    for figure in section.cells:
        cell = figure.cell
        rung, source = rungs.get(cell.rung, cell.rung), sources.get(cell.source, cell.source)
        figure.cell = msgspec.structs.replace(cell, rung=rung, source=source)
    own: list[Data | Guest] = [*section.data, *section.guests]
    for one in own:
        one.name = _with_digest(one)


def _with_digest(one: Data | Guest) -> str:
    """Return a name and what its file holds, in seven digits; one that was kept has them already."""
    digits = f"-{one.sha256[:7]}"
    return one.name if one.name.endswith(digits) else one.name + digits


def _names(files: list[Path]) -> dict[Path, str]:
    """Call each file by its name without suffix, with its folder where others are called so, else by its whole path."""
    names = {file: printable(str(file), "?") for file in files}
    ways: tuple[Callable[[Path], str], ...] = (lambda file: f"{file.parent.name}/{file.stem}", lambda file: file.stem)
    for way in ways:
        counts = Counter(map(way, files))
        names |= {file: printable(way(file), "?") for file in files if counts[way(file)] == 1}
    return names


def _different(entries: list[Entry], told: list[Told]) -> list[Entry]:
    """Leave out what is the same run as one before."""
    first: dict[bytes, Entry] = {}
    for one in entries:
        kept = first.setdefault(_run(one.document), one)
        if kept is not one:
            told.append(Told(one.file, f"is the same run as {kept.file}", True))
    return list(first.values())


def _run(document: Document) -> bytes:
    return msgspec.json.encode((document.datetime, document.machine_info, document.looptax))


def _alike(entries: list[Entry]) -> list[list[Entry]]:
    """Return the machines of which all that is told is the same; a file does not tell more alike ones apart."""
    found = defaultdict(list)
    for one in entries:
        found[same_machine(one)].append(one)
    return [alike for alike in found.values() if len(alike) > 1 and alike[0].document.machine_info.get("cpu")]


def same_machine(one: Entry) -> bytes:
    """Return what is the same of all runs of a machine, and of any two that are alike."""
    machine = one.document.machine_info
    memory = round((machine.get("memory_bytes") or 0) / 2**30)  # a new kernel takes a little more, or less
    return msgspec.json.encode((machine.get("cpu"), memory, one.held_to))


def when(one: Entry) -> datetime:
    """Return when a run was; one that does not tell is older than all."""
    try:
        found = datetime.fromisoformat(one.document.datetime or "")
    except ValueError:
        return NEVER
    return found if found.tzinfo else found.replace(tzinfo=UTC)
