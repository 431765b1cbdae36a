"""What is known of a failure: the case that failed, and the same step on a few ordinary inputs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...conformance.cases import ordinary
from .pieces import Pieces
from .trial import OUTPUTS, Trial, copied

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .pieces import Mistake

# They tell apart what one case does not: 1/m from 1/n, blocks of 4 from blocks of 8.
PROBES = ((5, 3), (10, 4), (13, 2), (37, 9), (131, 3), (300, 7))


@dataclass
class Evidence:
    """A failed trial, and how the step does elsewhere.

    Attributes
    ----------
    trial : Trial
        What failed.
    layout : str
        How the arrays of the case lie in memory, see `suite.laid`.
    seed : int
        Of the cases; the probes have another.
    """

    trial: Trial
    layout: str = "C"
    seed: int = 0

    @cached_property
    def tried(self) -> list[Trial]:
        """The step on ordinary inputs of the same dtype."""
        kind = self.trial.case.X.dtype.type
        cases = [ordinary(f"{m}x{n}", m, n, kind, seed=self.seed + 1) for m, n in PROBES]
        return [self.trial.repeat(copied(case)) for case in cases]

    @property
    def probes(self) -> list[Trial]:
        """Those of them that returned three results."""
        return [probe for probe in self.tried if probe.values is not None]

    @property
    def telling(self) -> Evidence:
        """The same mistake where more can be seen of it: with one sample, 1/m and the shape of Xᵀdz look right.

        Itself, where it has several samples and features or the step is right elsewhere.
        """
        first = self.tried[0]
        if self.trial.verdict.ok or first.verdict.ok or min(self.trial.case.X.shape) > 1:
            return self
        return self.about(first, "C")

    def about(self, trial: Trial, layout: str | None = None) -> Evidence:
        """Return the same evidence about another case that failed."""
        other = Evidence(trial, layout or self.layout, self.seed)
        other.tried = self.tried
        return other

    def shown_by(self, mistake: Mistake, outputs: Sequence[str]) -> bool:
        """Whether the mistake is what makes these outputs wrong, here and on every probe."""
        here = compare(mistake, self.trial)
        return (
            bool(outputs)
            and all(here[name].mistaken and here[name].differs for name in outputs)
            and all(compare(mistake, probe)[name].mistaken for probe in self.probes for name in outputs)
        )

    def partly_explained_by(self, mistake: Mistake, output: str) -> bool:
        """Whether the mistake is what makes one output wrong; no output that is right may contradict it."""
        others = [name for name in OUTPUTS if name not in self.trial.wrong] if mistake.whole else []
        return self.shown_by(mistake, [output]) and all(
            compare(mistake, trial)[name].mistaken for trial in (self.trial, *self.probes) for name in others
        )

    def explained_by(self, mistake: Mistake) -> bool:
        """Whether the mistake explains every output that is wrong, and contradicts none that is not."""
        outputs = self.trial.wrong
        return self.shown_by(mistake, outputs) and all(
            match.mistaken or (match.right and not mistake.whole)
            for trial in (self.trial, *self.probes)
            for match in compare(mistake, trial).values()
        )


class Match(NamedTuple):
    """An output beside what a mistake makes of it, and beside the right one.

    Attributes
    ----------
    mistaken, right : bool
        Whether it is the one, or the other, but for rounding.
    differs : bool
        Whether those two differ.
    """

    mistaken: bool
    right: bool
    differs: bool


def compare(mistake: Mistake, trial: Trial) -> dict[str, Match]:
    """Compare each output of a trial with what the mistake makes of it."""
    assert trial.values is not None
    with np.errstate(all="ignore"):
        predicted = mistake.predict(Pieces.of(trial.case))
    dtype, found = trial.case.X.dtype, {}
    for name, value, wrong, right in zip(OUTPUTS, trial.values, predicted, trial.right, strict=True):
        found[name] = Match(near(value, wrong, dtype), near(value, right, dtype), not near(wrong, right, dtype))
    return found


def near(found: Any, expected: Any, dtype: np.dtype) -> bool:
    """Whether two results are the same but for rounding: half of the digits."""
    tolerance = np.sqrt(np.finfo(dtype).eps)
    expected = np.atleast_1d(expected)
    finite = np.abs(expected[np.isfinite(expected)])
    scale = finite.max() if finite.size else 0
    return bool(np.isclose(found, expected, rtol=tolerance, atol=tolerance * scale, equal_nan=True).all())
