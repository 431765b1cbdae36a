"""``looptax figures``: what stands in a text between markers is what was measured, with its CPU."""

import json
import os
from itertools import product
from pathlib import Path

import made_up
import pytest
from looptax.bench.measure.situations import SITUATIONS
from looptax.bench.show import figures, storage
from looptax.bench.show.result import Document
from terminal import command

REGRET = {
    "machine": "2 threads, Zen 9, x86_64_v4",
    "date": "2026-11-22",
    "commit": "0123456789abcdef",
    "mean": 1.0213,
    "worst": 1.2,
    "inputs": [
        {"problem": "9x2 float64 rows", "chosen": "tile=1", "best": "tile=2", "regret": 1.2},
        {"problem": "8x2 float64 rows", "chosen": "tile=1", "best": "tile=1", "regret": 1.0},
    ],
}
FITS = {
    "machine": {"cpu": {"brand": "EPYC", "microarchitecture": "zen9"}},
    "date": "2026-11-28",
    "commit": "0123456789abcdef",
    "threads": 2,
    "fits": [
        {"source": "9x2", "dtype": "float64", "solver": "looptax", "seconds": [1.0, 3.0, 2.0]},
        {"source": "9x2", "dtype": "float64", "solver": "glum", "seconds": [5.0, 6.0, 7.0]},
        {"source": "digits", "dtype": "float32", "solver": "looptax", "seconds": [1.0]},
        {"source": "digits", "dtype": "float32", "solver": "glum", "problem": "it takes two classes"},
    ],
}
CLUSTER = {
    "machine": {"cpu": {"brand": "EPYC", "microarchitecture": "zen9", "usable": 2}},
    "date": "2026-11-28",
    "commit": "0123456789abcdef",
    "ways": [
        {"source": "9x2", "name": "memory", "seconds": [1.0, 3.0, 2.0]},
        {"source": "9x2", "name": "memory, 1 thread", "seconds": [1.8]},
        {"source": "9x2", "name": "2 workers", "seconds": [2.0, 6.0, 4.0], "tasks": 4, "shipped": 2048,
         "latency": 0.5, "per_task": 0.25, "per_byte": 1e-9},
        {"source": "9x2", "name": "dask-glm, 2 workers", "problem": "ImportError: none"},
        {"source": "8x2", "name": "memory", "seconds": [1.0]},
    ],
}  # fmt: skip
TEXT = "before\n" + "".join(
    f"<!-- figures: {name} -->\nold\n<!-- figures: end -->\nbetween\n" for name in figures.BLOCKS
)


@pytest.fixture
def files(tmp_path):
    """A text with all blocks, a result file and a file of regrets."""
    text, run, regret = (tmp_path / name for name in ("README.md", "run.json", "regret.json"))
    text.write_text(TEXT)
    storage.write(made_up.document(sources=("100x2", "100000x30")), run)
    regret.write_text(json.dumps(REGRET))
    (tmp_path / "fits.json").write_text(json.dumps(FITS))
    (tmp_path / "cluster.json").write_text(json.dumps(CLUSTER))
    return text, run, regret


@pytest.fixture
def busy(tmp_path):
    """A result file of the preset busy."""
    times = {"cython-tuned": 1.0, "peer-numpy": 3.0, "peer-torch-manual": 2.0}
    cells = [
        made_up.figure(rung, times[rung] / threads, threads=threads, situation=name, p90=[4 * times[rung]] * 3)
        for threads, name, rung in product((1, 2), SITUATIONS, times)
    ]
    storage.write(Document(made_up.section(*cells), made_up.MACHINE), tmp_path / "busy.json")
    return tmp_path / "busy.json"


def test_every_block_is_written(files, busy):
    text, run, regret = files
    arguments = ("figures", text, "--ladder", run, "--peers", run, "--busy", busy, "--regret", regret)
    arguments += ("--fits", regret.with_name("fits.json"), "--cluster", regret.with_name("cluster.json"))
    done = command(*arguments)
    assert done.exit_code == 0, done.output
    written = text.read_text()
    assert "old" not in written
    assert written.startswith("before\n<!-- figures: ladder -->\n\n100 × 2, float64, C order, 1 thread; ")
    assert written.count("between\n") == len(figures.BLOCKS)
    assert "| cython-serial | double loop, typed memoryviews | " in written
    serial = next(line for line in written.splitlines() if line.startswith("| cython-serial"))
    assert serial.endswith("| python-array |")
    assert "| best peer of each cell | " in written
    assert "`cython-tuned`, 8 cells, 2 threads; " in written
    assert "| 100000x30 float64 C | " not in written  # 24 MB
    assert "| 9x2 float64 rows | tile=1 | tile=2 | 1.20 |\n| geometric mean of 2 |  |  | 1.021 |" in written
    assert "8x2" not in written
    assert "~3.50× our time (geometric mean of 1 inputs), 3.00× on 9x2 float64" in written
    assert "|  | looptax | glum |\n| --- | --: | --: |\n| 9 × 2, float64 | 2 s | 6 s |\n" in written
    assert "| digits, float32 | 1 s | – |" in written
    assert f"|  |  | {' | '.join(SITUATIONS)} |" in written
    assert f"| 9 × 2, ms | 1 thread |{' 1,000 / 4,000 |' * 4}\n|  | 2 threads |{' 500 / 4,000 |' * 4}\n" in written
    assert f"|  | best peer |{' 1,000 / 8,000 |' * 4}\n" in written
    assert "in units of the one in memory, float64; EPYC (zen9), 2 CPUs, 2026-11-28, commit 0123456.\n" in written
    assert "| from | 9 × 2 | 8 × 2 |\n| --- | --: | --: |\n| memory | 2 s | 1 s |\n" in written
    assert "| 2 workers | 4 s, ~2.00× | – |\n| dask-glm, 2 workers | – | – |\n" in written
    assert "| 2 workers | 9 × 2 | 4 | 2,048 | 500 ms | 250 ms | 1.00 |\n" in written
    assert "\ndask-glm, 2 workers, 9 × 2: ImportError: none\n" in written
    assert "| 100 | 10 | flat | 1e+08 s | 10.5 s |" in written
    assert "\nScheduling takes longer than the arithmetic from 100,000,000 machines on.\n" in written
    assert command(*arguments).exit_code == 0
    assert text.read_text() == written


def test_one_thread_comes_first_however_many_there_are():
    """64 comes before 1 in a set of both."""
    cells = [made_up.figure("cython-tuned", 1.0, threads=threads, p90=[2.0] * 3) for threads in (1, 64)]
    rows = [line.split(" | ")[:2] for line in figures.busy(Document(made_up.section(*cells), made_up.MACHINE))]
    assert rows[3:] == [["| 9 × 2, s", "1 thread"], ["| ", "64 threads"], ["| ", "best peer"]]


def test_only_what_is_given_is_written(files):
    text, _, regret = files
    assert command("figures", text, "--regret", regret).exit_code == 0
    assert text.read_text().count("old") == len(figures.BLOCKS) - 1
    assert "Zen 9, x86_64_v4, 2026-11-22, commit 0123456." in text.read_text()


def test_large_inputs_are_set_against_one_read(monkeypatch):
    monkeypatch.setattr(figures, "BEYOND", 2e7)
    lines = list(figures.memory(made_up.document(sources=("100000x30",))))
    assert len([line for line in lines if line.startswith("| 100000x30 float64 ")]) == 2
    assert all(line.rstrip(" |").endswith("%") for line in lines if line.startswith("| 100000x30"))


def test_a_text_without_the_block_is_refused(files):
    text, _, regret = files
    text.write_text("nothing")
    done = command("figures", text, "--regret", regret)
    assert done.exit_code == 2
    assert "has no block '<!-- figures: regret -->'" in done.output
    assert text.read_text() == "nothing"


def test_a_result_without_what_is_shown_is_refused_in_a_line(files, tmp_path):
    text, run, regret = files
    before = text.read_text()
    (tmp_path / "bad.json").write_text("{}")
    alone = {**CLUSTER, "ways": CLUSTER["ways"][:1]}
    (tmp_path / "alone.json").write_text(json.dumps(alone))  # no cluster was measured
    wrong = [("--ladder", regret), ("--regret", run), ("--ladder", tmp_path / "bad.json")]
    wrong += [("--cluster", run), ("--cluster", tmp_path / "alone.json")]
    for option, path in wrong:
        done = command("figures", text, option, path)
        assert done.exit_code == 2
        assert done.stderr.splitlines()[-1].startswith(f"Error: Invalid value for {option}: {path} ")
    assert text.read_text() == before


def test_a_text_is_written_whole_or_not_at_all(files, monkeypatch):
    text, _, regret = files
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    done = command("figures", text, "--regret", regret)
    assert (done.exit_code, done.stderr) == (1, f"Error: {text}: No space left on device\n")
    assert text.read_text() == TEXT


def test_every_block_stands_in_a_text():
    here = Path(__file__).parents[1]
    texts = "".join(path.read_text("utf-8") for path in (here / "README.md", *here.glob("docs/*.md")))
    assert [name for name in figures.BLOCKS if texts.count(f"<!-- figures: {name} -->\n") != 1] == []


def test_the_age_of_figures(monkeypatch):
    """Commits since a block's own that changed the kernels are counted; nothing is said of blocks a text has not."""
    asked = []

    def git(*arguments):
        asked.append(arguments)
        return {"1111111..HEAD": "0", "2222222..HEAD": "3"}.get(arguments[2])

    monkeypatch.setattr(figures.machine, "git", git)
    text = "".join(
        f"<!-- figures: {name} -->\nA CPU, commit {commit}\n<!-- figures: end -->\n"
        for name, commit in (("ladder", "1111111"), ("peers", "2222222"), ("memory", "3333333"), ("busy", "none"))
    )
    assert list(figures.ages(text)) == [
        "ladder: of these kernels",
        "peers: older than the kernels; commits since then that changed them: 3",
        "memory: it cannot be told how old its figures are",
        "busy: it cannot be told how old its figures are",
    ]
    assert {arguments[3:] for arguments in asked} == {("--", ":(top)kernels", ":(top)pyimpl")}
