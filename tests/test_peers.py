"""Other libraries' implementations of the step: right, shown where absent, and compared."""

import json
import re

import numpy as np
import pytest
from looptax.bench import cli, data, matrix, peers, results, summary, threads
from looptax.bench.conformance.gate import judge
from looptax.bench.matrix import Cell, Matrix, Outcome
from looptax.bench.peers import PEERS
from looptax.kernels.ladder import LADDER, UnavailableError
from looptax.pyimpl import vectorized_stable
from typer.testing import CliRunner

ALL = threads.usable()


def prepared(peer, case):
    """The peer with the case at all threads; a visible skip where its library is not installed."""
    try:
        return peer.load()(case, ALL)
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(params=PEERS, ids=lambda peer: peer.name)
def peer(request):
    return request.param


class TestPeers:
    @pytest.mark.parametrize("source", ["1x1", "50x4", "301x17", "9x40"])
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_passes_the_gate(self, peer, source, dtype, order):
        case = data.load(source, dtype, order)
        with threads.limited(ALL):
            verdict = judge(prepared(peer, case).step, case, accuracy=peer.accuracy)
        assert verdict.ok, verdict.problem
        assert verdict.used >= 0  # a number was compared

    def test_computes_anew_in_every_call(self, peer):
        """What is timed must be the whole step, on the case's data as they were prepared."""
        case = data.load("50x4", "float64", "C")
        ready = prepared(peer, case)
        first, second = ready.step(), ready.step()
        np.testing.assert_array_equal(first.dw, second.dw)
        assert first.dw is not second.dw
        assert ready.call() is not ready.call()

    def test_a_wrong_one_gets_no_number(self, monkeypatch):
        def wrong(X, y, w, b, threads):
            step = vectorized_stable.step(X, y, w, b)
            return lambda: step._replace(db=step.db * 2), lambda result: result

        outcome = measured(monkeypatch, peers.Peer("peer-wrong", "", "numpy", "numpy", wrong))
        assert outcome.status == "failed"
        assert outcome.reason.startswith("db is ")

    def test_names_are_unlike_any_rung(self):
        names = [known.name for known in peers.ENTRANTS]
        assert len(set(names)) == len(names) == len(LADDER) + len(PEERS)
        assert all(peer.name.startswith("peer-") for peer in PEERS)


def measured(monkeypatch, peer, number=1):
    """What becomes of a cell of the peer; it must not get as far as being timed."""
    monkeypatch.setattr(matrix, "entrant", lambda name: peer)
    outcome = Outcome(Cell(peer.name, "50x4", "float64", "C", number), 50, 4)
    matrix.measure(outcome.cell, outcome, None, 10.0)
    return outcome


class TestUnavailable:
    def test_not_installed(self, monkeypatch):
        outcome = measured(monkeypatch, peers.Peer("peer-x", "", "the-package", "no_such_module", None))
        assert outcome.status == "unavailable"
        assert outcome.reason == "No module named 'no_such_module'; it comes with the package the-package"

    def test_another_number_of_threads(self, monkeypatch):
        outcome = measured(monkeypatch, peers.Peer("peer-x", "", "the-package", "numpy", None, lambda threads: 7))
        assert (outcome.status, outcome.reason) == ("unavailable", "asked for 1 threads, but the-package has 7")

    def test_jax_at_fewer_threads_than_cpus(self, monkeypatch):
        monkeypatch.setattr(peers, "usable", lambda: 3)
        outcome = measured(monkeypatch, peers.Peer("peer-x", "", "jax", "numpy", None, peers._jax_threads))
        assert outcome.status == "unavailable"
        assert outcome.reason == "JAX starts one thread for each usable CPU, 3, and cannot be set to 1"


def figure(rung, seconds, source="9x2", number=2):
    return results.Figure(Cell(rung, source, "float64", "C", number), 9, 2, "measured", None, seconds)


class TestSummary:
    def test_hand_made_figures(self):
        found = [
            *(figure("numpy-stable", 9.0), figure("cython-simd", 2.0)),
            *(figure("peer-numpy", 4.0), figure("peer-jax", 1.0)),
            *(figure("numpy-stable", 9.0, "8x8"), figure("cython-simd", 1.0, "8x8")),
            *(figure("peer-numpy", 8.0, "8x8"), figure("peer-jax", None, "8x8")),
        ]
        assert summary.own_rung(found) == "cython-simd"
        rows = {row.peer: row for row in summary.ratios(found)}
        assert list(rows) == ["peer-numpy", "peer-jax", summary.BEST]
        assert rows["peer-numpy"] == ("peer-numpy", 2, pytest.approx(4.0), 2.0, found[2].cell)
        assert rows["peer-jax"] == ("peer-jax", 1, pytest.approx(0.5), 0.5, found[3].cell)
        assert rows[summary.BEST] == (summary.BEST, 2, pytest.approx(2.0), 0.5, found[3].cell)

    def test_a_cell_without_our_number_does_not_count(self):
        assert summary.ratios([figure("cython-simd", None), figure("peer-numpy", 1.0)]) == []
        assert summary.ratios([figure("peer-numpy", 1.0)]) == []

    def test_one_table_for_each_number_of_threads(self):
        found = [figure(rung, 1.0, number=number) for number in (1, 2) for rung in ("cython-simd", "peer-numpy")]
        titles = [table.title for table in summary.tables(found)]
        assert titles == ["cython-simd against the peers, 1 thread", "cython-simd against the peers, 2 threads"]

    def test_no_peers_no_table(self):
        assert list(summary.tables([figure("cython-simd", 1.0)])) == []


class TestCommandLine:
    SMALL = ("--shapes", "40x3", "--dtypes", "float64", "--orders", "C")

    def run(self, *arguments):
        done = CliRunner().invoke(cli.app, ["run", *arguments, *self.SMALL], env={"COLUMNS": "80"})
        assert done.exit_code == 0, done.output
        return done.output

    def test_peers_beside_a_rung(self, tmp_path):
        path = tmp_path / "p.json"
        shown = self.run(
            "--rungs", "cython-parallel,peer-numpy,peer-sklearn", "--threads", str(ALL), "--json", str(path)
        )
        document = json.loads(path.read_text())
        assert [cell["status"] for cell in document["looptax"]["cells"]] == ["measured"] * 3
        assert "cython-parallel against the peers" in shown
        assert re.search(r"peer-numpy +1 +[\d.]+x +[\d.]+x +40x3 float64 C", shown)
        assert "best peer of each cell" in shown
        assert "…" not in shown

    def test_the_option_adds_all_of_them(self, monkeypatch):
        asked = []

        def run(matrix, console):
            asked.append(matrix)
            return {"benchmarks": [], "looptax": {"cells": []}}, False

        monkeypatch.setattr(cli, "run", run)
        self.run("--rungs", "cython-fused,peer-numpy", "--peers")
        self.run("--preset", "peers", "--peers")
        assert asked[0].rungs == ("cython-fused", *(peer.name for peer in PEERS))
        assert asked[0].rungs == asked[1].rungs

    def test_what_is_not_installed_is_shown(self, monkeypatch):
        def load(self):
            raise UnavailableError("No module named 'it'")

        monkeypatch.setattr(peers.Peer, "load", load)
        shown = self.run("--rungs", "numpy-stable", "--peers", "--threads", "1")
        for peer in PEERS:
            assert f"{peer.name}: unavailable, No module named 'it'" in shown
        assert "against the peers" not in shown


def test_preset_has_all_peers_at_all_threads():
    cells = Matrix(**matrix.PRESETS["peers"]).cells()
    assert len(cells) == 9 * 2 * 2 * (1 + len(PEERS))
    assert {cell.threads for cell in cells} == {ALL}
