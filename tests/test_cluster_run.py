"""``looptax run --preset cluster``: steps over files and clusters, in units of the step in memory."""

import json
from types import SimpleNamespace

import pytest
from looptax.bench.show import cluster as shown
from needed import lacking
from terminal import command

try:
    from looptax.bench.measure import cluster, workers
except ImportError as error:
    lacking(str(error))

GUESTS = ["dask-glm, 2 workers", "dask-ml fit, 2 workers"]
WAYS = ["memory", "memory, 1 thread", "file", "cold file", "cold reading", "1 worker", "2 workers", "fit, 2 workers"]


def test_the_table():
    memory = cluster.Way("9x2", "memory", seconds=[1.0, 3.0, 2.0])
    file = cluster.Way("9x2", "file", seconds=[2.0, 6.0, 4.0])
    fit = cluster.Way("9x2", "fit, 2 workers", seconds=[2.0, 6.0, 4.0], evaluations=6)
    broken = cluster.Way("9x2", "dask-glm", problem="ImportError: none")
    (table,) = shown.tables([memory, file, fit, broken])
    assert [line.cells for line in table.lines[:3]] == [
        ("memory", "2 s", "", ""),
        ("file", "4 s", "~2.00×", ""),
        ("fit, 2 workers", "4 s", "~2.00×", "6"),
    ]
    assert table.title == "9 × 2, float64"
    assert table.lines[3].note == "ImportError: none"


def test_what_a_pass_costs():
    costs = {"latency": 0.25, "per_task": 0.002, "per_byte": 4e-9}
    worker = cluster.Way("9x2", "1 worker", tasks=3, shipped=2048, **costs)
    table = shown.passes([cluster.Way("9x2", "memory"), worker, cluster.Way("9x2", "2 workers", problem="none")])
    assert [line.cells for line in table.lines] == [("1 worker", "9 × 2", "3", "2,048", "250 ms", "2 ms", "4.00")]


def test_the_parts_of_a_pass_are_told_apart(monkeypatch):
    """A pass of a quarter of a second, 2 ms for each task and 4 ns for each byte, of which the first one is slow."""
    slow = []

    def a_pass(there, tasks, function):
        slow.append(0.0 if slow else 9.0)
        numbers = getattr(function, "keywords", {}).get("numbers")
        return 0.25 + tasks * (0.002 + (0.0 if numbers is None else 2 * numbers.nbytes * 4e-9)) + slow[-1]

    monkeypatch.setattr(workers, "_pass", a_pass)
    assert workers.costs(None) == pytest.approx((0.25, 0.002, 4e-9))


def test_a_fit_is_told_for_an_evaluation(monkeypatch):
    monkeypatch.setattr(cluster, "Stopwatch", lambda: SimpleNamespace(elapsed=2.0))
    way = cluster.Way("9x2", "fit")
    cluster._timed(lambda: setattr(way, "evaluations", 4), way)
    assert way.seconds == [0.5]


def test_what_has_no_meaning_is_refused():
    done = command("run", "--preset", "cluster", "--orders", "C")
    assert done.exit_code == 2
    assert "no meaning for files and clusters" in done.output


@pytest.mark.long
def test_a_run(tmp_path):
    done = command("run", "--preset", "cluster", "--shapes", "3000x3", "--sweeps", "2", "--json", tmp_path / "C.json")
    assert done.exit_code == 0, done.output
    found = {way["name"]: way for way in json.loads((tmp_path / "C.json").read_text())["ways"]}
    assert sorted(found) == sorted(WAYS + GUESTS)
    for name in WAYS:
        assert not found[name]["problem"], found[name]
        assert len(found[name]["seconds"]) == 2
    assert found["2 workers"]["shipped"] > found["2 workers"]["tasks"] > 0
    assert found["2 workers"]["latency"] > found["2 workers"]["per_task"] > 0
    assert found["fit, 2 workers"]["evaluations"] > workers.ITERATIONS
    assert "A tree of workers saves 10% of the step" in done.output
