"""Memory that runs out, at whichever allocation of a call: an error, and nothing is lost, left behind or locked.

Each allocation of a call fails once, alone and with all that come after it, in a forked child of a process in which
`failing.c` stands before the C library. Objects of Python are allocations too.
"""

import json
import platform
import sys
from pathlib import Path

import pytest
from fresh import run
from needed import shared_library

HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="stands before glibc's allocator, on Linux"
)

#: One allocation in so many fails, in calls of which kind: by default, if at all, and by the long tests. With 1, each.
SHARES = {
    "one_step": (11, 1), "threads": (7, 1), "plans": (0, 1), "variants": (0, 1), "rungs": (0, 1), "hessian": (0, 11),
    "planning": (0, 31), "in_blocks": (0, 31), "of_a_file": (0, 31),
}  # fmt: skip


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    """The shim, compiled."""
    return built(HERE / "failing.c", tmp_path_factory.mktemp("shim") / "failing.so")


def built(source, library):
    """Compile one that allocates as it is written."""
    return shared_library(source, library, "-fno-builtin", "-pthread")


def told(shim, function, *arguments):
    """Return what `failing_calls` says of some calls: how failures ended, and what was wrong."""
    code = f"""if True:
        import sys; sys.path.append({str(HERE)!r})
        from failing_calls import {function}
        {function}(*{arguments!r})"""
    more = {"LD_PRELOAD": str(shim), "PYTHONMALLOC": "malloc", "OMP_NUM_THREADS": "4"}  # -I would ignore the second
    done = run(sys.executable, "-P", "-s", "-c", code, **{name: str(value) for name, value in more.items()})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check(kind, found):
    """Whether memory was refused, to kernels too where they ask for some, and all of it ended well."""
    counts = found["counts"]
    assert found["faults"] == []
    assert sum(counts.values()) > 5
    assert counts.get("kernels: MemoryError") or kind in ("planning", "in_blocks", "of_a_file")


@pytest.mark.parametrize("kind", [kind for kind, (share, _) in SHARES.items() if share])
def test_a_share_of_all_allocations(shim, kind):
    check(kind, told(shim, "tried", kind, SHARES[kind][0]))


@pytest.mark.long
@pytest.mark.parametrize("kind", SHARES)
def test_many_more(shim, kind):
    check(kind, told(shim, "tried", kind, SHARES[kind][1]))


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("unchecked", "SIGSEGV"),
        ("forgetful", "left behind: ['bytes"),
        pytest.param("silent", "wrong", marks=pytest.mark.long),
    ],
)
def test_a_planted_fault_is_found(shim, tmp_path, name, seen):
    library = tmp_path / "kernels" / "planted.so"
    library.parent.mkdir()
    built(HERE / "planted.c", library)
    faults = told(shim, "planted", str(library), name)["faults"]
    assert faults
    assert all(seen in fault for fault in faults), faults
    assert "kernel planted.so" in faults[0]
