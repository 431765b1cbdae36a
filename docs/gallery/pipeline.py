"""The estimator where scikit-learn's stood: in a pipeline, with a grid search, from a table with names.

pip install 'looptax[sklearn]' pandas
python docs/gallery/pipeline.py
"""

from looptax.kernels.sklearn import LogisticRegression
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_breast_cancer(return_X_y=True, as_frame=True)

model = make_pipeline(StandardScaler(), LogisticRegression())
search = GridSearchCV(model, {"logisticregression__C": [0.01, 0.1, 1, 10]}).fit(X, y)

fitted = search.best_estimator_[-1]
print(f"C={fitted.C}: {search.best_score_:.1%} right; {fitted.n_iter_} iterations of {fitted.solver_}")
weights = dict(zip(X.columns, fitted.coef_[0], strict=True))
for name in sorted(weights, key=lambda name: -abs(weights[name]))[:3]:
    print(f"{name:20} {weights[name]:6.2f}")
assert search.best_score_ > 0.96
