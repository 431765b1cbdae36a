"""Weights of samples: a rare class that counts as much as the frequent one, and a survey's weights.

pip install looptax scipy
python docs/gallery/weights.py
"""

import numpy as np
from looptax.kernels import fastest, plan
from scipy.optimize import minimize

rng = np.random.default_rng(0)
m, n = 20_000, 5
X = rng.standard_normal((m, n))
y = (rng.random(m) < 1 / (1 + np.exp(5 - X.sum(axis=1)))).astype(float)  # about 3 % ones
balanced = np.where(y == 1, m / (2 * y.sum()), m / (2 * (m - y.sum())))


def fitted(sample_weight):
    """Return the weights and the intercept at the optimum."""
    found = minimize(plan(X, y, sample_weight=sample_weight).objective, np.zeros(n + 1), jac=True, method="L-BFGS-B")
    return found.x[:-1], found.x[-1]


for name, sample_weight in (("all count alike", None), ("both classes count alike", balanced)):
    w, b = fitted(sample_weight)
    said_one = X @ w + b > 0
    print(f"{name:25} intercept {b:6.2f}, ones that are found {said_one[y == 1].mean():.0%}")

# One step, without a plan; the result has the dtype of X, the weights may have any.
cost, dw, db = fastest(X, y, np.zeros(n), 0.0, sample_weight=balanced, l2=0.01)
assert abs(cost - np.log(2)) < 1e-12
assert abs(db) < 1e-12  # at 0 the classes are in balance
