"""What is called on a random case, and what must come of it: no crash, the bound of conformance, inputs untouched."""

import numpy as np
from bits import WrongError
from fuzz_cases import Rows, drawn, is_judged
from fuzz_files import FILES
from guarded_calls import builds
from looptax.bench.conformance.bound import bound
from looptax.bench.conformance.oracle import extended
from looptax.kernels import fastest, plan
from looptax.kernels.choose import isa
from looptax.kernels.choose.schedule import WHOLE, Schedule
from looptax.kernels.ladder import LADDER
from looptax.pyimpl.parts.contract import plain

TUNED, SEVERAL = builds("cython_tuned"), builds("variants.several")
RUNGS = {
    f"{rung.name} {level}": module.step
    for rung in LADDER
    if rung.family == "cython" and rung.threads != "openmp"
    for level, module in builds(rung.module).items()
}


class Judge:
    """Compares results with the right ones, those whose bits were right before in no time."""

    def __init__(self, right, allowed):
        self.right, self.allowed = (None, None) if allowed is None else (_flat(right), _flat(allowed))
        self.known = set()

    def __call__(self, what, result):
        """Raise `WrongError` where a result is beyond the bound; where there is none, any will do."""
        key = b"".join(np.asarray(part).tobytes() for part in result)
        if key in self.known or self.allowed is None:
            return
        found, right = _flat(result), self.right
        if found.shape != right.shape:
            raise WrongError(f"{what} has {found.size} numbers, not {right.size}")
        same = np.isnan(found) & np.isnan(right) | (found == right) | (np.abs(found - right) <= self.allowed)
        if not same.all():
            first = int(np.argmin(same))
            raise WrongError(
                f"{what}: number {first} is {found[first]:.17g}, expected {right[first]:.17g} "
                f"within {self.allowed[first]:.2g}"
            )
        self.known.add(key)


def _flat(parts):
    """Return all numbers of a result, in long double."""
    return np.concatenate([np.asarray(part, np.longdouble).ravel() for part in parts])


def schedule(rng):
    """Return any schedule."""
    flags = rng.random(3) < 0.5
    tile = (1, 1 << int(rng.integers(6, 23)), WHOLE)[rng.integers(3)]
    return Schedule(int(tile), *map(bool, flags), int(rng.choice([0, 0, 64, 256, 1024, 4096])))


def tried(seed, index, planted, say):
    """Make all calls of a case; return how many there were. Raises `WrongError`."""
    rng, case = drawn(seed, index)
    told = f"seed {seed}, case {index}"
    if planted:
        PLANTED[planted](say, told, index, case)
    if index % 97 == 0:
        say(f"{told}: files")
        return sum(one(rng, say, told) for one in FILES)
    if isinstance(case.X, Rows) or np.ndim(case.w) == 2:
        return _several(rng, case, say, told)
    return _step(rng, case, say, told) + (_several(rng, case, say, told) if index % 4 == 0 else 0)


def _judge(case, direction=False):
    """Return the judge of a case, or of its curvature."""
    return Judge(*_right(case, direction)) if is_judged(case, direction) else Judge((), None)


def _judge_of_column(case, row, column, j):
    """Return the judge of column j of the Hessian between two classes: how row's gradient changes along column's j."""
    shape = np.shape(case.b)
    v = np.zeros((*shape, case.X.shape[1] + 1), case.X.dtype)
    v[(column, j) if shape else j] = 1
    case = case._replace(v=v[..., :-1], v0=v[..., -1], l2=0.0)
    # A feature that is not finite, times 0, is a NaN along a direction; a column does not look at it.
    if isinstance(case.X, Rows) or not np.isfinite(case.X).all() or not is_judged(case, True):
        return Judge((), None)
    return Judge(*([np.append(np.atleast_2d(dw)[row], np.atleast_1d(db)[row])] for dw, db in _right(case, True)))


def _right(case, direction):
    """Return the right answer, and how far from it a correct one may be."""
    with np.errstate(all="ignore"):
        more = {"sample_weight": case.s, "l2": case.l2}
        if direction:
            more |= {"v": case.v, "v0": case.v0}
        # The bound reads labels alone, the oracle all that is not finite.
        return extended(*case[:4], **more), bound(*case[:4], **more)


def _step(rng, case, say, told):
    """The step on dense X: every build, schedules as they come, what users call, and other rungs."""
    X, y, w, b, s, l2 = case[:6]
    judge, before, calls = _judge(case), _bytes(case), 0
    labels, weights = plain(y, X.dtype), s if s is None else plain(s, X.dtype)
    flat, dw = plain(w, X.dtype), np.empty_like(w, order="C")
    bits = set()
    for level, module in TUNED.items():
        for _ in range(4):
            how, number = schedule(rng), int(rng.choice([1, 1, 2, 3]))
            what = f"cython_tuned {level} {how}, {number} threads"
            say(f"{told}: {what}")
            one = module.Bound(X, labels, number, how, weights, l2)
            result = one.step(w, b)
            judge(what, result)
            if isa.fused(level):
                bits.add(b"".join(np.asarray(part).tobytes() for part in result))
            cost, db = one.step_into(flat, b, dw)
            judge(f"{what}, into", (cost, dw, db))
            same = flat.copy()
            cost, db = one.step_into(same, b, same)
            judge(f"{what}, into w", (cost, same, db))
            calls += 3
    if len(bits) > 1:
        raise WrongError("builds, schedules or threads have other bits")
    say(f"{told}: fastest")
    judge("fastest", fastest(X, y, w, b, sample_weight=s, l2=l2))
    say(f"{told}: plan")
    judge("plan", plan(X, y, sample_weight=s, l2=l2).step(w, b))
    calls += 2
    if s is None and not l2:
        for name, step in RUNGS.items():
            say(f"{told}: {name}")
            judge(name, step(X, y, w, b))
            calls += 1
    if _bytes(case) != before:
        raise WrongError("an input was written to")
    return calls + _into_inputs(rng, case, judge, say, told) + _refused(rng, case, say, told)


def _into_inputs(rng, case, judge, say, told):
    """The gradient is written where an input lies: over X, y, w or the weights of samples, from a number on."""
    X, y, w, b, s, l2 = (np.array(part) if isinstance(part, np.ndarray) else part for part in case[:6])
    X = np.array(X, order="C")
    y = y.astype(X.dtype)
    s = s if s is None else s.astype(X.dtype)
    name, over = [(name, one) for name, one in (("X", X.ravel(order="K")), ("y", y), ("s", s)) if one is not None][
        rng.integers(3 if s is not None else 2)
    ]
    if len(over) < len(w):
        return 0
    first = int(rng.integers(len(over) - len(w) + 1))
    dw = over[first : first + len(w)]
    how = schedule(rng)
    say(f"{told}: dw is {name} from number {first} on, {how}")
    module = TUNED[list(TUNED)[rng.integers(len(TUNED))]]
    cost, db = module.Bound(X, y, 1, how, s, l2).step_into(w, b, dw)
    judge(f"dw is {name} from number {first} on, {how}", (cost, dw, db))
    return 1


def _refused(rng, case, say, told):
    """Arguments that the contract refuses: each raises TypeError or ValueError."""
    X, y, w, b = case[:4]
    bad = (
        (X[:, :0], y, w, b), (X, y[:-1], w, b), (X, y, w[1:], b), (X, y, w, "b"), (X, y * 3 + 2, w, b),
        (X.astype(X.dtype.newbyteorder()), y, w, b), (X, y, w.astype(np.float16), b), (X[0], y, w, b),
        (X.astype(object), y, w, b), (X, None, w, b),
    )  # fmt: skip
    number = int(rng.integers(len(bad) + 1))
    more = {}
    if number == len(bad):
        arguments, more = (X, y, w, b), {"sample_weight": -np.ones(len(y))}
    else:
        arguments = bad[number]
    say(f"{told}: refused {number}")
    try:
        fastest(*arguments, **more)
    except (TypeError, ValueError):
        return 1
    raise WrongError(f"arguments {number} were not refused")


def _several(rng, case, say, told):
    """Several classes or one, dense or sparse: the step, the curvature times a vector, and a column of it."""
    X, y, w, b, s, l2, v, v0 = case
    k, before, calls = len(np.atleast_1d(b)), _bytes(case), 0
    if np.ndim(w) == 2 and k < 2:
        return 0
    judge, curved = _judge(case), _judge(case, True)
    pair, n, j = (0, k - 1), X.shape[1], int(rng.integers(X.shape[1] + 1))
    column_of = _judge_of_column(case, *pair, j)
    labels, weights = plain(y, X.dtype), s if s is None else plain(s, X.dtype)
    at = np.column_stack([np.atleast_2d(w), np.atleast_1d(b)]).astype(X.dtype)
    along = np.column_stack([np.atleast_2d(v), np.atleast_1d(v0)]).astype(X.dtype)
    bits = set()
    for level, module in SEVERAL.items():
        for _ in range(2):
            tile, number = int(rng.choice([0, 1, 4096, 1 << 20])), int(rng.choice([1, 1, 2, 3]))
            what = f"several {level}, tile {tile}, {number} threads"
            one = module.Bound(X, labels, weights, l2, k if np.ndim(w) == 2 else 1, number, tile)
            say(f"{told}: {what}, step")
            cost, out = one.step(at)
            judge(f"{what}, step", (cost, out[:, :-1], out[:, -1]))
            say(f"{told}: {what}, hessp")
            product = one.hessp(np.concatenate([at, along]))
            curved(f"{what}, hessp", (product[:, :-1], product[:, -1]))
            if isa.fused(level):
                bits.add(out.tobytes() + product.tobytes())
            calls += 2
            if not isinstance(X, Rows) and X.size < 2000:
                say(f"{told}: {what}, hessian")
                block = one.hessian(at, *pair)
                column_of(f"{what}, hessian", (np.where(np.arange(n + 1) <= j, block[:, j], block[j]),))
                calls += 1
    if len(bits) > 1:
        raise WrongError("builds, tiles or threads have other bits")
    if _bytes(case) != before:
        raise WrongError("an input was written to")
    return calls


def _bytes(case):
    """Return what all inputs hold."""
    parts = (*case.X[:3], *case[1:]) if isinstance(case.X, Rows) else case
    return [part.tobytes() for part in parts if isinstance(part, np.ndarray)]


# What must be found.


def _wrong(say, told, index, case):
    """A step that forgets the last sample, but where it is one of eight."""
    if isinstance(case.X, Rows) or np.ndim(case.w) == 2 or len(case.y) < 2 or len(case.y) % 8 == 0:
        return
    say(f"{told}: planted")
    X, y, w, b, s, l2 = case[:6]
    result = fastest(X[:-1], y[:-1], w, b, sample_weight=None if s is None else s[:-1] + 1e-30, l2=l2)
    _judge(case)("planted", result)


def _crash(say, told, index, case):
    """A read at address 0."""
    import ctypes

    say(f"{told}: planted")
    if index % 50 == 37:
        ctypes.string_at(0)


def _hang(say, told, index, case):
    """A call that never returns."""
    import signal

    say(f"{told}: planted")
    if index % 50 == 37:
        signal.pause()


PLANTED = {"wrong": _wrong, "crash": _crash, "hang": _hang}
