"""Calls in which allocations fail: each returns arrays and numbers, and has nothing to make the second time."""

import ctypes
import tempfile
import warnings
from functools import partial
from pathlib import Path

import failing
import numpy as np
from looptax.kernels import blocks, fastest, plan
from looptax.kernels.choose import team
from looptax.kernels.ladder import LADDER

warnings.simplefilter("ignore")
RNG = np.random.default_rng(0)


def drawn(m, n, dtype=np.float64, order="C"):
    """Return X, y, w and weights of samples."""
    X = np.asarray(RNG.standard_normal((m, n)), dtype, order)
    return X, (RNG.random(m) < 0.5).astype(dtype), RNG.standard_normal(n).astype(dtype), RNG.random(m).astype(dtype)


def made(call):
    """Return a call that makes something, and returns nothing of it."""
    return lambda: (call(), ())[1]


X, y, w, s = drawn(300, 9)
PARAMS = np.append(w, 0.25)


def one_step():
    """`fastest`, of every kind of X and of all that it takes."""
    F, yF, wF, _ = drawn(300, 9, np.float32, "F")
    wide, y2, _, s2 = drawn(300, 18)
    return {
        "fastest": lambda: fastest(X, y, w, 0.25),
        "fastest, columns of float32": lambda: fastest(F, yF, wF, 0.25),
        "fastest, strided": lambda: fastest(wide[::-1, ::2], y2, w, 0.25, sample_weight=s2, l2=0.5),
        "fastest, converted": lambda: fastest(X, y.astype(int), w[::-1], 0.25),
    }


def plans():
    """What a plan does, of one weight vector."""
    one, dw = plan(X, y, sample_weight=s, l2=0.5), np.empty(9)

    def into():
        cost, db = one.step_into(w, 0.25, dw)
        return cost, db, dw

    return {
        "step": lambda: one.step(w, 0.25),
        "step_into": into,
        "objective": lambda: one.objective(PARAMS),
        "hessp": lambda: (one.hessp(PARAMS, PARAMS),),
        "hessian": lambda: (one.hessian(PARAMS),),
    }


def variants():
    """Several classes, and compressed rows; the whole Hessian of those is SciPy's."""
    from scipy.sparse import csr_array

    three = plan(X, np.arange(300.0) % 3, classes=3)
    rows = plan(csr_array(np.where(X > 0, X, 0)), y)
    params = np.tile(PARAMS, 3)
    W, b = params.reshape(3, 10)[:, :9], params[9::10]
    return {
        "classes, step": lambda: three.step(W, b),
        "classes, objective": lambda: three.objective(params),
        "classes, hessp": lambda: (three.hessp(params, params),),
        "rows, step": lambda: rows.step(w, 0.25),
        "rows, hessp": lambda: (rows.hessp(PARAMS, PARAMS),),
    }


def hessian():
    """The whole curvature of several classes."""
    three = plan(X, np.arange(300.0) % 3, classes=3)
    params = np.tile(PARAMS, 3)
    return {"classes, hessian": lambda: (three.hessian(params),)}


def planning():
    """Plans as they are made; not those over blocks, in whose own arithmetic Python 3.11 loses references."""
    from scipy.sparse import csr_array

    rows = csr_array(np.where(X > 0, X, 0))
    return {
        "plan": made(lambda: plan(X, y, sample_weight=s, l2=0.5)),
        "plan, rows": made(lambda: plan(rows, y)),
    }


def threads():
    """Calls that are shared, the first of their process: they start threads."""
    team.set_quota(0)
    team.pretend(4)
    X, y, w, s = drawn(6000, 40)
    one, params, F = plan(X, y, sample_weight=s), np.append(w, 0.25), np.asfortranarray(X)
    return {
        "shared": lambda: fastest(X, y, w, 0.25),
        "shared, columns": lambda: fastest(F, y, w, 0.25),
        "shared, hessp": lambda: (one.hessp(params, params),),
    }


def rungs():
    """The other compiled rungs, but for OpenMP's: where there is no memory for a region, libgomp ends the process."""
    found = [rung for rung in LADDER if rung.family == "cython" and rung.threads != "openmp"]
    return {rung.name: partial(rung.load(), X, y, w, 0.25) for rung in found}


def in_blocks():
    """A pass over blocks of an iterator, which a thread reads."""
    given = blocks.plan(lambda: iter([(X[:100], y[:100]), (X[100:], y[100:])]), memory="400 kB")
    return {"blocks, step": lambda: given.step(w, 0.25)}


def of_a_file():
    """A pass over blocks that are windows of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "X.npy")
        np.save(path, X)
        file = blocks.plan(path, y, memory="1 MiB")
        file.step(w, 0.25)
        yield {"blocks of a file, step": lambda: file.step(w, 0.25)}


def tried(kind, every):
    """Let every so manieth allocation fail in the calls of a kind; print what came of it."""
    found = globals()[kind]()
    # Not X.dtype: `np.empty` of NumPy 2.4 takes a reference to float64 each time, and keeps it.
    for calls in [found] if isinstance(found, dict) else found:
        failing.tally(calls, [X, y, w, s, PARAMS, np.float64, team.at_most], every)


def planted(library, name):
    """The same of a function in C that is wrong."""
    function = getattr(ctypes.CDLL(library), name)

    def call():
        if (found := function()) < 0:
            raise MemoryError
        return (found,)

    failing.tally({name: call}, [], 1)
