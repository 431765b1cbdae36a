"""``looptax history``: made-up runs of one machine, one of which changed."""

import json
import re
from math import exp
from pathlib import Path

import made_up
import numpy as np
import pytest
from looptax.bench.show import storage
from looptax.bench.show.history.changes import MIN_RUNS, changes, levels
from msgspec.structs import replace
from terminal import command

EVEN = [1.0, 1.01, 0.99, 1.02, 0.98, 1.0]


def run(day, factor, *, brand="A CPU", source="9x2"):
    """A run on which `cython-tuned` takes `factor` times what it should; the machine is a little faster each day."""
    times = [time * (1 - day / 1000) for time in EVEN]
    tuned = [factor * time / 4 for time in times]
    figures = [
        made_up.figure(rung, some, source=source) for rung, some in (("numpy-stable", times), ("cython-tuned", tuned))
    ]
    info = {"cpu": {"brand": brand, "usable": 1}, "git_commit": f"{day:02d}" * 20}
    made = replace(made_up.document(("100x2",), ("float64",)), looptax=made_up.section(*figures))
    made.machine_info, made.datetime, made.benchmarks = info, f"2026-05-{day:02d}T10:00:00+00:00", []
    return made


@pytest.fixture
def files(tmp_path):
    """Twelve runs, of which the eighth and all after it are 1.3 times as slow; not in order."""
    paths = [tmp_path / f"run{day:02d}.json" for day in range(1, 13)]
    for day, path in enumerate(paths, 1):
        storage.write(run(day, 1.3 if day >= 8 else 1.0), path)
    return paths[::-1]


class TestChanges:
    def test_a_step_is_found_where_it_is(self):
        noise = np.random.default_rng(3).normal(0, 0.01, 20)
        values = [exp(each) * (2.0 if k >= 12 else 1.0) for k, each in enumerate(noise)]
        [found] = changes(values)
        assert found.at == 12
        assert found.before == pytest.approx(np.median(values[:12]))
        assert found.factor == pytest.approx(np.median(values[12:]) / np.median(values[:12]))

    def test_two_steps_are_two(self):
        assert [change.at for change in changes([1.0] * 6 + [2.0] * 6 + [1.5] * 6)] == [6, 12]

    @pytest.mark.parametrize(
        "values",
        [
            [1.0] * 20,
            [1.0] * 10 + [1.02] * 10,  # too small to be told
            [1.0, 1.1] * 10,  # noise
            [1.0] * 9 + [2.0],  # one run has it
            [1.0, 1.0, 2.0, 2.0, 2.0],  # too few runs
        ],
    )
    def test_what_is_none(self, values):
        assert changes(values) == []
        assert [(start, end) for start, end, _ in levels(values)] == [(0, len(values))]

    def test_as_few_runs_as_are_enough(self):
        half = MIN_RUNS // 2
        assert [change.at for change in changes([1.0] * half + [2.0] * half)] == [half]


class TestCommand:
    def test_the_change_is_told(self, files, tmp_path):
        done = command("history", *files, "-o", tmp_path / "history.html", columns=200)
        assert done.exit_code == 0
        assert [line for line in done.output.splitlines() if "→" in line] == [
            "2026-05-07 0707070 run07 → 2026-05-08 0808080 run08: cython-tuned, 9 × 2, float64, C order, 1 thread, "
            f"{what}"
            for what in ("time: 1.29×", "over numpy-stable: 0.769×")
        ]
        assert "12 runs: something changed in 1 of them" in done.output
        text = (tmp_path / "history.html").read_text()
        data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
        some = [row for row in data["points"] if (row["rung"], row["measure"]) == ("cython-tuned", "ratio")]
        assert [row["run"] for row in some] == [f"run{day:02d}" for day in range(1, 13)]
        assert [row["value"] for row in some] == pytest.approx([4.0] * 7 + [4 / 1.3] * 5, rel=1e-3)
        level = [row for row in data["stretches"] if (row["rung"], row["measure"]) == ("cython-tuned", "ratio")]
        assert [(row["level"], row["factor"]) for row in level] == [(4.0, ""), (3.077, "0.769×")]

    def test_the_machine_is_that_of_the_newest_run(self, files, tmp_path):
        storage.write(run(1, 1.0, brand="another"), tmp_path / "another.json")
        (tmp_path / "bad.json").write_text("{")
        more = tmp_path / "another.json", tmp_path / "bad.json"
        done = command("history", *files, *more, "-o", tmp_path / "history.html", columns=300)
        assert done.exit_code == 0
        newest = tmp_path / "run12.json"
        assert f"another.json left out: is of another machine than {newest}, the newest" in done.output
        assert "bad.json left out: is not a result of looptax" in done.output
        assert "12 runs" in done.output

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "Missing argument 'RESULT...'"),
            (["{run01}", "-o", "history.md"], "history.md does not end in .html"),
            (["{run01}"], "no two of them have measured the same input"),
            (["{run01}", "{run02}", "--over", "numba-none"], "'numba-none' is not one of numpy-stable, cython-tuned"),
        ],
    )
    def test_wrong_arguments(self, arguments, message, files, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        given = {path.stem: path for path in files}
        done = command("history", *(one.format(**given) for one in arguments), columns=300)
        assert done.exit_code == 2
        assert message in done.output
        assert not list(Path().glob("*.html"))


def test_the_page_opens_without_errors_and_asks_for_nothing(browser, files, tmp_path):
    written = tmp_path / "history.html"
    assert command("history", *files, "-o", written).exit_code == 0
    for width, scheme in ((1280, "light"), (390, "dark")):
        browser.open(written, width=width, scheme=scheme)
        assert browser.problems() == []
        assert [address for address in browser.requests() if not address.startswith(("data:", "blob:"))] == [
            written.as_uri()
        ]
        assert browser.run("document.documentElement.scrollWidth") == width
        browser.choose("measure", "ratio")
        assert "0.769×" in browser.run("document.querySelector('#chart-history svg').textContent")
