"""Several classes: softmax regression on handwritten digits, one read of X for all ten.

pip install looptax scipy scikit-learn
python docs/gallery/softmax_digits.py
"""

import numpy as np
from looptax.kernels import fastest, plan
from scipy.optimize import minimize
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, random_state=0)
m, n = X.shape
k = 10

p = plan(X, y, classes=k, l2=1 / m)
found = minimize(p.objective, np.zeros(k * (n + 1)), jac=True, method="L-BFGS-B")
table = found.x.reshape(k, n + 1)  # class after class: its weights, and its intercept last
W, b = table[:, :-1].copy(), table[:, -1].copy()

right = (np.argmax(X_test @ W.T + b, axis=1) == y_test).mean()
print(f"{found.nfev} steps of {k} classes: cost {found.fun:.4f}, {right:.1%} of the digits it has not seen are right")

cost, dw, db = fastest.softmax(X, y, W, b, l2=1 / m)  # the same, without a plan
assert cost == found.fun
assert right > 0.95
