"""Situations: what else the machine is doing while a cell is timed.

- **alone**: nothing. What every figure is, unless it says otherwise.
- **after-product**: each timed call comes right after a NumPy product on all threads of BLAS. Those of
  OpenBLAS look for more work for 0.1 s and are in the way of whoever comes next. It stands for programs
  that mix the step with other linear algebra.
- **beside-process**: one other process is busy all the time. It stands for a desktop, and for a server
  that is shared.
- **four-callers**: four Python threads call the step at the same time, each in a loop; the time is what
  one of them waits for its call. All four do the same, so that the calls of one are a sample of the calls
  of all. It stands for services, and for cross-validation in threads.

A situation is a context manager. It is given what makes another call, and the number of threads a call
may use; it makes the machine busy, yields what to do before each timed call, and leaves nothing running,
whatever ends the block.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from os import getpid
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import ThreadpoolController

from ..show.result import ALONE
from . import threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    Call = Callable[[], Any]

FOUR = "four-callers"
SIDE = 512  # of the matrices multiplied: a product of a few milliseconds
CALLERS = 4

# Busy for as long as its parent lives: even a run that is killed leaves no process behind.
BUSY = """
import os, sys
print(flush=True)
while os.getppid() == int(sys.argv[1]):
    sum(range(100_000))
"""


@contextmanager
def alone(another: Callable[[], Call], number: int) -> Iterator[Call]:
    """Leave the machine as it is."""
    yield lambda: None


@contextmanager
def after_product(another: Callable[[], Call], number: int) -> Iterator[Call]:
    """Multiply two matrices on all threads of BLAS before each call; the call itself has its own number of them."""
    A = np.ones((SIDE, SIDE))
    blas = ThreadpoolController().select(user_api="blas")

    def product() -> None:
        with blas.limit(limits=threads.usable()):
            A @ A

    yield product


@contextmanager
def beside_process(another: Callable[[], Call], number: int) -> Iterator[Call]:
    """Keep another process busy."""
    command = [sys.executable, "-I", "-S", "-c", BUSY, str(getpid())]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert child.stdout is not None
        child.stdout.readline()  # it has begun
        yield lambda: None
    finally:
        child.kill()
        child.communicate()  # closes the pipe, and reaps it


@contextmanager
def four_callers(another: Callable[[], Call], number: int) -> Iterator[Call]:
    """Let three other threads call too, each a call of its own that may have as many threads, `number`."""
    calling: list[bool] = []
    enough = Event()

    def caller() -> None:
        with threads.limited(number):  # OpenMP and Numba have a number for each thread that calls
            call = another()
            call()
            calling.append(True)
            while not enough.is_set():
                call()

    # Limits that hold for the whole process are set around all callers: each puts back what it found.
    with threads.limited(number), ThreadPoolExecutor(CALLERS - 1) as pool:
        try:
            others = [pool.submit(caller) for _ in range(CALLERS - 1)]
            while len(calling) < len(others) and not any(other.done() for other in others):
                time.sleep(0.001)
            yield lambda: None
        finally:
            enough.set()
    for other in others:
        other.result()  # raises what ended it too early


SITUATIONS: dict[str, Callable[[Callable[[], Call], int], AbstractContextManager[Call]]] = {
    ALONE: alone,
    "after-product": after_product,
    "beside-process": beside_process,
    FOUR: four_callers,
}
