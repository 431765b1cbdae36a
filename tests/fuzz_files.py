"""Files that were damaged at random: wisdom, results, .npy and Parquet. Each is read, or refused; none crashes."""

import os
import tempfile
import warnings
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from unittest.mock import patch

import made_up
import numpy as np
from looptax.bench.show import storage
from looptax.kernels import blocks
from looptax.kernels.choose import wisdom
from looptax.kernels.choose.schedule import Schedule


def damaged(rng, whole):
    """Return the bytes with some changed, cut off, put in twice, or none."""
    found = bytearray(whole)
    for _ in range(int(rng.integers(4))):
        first, length = int(rng.integers(len(found) + 1)), int(rng.integers(1, 20))
        kind = rng.integers(4)
        if kind == 0:
            found[first : first + length] = rng.bytes(length)
        elif kind == 1:
            del found[first:]
        elif kind == 2:
            found[first:first] = found[first : first + length]
        elif first < len(found):
            found[first] ^= 1 << int(rng.integers(8))
    return bytes(found)


def _wisdom(rng, say, told):
    """Wisdom that is damaged counts as empty, or holds what is left of it."""
    with elsewhere():
        wisdom.file().write_bytes(damaged(rng, whole("wisdom")))
        say(f"{told}: wisdom")
        with warnings.catch_warnings(action="ignore"):
            wisdom.recall(np.ones((7, 3)))
    return 1


def _results(rng, say, told):
    """A file of results that is damaged is refused by the error that the command line shows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "result.json")
        path.write_bytes(damaged(rng, whole("results")))
        say(f"{told}: results")
        with suppress(storage.ResultError):
            storage.read(path)
    return 1


def _npy(rng, say, told):
    """An .npy file that is damaged is refused, or is another array."""
    with tempfile.TemporaryDirectory() as folder:
        path, m, n = Path(folder, "X.npy"), int(rng.integers(1, 200)), int(rng.integers(1, 9))
        X = rng.standard_normal((m, n))
        np.save(path, X if rng.random() < 0.5 else np.asfortranarray(X))
        path.write_bytes(damaged(rng, path.read_bytes()))
        say(f"{told}: .npy")
        _stepped(path, n, y=np.ones(m))
    return 1


def _parquet(rng, say, told):
    """So is a Parquet file."""
    import pyarrow
    from pyarrow import parquet

    with tempfile.TemporaryDirectory() as folder:
        path, m, n = Path(folder, "X.parquet"), int(rng.integers(1, 200)), int(rng.integers(1, 9))
        columns = {f"x{j}": rng.standard_normal(m) for j in range(n)} | {"y": (rng.random(m) < 0.5).astype(np.int8)}
        parquet.write_table(pyarrow.table(columns), path, row_group_size=int(rng.integers(1, 100)))
        path.write_bytes(damaged(rng, path.read_bytes()))
        say(f"{told}: Parquet")
        _stepped(path, n, label="y")
    return 1


def _stepped(path, n, **more):
    """Take a step on a file, or be told what is wrong with it."""
    with suppress(ValueError, TypeError, OSError):  # pyarrow's are of these
        one = blocks.plan(str(path), **more)
        one.step(np.ones(n, one.dtype), 0.5)


@contextmanager
def elsewhere():
    """Wisdom is in a folder of its own: never in the user's."""
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, {wisdom.VARIABLE: folder}):
        yield


@cache
def whole(kind):
    """Return the bytes of a file of wisdom or results that is whole."""
    with tempfile.TemporaryDirectory() as folder, elsewhere():
        path = Path(folder, "whole.json")
        if kind == "wisdom":
            wisdom.store(np.ones((7, 3)), {Schedule(1 << 14): {1: 2e-6}, Schedule(1 << 17, streamed=True): {2: 3e-6}})
            return wisdom.file().read_bytes()
        storage.write(made_up.document(), path)
        return path.read_bytes()


FILES = (_wisdom, _results, _npy, _parquet)
