"""One's own step as a rung, which only the matrix knows that it was given to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...kernels.ladder import Rung
from ..show import result

if TYPE_CHECKING:
    from ...pyimpl.parts.contract import StepFunction


@dataclass(frozen=True)
class Guest(Rung):
    """One's own step as a rung.

    Attributes
    ----------
    step : callable or None
    file, function, sha256 : str
        Where it comes from, and the digest of the file's bytes: what the result tells of it. Empty in a grade.
    """

    step: StepFunction | None = None
    file: str = ""
    function: str = ""
    sha256: str = ""

    def load(self) -> StepFunction:
        """Return the step."""
        assert self.step is not None
        return self.step

    @property
    def told(self) -> result.Guest:
        """What the result says of it."""
        return result.Guest(self.name, self.file, self.function, self.sha256, self.accuracy)
