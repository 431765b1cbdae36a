"""Which mistake explains a failure: a table of hypotheses, tried in order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from . import forms, numerics
from .mistakes import MISTAKES
from .trial import listed

if TYPE_CHECKING:
    from collections.abc import Callable

    from .evidence import Evidence
    from .pieces import Mistake

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Hypothesis:
    """A mistake, and how it is recognised.

    Attributes
    ----------
    kind : str
        Its name.
    fits : callable
        Returns the explanation where the evidence is what the mistake would leave, None where it is not.
    """

    kind: str
    fits: Callable[[Evidence], str | None]


def _explains(mistake: Mistake, e: Evidence) -> str | None:
    return mistake.says.format(outputs=listed(e.trial.wrong)) if e.explained_by(mistake) else None


# First what a second call on the same numbers in another form tells, then the form of the result, then
# its numbers: an exact prediction before what is only observed.
HYPOTHESES: tuple[Hypothesis, ...] = (
    Hypothesis("out of memory", forms.out_of_memory),
    Hypothesis("labels dtype", forms.labels_dtype),
    Hypothesis("memory layout", forms.memory_layout),
    Hypothesis("raised", forms.raised),
    Hypothesis("input modified", forms.modified),
    Hypothesis("nothing returned", forms.nothing_returned),
    Hypothesis("number of results", forms.other_results),
    Hypothesis("shape", forms.shapes),
    Hypothesis("dtype", forms.dtypes),
    Hypothesis("shared memory", forms.shares_memory),
    Hypothesis("state kept", forms.kept_state),
    *(Hypothesis(mistake.kind, partial(_explains, mistake)) for mistake in MISTAKES),
    Hypothesis("overflow", numerics.overflow),
    Hypothesis("NaN swallowed", numerics.nan_swallowed),
    Hypothesis("NaN made", numerics.nan_made),
    Hypothesis("cancellation", numerics.cancellation),
    Hypothesis("digits lost", numerics.digits_lost),
)


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong.

    Attributes
    ----------
    kind : str
        Name of the mistake, "unknown" where no known one explains it; of several, joined with " + ".
    explanation : str
    same : callable
        Whether a smaller failure is the same mistake.
    """

    kind: str
    explanation: str
    same: Callable[[Evidence], bool]


def diagnose(e: Evidence) -> Diagnosis:
    """Return the first hypothesis that fits; or a mistake for each output; or that none is known."""
    for hypothesis in HYPOTHESES:
        if said := hypothesis.fits(e):
            return Diagnosis(hypothesis.kind, said, partial(_same, hypothesis, e, said))
    return _several(e) or Diagnosis(UNKNOWN, "No mistake known to looptax explains this.", partial(_same_outputs, e))


def _several(e: Evidence) -> Diagnosis | None:
    """Explain each output by a mistake of its own."""
    found = {name: next((m for m in MISTAKES if e.partly_explained_by(m, name)), None) for name in e.trial.wrong}
    if not any(found.values()):
        return None
    kinds = dict.fromkeys(mistake.kind if mistake else UNKNOWN for mistake in found.values())
    said = [
        f"{name}: " + (mistake.says.format(outputs=name) if mistake else "no mistake known to looptax explains this.")
        for name, mistake in found.items()
    ]
    return Diagnosis(" + ".join(kinds), "\n".join(said), partial(_same_outputs, e))


def _same(hypothesis: Hypothesis, e: Evidence, said: str, smaller: Evidence) -> bool:
    """Whether the same outputs are wrong, and the explanation is the same but for its numbers."""
    if not _same_outputs(e, smaller):
        return False
    return _without_numbers(hypothesis.fits(smaller) or "") == _without_numbers(said)


def _without_numbers(text: str) -> str:
    return re.sub(r"[\w.+-]*\d[\w.+-]*", "#", text)


def _same_outputs(e: Evidence, smaller: Evidence) -> bool:
    return e.trial.wrong == smaller.trial.wrong and type(e.trial.error) is type(smaller.trial.error)
