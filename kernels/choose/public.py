"""What type checkers and `help` know of `looptax.kernels.fastest`, which is compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..variants.softmax import softmax as softmax_step
from . import isa
from .which import KERNEL
from .which import which as which_step

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Generic, ParamSpec

    from ...pyimpl.parts.contract import Step

    P = ParamSpec("P")

    class Fastest(Generic[P]):
        """A step with the parameters P, and what else `fastest` has."""

        which = staticmethod(which_step)
        softmax = staticmethod(softmax_step)

        def __call__(self, *arguments: P.args, **more: P.kwargs) -> Step:
            """Return the cost and its gradients."""
            raise NotImplementedError


def compiled(described: Callable[P, Step]) -> Fastest[P]:
    """Return the compiled step, with the name, the annotations and the docstring of a function that is not called."""
    step: Any = isa.step(KERNEL)
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        setattr(step, name, getattr(described, name))
    step.which, step.softmax = which_step, softmax_step
    step.__reduce_ex__ = lambda protocol: step.__name__  # by which it is pickled
    return step
