"""Where the time of a step goes: Xw, the link, the gradient, and the call around them; and what a step allocates.

The parts are those of the two ways to go through X, `cython-simd`'s two reads and `cython-tuned`'s one. Their loops
(`kernels/parts/probe.pyx`, `cython_tuned.Bound.part`) run up to the end of each part, many times a call and in
memory that is kept; a part's time is the difference of two ends. "call" is what is left of the rung's own time,
measured in the same rounds: entering, checking the arguments, memory to work in, the result. Of the other rungs the
whole is measured, and what it allocates.
"""

from __future__ import annotations

import tracemalloc
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ....kernels.choose import isa
from ....kernels.ladder import UnavailableError, rung
from ...show.result import Parts, Temporaries, one_line
from .. import data, threads
from ..stopwatch import side_by_side
from ..turn import CALLS, fits
from .arrays import allocated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

SPLIT = ("cython-simd", "cython-tuned")  # rungs whose parts the probe knows
PARTS = ("Xw", "link", "gradient")  # in the order they run
SOURCES = ("100x10", "1000x100", "100000x30")
ROUNDS = 7
BUDGET = 0.1  # seconds of one call; a rung that needs more is left out
ELEMENTS = 30_000_000  # of X in a call of the probe: 10 ms, so that entering it does not count


def study(names: Sequence[str], tell: Callable[[str], None] = lambda text: None) -> list[Parts]:
    """Take a step of each rung on each of `SOURCES`, and split those of `SPLIT`; `tell` is told of each before.

    Returns
    -------
    list of Parts
        Those with a `reason` have None for `seconds`, `total` and `temporaries`; rungs that are not split have no
        `seconds`.
    """
    return [measure(name, source, tell) for source in SOURCES for name in names]


def measure(name: str, source: str, tell: Callable[[str], None] = lambda text: None) -> Parts:
    """Take a rung's step on one thread, float64, C order, and split its time where its parts are known."""
    tell(f"parts of {name} {source}")
    found = Parts(name, source, "float64", "C", rung(name).passes)
    try:
        return _measured(found)
    except UnavailableError as error:
        reason = one_line(str(error))
    except Exception as error:  # whatever a rung raises
        reason = one_line(error)
    return replace(found, reason=reason, seconds=None, total=None, temporaries=None)


def _measured(found: Parts) -> Parts:
    name, source = found.rung, found.source
    load = rung(name).load()
    case = data.load(source, "float64", "C")
    step = partial(load, *case[1:])
    repeats = max(ELEMENTS // case.X.size, 1)
    probe = prober(name, *step.args)
    with threads.limited(1):
        if not fits(load, case, CALLS * BUDGET):
            found.reason = f"one call takes more than {BUDGET:g} s"
            return found
        ends = {part: partial(probe, part, repeats) for part in PARTS if name in SPLIT}
        found.total, *taken = side_by_side({"whole": step, **ends}, ROUNDS).values()
        found.seconds = split(found.total, [end / repeats for end in taken]) if taken else {}
        found.temporaries = temporaries(step)
        return found


def prober(name: str, X: np.ndarray, y: np.ndarray, w: np.ndarray, b: float) -> Callable[[str, int], Any]:
    """Return what goes through a step up to the end of a part, so many times over, on one thread."""
    if name == "cython-tuned":
        return partial(isa.load("cython_tuned").Bound(X, y, 1, None).part, w, b)
    return partial(isa.load("parts.probe").part, X, y, w, b)


def split(whole: float, ends: Sequence[float]) -> dict[str, float]:
    """Return the seconds of the call and of each part.

    Parameters
    ----------
    whole : float
        Seconds of the rung's step.
    ends : sequence of float
        Seconds from the first of `PARTS` to the end of each.

    Returns
    -------
    dict
        The values add up to `whole`; one that is next to nothing may be negative, by noise.
    """
    lengths = (end - start for start, end in zip([0.0, *ends], ends, strict=False))
    return {"call": whole - ends[-1], **dict(zip(PARTS, lengths, strict=True))}


def temporaries(call: Callable[[], Any]) -> Temporaries:
    """Return how many arrays a call makes besides its result, and the most bytes it holds at once.

    NumPy's own memory handler counts the arrays it makes. The bytes are tracemalloc's, which also sees what
    Numba's and Cython's kernels take from Python's allocator to work in, and Python objects.
    """
    call()
    count = allocated(call)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        result = call()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return Temporaries(count - 1, max(peak - before - result.dw.nbytes, 0))
