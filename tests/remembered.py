"""What the tests of wisdom remember."""

import numpy as np
from looptax.bench.conformance import cases
from looptax.kernels.choose import wisdom
from looptax.kernels.choose.schedule import Schedule

_, X, y, w, b = cases.ordinary("", 700, 23, np.float64)


HERE = "700x23 float64 rows"


TIMES = {1: 3e-6, 2: 2e-6}


HOW = Schedule(1 << 16)


def document(times, problem=HERE):
    return {"format": wisdom.FORMAT, "entries": {wisdom.machine(): {problem: {str(HOW): times}}}}


def link_to_nothing(path):
    path.symlink_to(path.with_name("gone"))
