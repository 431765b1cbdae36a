"""From whatever yields blocks: a function is called for each pass, and may make, fetch or decode them as it likes.

pip install 'looptax[sklearn]'
python docs/gallery/from_an_iterator.py
"""

import numpy as np
from looptax.kernels.blocks import plan
from scipy.optimize import minimize

n = 20
right = np.linspace(-1, 1, n)


def days():
    """Yield (X, y) for each of thirty days, of some thousand samples each: the same in each pass."""
    for day in range(30):
        rng = np.random.default_rng(day)
        X = rng.standard_normal((rng.integers(1000, 9000), n))
        yield X, rng.random(len(X)) < 1 / (1 + np.exp(-X @ right))


p = plan(days, l2=1e-6, memory="20 MB")
found = minimize(p.objective, np.zeros(n + 1), jac=True, method="L-BFGS-B")
print(p.explain())
print(
    f"{p.samples:,} samples; {found.nit} iterations; largest error of a weight: {abs(found.x[:-1] - right).max():.3f}"
)
assert abs(found.x[:-1] - right).max() < 0.05
