"""What is inside a rung: the methods on cases with known answers, and every figure for every rung."""

import itertools
import json
import math
import shutil
import textwrap
from functools import partial

import numpy as np
import pytest
from looptax.bench import anatomy, data
from looptax.bench.anatomy import build, costs, growth, parts, simd, stops
from looptax.bench.anatomy.arrays import allocated
from looptax.bench.anatomy.parts import Taken
from looptax.kernels import ladder
from looptax.kernels.ladder import LADDER
from looptax.pyimpl.contract import Step

PYTHON = [rung.name for rung in LADDER if rung.family in ("python", "numpy")]


class TestGrowth:
    @pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
    def test_exponent_of_a_pure_power(self, power):
        fitted = growth.fit([(size, 3e-9 * size**power) for size in growth.SIZES])
        assert fitted.exponent == pytest.approx(power, abs=1e-9)
        low, high = fitted.interval
        assert low <= fitted.exponent <= high
        assert high - low < 1e-6

    def test_a_calls_own_cost_does_not_count(self):
        """A thousand times the first element's time bends the lower end of the curve alone."""
        points = [(size, 1e-6 + 1e-9 * size) for size in (10, 100, 1000, *(10**6 * k for k in range(1, 11)))]
        assert growth.fit(points).exponent == pytest.approx(1, abs=1e-2)

    def test_interval_holds_the_exponent_at_the_promised_rate(self):
        rng = np.random.default_rng(3)
        held = 0
        for _ in range(400):
            noise = np.exp(rng.normal(0, 0.1, len(growth.SIZES)))
            low, high = growth.fit([(s, 1e-9 * s * e) for s, e in zip(growth.SIZES, noise, strict=True)]).interval
            held += low <= 1 <= high
        assert 0.91 < held / 400 < 0.99

    def test_too_few_points(self):
        assert growth.fit([]) == growth.fit([(10, 1.0), (100, 2.0)]) == (None, None)

    def test_sizes_span_four_decades(self):
        assert growth.SIZES[-1] >= 10_000 * growth.SIZES[0]

    def test_a_curve_ends_at_its_budget(self, monkeypatch):
        monkeypatch.setattr(growth, "BUDGET", 1e-9)
        for curve in growth.curves(["numpy-stable"], sizes=(10, 20)):
            assert [size for size, _ in curve["points"]] == [10]
            assert curve["reason"] == f"at 20 {curve['along']} one call would take more than 1e-09 s"


class TestLines:
    def test_python(self):
        source = '"""Two\nlines."""\n\nimport os  # why\n\n# alone\n\ndef f():\n    """Doc."""\n    return """a\nb"""\n'
        assert costs.code_lines(source, ".py") == 4  # import, def, and a return of two lines

    def test_cython(self):
        source = 'cdef int f(double* x) nogil:\n    """Doc."""\n    # no\n    return <int>x[0]\n\ninclude "a.pxi"\n'
        assert costs.code_lines(source, ".pxd") == 3

    def test_c(self):
        source = "/* two\n   lines */\n#define A 1\n\nint f(void)\n{\n    return A; // why\n}\n"
        assert costs.code_lines(source, ".h") == 5

    def test_files_that_a_rung_draws_on(self):
        def names(rung):
            return {path.name for path in costs.files(ladder.rung(rung))}

        assert names("python-array") == {"loops_array.py", "one_sample.py"}
        assert names("numpy-stable") == {"vectorized_stable.py"}
        assert names("numba-serial") == {"numba_serial.py", "numba_jit.py", "loops_array.py", "one_sample.py"}
        assert names("cython-serial") == {"cython_serial.pyx"}
        assert names("cython-simd") >= {"cython_simd.pyx", "cython_block.pxd", "cython_link.pxd"}
        assert names("cython-fused") >= {"tile_share.pxd", "tile_f64.pxd", "tile.pxi", "tile_rows.pxi", "simd.h"}


OBJDUMP = """
0000000000001000 <f>:
    1000:	push   %rbp
    1001:	vmulsd (%rdi),%xmm0,%xmm0
    1010:	vmovapd (%rdi),%zmm1
    1014:	vfmadd231pd (%rsi),%zmm1,%zmm0
    1018:	vaddps %ymm1,%ymm2,%ymm2
    101c:	vdivsd %xmm1,%xmm2,%xmm2
    1020:	jne    1010 <f+0x10>
    1024:	jmp    1000 <f>
    1028:	ret

0000000000002000 <g>:
    2000:	vmulpd %ymm1,%ymm2,%ymm2
    2004:	call   1000 <f>
    2008:	jb     2000 <g>
    200c:	ret
"""

NUMBA = """
	.text
f:
	.cfi_startproc
	mulsd	%xmm0, %xmm1
	.p2align	4
.LBB0_1:
	movupd	(%rax), %xmm0
	mulpd	%xmm0, %xmm1
	addpd	%xmm1, %xmm2
	subss	%xmm1, %xmm2
	jne	.LBB0_1
	retq
.Lfunc_end0:
	.size	f, .Lfunc_end0-f
g:
	addpd	%xmm1, %xmm2
	jmp	.LBB0_1
"""

ARM = """
0000000000001000 <f>:
    1000:	ldr	q1, [x0], #16
    1004:	fmla	v0.2d, v1.2d, v2.2d
    1008:	fmul	v0.4s, v1.4s, v2.4s
    100c:	fmadd	d0, d1, d2, d0
    1010:	subs	x1, x1, #1
    1014:	b.ne	1000 <f>  // b.any
    1018:	cbnz	x1, 1000 <f>
    101c:	ret
"""


class TestSimd:
    @pytest.mark.parametrize(("assembly", "counts"), [(OBJDUMP, (2, 1)), (NUMBA, (2, 1))])
    def test_only_innermost_loops_without_calls_count(self, assembly, counts):
        assert simd.count(assembly) == counts

    def test_arm(self):
        assert simd.count(ARM.replace("    1018:	cbnz	x1, 1000 <f>\n", "")) == (2, 1)

    def test_a_loop_within_a_loop(self):
        (body,) = itertools.chain.from_iterable(map(simd.innermost_loops, simd.functions(OBJDUMP.partition("<g>")[0])))
        assert [one.name for one in body][0::4] == ["vmovapd", "jne"]

    @pytest.mark.skipif(not shutil.which("objdump"), reason="no disassembler (objdump) here")
    def test_packed_rungs_are_packed_and_scalar_ones_are_not(self):
        counts = {name: simd.count(simd.disassembly(name)) for name in ("cython_serial", "cython_fused")}
        assert counts["cython_serial"].scalar > counts["cython_serial"].packed
        assert counts["cython_fused"].packed > 100
        assert counts["cython_fused"].packed > counts["cython_fused"].scalar

    def test_without_a_disassembler(self, monkeypatch):
        monkeypatch.setattr(simd.shutil, "which", lambda name: None)
        with pytest.raises(simd.SimdError, match="no disassembler"):
            simd.evidence("cython-fused")

    def test_on_another_processor(self, monkeypatch):
        monkeypatch.setattr(simd.platform, "machine", lambda: "riscv64")
        with pytest.raises(simd.SimdError, match="riscv64"):
            simd.evidence("cython-fused")


class TestGuards:
    SOURCE = textwrap.dedent(
        """\
        for i in range(m):
            for j in range(n):
                z += 1
            for j in range(n):
                w += 1  # why
        print(z)
        """
    )

    def run(self, source, b):
        found = {"m": 2, "n": 3, "z": 0, "w": 0, "b": b, "print": lambda value: None}
        exec(source, found)
        return found["z"], found["w"]

    def test_lines_run_up_to_their_part(self):
        source = stops.guarded(self.SOURCE, "Xw", "for j in range(n): ... z += 1", "")
        source = stops.guarded(source, "gradient", "for j in range(n): ... w += 1", "w -= 1")
        assert self.run(source, stops.bias("gradient")) == (6, 6)
        assert self.run(source, stops.bias("link")) == self.run(source, stops.bias("Xw")) == (6, -2)
        assert self.run(source, stops.bias("call")) == (0, -2)

    def test_lines_that_are_not_there(self):
        with pytest.raises(ValueError, match=r"'z \+= 2' does not occur"):
            stops.guarded(self.SOURCE, "Xw", "z += 2", "")

    def test_every_place_is_in_its_file_and_every_file_has_the_three_parts(self, tmp_path):
        stops.copy_package(tmp_path)
        for file, places in stops.PLACES.items():
            source = (tmp_path / file).read_text()
            for place in places:
                source = stops.guarded(source, *place)
            assert {part for part, _, _ in places} >= {"Xw", "link", "gradient"}, file


class Clock:
    """A clock that only the parts of `spinning` move."""

    def __init__(self):
        self.now, self.pages = 0.0, 0

    def spinning(self, work, pages):
        """Return a step whose parts take `work[k]` seconds and `pages[k]` pages, and which stops as a copy does."""

        def step(b):
            for part, seconds, count in zip(stops.PARTS, work, pages, strict=True):
                if b <= stops.bias(part):
                    self.now += seconds
                    self.pages += count

        return step


class TestParts:
    def test_known_parts_are_found(self, monkeypatch):
        """Three pages of a tenth of a second each, in Xw and in the link, are allocation."""
        clock = Clock()
        monkeypatch.setattr(parts.time, "perf_counter", lambda: clock.now)
        monkeypatch.setattr(parts, "_faults", lambda: clock.pages)
        step = clock.spinning([0.25, 0.0, 2.0, 4.0, 8.0], [0, 0, 2, 1, 0])
        whole, *stopped = parts.taken(
            [partial(step, 0.0), *(partial(step, stops.bias(part)) for part in stops.PARTS)], rounds=3
        )
        found = parts.split(whole, stopped, fault=0.1)
        right = {"call": 0.25, "allocation": 0.3, "Xw": 1.8, "link": 3.9, "gradient": 8.0, "other": 0.0}
        assert found == pytest.approx(right, abs=1e-9)

    def test_work_is_found_by_the_real_clock(self):
        """A step that counts to known numbers; four times as far is more than twice and less than eight times."""

        def step(b):
            for part, number in zip(stops.PARTS, (100, 0, 20_000, 80_000, 20_000), strict=True):
                if b <= stops.bias(part):
                    for _ in range(number):
                        pass

        whole, *stopped = parts.taken(
            [partial(step, 0.0), *(partial(step, stops.bias(part)) for part in stops.PARTS)], rounds=25
        )
        found = parts.split(whole, stopped, fault=0.0)
        assert 2 < found["link"] / found["Xw"] < 8
        assert 2 < found["link"] / found["gradient"] < 8
        assert sum(found.values()) == pytest.approx(whole.seconds)

    def test_what_does_not_add_up_is_other(self):
        stopped = [Taken(1.0, 0), Taken(0.9, 0), Taken(2.0, 0), Taken(3.0, 0), Taken(4.0, 0)]
        found = parts.split(Taken(5.0, 0), stopped, fault=1.0)
        assert found["allocation"] == 0.0
        assert found["other"] == pytest.approx(5.0 - (1.0 + 1.1 + 1.0 + 1.0))

    def test_arrays_are_counted(self):
        a = np.ones(50)
        assert allocated(lambda: None) == allocated(lambda: a.sum()) == 0
        assert allocated(lambda: [a + 1, np.zeros(3)]) == 2
        assert allocated(lambda: [np.empty(7) for _ in range(20)]) == 20

    def test_temporaries(self):
        """Two arrays beside the result, one of them gone when the other is made."""

        def step():
            half, whole = np.ones(10_000).size, np.ones(20_000).size
            return Step(0.0, np.zeros(whole // half), 0.0)

        found = parts.temporaries(step)
        assert found["count"] == 2
        assert 160_000 <= found["bytes"] < 170_000

    @pytest.mark.skipif(parts.resource is None, reason="this system does not count pages")
    def test_a_page_costs_something(self):
        assert 0 < parts.fault_seconds() < 1e-3


@pytest.fixture(scope="module")
def copy():
    """The stopping copy of the rungs that nothing has to compile."""
    with stops.stopping(PYTHON) as copied:
        yield copied


class TestCopy:
    @pytest.mark.parametrize("name", PYTHON)
    def test_it_computes_the_same_and_stops(self, copy, name):
        _, X, y, w, _ = data.load("60x4", "float64", "C")
        step, stopping = ladder.rung(name).load(), copy.rung(name).load()
        whole = step(X, y, w, 0.0)
        assert repr(stopping(X, y, w, stops.bias("gradient"))) == repr(whole)
        linked = stopping(X, y, w, stops.bias("link"))
        assert linked.cost == step(X, y, w, stops.bias("link")).cost
        assert not np.allclose(linked.dw, whole.dw)
        multiplied = stopping(X, y, w, stops.bias("Xw"))
        assert not np.isclose(multiplied.cost, whole.cost)

    def test_parts_of_a_rung(self, copy):
        entry = parts.measure("numpy-stable", copy, "100x10")
        assert set(entry["seconds"]) == {*stops.PARTS, "other"}
        assert sum(entry["seconds"].values()) == pytest.approx(entry["total"])
        assert entry["temporaries"]["count"] > 10
        assert entry["passes"] == 2

    def test_over_budget(self, copy, monkeypatch):
        monkeypatch.setattr(parts, "BUDGET", 1e-9)
        entry = parts.measure("numpy-stable", copy, "100x10")
        assert entry["seconds"] is None
        assert entry["reason"] == "one call takes more than 1e-09 s"

    def test_a_copy_that_differs_gets_no_figures(self, copy, monkeypatch):
        monkeypatch.setattr(ladder.Rung, "load", lambda self: lambda *args: Step(0.0, np.zeros(10), 0.0))
        entry = parts.measure("numpy-stable", copy, "100x10")
        assert entry["reason"] == "the copy that stops early computes something else"

    def test_without_a_compiler_the_others_are_split(self, monkeypatch):
        def fail(root, names):
            if names:
                raise build.BuildError("no compiler")

        monkeypatch.setattr(stops, "build", fail)
        monkeypatch.setattr(parts, "SOURCES", ("30x3",))
        found = {entry["rung"]: entry for entry in parts.study(["numpy-stable", "cython-fused"])}
        assert found["numpy-stable"]["seconds"]
        assert (found["cython-fused"]["seconds"], found["cython-fused"]["reason"]) == (None, "no compiler")


def test_nothing_to_compile_from(monkeypatch, tmp_path):
    monkeypatch.setattr(build.kernels, "__file__", str(tmp_path / "kernels" / "__init__.py"))
    with pytest.raises(build.BuildError, match="not installed from a checkout"):
        build.build(tmp_path, ["cython_serial"])


def test_a_compiler_that_fails_is_told(monkeypatch, tmp_path):
    stops.copy_package(tmp_path)
    (tmp_path / "kernels" / "cython_serial.pyx").write_text("this is not Cython\n")
    with pytest.raises(build.BuildError, match=r"the kernels cannot be compiled here: .*cython_serial"):
        build.build(tmp_path, ["cython_serial"])


class Watched(np.ndarray):
    """An X that notes every product it is in and every row that is read element by element."""

    def __array_function__(self, function, types, args, kwargs):
        if function is np.dot:
            Watched.reads.append("all")
        plain = [a.view(np.ndarray) if isinstance(a, np.ndarray) else a for a in args]
        return function(*plain, **kwargs)

    def __getitem__(self, key):
        if isinstance(key, tuple):
            Watched.reads.append(key[0])
        return self.view(np.ndarray)[key]


@pytest.mark.parametrize("name", ["python-array", "numpy-notes", "numpy-stable", "numpy-buffers"])
def test_passes_over_X(name):
    """A product with all of X is one pass; so is going down the rows once, however often each is read there."""
    _, X, y, w, b = data.load("20x3", "float64", "C")
    Watched.reads = []
    ladder.rung(name).load()(X.view(Watched), y, w, b)
    reads = [row for row, _ in itertools.groupby(Watched.reads)]
    passes = len(Watched.reads) if "all" in reads else len(reads) / len(y)
    assert passes == ladder.rung(name).passes


@pytest.mark.long
def test_every_rung_has_every_figure_or_a_reason(monkeypatch):
    told = []
    found = anatomy.study([*(rung.name for rung in LADDER), "peer-numpy"], lambda *step: told.append(step))
    assert json.loads(json.dumps(found)) == found
    assert [done for _, done, _ in told] == list(range(len(told)))
    assert {total for *_, total in told} == {len(told)}
    names = [rung.name for rung in LADDER]
    assert [entry["rung"] for entry in found["rungs"]] == names
    for entry in found["rungs"]:
        assert entry["reason"] is None
        assert entry["lines"] > 5
        assert entry["import_seconds"] > 0
        family = entry["family"]
        assert bool(entry["cold_seconds"]) == bool(entry["cached_seconds"]) == (family == "numba")
        assert bool(entry["build_seconds"]) == (family == "cython")
        assert bool(entry["simd"]) == (family in ("numba", "cython"))
        if entry["simd"] and not entry["rung"].endswith("serial"):
            assert entry["simd"]["packed"] > 10, entry["rung"]
    assert len(found["parts"]) == len(names) * len(parts.SOURCES)
    for entry in found["parts"]:
        assert (entry["seconds"] is None) == bool(entry["reason"])
        if entry["seconds"]:
            assert math.isclose(sum(entry["seconds"].values()), entry["total"])
    fused = next(e for e in found["parts"] if (e["rung"], e["source"]) == ("cython-fused", parts.SOURCES[-1]))
    assert fused["seconds"]["gradient"] < fused["seconds"]["Xw"]  # the tile is still in cache
    assert {(entry["rung"], entry["along"]) for entry in found["growth"]} == set(
        itertools.product(names, ("samples", "features"))
    )
    for entry in found["growth"]:
        assert entry["points"][-1][0] >= 10_000 * entry["points"][0][0], entry["rung"]
        assert 0.5 < entry["exponent"] < 2
