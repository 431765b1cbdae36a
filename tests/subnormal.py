"""What subnormal numbers cost: ``python tests/subnormal.py`` times each step with them and without, in turns.

Some CPUs compute with such numbers by another, far slower way. A line is a step on an input without any, in seconds,
and then how many times as long it took where X, some of X, w, the products of both, or those of dz and X are subnormal.
One thread; the least of many rounds, to which the machine's other work has added nothing. The status is 1 where a ratio
is above 2.
"""

import sys

import numpy as np
from looptax.bench.measure.stopwatch import per_call
from looptax.kernels import plan
from looptax.kernels.ladder import LADDER
from scipy.sparse import csr_array

SHAPES = (1_000, 50), (2_000, 200)
ROUNDS, ROUND_SECONDS = 30, 1e-3  # at least
MOST = 2.0


def inputs(m, n, dtype, order):
    """Return X, y, w and b by what is subnormal in them; first where nothing is."""
    rng, info = np.random.default_rng(20130101), np.finfo(dtype)
    X, w = rng.standard_normal((m, n)), rng.standard_normal(n) / np.sqrt(n)
    y, normal = X @ w > 0, float(info.smallest_normal)
    tiny = normal / 64
    given = {
        "nothing": (X, w, 0.1),
        "X": (X * tiny, w, 0.1),
        "a third of X": (np.where(rng.random((m, n)) < 1 / 3, X * tiny, X), w, 0.1),
        "w": (X, w * tiny, 0.1),
        "X and w": (X * tiny, w * tiny, 0.1),
        "products": (X * np.sqrt(tiny), w * np.sqrt(tiny), 0.1),
        "dz": (X, w / 10, -np.log(normal) - 1),  # times X, of labels that are 1 everywhere
    }
    return {
        what: (
            np.asarray(X, dtype, order=order),
            (y | (what == "dz")).astype(dtype),
            w.astype(dtype),
            dtype(b),
        )
        for what, (X, w, b) in given.items()
    }


def steps():
    """Return what is timed: from an input, a call without arguments."""
    found = {
        rung.name: _rung(rung.load()) for rung in LADDER if rung.family in ("cython", "numba") and rung.threads == "one"
    }
    return found | {
        "plan": _plan,
        "weighted": _weighted,
        "classes": _classes,
        "curvature": _curvature,
        "sparse": _sparse,
    }


def _rung(step):
    return lambda X, y, w, b: lambda: step(X, y, w, b)


def _plan(X, y, w, b, **more):
    bound = plan(X, y, threads=1, **more)
    return lambda: bound.step(w, b)


def _weighted(X, y, w, b):
    return _plan(X, y, w, b, sample_weight=np.linspace(0.5, 1.5, len(y), dtype=X.dtype), l2=0.01)


def _classes(X, y, w, b):
    return _plan(X, y, np.stack([w, -w, w / 2]), np.stack([b, -b, b]), classes=3)


def _curvature(X, y, w, b):
    bound, at = plan(X, y, threads=1), np.append(w, b)
    return lambda: bound.hessp(at, at)


def _sparse(X, y, w, b):
    return _plan(csr_array(X), y, w, b)


def ratios(make, given):
    """Return the seconds of the first input, and of each other in units of it."""
    memory, number = np.empty_like(given["nothing"][0]), 1  # one for all: where X lies costs time too
    least = dict.fromkeys(given, np.inf)
    for _ in range(ROUNDS):
        for what, (X, *others) in given.items():
            memory[...] = X
            call = make(memory, *others)
            number = max(number, round(ROUND_SECONDS / per_call(call, 3)))
            least[what] = min(least[what], per_call(call, number))
    seconds, *others = least.values()
    return seconds, [one / seconds for one in others]


def main():
    """Print the table; return whether something cost too much."""
    worst = 0.0
    for m, n in SHAPES:
        for dtype in (np.float32, np.float64):
            for order in "CF":
                given = inputs(m, n, dtype, order)
                title = f"{m:,} x {n} {dtype.__name__} {order}"
                print(title.ljust(28), *(f"{what:>12}" for what in given))
                for name, make in steps().items():
                    seconds, found = ratios(make, given)
                    worst = max(worst, *found)
                    print(name.ljust(28), f"{seconds:12.2e}", *(f"{one:12.2f}" for one in found), flush=True)
    print(f"at most {worst:.2f} times as long")
    return worst > MOST


if __name__ == "__main__":
    sys.exit(main())
