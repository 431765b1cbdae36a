"""A program that uses looptax and that type checkers read: what they accept, and on marked lines what they do not."""

from typing import assert_type

import numpy as np
from looptax import __version__
from looptax.kernels import Plan, fastest, plan, threads
from looptax.pyimpl.parts.contract import Step

X, y = np.array([[1.0], [2.0], [4.0]]), np.array([0, 1, 1])
w, b, s = np.zeros(1), 0.0, np.ones(3)

version: str = __version__
assert_type(fastest(X, y, w, b), Step)
assert_type(fastest(X=X, y=y, w=w, b=np.float32(b), sample_weight=s, l2=1), Step)
assert_type(fastest.which(X), str)
assert_type(fastest.softmax(X, y, np.zeros((2, 1)), np.zeros(2), sample_weight=s, l2=0.5), Step)

with threads(1):
    p = plan(X, y, sample_weight=s, l2=0.5, threads=1, effort="estimate")
several: Plan = plan(X, y, classes=2)
assert_type(p, Plan)
assert_type(p.step(w, b), Step)
assert_type(p.objective(np.zeros(2))[0], float)
assert_type(p.explain(), str)
H: np.ndarray = p.hessian(np.zeros(2)) - p.hessp(np.zeros(2), np.ones(2))
cost, dw, db = p.step(w, b)
w -= 0.1 * dw
print(cost + db, p.step_into(w, b, dw)[0], several.objective(np.zeros(4)))


def refused() -> None:
    """Call as nobody should."""
    fastest(X, y, w)  # type: ignore[call-arg]
    fastest(X, y, w, "0")  # type: ignore[arg-type]
    fastest(X.tolist(), y, w, b, weights=s)  # type: ignore[call-arg]
    fastest.which(1)  # type: ignore[arg-type]
    fastest.softmax(X, y, w)  # type: ignore[call-arg]
    plan(X, y, classes="two")  # type: ignore[arg-type]
    p.stepp(w, b)  # type: ignore[attr-defined]
    p.step(w)  # type: ignore[call-arg]
    threads()  # type: ignore[call-arg]
    from looptax.kernels import fast  # type: ignore[attr-defined]  # noqa: F401
