"""The forks of the soak (soak.py): children that make calls of their own, while all goes on in the parent."""

import multiprocessing
import os
import signal
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from random import Random

import numpy as np
from bits import WrongError
from soak_calls import OpenMP, call
from soak_others import blas

CALLS = 10  # of a child's thread


class Forks:
    """Each child must end well, and in time."""

    def __init__(self, found, patience, planted):
        self.found, self.patience, self.planted, self.openmp = (
            found,
            patience,
            planted,
            OpenMP(np.random.default_rng(7)),
        )

    def once(self, rng):
        """Fork, and wait. Raises `WrongError` where the child does not end well."""
        with blas:
            wait = rng.choice((self._forked, self._process))(rng.random())
        if (how := wait()) != 0:
            told = f"did not end within {self.patience} seconds" if how is None else f"ended with {how}"
            raise WrongError(f"a child {told}")
        time.sleep(0.05)

    def _forked(self, *arguments):
        """Have a child by the operating system's call; return what waits for its status."""
        child = os.fork()
        if not child:
            status = 1
            try:
                self._child(*arguments)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        return lambda: self._status(child)

    def _status(self, child):
        """Return how a child ended; None where it had to be killed."""
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.005)
        _kill(child)
        os.waitpid(child, 0)
        return None

    def _process(self, *arguments):
        """Have a child by multiprocessing; return what waits for its status."""
        process = multiprocessing.get_context("fork").Process(target=self._child, args=arguments)
        process.start()
        return lambda: self._exitcode(process)

    def _exitcode(self, process):
        process.join(self.patience)
        how = process.exitcode
        if how is None:
            _kill(process.pid)
            process.join()
        process.close()
        return how

    def _child(self, seed, generation=1):
        """Make calls, from one thread or three; at times there is a grandchild. Raises `WrongError`."""
        rng = Random(seed)
        self.patience /= 2  # with its own: the parent waits longer
        if self.planted == "child" and generation == 1 and rng.random() < 0.3:
            signal.pause()
        if rng.random() < 0.5:
            self._calls(rng.random())
        else:
            with ThreadPoolExecutor(3) as pool:
                list(pool.map(self._calls, [rng.random() for _ in range(3)]))
        self.openmp.call()
        if generation == 1 and rng.random() < 0.2 and (how := self._forked(rng.random(), 2)()) != 0:
            raise WrongError(f"a grandchild ended with {how}")

    def _calls(self, seed):
        rng, own = Random(seed), {}
        for _ in range(CALLS):
            call(rng, self.found, own)


def _kill(child):
    """End a child, which says where it was (`faulthandler`)."""
    os.kill(child, signal.SIGABRT)
    time.sleep(1)
    os.kill(child, signal.SIGKILL)
