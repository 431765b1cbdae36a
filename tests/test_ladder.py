"""The registry, the builds of the compiled kernels, and what an import costs."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bits import as_bytes
from looptax.kernels import ladder
from looptax.kernels.choose import cpu, isa
from looptax.kernels.ladder import LADDER, UnavailableError


def python(code, cwd, **environment):
    """Run code in a fresh interpreter, away from the checkout."""
    return subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=cwd, env={**os.environ, **environment},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_ladder_has_the_four_families():
    assert list(dict.fromkeys(rung.family for rung in LADDER)) == ["python", "numpy", "numba", "cython"]
    assert len({rung.name for rung in LADDER}) == len(LADDER) >= 12
    assert not any(c.isdigit() for rung in LADDER for c in rung.name)


def test_each_rung_is_a_file_of_its_name_and_nothing_else_is_beside_them():
    kernels = Path(ladder.__file__).parent
    files = [path for folder in (kernels, kernels.parent / "pyimpl") for path in folder.iterdir()]
    named = {path.stem for path in files if path.suffix in (".py", ".pyx")}
    assert named == {"__init__", "ladder", *(rung.module for rung in LADDER)}


def test_rungs_are_found_by_name():
    assert ladder.rung("numba-simd").technique
    with pytest.raises(KeyError, match="no rung is named 'numba-fast'; there are: python-array"):
        ladder.rung("numba-fast")


def test_each_rung_grew_from_one_above_it():
    names = [rung.name for rung in LADDER]
    assert [rung.name for rung in LADDER if rung.grew_from is None] == names[:1]
    assert all(names.index(rung.grew_from) < names.index(rung.name) for rung in LADDER[1:])
    assert ladder.rung("cython-serial").grew_from == ladder.rung("numba-serial").grew_from == "python-array"


def test_relative_is_over_the_nearest_that_was_measured():
    assert ladder.nearest("cython-tuned", {"cython-fused", "cython-simd"}) == "cython-fused"
    assert ladder.nearest("cython-tuned", {"numba-fused", "cython-simd", "python-array"}) == "cython-simd"
    assert ladder.nearest("cython-tuned", {"numba-fused"}) is None
    assert ladder.nearest("python-array", {"python-array"}) is None
    assert ladder.nearest("a guest", {"python-array"}) is None


def test_a_missing_rung_says_why():
    with pytest.raises(UnavailableError, match="python-nothing: No module named"):
        ladder.Rung("python-nothing", "", None).load()
    with pytest.raises(UnavailableError, match="nothing has no build that this CPU can run"):
        ladder.Rung("cython-nothing", "", None).load()


def test_fastest_works_from_anywhere_without_numba(tmp_path):
    code = (
        "import sys; from looptax.kernels import fastest; import numpy as np;"
        "print(fastest(np.ones((4, 2)), np.array([0, 1, 1, 0]), np.zeros(2), 0.0).cost, 'numba' in sys.modules)"
    )
    done = python(code, tmp_path)
    assert done.stdout.startswith("0.693147180559945"), done.stderr
    assert done.stdout.split()[1] == "False"


def test_fastest_brings_little_but_numpy(tmp_path):
    """What only plans, wisdom and limits set from outside need comes when it is first used."""
    code = (
        "import numpy, sys; before = set(sys.modules); from looptax.kernels import fastest; after = set(sys.modules);"
        "from looptax.kernels import Plan, plan; import looptax.kernels as k;"
        "print(*sorted(after - before), plan.__module__, Plan.__module__, hasattr(k, 'nothing'))"
    )
    *brought, plan, plan_class, nothing = python(code, tmp_path).stdout.split()
    assert plan == plan_class == "looptax.kernels.choose.planner"
    assert nothing == "False"
    assert not {plan, "looptax.kernels.choose.wisdom", "threadpoolctl", "json", "numba", "looptax.bench"} & set(brought)
    assert len(brought) < 30


def test_instruction_set_can_be_chosen(tmp_path):
    code = "from looptax.kernels.choose import isa; print(isa.load('cython_simd').__name__)"
    for level, module in isa.available("cython_simd").items():
        done = python(code, tmp_path, LOOPTAX_ISA=level)
        assert done.stdout.strip() == f"looptax.kernels.{module}"


def test_an_instruction_set_that_is_not_there_is_named(tmp_path):
    done = python("from looptax.kernels import fastest", tmp_path, LOOPTAX_ISA="x86_64_v9")
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
    done = python(code, tmp_path)
    assert done.stdout.strip() == "0.6931471805599453", done.stderr


def test_editing_what_a_kernel_calls_renews_its_cache(tmp_path):
    numba_jit = pytest.importorskip("looptax.kernels.parts.numba_jit")
    files = [tmp_path / name for name in "ab"]
    for k, file in enumerate(files):
        file.write_text("x")
        os.utime(file, ns=(k, 10**9 * (k + 1)))
    numba_jit._age_together(files)
    assert files[0].stat().st_mtime_ns == files[1].stat().st_mtime_ns == 2 * 10**9


def test_threads_do_not_change_the_bits():
    """The split into blocks depends on the shape alone."""
    numba = pytest.importorskip("numba")
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(2)
    X, y, w = rng.standard_normal((5000, 33)), rng.random(5000) < 0.5, rng.standard_normal(33)
    for name in ("cython-parallel", "numba-parallel", "numba-fused"):
        step = ladder.rung(name).load()
        for matrix in (X, np.asfortranarray(X), X[::-1], X[::2, ::3].repeat(2, 0)):
            args = (matrix, y, w[: matrix.shape[1]].copy(), 0.1)
            found = set()
            for threads in (1, 2, 3, 4, 8):
                numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
                with threadpool_limits(threads):
                    found.add(as_bytes(step(*args)))
            assert len(found) == 1, name


def test_every_kernel_file_is_short():
    """A kernel file is at most about a hundred lines, read in one look; what may be longer is said here."""
    longer = {"team.h": 650, "tuned.c": 420, "tile.h": 300, "simd.h": 170, "cython_tuned.pyx": 200, "link.pxd": 155}
    here = Path(ladder.__file__).parent
    kinds = ("numba_*.py", "cython_*.pyx", "parts/*.py", "parts/*.pyx", "*/*.pxd", "*/*.pxi", "*/*.h", "*/*.c")
    sources = [path for kind in kinds for path in here.glob(kind)]
    assert {path.name for path in sources} >= {
        *longer,
        "sums.h",
        "loss.h",
        "numba_fused.py",
        "block.pxd",
        "cython_fused.pyx",
    }
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in sources}
    assert not {name: length for name, length in lengths.items() if length > longer.get(name, 140)}
