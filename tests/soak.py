"""A long run of one process in which much goes on at once: ``python tests/soak.py --seconds 3600 --json FILE``.

Eight threads call all that looptax has on dense X, several classes, compressed rows and files, by plans they share and
plans that come and go. Meanwhile the process forks, limits and affinities change, pools of threads come and go, and
NumPy, Numba, OpenMP and scikit-learn have threads of their own. Each result must have the bits that one thread had at
the beginning, each call and each child must end in time, and after a warm-up of a tenth of the time neither resident
memory nor threads, open files or mappings may grow: see `grown`. The status is 1 where something failed.
"""

import argparse
import ctypes
import faulthandler
import json
import os
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from random import Random
from statistics import median
from typing import NamedTuple

import psutil

CALLERS = 8
MANY = 20  # failures that end it
SWITCH = 1e-4  # seconds after which another Python thread may have the GIL: a fiftieth of what is usual
AWAKE = 3  # times the patience after which a process whose GIL is held for ever is ended


class Sample(NamedTuple):
    """What the process has: bytes resident, and given by malloc; threads, open files, mappings of memory."""

    seconds: float
    resident: int
    allocated: int
    threads: int
    files: int
    mappings: int


#: By how much the median of the last tenth of the time may be above that of the second.
ALLOWED = {"resident": 16 << 20, "allocated": 8 << 20, "threads": 16, "files": 16, "mappings": 200}


def tenths(samples):
    """Return the median of all figures in the second tenth of the samples, and in the last."""
    some = len(samples) // 10 + 1
    return tuple(
        Sample(*(median(figures) for figures in zip(*part, strict=True)))
        for part in (samples[len(samples) // 10 :][:some], samples[-some:])
    )


def grown(samples):
    """Say what has grown, by more than is allowed from the second tenth of the time to the last."""
    before, after = tenths(samples)
    return [
        f"{name}: {getattr(before, name):,} in the second tenth of the time, {getattr(after, name):,} in the last"
        for name, more in ALLOWED.items()
        if getattr(after, name) - getattr(before, name) > more
    ]


class Soak:
    """All threads of a soak, what they did and what failed."""

    def __init__(self, seed, patience, many, file):
        self.seed, self.patience, self.many, self.file = seed, patience, many, file
        self.over, self.failures, self.samples = threading.Event(), [], []
        self.counts, self.since, self.threads = Counter(), {}, []
        self.began = time.monotonic()

    def start(self, name, once):
        """Have a thread that calls ``once(rng)`` until it is over."""
        rng = Random(f"{self.seed} {name}")
        self.counts[name] = 0
        thread = threading.Thread(target=self._again, args=(name, once, rng), name=name, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _again(self, name, once, rng):
        from bits import WrongError

        while not self.over.is_set():
            self.since[name] = time.monotonic()
            try:
                once(rng)
            except WrongError as error:
                self.failed(f"{name}: {error}")
            except Exception:
                self.failed(f"{name}: {traceback.format_exc()}")
            self.counts[name] += 1
        del self.since[name]

    def failed(self, how):
        """Keep and print a failure; many end it."""
        self.failures.append(how)
        print(f"after {time.monotonic() - self.began:.0f} s: {how}", flush=True)
        if len(self.failures) >= self.many:
            self.over.set()

    def watch(self, seconds):
        """Take samples until it is over; return whether all threads have ended then."""
        process = psutil.Process()
        while not self.over.is_set():
            faulthandler.dump_traceback_later(AWAKE * self.patience, exit=True)
            self.samples.append(_sample(time.monotonic() - self.began, process))
            self.save()
            if self.samples[-1].seconds > seconds or self._hanging():
                self.over.set()
            self.over.wait(seconds / 1000)
        end = time.monotonic() + self.patience
        for thread in self.threads:
            thread.join(max(0, end - time.monotonic()))
        hanging = [thread.name for thread in self.threads if thread.is_alive()]
        if hanging:
            self.failed(f"{', '.join(hanging)}: no return for {self.patience} seconds or more")
            faulthandler.dump_traceback()
        faulthandler.cancel_dump_traceback_later()
        return not hanging

    def _hanging(self):
        return any(time.monotonic() - since > self.patience for since in list(self.since.values()))

    def told(self):
        """Return how often each thread has done its thing, those of a kind together."""
        kinds = Counter()
        for name, count in self.counts.items():
            kinds[name.split(" ")[0]] += count
        return dict(kinds)

    def save(self):
        """Write what is known to the file, whole or not at all."""
        if self.file:
            told = {"seed": self.seed, "done": self.told(), "failures": self.failures, "fields": Sample._fields}
            new = self.file.with_name(f"{self.file.name}.new")
            new.write_text(json.dumps({**told, "samples": self.samples}) + "\n", "utf-8")
            new.replace(self.file)


def _sample(now, process):
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    mappings = Path("/proc/self/maps").read_bytes().count(b"\n")
    return Sample(round(now, 2), resident, _allocated(), process.num_threads(), process.num_fds(), mappings)


def _allocated():
    """Return the bytes that malloc has given and not got back; 0 where psutil does not tell."""
    if not hasattr(psutil, "heap_info"):
        return 0
    found = psutil.heap_info()
    return found.heap_used + found.mmap_used


def caller(found, planted):
    """Return what one of the callers does."""
    from soak_calls import call
    from soak_others import affinity

    own, kept, made, began = {}, [], 0, time.monotonic()

    def once(rng):
        nonlocal made
        made += 1
        affinity(rng)
        call(rng, found, own, planted == "wrong" and made % 3 == 0)
        if planted == "leak":
            kept.append(bytearray(500_000))
        if planted == "hang" and made == 3:
            threading.Event().wait()
        if planted == "gil" and time.monotonic() > began + 2:
            ctypes.PyDLL(None).pause()

    return once


def main():
    """Soak from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="a file that keeps what was done, found and sampled")
    parser.add_argument("--patience", type=float, default=240, help="seconds after which a call hangs; a child, half")
    parser.add_argument("--alone", action="store_true", help="without the threads of other libraries")
    parser.add_argument("--planted", choices=("wrong", "leak", "hang", "gil", "child"), help="a fault, to see it found")
    given = parser.parse_args()
    faulthandler.enable()
    with tempfile.TemporaryDirectory() as folder:
        soak, ended = soaked(given, Path(folder))
    return report(soak, ended)


def soaked(given, folder):
    """Soak as asked for; return it, and whether all its threads have ended."""
    import soak_others as others
    from soak_calls import cases
    from soak_forks import Forks

    warnings.filterwarnings("error", "no thread can be started")
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    sys.setswitchinterval(SWITCH)
    found = cases(folder)
    loops = {f"caller {k}": caller(found, given.planted) for k in range(CALLERS)}
    loops |= {"forks": Forks(found, given.patience / 2, given.planted).once, "limits": others.limits}
    loops |= {"pools": others.Pools(found)}
    if not given.alone:
        loops |= {"products": others.Products(), "numba": others.Numba()}
        loops |= {"scikit-learn": others.ScikitLearn(), "openmp": others.OpenMPRung()}
    soak = Soak(given.seed, given.patience, 1 if given.planted else MANY, given.json)
    for name, once in loops.items():
        soak.start(name, once)
    ended = soak.watch(given.seconds)
    return soak, ended


def report(soak, ended):
    """Print what came of it; return the status, or end at once where a thread does not."""
    for how in grown(soak.samples):
        soak.failed(how)
    soak.save()
    done = ", ".join(f"{name} {count:,}" for name, count in soak.told().items())
    print(f"{soak.samples[-1].seconds:,.0f} s: {done}")
    print("\n".join(map(str, tenths(soak.samples))))
    print(f"{len(soak.failures)} failed", flush=True)
    if not ended:
        os._exit(1)
    return len(soak.failures) > 0


if __name__ == "__main__":
    sys.exit(main())
