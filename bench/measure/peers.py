"""The peers: the same step by other libraries, measured under the same conditions as the ladder.

Each adapter takes a cell's data and returns two functions: `call`, which is timed and does one step in
the library's own types, and `read`, which is not and takes cost, dw and db out of what `call` returned.
Conversions and objects that a user of the library would make once are made before the timing. X keeps
the cell's memory order where the library takes both well: NumPy, scikit-learn and PyTorch are faster
now with the one, now with the other. JAX and oneDAL get C order. The time of a rung includes checking
its arguments; that of a peer does not, where the library has no such check.

All promise the bound called "absolute" (see `conformance.bound`): they form dz as ``a - y``, and some
the loss as ``log(1 + e^z) - y z``; both cancel where a sample is classified well. Measured at
``|z| <= 5``, as in all cells, no peer needs more, in float32 neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...kernels import plan
from ...kernels.ladder import LADDER, Rung, UnavailableError
from ...kernels.variants.ladder import VARIANTS, VariantRung
from ...pyimpl.parts.contract import Step
from .threads import ThreadsError, usable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conformance.cases import Case
    from ..conformance.variants import VariantCase

    Adapted = tuple[Callable[[], Any], Callable[[Any], tuple]]


class Prepared(NamedTuple):
    """A rung or a peer with a cell's data in its hands.

    Attributes
    ----------
    call : callable
        What is timed. Of a peer it takes nothing, and returns the result as the library does.
    step : callable
        What is judged. Of a peer it ignores its arguments, and returns the result of `call` as a rung does.
    pools : dict
        The threads the library reports: its name → their number; empty where it cannot report.
    arguments : tuple
        Of `call`: X, y, w and b of a rung, none of a peer.
    """

    call: Callable[..., Any]
    step: Callable[..., Any]
    pools: dict[str, int]
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Peer:
    """Another library's implementation of the step.

    Attributes
    ----------
    name, technique
        As of a rung.
    package : str
        What to install.
    module : str
        What must import.
    adapt : callable
        ``adapt(X, y, w, b, threads)`` returns `call` and `read`; of a variant it takes what its rungs do.
    set_threads : callable
        Sets the number of threads of the library and returns the number it reports, None where
        that of NumPy's BLAS and of OpenMP, set and verified for every cell, is all there is.
    threads, accuracy, skips_zeros, family, variant
        As of a rung.
    """

    name: str
    technique: str
    package: str
    module: str
    adapt: Callable[..., Adapted]
    set_threads: Callable[[int], int | None] = lambda threads: None
    threads: str = "own"
    accuracy: str = "absolute"
    skips_zeros: bool = False
    family: str = "peer"
    variant: str = "step"

    def load(self) -> Callable[[Case | VariantCase, int], Prepared]:
        """Return `prepare`; raise `UnavailableError` with the reason where the library does not import."""
        try:
            import_module(self.module)
        except (ImportError, OSError) as error:  # OSError: a shared library it needs
            raise UnavailableError(f"{error}; it comes with the package {self.package}") from error
        return self.prepare

    def prepare(self, case: Case | VariantCase, threads: int) -> Prepared:
        """Give the library a case and `threads` threads; raise `ThreadsError` where it takes another number."""
        reported = self.set_threads(threads)
        if reported not in (None, threads):
            raise ThreadsError(f"asked for {threads} threads, but {self.package} has {reported}")
        call, read = self.adapt(*case.arguments, threads)

        def step(*_: Any) -> tuple[Any, ...]:
            parts: list[Any] = [np.asarray(part, case.X.dtype)[()] for part in read(call())]
            return Step(*parts) if len(parts) == 3 else tuple(parts)

        return Prepared(call, step, {} if reported is None else {self.package: reported})


def _as_it_is(result: Any) -> Any:
    return result


def numpy_step(X, y, w, b, threads) -> Adapted:
    """The stable formulas over two products with X, and no check of the arguments."""
    m = len(y)

    def call():
        z = X @ w + b
        e = np.exp(-np.abs(z))
        cost = (np.maximum(z, 0) - y * z + np.log1p(e)).mean()
        dz = np.where(z < 0, e, 1) / (1 + e) - y
        return cost, X.T @ dz / m, dz.mean()

    return call, _as_it_is


def numexpr_step(X, y, w, b, threads) -> Adapted:
    """The same with numexpr for all that is done sample by sample."""
    import numexpr

    m = len(y)

    def call():
        z = X @ w + b
        e = numexpr.evaluate("exp(-abs(z))", {"z": z})
        loss = numexpr.evaluate("where(z < 0, 0, z) - y * z + log1p(e)", {"z": z, "y": y, "e": e})
        dz = numexpr.evaluate("where(z < 0, e, 1) / (1 + e) - y", {"z": z, "y": y, "e": e})
        return loss.mean(), X.T @ dz / m, dz.mean()

    return call, _as_it_is


def sklearn_step(X, y, w, b, threads) -> Adapted:
    """What scikit-learn's `LogisticRegression` calls in every iteration, and as it does: ``n_threads=1``.

    That is for the part done sample by sample; the products with X have the threads of BLAS. With more,
    OpenMP's waiting threads and those of BLAS kept each other from the two cores it was measured on:
    1000x100 took 12 ms in place of 0.06 ms, and 1000000x28 gained nothing.
    """
    from sklearn._loss import HalfBinomialLoss
    from sklearn.linear_model._linear_loss import LinearModelLoss

    loss = LinearModelLoss(base_loss=HalfBinomialLoss(), fit_intercept=True)
    coef = np.append(w, b)

    def call():
        return loss.loss_gradient(coef, X, y, l2_reg_strength=0.0, n_threads=1)

    return call, lambda result: (result[0], result[1][:-1], result[1][-1])


def sklearn_weighted(X, y, w, b, s, l2, threads) -> Adapted:
    """The same with weights of samples and a penalty."""
    from sklearn._loss import HalfBinomialLoss
    from sklearn.linear_model._linear_loss import LinearModelLoss

    loss = LinearModelLoss(base_loss=HalfBinomialLoss(), fit_intercept=True)
    coef = np.append(w, b)

    def call():
        return loss.loss_gradient(coef, X, y, sample_weight=s, l2_reg_strength=l2, n_threads=1)

    return call, lambda result: (result[0], result[1][:-1], result[1][-1])


def sklearn_softmax(X, y, W, b, threads) -> Adapted:
    """The same with the loss of several classes."""
    from sklearn._loss import HalfMultinomialLoss
    from sklearn.linear_model._linear_loss import LinearModelLoss

    loss = LinearModelLoss(base_loss=HalfMultinomialLoss(n_classes=len(W)), fit_intercept=True)
    coef = np.asfortranarray(np.column_stack([W, b]))

    def call():
        return loss.loss_gradient(coef, X, y, l2_reg_strength=0.0, n_threads=1)

    return call, lambda result: (result[0], result[1][:, :-1], result[1][:, -1])


def sklearn_hessp(X, y, w, b, v, v0, threads) -> Adapted:
    """The function that ``gradient_hessian_product`` returns, as its Newton-CG calls it many times at the same w.

    What depends on w alone, X with each sample times its second derivative, is made before the timing.
    """
    from sklearn._loss import HalfBinomialLoss
    from sklearn.linear_model._linear_loss import LinearModelLoss

    loss = LinearModelLoss(base_loss=HalfBinomialLoss(), fit_intercept=True)
    _, product = loss.gradient_hessian_product(np.append(w, b), X, y, l2_reg_strength=0.0, n_threads=1)
    along = np.append(v, v0)
    return lambda: product(along), lambda result: (result[:-1], result[-1])


def onedal_step(X, y, w, b, threads) -> Adapted:
    """Value and gradient of oneDAL's logistic loss: means over the samples, the intercept first.

    It reads F order as columns one by one, in twice the time: it gets C order in every cell.
    """
    import daal4py

    loss = daal4py.optimization_solver_logistic_loss(
        numberOfTerms=len(y),
        fptype="float" if X.dtype == np.float32 else "double",
        interceptFlag=True,
        penaltyL1=0.0,
        penaltyL2=0.0,
        resultsToCompute="value|gradient",
    )
    X, y, argument = np.ascontiguousarray(X), y[:, None], np.append(b, w)[:, None]

    def read(result):
        gradient = result.gradientIdx[:, 0]
        return result.valueIdx[0, 0], gradient[1:], gradient[0]

    return lambda: loss.compute(X, y, argument), read


def torch_autograd_step(X, y, w, b, threads) -> Adapted:
    """PyTorch's loss, and its automatic differentiation."""
    import torch

    X, y, w, b = (torch.tensor(b) if value is b else torch.from_numpy(value) for value in (X, y, w, b))
    parameters = (w.requires_grad_(), b.requires_grad_())

    def call():
        cost = torch.nn.functional.binary_cross_entropy_with_logits(X @ w + b, y)
        return cost, *torch.autograd.grad(cost, parameters)

    return call, lambda result: tuple(value.detach() for value in result)


def torch_manual_step(X, y, w, b, threads) -> Adapted:
    """PyTorch's loss, and the gradient by its formulas."""
    import torch

    X, y, w, b = (torch.tensor(b) if value is b else torch.from_numpy(value) for value in (X, y, w, b))
    m = len(y)

    def call():
        z = X @ w + b
        dz = torch.sigmoid(z) - y
        return torch.nn.functional.binary_cross_entropy_with_logits(z, y), X.T @ dz / m, dz.mean()

    return call, _as_it_is


def jax_step(X, y, w, b, threads) -> Adapted:
    """JAX: the cost alone is written down, ``value_and_grad`` and ``jit`` do the rest."""
    import jax

    jax.config.update("jax_enable_x64", True)  # else it would round float64 to float32

    def cost(parameters, X, y):
        w, b = parameters
        z = X @ w + b
        return (jax.nn.softplus(z) - y * z).mean()

    step = jax.jit(jax.value_and_grad(cost))
    parameters, X, y = jax.device_put(((w, b), X, y), jax.devices("cpu")[0])
    return lambda: jax.block_until_ready(step(parameters, X, y)), lambda result: (result[0], *result[1])


def plan_step(X, y, w, b, threads) -> Adapted:
    """Our own `plan`: X and y are checked and bound once, before the timing."""
    return partial(plan(X, y, threads=threads).step, w, b), _as_it_is


def plan_weighted(X, y, w, b, s, l2, threads) -> Adapted:
    """The same with weights of samples and a penalty."""
    return partial(plan(X, y, sample_weight=s, l2=l2, threads=threads).step, w, b), _as_it_is


def plan_softmax(X, y, W, b, threads) -> Adapted:
    """The same for several classes."""
    return partial(plan(X, y, classes=len(W), threads=threads).step, W, b), _as_it_is


def plan_hessp(X, y, w, b, v, v0, threads) -> Adapted:
    """Its Hessian times a vector; what depends on w alone is computed in every call."""
    call = partial(plan(X, y, threads=threads).hessp, np.append(w, b), np.append(v, v0))
    return call, lambda result: (result[:-1], result[-1])


def _numexpr_threads(threads: int) -> int:
    import numexpr

    numexpr.set_num_threads(threads)
    return numexpr.get_num_threads()


def _onedal_threads(threads: int) -> int:
    import daal4py

    daal4py.daalinit(threads)
    return daal4py.num_threads()


def _torch_threads(threads: int) -> int:
    import torch

    torch.set_num_threads(threads)
    return torch.get_num_threads()


def _jax_threads(threads: int) -> None:
    if threads != usable():
        raise ThreadsError(f"JAX starts one thread for each usable CPU, {usable()}, and cannot be set to {threads}")


PEERS: tuple[Peer, ...] = (
    Peer("peer-numpy", "two products with X, no checks", "numpy", "numpy", numpy_step),
    Peer("peer-numexpr", "the same, numexpr per sample", "numexpr", "numexpr", numexpr_step, _numexpr_threads),
    Peer(
        "peer-sklearn",
        "LinearModelLoss.loss_gradient",
        "scikit-learn",
        "sklearn.linear_model._linear_loss",
        sklearn_step,
    ),
    Peer("peer-torch-autograd", "automatic differentiation", "torch", "torch", torch_autograd_step, _torch_threads),
    Peer("peer-torch-manual", "the formulas", "torch", "torch", torch_manual_step, _torch_threads),
    Peer("peer-jax", "jit(value_and_grad)", "jax", "jax", jax_step, _jax_threads),
    Peer("peer-onedal", "blocks of samples", "scikit-learn-intelex", "daal4py", onedal_step, _onedal_threads),
)


def _plan(name: str, technique: str, adapt: Callable[..., Adapted], variant: str = "step") -> Peer:
    """Return a plan: ours, but like a peer it takes the data before the timing."""
    return Peer(
        name, technique, "looptax", "looptax.kernels", adapt, threads="team", accuracy="relative", family="plan",
        variant=variant,
    )  # fmt: skip


PLAN = _plan("plan", "cython-tuned, bound once", plan_step)
VARIANT_PLANS: tuple[Peer, ...] = (
    _plan("plan-weighted", "weighted-tuned, bound once", plan_weighted, "weighted"),
    _plan("plan-softmax", "softmax-tuned, bound once", plan_softmax, "softmax"),
    _plan("plan-sparse", "sparse-tuned, bound once", plan_step, "sparse"),
    _plan("plan-curvature", "curvature-tuned, bound once", plan_hessp, "curvature"),
)

_SKLEARN = ("scikit-learn", "sklearn.linear_model._linear_loss")
VARIANT_PEERS: tuple[Peer, ...] = (
    Peer("peer-sklearn-weighted", PEERS[2].technique, *_SKLEARN, sklearn_weighted, variant="weighted"),
    Peer("peer-sklearn-softmax", PEERS[2].technique, *_SKLEARN, sklearn_softmax, variant="softmax"),
    Peer("peer-sklearn-sparse", PEERS[2].technique, *_SKLEARN, sklearn_step, variant="sparse"),
    Peer("peer-sklearn-curvature", "its product alone, prepared", *_SKLEARN, sklearn_hessp, variant="curvature"),
)

ENTRANTS: tuple[Rung | VariantRung | Peer, ...] = (*LADDER, PLAN, *PEERS, *VARIANTS, *VARIANT_PLANS, *VARIANT_PEERS)
