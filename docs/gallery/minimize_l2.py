"""SciPy's optimizers on a plan: L-BFGS with the gradient, Newton with the curvature, both to the same optimum.

pip install looptax scipy scikit-learn
python docs/gallery/minimize_l2.py
"""

import numpy as np
from looptax.kernels import plan
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer

X, y = load_breast_cancer(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
m, n = X.shape

p = plan(X, y, l2=1 / m)  # what scikit-learn calls C=1
start = np.zeros(n + 1)  # the weights, and the intercept last

first = minimize(p.objective, start, jac=True, method="L-BFGS-B", tol=1e-10)
second = minimize(p.objective, start, jac=True, hessp=p.hessp, method="Newton-CG", tol=1e-10)

print(p)
print(f"L-BFGS-B:  cost {first.fun:.12f} after {first.nfev} steps")
print(f"Newton-CG: cost {second.fun:.12f} after {second.nfev} steps and {second.nhev} products with the Hessian")
assert abs(first.fun - second.fun) < 1e-9
