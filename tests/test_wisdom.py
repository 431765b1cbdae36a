"""Wisdom: what was measured is remembered, for this machine and this problem, and used."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from bits import as_bytes
from fresh import PYTHON, started
from looptax.kernels import fastest, plan
from looptax.kernels.choose import isa, planner, team, wisdom
from looptax.kernels.choose.schedule import Schedule
from remembered import HERE, HOW, X, b, document, w, y

pytestmark = pytest.mark.usefixtures("two_threads")


class TestMemory:
    def test_what_is_measured_is_used_from_then_on(self, cache_folder, monkeypatch):
        assert plan(X, y).explain() == fastest.which(X)
        assert not cache_folder.exists()
        measured = plan(X, y, effort="measure")
        assert measured.explain() == "2 threads and tile=65536, measured to be as fast as any (1: 3 us, 2: 2 us)"
        monkeypatch.setattr(planner, "measure", None)  # a call fails
        for effort in ("estimate", "measure"):
            made = plan(X, y, effort=effort)
            assert made.explain() == "2 threads and tile=65536, remembered to be as fast as any (1: 3 us, 2: 2 us)"
            assert made.threads == 2
            assert as_bytes(made.step(w, b)) == as_bytes(fastest(X, y, w, b))

    def test_the_file_says_it_in_json(self, file):
        plan(X, y, effort="measure")
        found = json.loads(file.read_text())
        assert found == {
            "format": wisdom.FORMAT,
            "entries": {wisdom.machine(): {HERE: {"tile=65536": {"1": 3e-6, "2": 2e-6}}}},
        }
        assert re.fullmatch(r".+, \w+, looptax [\d.]+\S*, 2 threads", wisdom.machine())

    @pytest.mark.parametrize(("times", "threads"), [({"1": 1e-6, "2": 2e-6}, 1), ({"1": 2e-6, "2": 1e-6}, 2)])
    def test_the_file_decides(self, file, times, threads):
        file.write_text(json.dumps(document(times)))
        assert plan(X, y).threads == threads
        assert plan(X, y, threads=3 - threads).threads == 3 - threads

    @pytest.mark.parametrize(
        ("other", "name"),
        [
            (X[:-1], "699x23 float64 rows"),
            (X[:, :-1].copy(), "700x22 float64 rows"),
            (X.astype("f4"), "700x23 float32 rows"),
            (np.asfortranarray(X), "700x23 float64 columns"),
            (np.repeat(X, 2, axis=1)[:, ::2], "700x23 float64 strided"),
        ],
    )
    def test_other_data_are_another_problem(self, file, other, name):
        plan(X, y, effort="measure")
        labels = y[: len(other)]
        assert "remembered" not in plan(other, labels).explain()
        plan(other, labels, effort="measure")
        assert "remembered" in plan(other, labels).explain()
        assert list(json.loads(file.read_text())["entries"][wisdom.machine()]) == [HERE, name]

    @pytest.mark.parametrize(
        ("module", "name", "other"),
        [
            (wisdom, "_cpu", lambda: "another"),
            (wisdom, "__version__", "0.0.1"),
            (isa, "chosen", lambda kernel: "another"),
            (team, "available", lambda: 4),
        ],
    )
    def test_another_machine_has_its_own(self, monkeypatch, module, name, other):
        plan(X, y, effort="measure")
        monkeypatch.setattr(module, name, other)
        assert wisdom.recall(X) is None
        wisdom.remember(X, {HOW: {1: 1.0}})
        assert wisdom.recall(X) == {HOW: {1: 1.0}}

    def test_wisdom_of_an_older_format_is_ignored_and_written_anew(self, file):
        file.write_text(json.dumps({"format": wisdom.FORMAT - 1, "entries": {wisdom.machine(): {HERE: {"1": 1e-6}}}}))
        assert plan(X, y).explain() == fastest.which(X)
        assert "measured" in plan(X, y, effort="measure").explain()
        assert json.loads(file.read_text())["format"] == wisdom.FORMAT

    def test_the_schedule_is_the_fastest_that_was_measured(self, file):
        other = Schedule(1 << 20, streamed=True)
        times = {str(HOW): {"1": 3e-6, "2": 2e-6}, str(other): {"1": 4e-6, "2": 1e-6}}
        file.write_text(json.dumps({"format": wisdom.FORMAT, "entries": {wisdom.machine(): {HERE: times}}}))
        made = plan(X, y)
        assert made.explain() == f"2 threads and {other}, remembered to be as fast as any (1: 4 us, 2: 1 us)"
        assert as_bytes(made.step(w, b)) == as_bytes(fastest(X, y, w, b))

    def test_more_threads_than_there_are_are_not_used(self, file):
        file.write_text(json.dumps(document({"1": 2e-6, "8": 1e-6})))
        assert plan(X, y).explain() == fastest.which(X)

    @pytest.mark.parametrize("package", ["platformdirs", "filelock"])
    def test_without_its_packages_nothing_is_remembered(self, file, monkeypatch, package):
        monkeypatch.setitem(sys.modules, package, None)
        monkeypatch.setattr(wisdom, "_installed", wisdom._installed.__wrapped__)
        assert "measured" in plan(X, y, effort="measure").explain()
        assert "measured" in plan(X, y, effort="measure").explain()
        assert not file.exists()

    def test_the_users_cache_folder_is_the_place(self, monkeypatch, tmp_path):
        monkeypatch.delenv(wisdom.VARIABLE)
        if sys.platform == "linux":
            monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
            assert wisdom.file() == tmp_path / "looptax" / "wisdom.json"
        assert wisdom.file().parent.name.lower() in ("looptax", "cache")

    def test_says_what_the_cpu_calls_itself(self):
        cpuinfo = Path("/proc/cpuinfo")
        told = wisdom._cpu.__wrapped__()
        assert told
        if cpuinfo.exists() and (model := re.search(r"^model name\s*: (.+)", cpuinfo.read_text(), re.MULTILINE)):
            assert model.group(1).strip() in told


WRITES = """
import numpy as np
from looptax.kernels.choose import wisdom
from looptax.kernels.choose.schedule import Schedule
for n in range({first}, 60, 2):
    wisdom.store(np.ones((n + 1, 2)), {{Schedule(9): {{1: 1.0}}}})
"""


def test_processes_that_write_at_once_all_end_up_in_the_file(cache_folder):
    one, other = ((*PYTHON, "-c", WRITES.format(first=k)) for k in (0, 1))
    with started(*one) as writer, started(*other) as beside:
        assert [writer.wait(60), beside.wait(60)] == [0, 0]
    (problems,) = json.loads((cache_folder / "wisdom.json").read_text())["entries"].values()
    assert set(problems) == {f"{n + 1}x2 float64 rows" for n in range(60)}
