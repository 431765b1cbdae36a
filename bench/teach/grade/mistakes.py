"""The mistakes in the formulas: one row each, with what a step that makes it returns.

A mistake is recognised by prediction: it is what happened where its prediction agrees with what was returned, on the
case that failed and on a few ordinary inputs. Some have parameters, such as the length of the block whose tail is
dropped: the row lists the values that are tried, and those that agree are told.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...conformance.oracle import Reference
from .trial import OUTPUTS, agree
from .words import listed, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ...conformance.cases import Case
    from .trial import Trial

ENDS = ("last", "first")
BLOCKS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 64, 100, 128, 256)  # samples or features that a loop takes at a time
UNMADE = ("0", "b")  # what z of a sample stays that the forward loop does not reach
MEANS = ("m", "the samples it did take")  # what sums over some of the samples are divided by
REACHES = (" and from z", "")  # whether a loop over some of the features makes z as well
BOUNDS = (10, 15, 16, 20, 25, 30, 32, 36, 40, 50, 100, 200, 250, 300, 500, 600, 700, 709)  # of a clipped z
EPSILONS = [
    (np.longdouble(10.0**-k), k * np.log(10)) for k in (16, 15, 14, 12, 10, 9, 8, 7, 6, 5, 4, 3)
]  # and the loss's ceiling
TINY = [np.finfo(dtype).smallest_normal for dtype in (np.float32, np.float64)]


class Formulas(NamedTuple):
    """The step's formulas on an input, in long double; a mistake replaces some of them."""

    X: np.ndarray
    y: np.ndarray
    w: np.ndarray
    b: Any
    z: np.ndarray

    @classmethod
    def of(cls, *inputs: Any) -> Formulas:
        """Return the right ones for X, y, w and b."""
        X, y, w, b = (np.asarray(value, np.longdouble) for value in inputs)
        return cls(X, y, w, b, (X * w).sum(axis=1) + b)

    @property
    def loss(self) -> np.ndarray:
        """The loss of each sample."""
        return softplus((1 - 2 * self.y) * self.z)

    @property
    def q(self) -> np.ndarray:
        """The probability of each sample's own label: a where y = 1, 1 - a where y = 0."""
        return np.exp(-self.loss)

    @property
    def dz(self) -> np.ndarray:
        """``a - y``, without cancellation."""
        sign = 1 - 2 * self.y
        return sign * sigmoid(sign * self.z)

    def step(self, *, loss=None, dz=None, X=None, by=None) -> Reference:
        """Return what a step returns, with another loss, dz, X in ``Xᵀdz`` or divisor where given."""
        loss, dz = self.loss if loss is None else loss, self.dz if dz is None else dz
        X, by = self.X if X is None else X, len(self.y) if by is None else by
        return Reference(loss.sum() / by, (X * dz[:, None]).sum(axis=0) / by, dz.sum() / by)


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return ``1 / (1 + e^-z)``."""
    e = np.exp(-np.abs(z))
    return np.where(z > 0, 1, e) / (1 + e)


def softplus(z: np.ndarray) -> np.ndarray:
    """Return ``log(1 + e^z)``."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def divided(by: Callable[[int, int], float]) -> Callable[[Formulas], Reference]:
    """Return what predicts sums divided by ``by(m, n)``."""
    return lambda f: f.step(by=by(*f.X.shape))


def flushed(f: Formulas, tiny: float) -> Reference:
    """Predict numbers below `tiny` taken for 0."""
    return Formulas.of(*(np.where(np.abs(value) < tiny, 0, value) for value in f[:4])).step()


def part(count: int, left_out: str | int) -> slice:
    """Return the range that stays without the "first", the "last", or the tail of blocks of so many."""
    if left_out == "first":
        return slice(1, None)
    return slice(0, count - (1 if left_out == "last" else count % int(left_out)))


def some_samples(f: Formulas, left_out: str | int, mean: str) -> Reference:
    """Predict sums over some of the samples."""
    there = part(len(f.y), left_out)
    some = f._replace(X=f.X[there], y=f.y[there], z=f.z[there])
    return some.step(by=len(f.y if mean == "m" else some.y))


def some_samples_forward(f: Formulas, left_out: str, stays: str) -> Reference:
    """Predict a loop over some of the samples in z alone."""
    z = np.full_like(f.z, f.b if stays == "b" else 0)
    z[part(len(z), left_out)] = f.z[part(len(z), left_out)]
    return f._replace(z=z).step()


def some_features(f: Formulas, left_out: str | int, reaches: str) -> Reference:
    """Predict a loop over some of the features, in ``Xᵀdz`` and maybe in z."""
    there = _there(f, left_out)
    return (Formulas.of(f.X, f.y, np.where(there, f.w, 0), f.b) if reaches else f).step(X=np.where(there, f.X, 0))


def some_features_forward(f: Formulas, left_out: str | int) -> Reference:
    """Predict a loop over some of the features in z alone."""
    return Formulas.of(f.X, f.y, np.where(_there(f, left_out), f.w, 0), f.b).step()


def _there(f: Formulas, left_out: str | int) -> np.ndarray:
    """Return which features are not left out."""
    there = np.zeros(len(f.w), bool)
    there[part(len(f.w), left_out)] = True
    return there


class Mistake(NamedTuple):
    """A row of the table."""

    kind: str
    predict: Callable[..., Reference]  # of formulas and values of the parameters: what a step that makes it returns
    says: str  # what it is; {outputs} stands for those that show it, {0} and {1} for the values
    values: Iterable[tuple[Any, ...]] = ((),)  # of the parameters, to be tried
    whole: bool = False  # whether all outputs that it changes must show it

    def explains(self, trial: Trial, outputs: Sequence[str] = ()) -> str | None:
        """Return the explanation where the mistake is what makes outputs of a failed trial wrong: all, or those."""
        outputs = outputs or [*trial.wrong]
        names = [name for name in OUTPUTS if name in outputs or (self.whole and name not in trial.wrong)]
        for values in self.values if outputs else ():
            here = self._predicted(trial.case, values)
            if any(agree(here, trial.right, trial.dtype, [name]) for name in outputs):
                continue  # it would change nothing here
            if all(self._agrees(one, values, names) for one in (trial, *trial.elsewhere)):
                one = len(outputs) == 1
                verbs = {"are": "is" if one else "are", "have": "has" if one else "have"}
                told = [say(value) if isinstance(value, str) else value for value in values]
                return say(self.says, *told, outputs=listed(outputs), **verbs)
        return None

    def _agrees(self, trial: Trial, values: tuple[Any, ...], names: Sequence[str]) -> bool:
        predicted = self._predicted(trial.case, values)
        return trial.values is None or agree(trial.values, predicted, trial.dtype, names)

    def _predicted(self, case: Case, values: tuple[Any, ...]) -> Reference:
        with np.errstate(all="ignore"):
            return self.predict(Formulas.of(*case[1:]), *values)


CEILING = (
    "{0:g} keeps the logarithm from 0 and puts a ceiling of about {1:.3g} on a sample's loss, which should grow like "
    "|z|. Take log(1 + e^z) - y z = max(s, 0) + log1p(exp(-|s|)), with s = (1 - 2y) z."
)

# fmt: off
MISTAKES: tuple[Mistake, ...] = (
    Mistake("missing 1/m", divided(lambda m, n: 1),
        "1/m is missing in {outputs}: the cost is the mean over the m samples, and so are its derivatives, "
        "dw = Xᵀdz / m and db = Σ dz / m. What was returned is m times too large."),
    Mistake("divided by n", divided(lambda m, n: n),
        "{outputs} {are} divided by n, the number of features; it is the mean over the m samples. For X of shape "
        "(m, n), m is X.shape[0]; the course notes write X transposed."),
    Mistake("divided by m n", divided(lambda m, n: m * n),
        "{outputs} {are} divided by m n: a mean over all elements, not over the m samples."),
    Mistake("divided by m twice", divided(lambda m, n: m * m),
        "{outputs} {are} divided by m twice: a mean was already taken, for instance by np.mean."),
    Mistake("factor 1/2", divided(lambda m, n: 2 * m),
        "{outputs} {are} too small by a factor of 2: 1/(2m) belongs to least squares; the cost is the plain mean."),
    Mistake("divided by m - 1", divided(lambda m, n: m - 1),
        "{outputs} {are} divided by m - 1, as a sample variance is; the cost is the mean over all m samples."),
    Mistake("dz reversed", lambda f: f.step(dz=-f.dz),
        "dz = y - a in place of a - y: dw and db have the wrong sign, and descent would climb. "
        "The derivative of the loss log(1 + e^z) - y z is σ(z) - y.", whole=True),
    Mistake("wrong sign", divided(lambda m, n: -m),
        "{outputs} {have} the wrong sign: the loss is -(y log a + (1-y) log(1-a)), positive, and dz = a - y."),
    Mistake("bias forgotten", lambda f: Formulas.of(f.X, f.y, f.w, 0).step(),
        "The bias is forgotten: z = Xw, where it should be z = Xw + b. All of a, dz, cost, dw and db depend on it.",
        whole=True),
    Mistake("y not subtracted", lambda f: f.step(dz=sigmoid(f.z)),
        "y is not subtracted: {outputs} {are} made from a, where it should be from dz = a - y."),
    Mistake("sigmoid forgotten", lambda f: f.step(dz=f.z - f.y),
        "The sigmoid is forgotten: {outputs} {are} made from dz = z - y, where it should be from dz = σ(z) - y."),
    Mistake("sign in the sigmoid", lambda f: f._replace(z=-f.z).step(),
        "a = 1 / (1 + e^z), where it should be 1 / (1 + e^-z): the prediction is that of the other label.", whole=True),
    Mistake("half the loss", lambda f: f.step(loss=f.y * f.loss),
        "Half the loss is missing: -y log a alone; the samples with y = 0 need -(1-y) log(1-a)."),
    Mistake("half the loss", lambda f: f.step(loss=(1 - f.y) * f.loss),
        "Half the loss is missing: -(1-y) log(1-a) alone; the samples with y = 1 need -y log a."),
    Mistake("squared error", lambda f: f.step(loss=f.dz**2 / 2, dz=f.dz * abs(f.dz) * f.q),
        "{outputs} {are} that of the squared error (a - y)²/2: its derivative dz = (a - y) a (1 - a) has a factor "
        "a (1 - a) that the logarithmic loss cancels. Here dz = a - y."),
    Mistake("squared error", lambda f: f.step(loss=f.dz**2, dz=2 * f.dz * abs(f.dz) * f.q),
        "{outputs} {are} that of the squared error (a - y)², which belongs to least squares; the loss here is "
        "-(y log a + (1-y) log(1-a)), and dz = a - y."),
    Mistake("factor 2", divided(lambda m, n: m / 2),
        "{outputs} {are} too large by a factor of 2, which belongs to the derivative of a square; here dz = a - y."),
    Mistake("another logarithm", lambda f, base: f.step(loss=f.loss / np.log(base)),
        "The logarithm is to base {0}: the loss needs the natural one, np.log, whose derivative is 1/a.",
        [(10,), (2,)]),
    Mistake("labels ±1", lambda f: f.step(loss=softplus(-f.y * f.z), dz=-f.y * sigmoid(-f.y * f.z)),
        "y is taken as -1 or +1, as in log(1 + e^(-y z)), but the labels are 0 and 1: a sample with y = 0 then counts "
        "log 2 whatever z is. Use 2y - 1 in place of y."),
    Mistake("labels swapped", lambda f: f._replace(y=1 - f.y).step(),
        "{outputs} {are} that of the labels 1 - y: y = 1 is the label whose probability a = σ(z) is."),
    Mistake("dropped samples", some_samples,
        "The {0} sample is left out: the loop runs over one too few. Which range does it go through?",
        [*product(ENDS, MEANS)]),
    Mistake("dropped samples", some_samples_forward,
        "z of the {0} sample stays {1}: the forward loop runs over one too few. Which range does it go through?",
        [*product(ENDS, UNMADE)], whole=True),
    Mistake("dropped features", some_features,
        "The {0} feature is left out: the loop runs over one too few. Which range does it go through?",
        [*product(ENDS, REACHES)]),
    Mistake("dropped features", some_features_forward,
        "The {0} feature is left out of z: the forward loop runs over one too few. Which range does it go through?",
        [*product(ENDS)], whole=True),
    Mistake("dropped samples", some_samples,
        "A tail of samples is dropped: the loop takes {0} samples at a time, and the last m mod {0} are missing from "
        "{outputs} (divided by {1}). Handle them after the loop.", [*product(BLOCKS, MEANS)]),
    Mistake("dropped features", some_features,
        "A tail of features is dropped: the loop takes {0} features at a time, and the last n mod {0} are missing "
        "from {outputs}{1}. Handle them after the loop.", [*product(BLOCKS, REACHES)]),
    Mistake("dropped features", some_features_forward,
        "A tail of features is dropped from z: the forward loop takes {0} at a time, and the last n mod {0} are "
        "missing. Handle them after the loop.", [*product(BLOCKS)], whole=True),
    Mistake("clipped z", lambda f, bound: f._replace(z=np.clip(f.z, -bound, bound)).step(),
        "z is clipped to ±{0}. That keeps exp from overflowing and changes the function: beyond it the loss must go on "
        "growing like |z|, or fall like e^-|z|. Take e = exp(-|z|), which never overflows.", [*product(BOUNDS)]),
    Mistake("epsilon in log", lambda f, epsilon, _: f.step(loss=-np.log(f.q + epsilon)),
        "Adding to a inside the logarithm " + CEILING, EPSILONS),
    Mistake("epsilon in log", lambda f, epsilon, _: f.step(loss=-np.log(np.clip(f.q, epsilon, 1 - epsilon))),
        "Clipping a at a distance from 0 and 1 of " + CEILING, EPSILONS),
    Mistake("subnormals flushed", flushed,
        "Subnormal numbers are taken for 0: the code runs with flush-to-zero, which -ffast-math turns on.",
        [*product(TINY)]),
)
# fmt: on
