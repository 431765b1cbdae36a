"""X larger than memory: written to a file in parts, fitted under a limit, with the bits that memory would give.

pip install 'looptax[sklearn]'
python docs/gallery/larger_than_memory.py
"""

import tempfile
from pathlib import Path

import numpy as np
from looptax.kernels import plan as in_memory
from looptax.kernels.blocks import plan
from looptax.kernels.sklearn import LogisticRegression

m, n = 200_000, 40  # 64 MB
rng = np.random.default_rng(0)
right = rng.standard_normal(n)

with tempfile.TemporaryDirectory() as folder:
    X = np.lib.format.open_memmap(Path(folder, "X.npy"), "w+", np.float64, (m, n))
    y = np.lib.format.open_memmap(Path(folder, "y.npy"), "w+", np.int8, (m,))
    for first in range(0, m, 10_000):
        part = slice(first, first + 10_000)
        X[part] = rng.standard_normal((10_000, n))
        y[part] = rng.random(10_000) < 1 / (1 + np.exp(-X[part] @ right))

    p = plan(Path(folder, "X.npy"), Path(folder, "y.npy"), memory="10 MB")
    print(p.explain().replace(folder, "..."))
    model = LogisticRegression().fit(p)
    whole = in_memory(np.array(X), np.array(y)).step(np.ones(n), 0.0)
    there = p.step(np.ones(n), 0.0)
    del X, y  # the files are closed before they are removed

print(
    f"{model.n_iter_[0]} iterations of {model.solver_.name}; worst weight off by {abs(model.coef_ - right).max():.2f}"
)
print(f"cost from memory {whole.cost!r}, from the file {there.cost!r}")
assert whole.cost == there.cost
assert (whole.dw == there.dw).all()
