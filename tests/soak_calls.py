"""What the soak (soak.py) calls: cases, each with the bytes that its calls must return, and a call drawn at random."""

from contextlib import nullcontext
from copy import copy
from itertools import product

import numpy as np
from bits import WrongError, as_bytes
from looptax.kernels import blocks, fastest, plan, threads
from looptax.kernels.choose import isa
from scipy.sparse import csr_array

DENSE = (17, 5), (3000, 40), (40_000, 24), (50, 6000)
CLASSES = 3
BOUNDS = None, None, None, 1, 2, 3, 8  # of threads, for the calling thread alone


class Case:
    """Inputs, the calls there are on them, what each must return, and a plan that all threads share.

    What is right is what a plan in memory returns, with one thread, before there is another.
    """

    def __init__(self, name, X, y, rng, file=None, **more):
        self.name, self.file, self._bound = name, file, (X, y, more)
        k, n = more.get("classes"), X.shape[1]
        self.w = rng.standard_normal((k, n) if k else n).astype(X.dtype) / X.dtype.type(np.sqrt(n))
        self.b = rng.standard_normal(k).astype(X.dtype) if k else X.dtype.type(rng.standard_normal())
        self.at, self.along = rng.standard_normal((2, self.w.size + np.size(self.b)))
        self.calls = {"step": self._step, "step_into": self._into, "objective": self._objective, "hessp": self._hessp}
        if file is None and k:
            self.calls["fastest.softmax"] = self._softmax
        elif file is None and isinstance(X, np.ndarray):
            self.calls["fastest"] = self._fastest
        in_memory = plan(X, y, **more)
        with threads(1):
            self.right = {what: as_bytes(call(in_memory)) for what, call in self.calls.items()}
        self.shared = self.plan()

    def plan(self, at_most=None):
        """Return a plan of one's own."""
        X, y, more = self._bound
        if self.file:
            return blocks.plan(self.file, y, memory="400 kB", threads=at_most, **more)
        return plan(X, y, threads=at_most, **more)

    def _step(self, made):
        return made.step(self.w, self.b)

    def _into(self, made):
        dw = np.empty_like(self.w)
        cost, db = made.step_into(self.w, self.b, dw)
        return cost, dw, db

    def _objective(self, made):
        return made.objective(self.at)

    def _hessp(self, made):
        return made.hessp(self.at, self.along)

    def _fastest(self, made):
        X, y, more = self._bound
        return fastest(X, y, self.w, self.b, **more)

    def _softmax(self, made):
        X, y, more = self._bound
        return fastest.softmax(X, y, self.w, self.b, **{key: more[key] for key in more if key != "classes"})


class OpenMP:
    """The rung on OpenMP's threads, called like a case."""

    def __init__(self, rng):
        self._step = isa.load("cython_parallel").step
        X = rng.standard_normal((3000, 40))
        self._bound = X, (X[:, 0] > 0).astype(float), rng.standard_normal(40), 0.5
        with threads(1):
            self._right = as_bytes(self._step(*self._bound))

    def call(self):
        """Call it. Raises `WrongError`."""
        compare(as_bytes(self._step(*self._bound)), self._right, "the rung on OpenMP's threads")


def cases(folder):
    """Return all cases; files are in the folder, and must stay there."""
    rng, found = np.random.default_rng(18), []
    for (m, n), order, dtype in product(DENSE, "CF", (np.float32, np.float64)):
        X, y = _dense(rng, m, n, order, dtype)
        more = _more(rng, m) if len(found) % 3 else {}
        found.append(Case(f"{m} x {n} {order} {X.dtype}", X, y, rng, **more))
    for order, dtype in product("CF", (np.float32, np.float64)):
        X, _ = _dense(rng, 900, 30, order, dtype)
        y = rng.integers(0, CLASSES, 900)
        found.append(Case(f"classes {order} {X.dtype}", X, y, rng, classes=CLASSES, **_more(rng, 900)))
        X, y = _dense(rng, 4000, 20, order, dtype)
        file = folder / f"{order}-{X.dtype}.npy"
        np.save(file, X)
        found.append(Case(f"blocks {order} {X.dtype}", X, y, rng, file=str(file), **_more(rng, 4000)))
    for classes, dtype in product((None, CLASSES), (np.float32, np.float64)):
        X = _dense(rng, 6000, 200, "C", dtype)[0]
        X[rng.random(X.shape) < 0.95] = 0
        y = rng.integers(0, classes or 2, len(X))
        name = f"compressed rows{', classes' * bool(classes)} {X.dtype}"
        found.append(Case(name, csr_array(X), y, rng, classes=classes, **_more(rng, len(X))))
    return found


def _dense(rng, m, n, order, dtype):
    return np.asarray(rng.standard_normal((m, n)), dtype, order), rng.integers(0, 2, m).astype(dtype)


def _more(rng, m):
    return {"sample_weight": rng.random(m), "l2": 0.25}


def call(rng, found, own, planted=False):
    """Make a call on one of the cases: by the plan all share, a copy, one of `own` (a dict) or one for this alone.

    Raises `WrongError`.
    """
    case, bound = rng.choice(found), rng.choice(BOUNDS)
    what, kind = rng.choice(list(case.calls)), rng.choice(("shared", "shared", "own", "new", "copied"))
    if kind == "shared":
        made = case.shared
    elif kind == "copied":
        made = copy(case.shared)
    elif kind == "new" or case.name not in own:
        made = own[case.name] = case.plan(rng.choice((None, 1, 2, 4)))
    else:
        made = own[case.name]
    with threads(bound) if bound else nullcontext():
        result = as_bytes(case.calls[what](made))
    if planted:
        result = bytes([result[0] ^ 1]) + result[1:]
    compare(result, case.right[what], f"{what} of {case.name}, {kind} plan, {bound or 'any number of'} threads")


def compare(result, right, what):
    """Raise `WrongError` where the bytes of a result are others."""
    if result != right:
        first = next((k for k, (a, b) in enumerate(zip(result, right, strict=False)) if a != b), len(right))
        raise WrongError(f"{what}: byte {first} of {len(right)} is not what it was at first")
