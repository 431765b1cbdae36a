"""Other libraries' implementations of the step: right, shown where absent, and compared."""

import json
import re

import numpy as np
import pytest
from looptax.bench.conformance.judge import judge
from looptax.bench.measure import data, matrix, peers, threads, turn
from looptax.bench.measure.matrix import PRESETS, Matrix, Turn
from looptax.bench.measure.peers import PEERS, PLAN
from looptax.bench.show import summary, terminal
from looptax.bench.show.result import Bandwidth, Cell, Document, Figure, Fma, Limits
from looptax.kernels.ladder import LADDER, UnavailableError
from looptax.kernels.variants.ladder import VARIANTS
from looptax.pyimpl import numpy_stable
from made_up import figure, section
from msgspec.structs import replace
from terminal import command, printed

ALL = threads.usable()


def prepared(peer, case):
    """The peer with the case at all threads; a visible skip where its library is not installed."""
    try:
        return peer.load()(case, ALL)
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(params=(PLAN, *PEERS), ids=lambda peer: peer.name)
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
            step = numpy_stable.step(X, y, w, b)
            return lambda: step._replace(db=step.db * 2), lambda result: result

        outcome = measured(monkeypatch, peers.Peer("peer-wrong", "", "numpy", "numpy", wrong))
        assert outcome.status == "failed"
        assert outcome.reason.startswith("db is ")

    def test_names_are_unlike_any_rung(self):
        names = [known.name for known in peers.ENTRANTS]
        ours = (*LADDER, PLAN, *VARIANTS, *peers.VARIANT_PLANS)
        assert len(set(names)) == len(names) == len(ours) + len(PEERS) + len(peers.VARIANT_PEERS)
        assert all(peer.name.startswith("peer-") for peer in (*PEERS, *peers.VARIANT_PEERS))


def measured(monkeypatch, peer, number=1):
    """What becomes of a cell of the peer; it must not get as far as being timed."""
    monkeypatch.setattr(matrix, "ENTRANTS", (peer,))
    found = Figure(Cell(peer.name, "50x4", "float64", "C", number), 50, 4)
    turn.take(Turn(found.cell, 0), found, Matrix(budget=10.0), None)
    return found


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


def steady(rung, seconds, source="9x2", number=2):
    """A figure of six sweeps of the same time."""
    return figure(rung, seconds, source=source, threads=number)


LIMITS = Limits(
    [Bandwidth(number, 1000, number * 1e9) for number in (1, 2)],
    [Fma("float64", number, 1e12) for number in (1, 2)],
    1e-8,
)


def tables(found, limits=None, cache=0):
    return list(summary.tables(section(*found, limits=limits), cache))


def shown(table):
    return printed(terminal.table(table))


class TestSummary:
    def test_hand_made_figures(self):
        found = [
            *(steady("numpy-stable", 9.0), steady("cython-simd", 2.0), steady("plan", 0.1)),
            *(steady("peer-numpy", 4.0), steady("peer-jax", 1.0)),
            *(steady("numpy-stable", 9.0, "8x8"), steady("cython-simd", 1.0, "8x8")),
            *(steady("peer-numpy", 8.0, "8x8"), steady("peer-jax", None, "8x8")),
        ]
        assert summary.own_rung(found) == "cython-simd"  # not the plan, though it is ours and the faster one
        rows = {row.peer: row for row in summary.against(found)}
        assert list(rows) == ["peer-numpy", "peer-jax", summary.BEST]
        assert rows["peer-numpy"] == ("peer-numpy", 2, pytest.approx((4.0, 4.0, 4.0, 6)), 2.0, found[3].cell)
        assert rows["peer-jax"] == ("peer-jax", 1, pytest.approx((0.5, 0.5, 0.5, 6)), 0.5, found[4].cell)
        assert rows[summary.BEST] == (summary.BEST, 2, pytest.approx((2.0, 2.0, 2.0, 6)), 0.5, found[4].cell)

    def test_ratios_are_formed_inside_a_sweep(self):
        """Each sweep is as slow as it likes: the ratio is 2 in all, and the interval a point."""
        ours, theirs = steady("cython-simd", 4.0), steady("peer-numpy", 8.0)
        found = [replace(ours, sweeps=[1.0, 4.0, 9.0] * 2), replace(theirs, sweeps=[2.0, 8.0, 18.0] * 2)]
        assert summary.against(found)[0].mean == pytest.approx((2.0, 2.0, 2.0, 6))

    def test_a_plan_has_a_line_of_its_own(self):
        found = [
            *(steady("cython-simd", 2.0), steady("plan", 1.0), steady("peer-numpy", 3.0)),
            *(steady("cython-simd", 2.0, "100x2"), steady("plan", 1.0, "100x2"), steady("peer-numpy", 12.0, "100x2")),
        ]
        assert "through a plan: peer-numpy takes 6.00× its time, 12.0× at 100x2" in shown(tables(found)[0])
        assert "through a plan" not in shown(tables([row for row in found if row.cell.rung != "plan"])[0])

    def test_cells_larger_than_the_caches_against_one_read(self):
        """100x2 is 1600 bytes: at 2 GB/s on two threads 0.8 us, half of the 1.6 us it took."""
        found = [steady("cython-simd", 1.6e-6, "100x2"), steady("peer-numpy", 1.0, "100x2"), steady("cython-simd", 1.0)]
        one_read = tables(found, LIMITS, cache=1500)[1]
        assert one_read.title == "cython-simd larger than the caches, 2 threads"
        assert re.search(r"^100x2 float64 C +1.00 +2.00 +50% mem", shown(one_read), re.MULTILINE)
        assert len(one_read.lines) == 1  # 9x2 fits
        assert len(tables(found, LIMITS, cache=1600)) == 1
        assert len(tables(found, None, cache=1500)) == 1

    def test_threads_against_one(self):
        found = [
            *(steady("cython-simd", 3.2e-6, "100x2", 1), steady("cython-simd", 3.0, number=1)),
            *(steady("cython-simd", 1.6e-6, "100x2"), steady("peer-numpy", 1.0, "100x2")),
        ]
        text = shown(tables(found, LIMITS)[1])
        assert "cython-simd, 2 threads against one" in text
        assert re.search(r"^100x2 float64 C +2.00× 2.00 – 2.00 +50% mem 50% mem", text, re.MULTILINE)
        assert "9x2" not in text  # one thread alone has it

    def test_a_cell_without_our_number_does_not_count(self):
        assert summary.against([steady("cython-simd", None), steady("peer-numpy", 1.0)]) == []
        assert summary.against([steady("peer-numpy", 1.0)]) == []

    def test_one_table_for_each_number_of_threads(self):
        found = [steady(rung, 1.0, number=number) for number in (1, 2) for rung in ("cython-simd", "peer-numpy")]
        titles = [table.title for table in tables(found) if "peers" in table.title]
        assert titles == ["cython-simd against the peers, 1 thread", "cython-simd against the peers, 2 threads"]

    def test_no_peers_no_table(self):
        assert tables([steady("cython-simd", 1.0)]) == []


class TestCommandLine:
    SMALL = ("--shapes", "40x3", "--dtypes", "float64", "--orders", "C")

    def run(self, *arguments):
        done = command("run", *arguments, *self.SMALL)
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
        assert re.search(r"peer-numpy +1 +[\d.]+× +\S+ – \S+ +[\d.]+× +40x3 float64 C", shown)
        assert "best peer of each cell" in shown
        assert "…" not in shown

    def test_the_option_adds_all_of_them(self, monkeypatch):
        asked = []

        def run(matrix, console, command):
            asked.append(matrix)
            return Document(section(figure("numpy-stable", 1.0))), False

        monkeypatch.setattr("looptax.bench.measure.run.run", run)
        self.run("--rungs", "cython-tuned,peer-numpy", "--peers")
        self.run("--preset", "peers", "--peers")
        assert asked[0].rungs == ("cython-tuned", "plan", *(peer.name for peer in PEERS))
        assert asked[0].rungs == asked[1].rungs

    def test_what_is_not_installed_is_shown(self, monkeypatch):
        def load(self):
            raise UnavailableError("No module named 'it'")

        monkeypatch.setattr(peers.Peer, "load", load)
        shown = self.run("--rungs", "numpy-stable", "--peers", "--threads", "1")
        for peer in PEERS:
            assert f"{peer.name}: unavailable: No module named 'it'" in shown
        assert "against the peers" not in shown


def test_preset_has_all_peers_at_all_threads():
    cells = Matrix(**PRESETS["peers"]).cells()
    assert len(cells) == len(PRESETS["peers"]["sources"]) * 2 * 2 * (2 + len(PEERS) + (ALL > 1))
    assert {cell.threads for cell in cells if cell.rung != "cython-tuned"} == {ALL}
    assert {cell.threads for cell in cells if cell.rung == "cython-tuned"} == {1, ALL}
