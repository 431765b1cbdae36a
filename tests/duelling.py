"""Two builds that are made up: workers that answer at once, of a machine that drifts."""

from contextlib import contextmanager

import numpy as np
from looptax.bench.measure import turn
from looptax.bench.measure.duel.contest import Contest
from looptax.bench.measure.duel.worker import _told
from looptax.bench.measure.matrix import Matrix
from looptax.kernels.ladder import LADDER, rung

SHAPE = "20x3"
SECONDS = 1e-4
MATRIX = Matrix(
    rungs=tuple(one.name for one in LADDER if one.accuracy == "relative"), sources=(SHAPE,), orders=("C",), threads=(1,)
)


def right(data=(SHAPE, "float64", "C")):
    """The answer of a build that is right."""
    return _told(rung("numpy-stable").load()(*turn.drawn(*data).arguments))


class Machine:
    """Becomes slower and faster as it goes, a random walk, and ever slower or faster besides.

    Parameters
    ----------
    drift : float
        From one turn to the next.
    noise : float
        Of each time.
    luck : float
        Of a process, for each rung.
    trend : float
        By which each turn is slower than the one before.
    """

    def __init__(self, seed=0, drift=0.03, noise=0.01, luck=0.03, trend=0.0):
        self.rng, self.drift, self.noise, self.luck, self.trend = np.random.default_rng(seed), drift, noise, luck, trend
        self.slowness = 0.0

    def time(self, true):
        """What a turn of so many seconds takes now."""
        self.slowness += self.rng.normal(self.trend, self.drift)
        return float(true * np.exp(self.slowness + self.rng.normal(0, self.noise)))


class Worker:
    """Answers as a worker does; its calls take `slower` times `SECONDS`."""

    def __init__(self, machine, slower=1.0, **answers):
        self.machine, self.slower, self.answers = machine, slower, answers
        self.lucks = {}

    def ask(self, seconds=0.0, **message):
        return getattr(self, message["do"])(message)

    def load(self, message):
        return {}

    drop = load

    def attempt(self, message):
        found = {"status": "ready", "result": right(), "modified": [], "seconds": SECONDS, "peak": 100}
        return found | self.answers.get(message["rung"], {})

    def time(self, message):
        luck = self.lucks.setdefault(message["rung"], np.exp(self.machine.rng.normal(0, self.machine.luck)))
        return {"seconds": self.machine.time(SECONDS * self.slower * luck), "page_faults": 0.0, "instructions": None}


def workers(machine, b):
    """Two of each build; `b` is what the second is given besides."""
    given = {"A": {}, "B": b}
    return {(name, again, 1): Worker(machine, **given[name]) for name in "AB" for again in (False, True)}


def contest(machine=None, matrix=MATRIX, once=False, **b):
    """A duel that has been fought; with `once` by the same processes from the first sweep to the last."""
    machine = machine or Machine()
    same = workers(machine, b)

    @contextmanager
    def started():
        yield same if once else workers(machine, b)

    found = Contest(matrix, started)
    found.run()
    return found
