"""Parquet and all else that pyarrow reads: columns by name, group of rows after group of rows.

pip install 'looptax[sklearn,arrow]'
python docs/gallery/from_parquet.py
"""

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from looptax.kernels.blocks import plan
from looptax.kernels.sklearn import LogisticRegression
from pyarrow import parquet
from sklearn.datasets import load_breast_cancer

data = load_breast_cancer()
X = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
names = [name.replace(" ", "_") for name in data.feature_names]
table = pa.table(dict(zip(names, X.T, strict=True)) | {"benign": data.target})

with tempfile.TemporaryDirectory() as folder:
    for number, part in enumerate((table[:300], table[300:])):  # a dataset of two files
        parquet.write_table(part, Path(folder, f"{number}.parquet"))
    p = plan(folder, label="benign", features=names[:10])
    model = LogisticRegression(tol=1e-8).fit(p)

print(p.explain())
for name, weight in sorted(zip(names, model.coef_[0], strict=False), key=lambda pair: -abs(pair[1]))[:3]:
    print(f"{name:25} {weight:6.2f}")
in_memory = LogisticRegression(tol=1e-8).fit(X[:, :10], data.target)
np.testing.assert_allclose(model.coef_, in_memory.coef_, atol=1e-5)
