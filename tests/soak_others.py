"""What else goes on in the process of the soak (soak.py): limits that change, and the threads of other libraries.

Each does its thing once, when it is called with a generator of random numbers: a thread of its own does so again and
again.
"""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random

import numpy as np
from looptax.kernels.choose import team
from soak_calls import OpenMP, call
from threadpoolctl import ThreadpoolController, threadpool_limits

CPUS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []

#: Whoever forks, multiplies matrices or sets the limit of BLAS holds it. OpenBLAS ends its threads at a fork, and a
#: product that is under way never returns; a limit starts them again, and a child forked that moment believes to have
#: them, and crashes in a fork of its own. (Its threads are there all the same, looking for work.)
blas = threading.Lock()


def limits(rng):
    """Change a limit of the whole process: the one of threadpoolctl, the quota, or how many CPUs are pretended."""
    team.start_limit(0)
    team.set_quota(rng.choice((0, 0, 1, 2, 3, 6)))
    team.pretend(rng.choice((0, 2, 4, 8)))
    way = rng.randrange(3)
    if way == 0:
        ours = ThreadpoolController().select(user_api="looptax")  # `threadpool_limits` would set back all others too
        with ours.limit(limits=rng.randrange(1, 9)):
            time.sleep(0.05)
    elif way == 1:
        with blas, threadpool_limits(rng.randrange(1, 9)):
            time.sleep(0.05)
    else:
        time.sleep(0.05)


def affinity(rng):
    """Bind the calling thread to some of the CPUs, now and then."""
    if CPUS and rng.random() < 0.01:
        os.sched_setaffinity(0, rng.sample(CPUS, rng.randrange(1, len(CPUS) + 1)))


class Products:
    """NumPy's products, on the threads of its BLAS."""

    def __init__(self):
        self.A, self.B = np.random.default_rng(1).standard_normal((2, 500, 500))

    def __call__(self, rng):
        with blas:
            self.A @ self.B
        time.sleep(0.1)


class Numba:
    """Numba's rung, on its own threads."""

    def __init__(self):
        from looptax.kernels import numba_parallel

        made = np.random.default_rng(2)
        X = made.standard_normal((20_000, 30))
        self.given, self.step = (X, (X[:, 0] > 0).astype(float), made.standard_normal(30), 0.5), numba_parallel.step
        self.step(*self.given)  # compiles it

    def __call__(self, rng):
        self.step(*self.given)
        time.sleep(0.05)


class ScikitLearn:
    """Boosted trees, on OpenMP's threads. They predict: a fit changes Python's list of warnings in several threads."""

    def __init__(self):
        from sklearn.ensemble import HistGradientBoostingClassifier

        made = np.random.default_rng(3)
        self.X = made.standard_normal((5000, 5))
        self.trees = HistGradientBoostingClassifier(max_iter=20).fit(self.X, self.X[:, 0] > 0)

    def __call__(self, rng):
        self.trees.predict(self.X)
        time.sleep(0.05)


class OpenMPRung:
    """Our rung on OpenMP's threads, whose bits are looked at too."""

    def __init__(self):
        self.openmp = OpenMP(np.random.default_rng(4))

    def __call__(self, rng):
        self.openmp.call()
        time.sleep(0.01)


class Pools:
    """Pools of threads that come and go, and make calls."""

    def __init__(self, found):
        self.found = found

    def __call__(self, rng):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self._calls, [rng.random() for _ in range(8)]))
        time.sleep(0.1)

    def _calls(self, seed):
        rng, own = Random(seed), {}
        for _ in range(4):
            affinity(rng)
            call(rng, self.found, own)
