"""How much the lesson measures: all of it in less than two minutes on two cores, or a quick look."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """The sizes each chapter measures at.

    Attributes
    ----------
    updates : int
        Of gradient descent, at most.
    weights : tuple of int
        Weights of the graphs that are differentiated.
    loop : tuple of int
        Samples and features of the double loop.
    dot : tuple of int
        Lengths of the vectors that are multiplied.
    elements : int
        Numbers that exp, log and abs are taken of.
    whole, compiled : tuple of int
        Samples and features of a whole step, vectorized and compiled.
    build : bool
        Whether to build a Cython kernel anew, for what that costs.
    lanes : int
        Numbers in the loops that are vectorised.
    passes : tuple of int
        Samples of 100 features that are read once and twice.
    threads : tuple of int
        Samples of 30 features that threads share.
    ladder : str
        The shape all rungs are measured on.
    sweeps : int
        How often.
    budget : float
        Seconds a rung may take for it in a sweep.
    """

    updates: int = 2000
    weights: tuple[int, ...] = (2, 10, 30, 100, 300)
    loop: tuple[int, int] = (200, 50)
    dot: tuple[int, ...] = tuple(10**k for k in range(8))
    elements: int = 100_000
    whole: tuple[int, int] = (100_000, 10)
    compiled: tuple[int, int] = (2_000, 30)
    build: bool = True
    lanes: int = 10_000
    passes: tuple[int, ...] = (30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000)
    threads: tuple[int, ...] = (30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
    ladder: str = "40000x30"
    sweeps: int = 3
    budget: float = 10.0


FULL = Sizes()
QUICK = Sizes(
    updates=500,
    weights=(2, 10, 30),
    loop=(40, 50),
    dot=tuple(10**k for k in range(6)),
    elements=10_000,
    whole=(10_000, 10),
    compiled=(300, 30),
    build=False,
    lanes=2_000,
    passes=(30, 300, 3_000, 30_000),
    threads=(30, 300, 3_000, 30_000),
    ladder="2000x30",
)
