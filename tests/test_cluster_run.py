"""``looptax run --preset cluster``: steps over files and clusters, in units of the step in memory."""

import json

import pytest
from looptax.bench.show import cluster as shown
from needed import lacking
from terminal import command

try:
    from looptax.bench.measure import cluster
except ImportError as error:
    lacking(str(error))

WAYS = ["memory", "file", "cold file", "cold reading", "1 worker", "2 workers", "dask-glm, 2 workers"]


def test_the_table():
    memory = cluster.Way("9x2", "memory", seconds=[1.0, 3.0, 2.0])
    file = cluster.Way("9x2", "file", seconds=[2.0, 6.0, 4.0])
    worker = cluster.Way("9x2", "1 worker", seconds=[2.0, 6.0, 4.0], tasks=3, shipped=2048, overhead=0.25)
    broken = cluster.Way("9x2", "dask-glm", problem="ImportError: none")
    (table,) = shown.tables([memory, file, worker, broken])
    assert [line.cells for line in table.lines[:3]] == [
        ("memory", "2 s", "", "", "", ""),
        ("file", "4 s", "~2.00×", "", "", ""),
        ("1 worker", "4 s", "~2.00×", "3", "2,048", "250 ms"),
    ]
    assert table.title == "9 × 2, float64"


def test_what_has_no_meaning_is_refused():
    done = command("run", "--preset", "cluster", "--orders", "C")
    assert done.exit_code == 2
    assert "no meaning for files and clusters" in done.output


@pytest.mark.long
def test_a_run(tmp_path):
    done = command("run", "--preset", "cluster", "--shapes", "3000x3", "--sweeps", "2", "--json", tmp_path / "C.json")
    assert done.exit_code == 0, done.output
    found = {way["name"]: way for way in json.loads((tmp_path / "C.json").read_text())["ways"]}
    assert list(found) == WAYS
    for name in WAYS[:-1]:  # dask-glm is a guest
        assert not found[name]["problem"], found[name]
        assert len(found[name]["seconds"]) == 2
    assert found["2 workers"]["shipped"] > found["2 workers"]["tasks"] > 0
