"""Functions that tests send to workers, which can import this file and not a file of tests."""

import time
from pathlib import Path

import numpy as np


def longer_each_time(path, columns):
    """One row more whenever it is made."""
    with Path(path).open("a") as file:
        file.write(".")
    import pandas as pd

    made = np.ones((Path(path).stat().st_size, columns))
    return pd.DataFrame(made, columns=["a", "y"]) if columns == 2 else made[:, 0]


def only_there(part, address):
    """Refuse to be anywhere but on a cluster."""
    from distributed import get_worker

    assert get_worker().scheduler.address == address
    return part


def slowly(block, W):
    """Return the sums of a step, after a while."""
    from looptax.kernels.blocks.sums import step_of

    time.sleep(0.3)
    return step_of(block, W, 0.5, "C", 1)
