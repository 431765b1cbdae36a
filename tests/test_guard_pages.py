"""No kernel reads or writes a byte outside of its arrays: each lies against a page that nobody may touch.

A fault kills the process, so that the calls are made in one of their own, which says before each what it is.
"""

import sys
from itertools import product

import guarded_calls
import pytest
from last_words import heard
from looptax.kernels.choose import isa

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no mprotect")

#: One in so many placements is tried: by default, and by the long tests. `guarded_calls` says which numbers will do.
SHARES = {
    "tuned": (151, 3), "shared": (43, 3), "rungs": (151, 11), "several": (151, 5), "plans": (151, 5),
    "windows": (29, 1), "blocks_of_files": (3, 1),
}  # fmt: skip


def survived(calls, share):
    """Make these calls in two threads of OpenMP at most; return how many there were."""
    end = heard("guarded_calls", calls, share, OMP_WAIT_POLICY="passive", OMP_NUM_THREADS="2")
    assert end.how == "0", f"{end.how} in {end.words}\n{end.err}"
    return int(end.out)


@pytest.mark.parametrize("calls", guarded_calls.ALL)
def test_a_share_of_all_calls(calls):
    assert survived(calls, SHARES[calls][0]) > 4


@pytest.mark.long
@pytest.mark.parametrize("calls", guarded_calls.ALL)
def test_many_more(calls):
    assert survived(calls, SHARES[calls][1]) > 10


@pytest.mark.parametrize(
    ("calls", "shapes", "layouts"),
    [
        ("tuned", guarded_calls.SMALL + guarded_calls.BIG, guarded_calls.LAYOUTS),
        ("rungs", guarded_calls.FEW + guarded_calls.BIG, guarded_calls.LAYOUTS),
        ("several", guarded_calls.FEW + guarded_calls.BIG[:4], [*guarded_calls.LAYOUTS, "sparse", "sparse, wide"]),
        ("plans", guarded_calls.FEW + guarded_calls.BIG[:4], guarded_calls.LAYOUTS),
    ],
)
def test_the_long_share_has_each_layout_in_each_dtype_at_each_end(calls, shapes, layouts):
    """And each of these placements is tried with every build and kind of schedule."""
    met = {placed[2:] for placed in guarded_calls.placements(shapes, layouts, SHARES[calls][1])}
    assert met == set(product(layouts, guarded_calls.DTYPES, guarded_calls.ENDS.values()))


LEVELS = list(isa.available("cython_tuned"))
ALWAYS = ("X behind", "y before", "indptr behind")


@pytest.mark.parametrize(
    ("what", "level", "dtype"),
    [
        *((what, LEVELS[0], "float64") for what in ALWAYS),
        *(
            pytest.param(what, level, "float32", marks=pytest.mark.long)
            for what, level in product(guarded_calls.PLANTED, LEVELS)
        ),
    ],
)
def test_a_read_outside_is_found_and_named(what, level, dtype):
    end = heard("guarded_calls", "planted", what, level, dtype)
    assert end.how in ("SIGSEGV", "SIGBUS"), end.out + end.err
    assert end.words == f"{what.split()[0]} of {what}"
    assert end.out.splitlines() == ["nothing is not found"], "what came before is right"
