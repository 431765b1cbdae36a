"""Golden values: the same bits on every machine that has a fused multiply-add, bit by bit as golden.txt has them."""

from itertools import product
from pathlib import Path

import golden
import golden_several
import numpy as np
import pytest
from bits import FUSED, build
from fresh import run
from looptax.bench.conformance.golden import PUBLISHED, published
from looptax.kernels.choose import cpu, isa
from needed import compiler, program

MAIN, SEVERAL = (Path(golden.__file__).with_name(name) for name in ("golden_main.c", "golden_several.c"))
PARTS = Path(golden.__file__).parents[1] / "kernels" / "parts"


@pytest.mark.parametrize("level", FUSED)
def test_golden(level, record_property):
    """On whatever CPU this is; a difference here is one between machines."""
    record_property("cpu", f"{cpu.identity()}, {level}")
    step = build(level).step
    found = [golden.line(name, *step(*given)) for name, given in golden.inputs()]
    assert found == golden.expected()
    assert len(found) > 250


@pytest.mark.parametrize("level", FUSED)
def test_golden_of_several(level):
    found = list(golden_several.found(build(level, "variants.several").Bound))
    assert found == golden_several.FILE.read_text("ascii").splitlines()
    assert len(found) > 500


def test_what_is_published_is_golden():
    """The line that comes with the package, beside which the lesson sets the reader's own."""
    assert PUBLISHED in golden.expected()
    given = next(given for name, given in golden.inputs() if PUBLISHED.startswith(f"{name}:"))
    assert all(np.array_equal(a, b) for a, b in zip(published(), given, strict=True))


def test_every_build_with_a_fused_multiply_add_is_compared():
    """An AVX2 machine compares one build, an AVX-512 machine two."""
    wanted = [level for level in cpu.instruction_sets() if level in ("x86_64_v3", "x86_64_v4")]
    assert wanted == FUSED


def test_builds_without_one_keep_bits_of_their_own_but_are_as_exact():
    """x86-64-v2 rounds twice where the others round once: documented, and seen."""
    if "x86_64_v2" not in isa.available("cython_tuned"):
        pytest.skip("not an x86-64 machine")
    step = build("x86_64_v2").step
    pairs = [
        (golden.line(name, *step(*given)), line)
        for (name, given), line in zip(golden.inputs(), golden.expected(), strict=True)
    ]
    assert any(found != line for found, line in pairs)
    for found, line in pairs:
        ours, theirs = (float.fromhex(text.split()[-3]) for text in (found, line))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5 if "float32" in line else 1e-13)


def compiled(folder, compiler, main, *flags):
    """Compile the C core with a program that reads golden inputs; return its path."""
    sources = [main]
    for part, real in product(("tuned",) if main == MAIN else ("several", "sparse"), (64, 32)):
        sources.append(folder / f"{part}{real}.c")
        sources[-1].write_text(f'#define REAL {real}\n#include "{part}.c"\n', "ascii")
    common = ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", f"-I{PARTS}", "-o", folder / main.stem]
    done = run(compiler, *flags, *common, *sources, "-lm")
    assert done.returncode == 0, done.stderr
    return folder / main.stem


def lines(command, tile):
    """Run such a program on the golden inputs; return the lines of its results."""
    names, sent, shapes = [], [], []
    for name, (X, y, w, b) in golden.inputs():
        root = X if X.base is None else X.base
        low = np.lib.array_utils.byte_bounds(root)[0]
        memory = np.ndarray(root.nbytes, np.uint8, root.ravel(order="K").data)
        offset = X.__array_interface__["data"][0] - low
        head = [X.itemsize, *X.shape, *X.strides, offset, memory.size, tile]
        sent += [np.array(head, np.int64).tobytes(), np.float64(b).tobytes(), memory, y.tobytes(), w.tobytes()]
        names.append(name)
        shapes.append((X.shape[1], X.dtype))
    done = run(*command, sent=b"".join(bytes(part) for part in sent))
    assert done.returncode == 0, done.stderr
    at, found = 0, []
    for name, (n, dtype) in zip(names, shapes, strict=True):
        cost, db = np.frombuffer(done.stdout, np.float64, 2, at).astype(dtype)
        dw = np.frombuffer(done.stdout, dtype, n, at + 16)
        at += 16 + dw.nbytes
        found.append(golden.line(name, cost, dw, db))
    return found


def lines_of_several(command, tile):
    """Run such a program on the golden inputs of several weight vectors; return the lines of its results."""
    sent, kept = [], list(golden_several.cases())
    for _, (what, X, y, s, w, classes, column) in kept:
        rows = isinstance(X, golden_several.Rows)
        link = ("step", "hessp", "hessian").index(what) + (3 if classes > 1 else 0)
        numbers = [X.data, X.indices, X.indptr] if rows else [X.ravel(order="K")]
        head = [
            y.itemsize,
            X.indices.itemsize if rows else 0,
            *X.shape,
            *((0, 0) if rows else X.strides),
            numbers[0].size,
        ]
        head += [link, classes, 0, column, tile, s is not None]
        sent += [np.array(head, np.int64), *numbers, y, *([] if s is None else [s]), w]
    done = run(*command, sent=b"".join(part.tobytes() for part in sent))
    assert done.returncode == 0, done.stderr
    at, found = 0, []
    for name, (what, X, y, _, _, classes, _) in kept:
        size = X.shape[1] + 1
        cost = np.frombuffer(done.stdout, np.float64, 1, at)[0] if what == "step" else 0.0
        out = np.frombuffer(done.stdout, y.dtype, (size if what == "hessian" else classes) * size, at + 8)
        at += 8 + out.nbytes
        found.append(golden_several.line(name, what, cost, out.reshape(-1, size)))
    return found


@pytest.fixture(scope="module")
def aarch64(tmp_path_factory):
    """What compiles a program for AArch64, and returns the command that runs it in an emulator."""
    compiler, emulator = program("aarch64-linux-gnu-gcc"), program("qemu-aarch64")  # gcc-aarch64-linux-gnu, qemu-user
    folder = tmp_path_factory.mktemp("aarch64")
    return lambda main: [emulator, compiled(folder, compiler, main, "-O3", "-static")]


@pytest.mark.parametrize("tile", [1 << 15, pytest.param(1, marks=pytest.mark.long)])
def test_golden_on_aarch64(aarch64, tile):
    assert lines(aarch64(MAIN), tile) == golden.expected()


@pytest.mark.parametrize("tile", [1 << 15, pytest.param(1, marks=pytest.mark.long)])
def test_golden_of_several_on_aarch64(aarch64, tile):
    assert lines_of_several(aarch64(SEVERAL), tile) == golden_several.FILE.read_text("ascii").splitlines()


def test_other_compilers_make_vectors_of_one_number_and_the_same_bits(tmp_path):
    """What is neither GCC nor Clang has no vectors; its bits are those of x86-64-v2, which also rounds twice."""
    if "x86_64_v2" not in isa.available("cython_tuned"):
        pytest.skip("not an x86-64 machine")
    step = build("x86_64_v2").step
    alone = ["-O1", "-DLOOPTAX_ONE_NUMBER"]
    found = lines([compiled(tmp_path, compiler(), MAIN, *alone)], 1 << 15)
    assert found == [golden.line(name, *step(*given)) for name, given in golden.inputs()]
    found = lines_of_several([compiled(tmp_path, compiler(), SEVERAL, *alone)], 1 << 15)
    assert found == list(golden_several.found(build("x86_64_v2", "variants.several").Bound))
