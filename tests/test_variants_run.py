"""``looptax run --preset variants``: which cells there are, what they are measured on, judged by and shown as."""

import json
from itertools import pairwise

import numpy as np
import pytest
from fresh import looptax
from looptax.bench import options
from looptax.bench.conformance.judge import judge
from looptax.bench.measure import data, limits, peers, threads, turn
from looptax.bench.measure.matrix import PRESETS, Matrix, Turn
from looptax.bench.show import ladder, result, storage
from looptax.bench.show.result import Cell, Figure
from looptax.kernels import ladder as rungs
from looptax.kernels.variants import ladder as variant_ladder
from looptax.kernels.variants.ladder import VARIANTS
from needed import lacking
from scipy import sparse
from terminal import command

OTHERS = (*peers.VARIANT_PLANS, *peers.VARIANT_PEERS)


def cells(**given):
    return Matrix(**{**PRESETS["variants"], **given}).cells()


class TestCells:
    def test_every_rung_on_the_sources_of_its_variant_and_on_no_other(self):
        found = cells()
        assert {cell.rung for cell in found} == {known.name for known in (*VARIANTS, *OTHERS)}
        known = {one.name: one.variant for one in peers.ENTRANTS}
        assert {(cell.rung, data.variant(cell.source)) for cell in found} == {
            (name, known[name]) for name in PRESETS["variants"]["rungs"]
        }
        assert {data.variant(cell.source) for cell in found} == {*data.NAMES}

    def test_the_other_presets_have_none(self):
        for name in PRESETS.keys() - {"variants"}:
            assert {data.variant(cell.source) for cell in Matrix(**PRESETS[name]).cells()} == {data.STEP}

    def test_sparse_x_has_no_memory_order(self):
        assert {cell.order for cell in cells() if data.variant(cell.source) == "sparse"} == {"C"}
        assert {cell.order for cell in cells() if data.variant(cell.source) == "weighted"} == {"C", "F"}
        assert {cell.order for cell in cells(orders=("F",))} == {"F"}

    def test_rungs_of_one_thread_have_one(self):
        assert {cell.threads for cell in cells(threads=(1, 2)) if cell.rung.endswith("-loops")} == {1}
        assert {cell.threads for cell in cells(threads=(1, 2)) if cell.rung.endswith("-tuned")} == {1, 2}

    def test_the_fused_rung_is_measured_twice_and_the_data_made_once(self):
        turns = Matrix(**{**PRESETS["variants"], "sweeps": 1}).turns()
        assert {one.cell.rung for one in turns if one.again} == {f"{name}-tuned" for name in data.NAMES}
        drawn = [one.cell.data for one in turns]
        assert sum(a != b for a, b in pairwise(drawn)) + 1 == len(set(drawn))

    def test_names_fit_the_file(self):
        for cell in cells():
            assert storage.msgspec.convert(storage.msgspec.to_builtins(cell), Cell) == cell


class TestOptions:
    def test_shapes_are_for_each_variant(self):
        assert options.matrix("variants", shapes="30x4").sources == tuple(f"{name}-30x4" for name in data.NAMES)

    def test_a_variant_stands_for_its_rungs(self):
        assert options._rungs("softmax") == ("softmax-loops", "softmax-products", "softmax-tuned")

    @pytest.mark.parametrize(("given", "message"), [
        ({"data": "breast-cancer"}, "the variants are measured on synthetic samples"),
        ({"rungs": "cython"}, "none of these rungs is for these inputs"),
    ])  # fmt: skip
    def test_what_makes_no_sense(self, given, message):
        done = command("run", "--preset", "variants", *(f"--{name}={value}" for name, value in given.items()))
        assert done.exit_code == 2
        assert message in " ".join(done.output.split())

    def test_a_rung_of_a_variant_alone_is_for_no_plain_shape(self):
        assert command("run", "--rungs", "sparse").exit_code == 2


class TestData:
    def test_what_they_are(self):
        weighted, softmax, compressed, curved = (
            data.load_variant(f"{name}-80x60", "float32", "F")
            for name in ("weighted", "softmax", "sparse", "curvature")
        )
        assert (weighted.sample_weight > 0).all()
        assert weighted.l2 > 0
        assert weighted.X.flags.f_contiguous
        assert softmax.w.shape == (data.CLASSES, 60)
        assert set(softmax.y) == set(range(data.CLASSES))
        assert sparse.issparse(compressed.X)
        assert compressed.X.shape == (80, 60)
        assert 30 * 80 < compressed.X.nnz <= data.ENTRIES * 80
        assert curved.v.shape == (60,)
        for case in (weighted, softmax, compressed, curved):
            assert case.X.dtype == case.w.dtype == case.y.dtype == np.float32
            assert np.abs(case.X @ case.w.T).max() <= data.LARGEST_Z * 1.001

    def test_shape_and_variant(self):
        assert data.samples_and_features("sparse-100000x10000") == (100_000, 10_000)
        assert data.variant("softmax-3x4") == "softmax"
        assert [data.variant(name) for name in ("3x4", *data.REAL)] == [data.STEP] * 3

    def test_work(self):
        """Of sparse X the numbers there are count; several classes and a direction are more work."""
        plain, several, curved = (
            Figure(Cell("r", source, "float64", "C", 1), 10, 20, sweeps=[1.0], **data.work(source))
            for source in ("10x20", "softmax-10x20", "curvature-10x20")
        )
        assert (plain.gflops, several.gflops, curved.gflops) == (800e-9, 800e-9 * data.CLASSES, 1200e-9)
        assert plain.bytes == several.bytes == 1600
        compressed = Figure(Cell("r", "sparse-10x100", "float32", "C", 1), 10, 100, **data.work("sparse-10x100"))
        assert compressed.elements == 10 * data.ENTRIES
        assert compressed.bytes == compressed.elements * 8


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("entrant", [*VARIANTS, *OTHERS], ids=lambda one: one.name)
def test_passes_the_gate(entrant, dtype, order):
    """Each rung, plan and peer on what it is measured on, small and beyond what mpmath is asked for."""
    try:
        loaded = entrant.load()
    except rungs.UnavailableError as error:
        return lacking(str(error))
    for shape in ("50x4", "2000x60")[: 1 if entrant.name.endswith("loops") else 2]:
        case = data.load_variant(f"{entrant.variant}-{shape}", dtype, order)
        with threads.limited(1):
            ready = turn.prepared(entrant, loaded, case, 1)
            verdict = judge(ready.step, case, accuracy=entrant.accuracy)
        assert verdict.ok, verdict.problem
        assert verdict.used >= 0
    return None


def test_time_is_promised_from_heads_of_every_kind():
    for name in data.NAMES:
        case = data.load_variant(f"{name}-300x4", "float64", "F")
        seen = []

        def step(X, *rest, seen=seen, case=case):
            seen.append(X.shape[0])
            assert sparse.issparse(X) or X.flags.f_contiguous
            assert len(rest[0]) == X.shape[0]
            if case.sample_weight is not None:
                assert len(rest[3]) == X.shape[0]

        assert turn.fits(step, case, 10.0)
        assert seen[-1] == 300


def test_a_missing_rung_is_shown(monkeypatch):
    def load(self):
        raise rungs.UnavailableError("no such compiler")

    monkeypatch.setattr(variant_ladder.VariantRung, "load", load)
    figure = Figure(Cell("sparse-tuned", "sparse-50x4", "float64", "C", 1), 50, 4)
    turn.take(Turn(figure.cell, 0), figure, Matrix(budget=10.0), None)
    assert (figure.status, figure.reason) == ("unavailable", "no such compiler")


def test_a_wrong_one_gets_no_number(monkeypatch):
    wrong = VARIANTS[0].load()

    def forgets(X, y, w, b, s, l2):
        return wrong(X, y, w, b, np.ones_like(s), l2)

    monkeypatch.setattr(variant_ladder.VariantRung, "load", lambda self: forgets)
    figure = Figure(Cell("weighted-loops", "weighted-50x4", "float64", "C", 1), 50, 4)
    turn.take(Turn(figure.cell, 0), figure, Matrix(budget=10.0), None)
    assert figure.status == "failed"
    assert figure.reason.startswith("cost is ")


def test_an_error_of_import_says_so(monkeypatch):
    def missing(*_):
        raise ImportError("no module of that name")

    monkeypatch.setattr(variant_ladder, "import_module", missing)
    for rung in VARIANTS:
        with pytest.raises(rungs.UnavailableError, match=f"{rung.name}: no module"):
            rung.load()


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("variants")
    arguments = ("--preset", "variants", "--shapes", "40x3", "--orders", "C", "--threads", "1", "--sweeps", "2")
    ended = looptax("run", *arguments, "--json", "out.json", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout, storage.read(folder / "out.json").looptax, folder / "out.json"


class TestRun:
    def test_every_rung_has_a_number(self, done):
        _, section, _ = done
        assert {figure.cell.rung for figure in section.cells if figure.seconds} == {
            known.name for known in (*VARIANTS, *OTHERS)
        }
        assert all(figure.error_used < 1 for figure in section.cells)

    def test_each_variant_has_its_ladder(self, done):
        shown, section, _ = done
        found = [each for each in ladder.ladders(section) if each.choice.dtype == "float64"]
        assert [data.variant(each.choice.source) for each in found] == [*data.NAMES]
        for each in found:
            name = data.variant(each.choice.source)
            assert [row.over for row in each.own] == [None, f"{name}-loops", f"{name}-products", f"{name}-tuned"]
            assert [row.over for row in each.peers] == [f"{name}-tuned"]
            assert each.title in shown
        assert "sparse, 40 × 3, float64, compressed rows, 1 thread" in shown
        assert "softmax, 40 × 3, float64, C order, 1 thread" in shown

    def test_it_is_compared_and_reported(self, done, tmp_path):
        path = str(done[2])
        assert command("compare", path, path).exit_code == 0
        assert command("report", path, "-o", str(tmp_path / "page.html")).exit_code == 0
        assert "curvature-40x3" in (tmp_path / "page.html").read_text(encoding="utf-8")

    def test_a_file_without_what_is_new_is_read(self, done, tmp_path):
        """As one from before the variants."""
        old = json.loads(done[2].read_text(encoding="utf-8"))
        for figure in old["looptax"]["cells"]:
            del figure["operations"], figure["entries"]
        path = tmp_path / "old.json"
        path.write_text(json.dumps(old), encoding="utf-8")
        first = storage.read(path).looptax.cells[0]
        assert (first.operations, first.entries, first.elements) == (4, None, 120)


def test_limits_count_what_is_there():
    made = result.Limits([result.Bandwidth(1, 1 << 30, 1e9)], [result.Fma("float64", 1, 1e9)], 1e-9)
    figure = Figure(Cell("r", "sparse-1000x10000", "float64", "C", 1), 1000, 10_000, **data.work("sparse-1000x10000"))
    memory, arithmetic, _ = limits.bounds(figure, made)
    assert memory.seconds == pytest.approx(1000 * data.ENTRIES * 12e-9)
    assert arithmetic.seconds == pytest.approx(1000 * data.ENTRIES * 4e-9)
