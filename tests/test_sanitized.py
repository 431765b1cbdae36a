"""What only `.ci/sanitize` runs: planted faults are reported, and steps in many threads at once are no race."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from bits import as_bytes
from fresh import run
from looptax.kernels import fastest, plan
from looptax.kernels.choose import cpu, isa
from needed import shared_library

PRELOADED = os.environ.get("LD_PRELOAD", "")
KIND = "address" if "libasan" in PRELOADED else "thread" if "libtsan" in PRELOADED else None
pytestmark = pytest.mark.skipif(KIND is None, reason="no sanitizer: see .ci/sanitize")
FLAGS = {
    "address": ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"),
    "thread": ("-fsanitize=thread",),
}
PLANTED = {
    "past_the_end": ("address", "heap-buffer-overflow"),
    "shift": ("address", "shift exponent 40 is too large"),
    "race": ("thread", "data race"),
}


def test_the_kernels_are_those_that_were_built_for_it():
    """With all that they have elsewhere: the flags of a sanitizer took OpenMP and the levels of x86-64 away once."""
    assert f"build/{KIND}/" in isa.load("cython_tuned").__file__
    assert isa.chosen("cython_tuned") == cpu.instruction_sets()[0]
    assert cpu.openmp()


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_reported(fault, tmp_path):
    kind, report = PLANTED[fault]
    if kind != KIND:
        pytest.skip(f"reported under .ci/sanitize {kind}")
    library = shared_library(Path(__file__).with_name("planted.c"), tmp_path / "planted.so", "-g", *FLAGS[KIND])
    done = run(sys.executable, "-Ic", f"import ctypes; ctypes.CDLL({str(library)!r}).{fault}(40)")
    assert done.returncode, done.stderr
    assert report in done.stderr


@pytest.mark.usefixtures("eight_cpus")
@pytest.mark.parametrize("order", ["C", "F"])
def test_steps_in_many_threads_at_once(order):
    """Each is shared with the team, and the plan's is one for all."""
    rng = np.random.default_rng(3)
    X = np.asarray(rng.standard_normal((6000, 40)), order=order)
    y, w, s = (rng.random(6000) < 0.5).astype(float), rng.standard_normal(40), rng.random(6000)
    plans = [plan(X, y, sample_weight=s, l2=0.5), plan(X, y)]
    params = np.append(w, 0.25)
    calls = [
        lambda: fastest(X, y, w, 0.25),
        *(lambda one=one: one.step(w, 0.25) for one in plans),
        *(lambda one=one: (one.hessp(params, params),) for one in plans),
    ]
    right = [as_bytes(call()) for call in calls]

    def work(number):
        return all(as_bytes(calls[k % len(calls)]()) == right[k % len(calls)] for k in range(number, number + 50))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
