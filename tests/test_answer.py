"""The last lines of a run say what it found, and what spoils it; a narrow terminal shows what matters most."""

import io
import re
from itertools import pairwise

import made_up
import pytest
from looptax.bench.show import answer, terminal
from looptax.bench.show.ladder import ladders
from looptax.bench.show.result import Bandwidth
from looptax.bench.show.tables import ladder_table
from msgspec.structs import replace
from rich.console import Console

SOURCE = {"source": "1000x100"}


@pytest.fixture(scope="module")
def section():
    return made_up.document().looptax


def shown(section, width=80):
    console = Console(width=width, file=io.StringIO())
    terminal.show(section, console)
    return console.file.getvalue().splitlines()


class TestSentences:
    def test_the_slowest_against_the_fastest_on_each_shape(self):
        found = made_up.section(
            made_up.figure("python-array", 4.0, **SOURCE),
            made_up.figure("cython-tuned", 0.002, **SOURCE),
            made_up.figure("cython-tuned", [0.001, 0.001, 0.001, 0.00125, 0.001, 0.001], threads=2, **SOURCE),
            made_up.figure("python-array", 6.0, source="10x2"),
            made_up.figure("numba-parallel", 60.0, source="10x2", threads=2),
            made_up.figure("numpy-notes", 6.0, source="10x2"),
        )
        assert list(answer.sentences(found)) == [
            "What a loop costs here, float64, C order:",
            "  1,000 × 100: python-array takes 4 s, cython-tuned on 2 threads 1 ms: 4,000× as fast (3,200 – 4,000)",
            "  10 × 2: numpy-notes takes 6 s, python-array 6 s: no difference seen (1.00 – 1.00)",
        ]

    def test_what_was_slower_still_is_named(self):
        late = replace(made_up.figure("python-array", None, **SOURCE), status="over budget")
        found = made_up.section(
            late, made_up.figure("numpy-notes", 2.0, **SOURCE), made_up.figure("cython-tuned", 1.0, **SOURCE)
        )
        assert list(answer.sentences(found))[1].endswith("2.00× as fast (2.00 – 2.00); over budget: python-array")

    def test_without_an_interval_it_is_said_roughly(self):
        found = made_up.section(
            made_up.figure("python-array", [4.0, 4.0], **SOURCE), made_up.figure("numpy-notes", [2.0, 2.0], **SOURCE)
        )
        assert list(answer.sentences(found))[1].endswith("~2.00× as fast")

    def test_the_best_peer(self, section):
        assert list(answer.sentences(section))[-1].startswith("The best other library of each cell takes ")

    @pytest.mark.parametrize("figures", [(), (made_up.figure("numpy-notes", 1.0),), (made_up.figure("plan", None),)])
    def test_nothing_is_said_of_nothing(self, figures):
        assert list(answer.answer(made_up.section(*figures))) == []


class TestTechniques:
    def test_each_is_compared_with_the_rung_it_grew_from(self):
        times = {"numpy-notes": 8.0, "numpy-stable": 4.0, "numpy-buffers": 4.0}
        figures = [made_up.figure(rung, time * m, source=f"{m}x2") for m in (10, 20) for rung, time in times.items()]
        stable, buffers = answer.brought(ladders(made_up.section(*figures)))
        assert (stable.rung, stable.over, stable.mean.value) == ("numpy-stable", "numpy-notes", pytest.approx(2.0))
        assert (buffers.rung, buffers.over, buffers.mean.undecided) == ("numpy-buffers", "numpy-stable", True)

    def test_least_and_most_are_those_of_the_inputs(self):
        gains = {"10x2": 2.0, "20x2": 8.0}
        figures = [
            figure
            for source, gain in gains.items()
            for figure in (
                made_up.figure("numpy-notes", gain, source=source),
                made_up.figure("numpy-stable", 1.0, source=source),
            )
        ]
        (found,) = answer.brought(ladders(made_up.section(*figures)))
        assert (found.least, found.mean.value, found.most) == pytest.approx((2.0, 4.0, 8.0))


class TestWarnings:
    def test_come_last(self, section):
        noise = replace(section.noise, unstable=["Other processes kept 1.0 CPUs busy."])
        slow = Bandwidth(2, section.limits.bandwidth[0].bytes, 1e9)
        limits = replace(section.limits, bandwidth=[*section.limits.bandwidth[:-4], slow])
        lines = shown(replace(section, noise=noise, limits=limits))
        assert lines[-4:-2] == [
            "This run was unstable; do not publish its figures:",
            "  Other processes kept 1.0 CPUs busy.",
        ]
        assert lines[-1] == "  2 threads read 16 KiB at 1 GB/s, not at 310 GB/s"

    def test_a_quiet_run_ends_with_the_answer(self, section):
        assert shown(section)[-1] == list(answer.answer(section))[-1]


class TestWidth:
    @pytest.mark.parametrize("width", [50, 60, 80, 120])
    def test_no_number_is_cut_off(self, section, width):
        lines = shown(replace(section, cells=section.cells[:60]), width)
        assert not any("…" in line for line in lines)
        ladder = [line.split()[2] for line in lines if re.match(r"cython-tuned +[\d.]+ ", line)]
        assert len(ladder) == 3
        assert set(ladder) <= {"s", "ms", "µs", "ns"}

    def test_the_important_columns_go_last(self, section):
        table = ladder_table(ladders(section)[0]).without("interval")
        kept = [table.within(width).columns for width in (200, table.width, table.width - 1, 60, 50, 1)]
        assert kept[0] == kept[1] == table.columns
        assert [set(before) >= set(after) for before, after in pairwise(kept)] == [True] * 5
        assert kept[-1] == ("rung", "time", "absolute", "relative")

    def test_a_column_is_explained_before_it_is_used(self, section):
        lines = shown(section)
        assert lines.index("absolute: times as fast as the first measured rung") < lines.index(
            next(line for line in lines if line.startswith("rung "))
        )
