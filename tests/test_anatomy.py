"""What is inside a rung: the methods on cases with known answers, and every figure for every rung."""

import itertools
import math
import shutil

import pytest
from looptax.bench.measure import anatomy
from looptax.bench.measure.anatomy import build, costs, parts, simd
from looptax.kernels import ladder
from looptax.kernels.ladder import LADDER


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

        assert names("python-array") == {"python_array.py", "one_sample.py"}
        assert names("numpy-stable") == {"numpy_stable.py"}
        kept = {"numba_jit.py", "private.py"}  # what is compiled is kept, in a private folder
        assert names("numba-serial") == {"numba_serial.py", "python_array.py", "one_sample.py", *kept}
        assert names("cython-serial") == {"cython_serial.pyx"}
        assert names("cython-simd") >= {"cython_simd.pyx", "block.pxd", "link.pxd"}
        assert names("cython-tuned") >= {"schedule.pxd", "tuned.pxd", "tuned.h", "tile.h", "sums.h", "loss.h", "simd.h"}
        assert "link.pxd" not in names("numba-fused")  # it imports a function of that name
        assert not {"tile.h", "which.py"} & names("cython-fused")


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
        counts = {name: simd.count(simd.disassembly(name)) for name in ("cython_serial", "cython_tuned")}
        assert counts["cython_serial"].scalar > counts["cython_serial"].packed
        assert counts["cython_tuned"].packed > 100
        assert counts["cython_tuned"].packed > counts["cython_tuned"].scalar

    def test_without_a_disassembler(self, monkeypatch):
        monkeypatch.setattr(simd.shutil, "which", lambda name: None)
        with pytest.raises(simd.SimdError, match="no disassembler"):
            simd.evidence("cython-tuned")

    def test_on_another_processor(self, monkeypatch):
        monkeypatch.setattr(simd.platform, "machine", lambda: "riscv64")
        with pytest.raises(simd.SimdError, match="riscv64"):
            simd.evidence("cython-tuned")


def test_nothing_to_compile_from(monkeypatch, tmp_path):
    monkeypatch.setattr(build.kernels, "__file__", str(tmp_path / "kernels" / "__init__.py"))
    with pytest.raises(build.BuildError, match="not installed from a checkout"):
        build.build(tmp_path, "cython_serial")


def test_a_compiler_that_fails_is_told(monkeypatch, tmp_path):
    build.copy_package(tmp_path)
    (tmp_path / "kernels" / "cython_serial.pyx").write_text("this is not Cython\n")
    with pytest.raises(build.BuildError, match=r"the kernel cannot be compiled here: .*cython_serial"):
        build.build(tmp_path, "cython_serial")


def test_a_rung_that_fails_in_a_process_of_its_own_has_a_reason(monkeypatch):
    monkeypatch.setattr(costs, "FRESH", "raise ZeroDivisionError('of mine')")
    found = costs.measure("numpy-stable")
    assert (found.import_seconds, found.reason) == (None, "ZeroDivisionError: of mine")
    assert found.lines > 1


@pytest.mark.long
def test_every_rung_has_every_figure_or_a_reason(monkeypatch):
    told = []
    found = anatomy.study([*(rung.name for rung in LADDER), "peer-numpy"], lambda *step: told.append(step))
    assert [done for _, done, _ in told] == list(range(len(told)))
    assert {total for *_, total in told} == {len(told)}
    names = [rung.name for rung in LADDER]
    assert [entry.rung for entry in found["rungs"]] == names
    for entry in found["rungs"]:
        assert entry.reason is None
        assert entry.lines > 5
        assert entry.import_seconds > 0
        family = entry.family
        assert bool(entry.cold_seconds) == bool(entry.cached_seconds) == (family == "numba")
        assert bool(entry.build_seconds) == (family == "cython")
        assert bool(entry.simd) == (family in ("numba", "cython"))
        if entry.simd and not entry.rung.endswith("serial"):
            assert entry.simd.packed > 10, entry.rung
    assert [(entry.source, entry.rung) for entry in found["parts"]] == list(
        itertools.product(parts.SOURCES, [rung.name for rung in LADDER])
    )
    for entry in found["parts"]:
        if entry.rung in parts.SPLIT:
            assert set(entry.seconds) == {"call", *parts.PARTS}
            assert math.isclose(sum(entry.seconds.values()), entry.total)
        elif entry.total is None:
            assert "one call takes more than" in entry.reason
        else:
            assert entry.seconds == {}
            assert entry.temporaries is not None
    fused = next(e for e in found["parts"] if (e.rung, e.source) == ("cython-tuned", parts.SOURCES[-1]))
    assert fused.seconds["gradient"] < fused.seconds["Xw"]  # the tile is still in cache
