"""One sample: from its z and its label to its loss and dz, with one exponential."""

from __future__ import annotations

from math import exp, log1p


def loss_and_dz(z, y):
    """Return the loss ``log(1 + e^z) - y z`` and its derivative ``dz = σ(z) - y``.

    Plain Python that Numba compiles as it stands: the scalar rungs of both run these very lines.

    Parameters
    ----------
    z : float
        ``w·x + b``; may be infinite or NaN.
    y : float
        The label, 0 or 1.

    Returns
    -------
    loss, dz : float

    Notes
    -----
    The stable form of the contract: ``s = (1 - 2y) z``, ``loss = max(s, 0) + log1p(e^-|s|)``,
    ``dz = (1 - 2y) σ(s)``. The exponent is never positive, so nothing overflows.
    """
    sign = 1.0 - 2.0 * y
    s = sign * z
    e = exp(-abs(s))
    if s > 0.0:
        return s + log1p(e), sign / (1.0 + e)
    return log1p(e), sign * e / (1.0 + e)
