"""``looptax tune``: measure which schedule and how many threads pay, and keep it as `wisdom` for `plan`."""

from __future__ import annotations

from datetime import date
from itertools import product
from statistics import geometric_mean
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec
from rich.progress import Progress

from ...kernels.choose import isa, planner, schedule, team, wisdom
from ...kernels.choose.which import KERNEL, counted
from ..show import storage
from ..show.numbers import seconds as duration
from ..show.tables import Line, Table
from ..show.terminal import say, table
from .machine import commit
from .turn import drawn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

    from ...kernels.choose.schedule import Schedule
    from ..conformance.cases import Case
    from .matrix import Matrix

    Row = tuple[str, wisdom.Times]  # the problem, and what was measured

Found = TypeVar("Found")
DUEL = 20  # rounds of the chosen schedule against the best


def tune(matrix: Matrix, console: Console, errors: Console) -> bool:
    """Measure each source, dtype and order of a matrix, remember it, and print a table of it.

    Parameters
    ----------
    matrix : Matrix
    console, errors : rich.console.Console
        Where the table goes; where the progress bar and the reasons for what is left out go.

    Returns
    -------
    bool
        False where Ctrl-C ended it early.

    Raises
    ------
    WisdomError
        What was measured cannot be remembered.
    """
    path = _file()
    found, whole = _until_interrupted(_measured(matrix, errors))
    if not found:
        say(console, "Nothing was measured.")
        return whole
    console.print(table(_table(found)))
    say(console, f"{'Kept' if whole else 'Interrupted; kept'} in {path}")
    return whole


def _until_interrupted(source: Iterator[Found]) -> tuple[list[Found], bool]:
    """Return what comes until Ctrl-C, and whether that was all."""
    found: list[Found] = []
    try:
        found.extend(source)
    except KeyboardInterrupt:
        return found, False
    return found, True


def _measured(matrix: Matrix, errors: Console) -> Iterator[Row]:
    """Measure and remember one problem after the other."""
    for case in _drawn(matrix, errors):
        times = planner.measure(case.X, case.y)
        wisdom.store(case.X, times)
        yield wisdom.problem(case.X), times


def check(matrix: Matrix, console: Console, errors: Console, path: Path | None = None) -> bool:
    """Print how far the schedules that `fastest` chooses are from the best there are, for each input of a matrix.

    The best one of a race is raced once more, with the chosen one alone: so that the luck that made it the best of
    many does not count. With a path, it is written there too. False where Ctrl-C ended it early.
    """
    found, whole = _until_interrupted(map(_regret, _drawn(matrix, errors)))
    if not found:
        say(console, "Nothing was measured.")
        return whole
    ratios = [one.ratio for one in found]
    here = f"{counted(team.available())}, {schedule.this_cpu().name}, {isa.chosen(KERNEL)}"
    mean, worst = geometric_mean(ratios), max(ratios)
    if path:  # first: whoever reads the rest may leave
        inputs = [
            {"problem": one.problem, "chosen": str(one.chosen), "best": str(one.best), "regret": one.ratio}
            for one in found
        ]
        document = {
            "machine": here, "date": f"{date.today()}", "commit": commit(), "mean": mean, "worst": worst,
            "inputs": inputs,
        }  # fmt: skip
        storage.write_text(msgspec.json.format(msgspec.json.encode(document)).decode(), path)
    console.print(table(_regrets(found)))
    say(console, f"Regret: mean {mean:.3f}, worst {worst:.2f}, {len(found)} inputs, {here}")
    return whole


def _words(how: Schedule) -> str:
    """Return a schedule as words, which a narrow table can put below each other."""
    return str(how).replace(",", ", ")


def _regrets(found: list[Regret]) -> Table:
    lines = []
    for one in found:
        chosen, best = map(_words, (one.chosen, one.best))
        told = (one.problem, chosen, "" if best == chosen else best)
        lines.append(Line((*told, duration(one.seconds), f"{one.ratio:.2f}")))
    return Table("", ("input", "chosen", "best", "time", "regret"), lines, text=("chosen", "best"))


class Regret(NamedTuple):
    """What `fastest` chooses for an input, and the best there is; times in seconds."""

    problem: str
    chosen: Schedule
    best: Schedule
    seconds: float
    least: float

    @property
    def ratio(self) -> float:
        """How many times the best one's time the chosen one takes."""
        return self.seconds / self.least


def _regret(case: Case) -> Regret:
    most, kernel = team.available(), isa.load(KERNEL)
    chosen = kernel.schedule_of(case.X, most)[0]
    here = kernel.comes_to(case.X, chosen)
    others = [how for how in kernel.candidates(case.X) if kernel.comes_to(case.X, how) != here]
    plans = {how: planner.DensePlan(case.X, case.y, at_most=most, how=how) for how in (chosen, *others)}
    times = planner.race(plans, keep=chosen)
    best = min(times, key=lambda how: times[how])
    again = planner.race({how: plans[how] for how in {chosen, best}}, keep=chosen, rounds=DUEL)
    best = min(again, key=lambda how: (again[how], how != chosen))
    return Regret(wisdom.problem(case.X), chosen, best, again[chosen], again[best])


def _drawn(matrix: Matrix, errors: Console) -> Iterator[Case]:
    """Draw one input after the other, with a progress bar; say which do not fit."""
    inputs = list(product(matrix.sources, matrix.dtypes, matrix.orders))
    with Progress(console=errors) as bar:
        task = bar.add_task("", total=len(inputs))
        for source, dtype, order in inputs:
            bar.update(task, description=f"{source} {dtype} {order}")
            try:
                yield drawn(source, dtype, order)
            except MemoryError as error:
                say(bar.console, f"Left out: {error}")
            bar.advance(task)


def show(console: Console) -> None:
    """Print what is remembered for this machine, and where; WisdomError where it cannot be read."""
    path, here = _file(), wisdom.known()
    others = sum(map(len, wisdom.load().values())) - len(here)
    if here:
        console.print(table(_table(list(here.items()))))
    else:
        say(console, "Nothing is remembered for this CPU, version and number of threads.")
    if others:
        say(console, f"And {others} for others.")
    say(console, f"Kept in {path}")


def clear(console: Console) -> None:
    """Remove the file and say so; WisdomError where it cannot be removed."""
    path = _file()
    say(console, f"Removed {path}" if wisdom.clear() else f"There is no {path}")


def _file() -> Path:
    path = wisdom.file()
    if path is None:
        raise wisdom.WisdomError("platformdirs and filelock are not installed; they come with looptax[bench]")
    return path


def _table(rows: list[Row]) -> Table:
    lines = []
    for problem, times in rows:
        how, threads = planner.best(times)
        measured = ", ".join(f"{count}: {duration(seconds)}" for count, seconds in times[how].items())
        lines.append(Line((*problem.split(), str(threads), _words(how), measured)))
    columns = ("shape", "dtype", "layout", "threads", "schedule", "measured")
    return Table("", columns, lines, text=("dtype", "layout", "schedule", "measured"))
