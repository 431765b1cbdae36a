"""The builds of the compiled kernels: for each instruction set, with and without OpenMP, and what an import costs."""

import os
import re
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest
from fresh import PYTHON, python, run
from looptax import kernels
from looptax.bench.measure.anatomy import simd
from looptax.kernels.choose import cpu, isa
from needed import compiler


@pytest.mark.parametrize(("level", "register"), [("x86_64_v3", "%ymm"), ("x86_64_v4", "%zmm")])
@pytest.mark.parametrize("kind", ["pd", "ps"])
def test_hot_loops_hold_packed_instructions(level, register, kind):
    """Four loops read X: z and the gradient, along rows and along columns; each has eight vectors in flight."""
    if level not in isa.available("cython_tuned"):
        pytest.skip(f"no build for {level} here")
    try:
        assembly = simd.disassembly("cython_tuned", level)
    except simd.SimdError as error:
        pytest.skip(str(error))
    packed = re.compile(rf"vfmadd\d+{kind} .*{register}")
    scalar = re.compile(r"vfmadd\d+s[sd] ")
    loops = (loop for function in simd.functions(assembly) for loop in simd.innermost_loops(function))
    found = [
        lines
        for lines in ([f"{one.name} {one.operands}" for one in loop] for loop in loops)
        if sum(bool(packed.match(line)) for line in lines) == 8 and not any(scalar.match(line) for line in lines)
    ]
    assert len(found) >= 4


def test_fastest_works_from_anywhere_without_numba(tmp_path):
    code = (
        "import sys; from looptax.kernels import fastest; import numpy as np;"
        "print(fastest(np.ones((4, 2)), np.array([0, 1, 1, 0]), np.zeros(2), 0.0).cost, 'numba' in sys.modules)"
    )
    done = python(code, cwd=tmp_path)
    assert done.stdout.startswith("0.693147180559945"), done.stderr
    assert done.stdout.split()[1] == "False"


def test_fastest_brings_little_but_numpy(tmp_path):
    """What only plans, wisdom and limits set from outside need comes when it is first used."""
    code = (
        "import numpy, sys; before = set(sys.modules); from looptax.kernels import fastest; after = set(sys.modules);"
        "from looptax.kernels import Plan, plan; import looptax.kernels as k;"
        "print(*sorted(after - before), plan.__module__, Plan.__module__, hasattr(k, 'nothing'))"
    )
    *brought, plan, plan_class, nothing = python(code, cwd=tmp_path).stdout.split()
    assert (plan, plan_class) == ("looptax.kernels.choose.planner", "looptax.kernels.choose.plans")
    assert nothing == "False"
    assert not {
        plan,
        plan_class,
        "looptax.kernels.choose.wisdom",
        "threadpoolctl",
        "json",
        "numba",
        "looptax.bench",
    } & set(brought)
    assert len(brought) < 30


def test_instruction_set_can_be_chosen(tmp_path):
    code = "from looptax.kernels.choose import isa; print(isa.load('cython_simd').__name__)"
    for level, module in isa.available("cython_simd").items():
        done = python(code, cwd=tmp_path, LOOPTAX_ISA=level)
        assert done.stdout.strip() == f"looptax.kernels.{module}"


def test_an_instruction_set_that_is_not_there_is_named(tmp_path):
    done = python("from looptax.kernels import fastest", cwd=tmp_path, LOOPTAX_ISA="x86_64_v9")
    assert done.returncode
    assert "LOOPTAX_ISA is 'x86_64_v9'; cython_tuned has here: " in done.stderr


def test_the_best_instruction_set_is_the_default(monkeypatch):
    monkeypatch.delenv("LOOPTAX_ISA", raising=False)
    levels = cpu.instruction_sets()
    assert levels == sorted(levels, reverse=True)
    assert isa.chosen("cython_simd") == next(iter(isa.available("cython_simd")))
    if levels:
        assert isa.chosen("cython_simd") == levels[0]


def test_build_facts():
    assert cpu.openmp() == 0 or cpu.openmp() >= 201107
    assert any(c.isdigit() for c in cpu.compiler())


def test_a_build_without_a_cpu_for_it_is_not_offered(monkeypatch):
    monkeypatch.setattr(cpu, "instruction_sets", list)
    with pytest.raises(ImportError, match="no build that this CPU can run"):
        isa.chosen("cython_simd")
    assert isa.chosen("cython_serial") == "any"


def test_read_only_install_without_a_cache_still_compiles(tmp_path):
    """Numba raises where it finds no place to cache; the rungs must work all the same."""
    code = (
        "import numba.core.caching as c; c.CacheImpl._locator_classes = [];"
        "from looptax.kernels.ladder import rung; import numpy as np;"
        "print(rung('numba-serial').load()(np.ones((4, 2)), np.array([0, 1, 1, 0]), np.zeros(2), 0.0).cost)"
    )
    pytest.importorskip("numba")
    done = python(code, cwd=tmp_path)
    assert done.stdout.strip() == "0.6931471805599453", done.stderr


def test_editing_what_a_kernel_calls_renews_its_cache(tmp_path):
    numba_jit = pytest.importorskip("looptax.kernels.parts.numba_jit")
    files = [tmp_path / name for name in "ab"]
    for k, file in enumerate(files):
        file.write_text("x")
        os.utime(file, ns=(k, 10**9 * (k + 1)))
    numba_jit._age_together(files)
    assert files[0].stat().st_mtime_ns == files[1].stat().st_mtime_ns == 2 * 10**9


KERNELS = Path(kernels.__file__).parent


LINUX = sys.platform == "linux"


def test_the_top_rung_needs_no_openmp():
    """Neither its kernels nor the team are linked with it."""
    if not LINUX or not shutil.which("ldd"):
        pytest.skip("no ldd here")
    for module in isa.available("cython_tuned").values():
        assert "gomp" not in run("ldd", *KERNELS.glob(f"{module}.*so")).stdout
    (library,) = KERNELS.glob("choose/team.*.so")
    assert "gomp" not in run("ldd", library).stdout


@pytest.mark.parametrize("name", ["region", *(pytest.param(name, marks=pytest.mark.long) for name in ("cpu", "team"))])
def test_compiles_without_openmp(tmp_path, name):
    """As where the compiler is Apple's."""
    if not (KERNELS / f"choose/{name}.pyx").exists():
        pytest.skip("no sources here")
    translated = tmp_path / f"{name}.c"
    done = run(*PYTHON, "-m", "cython", "-3", "-I", KERNELS, KERNELS / f"choose/{name}.pyx", "-o", translated)
    assert done.returncode == 0, done.stderr
    include = sysconfig.get_paths()["include"]
    done = run(compiler(), "-c", "-I", include, "-I", KERNELS / "choose", translated, "-o", tmp_path / f"{name}.o")
    assert done.returncode == 0, done.stderr
