"""The ladder is data: every rung is a file of its name, grew from one above it, and is short enough to be read."""

from pathlib import Path

import pytest
from looptax.kernels import ladder
from looptax.kernels.ladder import LADDER, UnavailableError


def test_the_ladder_has_the_four_families():
    assert list(dict.fromkeys(rung.family for rung in LADDER)) == ["python", "numpy", "numba", "cython"]
    assert len({rung.name for rung in LADDER}) == len(LADDER) >= 12
    assert not any(c.isdigit() for rung in LADDER for c in rung.name)


def test_each_rung_is_a_file_of_its_name_and_nothing_is_beside_them():
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


def test_every_kernel_file_is_short():
    """A kernel file is at most about a hundred lines, read in one look; what may be longer is said here."""
    longer = {"team.h": 650, "tuned.c": 420, "tile.h": 300, "simd.h": 170, "cython_tuned.pyx": 200, "link.pxd": 155}
    longer["several.c"] = 155
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
