"""A program that tries an installed looptax where NumPy is all there is: the golden values, and every rung.

``python tests/installed.py``, and ``LOOPTAX_ISA=x86_64_v2 python tests/installed.py`` as on a CPU without AVX2.
"""

import platform
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parent))  # which -I leaves out
import golden
import golden_several
from looptax import __version__
from looptax.kernels import fastest, plan, threads
from looptax.kernels.choose import isa
from looptax.kernels.ladder import LADDER

level = isa.chosen("cython_tuned")
fused = level in ("x86_64_v3", "x86_64_v4") or platform.machine() in ("aarch64", "arm64")
found = [golden.line(name, *fastest(*given)) for name, given in golden.inputs()]
several = list(golden_several.found(isa.load("variants.several").Bound))
if fused:
    assert found == golden.expected()
    assert several == golden_several.FILE.read_text("ascii").splitlines()
else:  # bits of its own, and the same costs
    for line, wanted in zip(found, golden.expected(), strict=True):
        ours, theirs = (float.fromhex(text.split()[-3]) for text in (line, wanted))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5 if "float32" in wanted else 1e-13)

X, y, w, b = golden.one(2000, 30, np.float64, 1.0, 7)
right = fastest(X, y, w, b)
for number in (1, 2):
    with threads(number):
        assert plan(X, y).step(w, b).dw.tobytes() == right.dw.tobytes()

rungs = [rung for rung in LADDER if rung.family != "numba" or find_spec("numba")]
for rung in rungs:
    np.testing.assert_allclose(rung.load()(X, y, w, b).dw, right.dw, rtol=1e-9)

print(f"looptax {__version__}, {level}: {len(found) + len(several)} golden inputs, {len(rungs)} rungs")
