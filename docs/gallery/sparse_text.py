"""Sparse X: words of docstrings, to tell NumPy's from SciPy's, never made dense.

pip install looptax scipy scikit-learn
python docs/gallery/sparse_text.py
"""

import inspect

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.signal
import scipy.stats
from looptax.kernels import plan
from scipy.optimize import minimize
from sklearn.feature_extraction.text import TfidfVectorizer

MODULES = {0: (np, np.linalg, np.ma), 1: (scipy.optimize, scipy.signal, scipy.linalg, scipy.stats)}
texts, labels = [], []
for label, modules in MODULES.items():
    for module in modules:
        for name in sorted(vars(module)):
            text = inspect.getdoc(getattr(module, name, None)) if not name.startswith("_") else None
            if text and len(text) > 200:
                texts.append(text.lower().replace("numpy", "").replace("scipy", "").replace("np.", ""))
                labels.append(label)

X = TfidfVectorizer(token_pattern=r"[a-z]{3,}", max_features=5000).fit_transform(texts)  # CSR, float64
y = np.array(labels)
test = np.arange(len(y)) % 4 == 0

p = plan(X[~test], y[~test], l2=1e-4)
found = minimize(p.objective, np.zeros(X.shape[1] + 1), jac=True, method="L-BFGS-B")
said = X[test] @ found.x[:-1] + found.x[-1] > 0

print(f"{X.shape[0]} docstrings, {X.shape[1]} words, {X.nnz / np.prod(X.shape):.1%} of X is not 0")
print(p.explain())
print(f"{(said == y[test]).mean():.1%} of the docstrings it has not seen are right")
assert (said == y[test]).mean() > 0.8
