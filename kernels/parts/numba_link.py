"""The link in Numba: from z to loss and dz with an exponential that vectorises.

``math.exp`` in a Numba loop is a scalar call, since the released llvmlite is built without Intel's
SVML (``numba -s`` says "SVML Operational: False"), and one scalar call keeps the whole loop from
vectorising. A range reduction and a polynomial are plain arithmetic, which LLVM packs. The fits are
those of `link.pxd`.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import overload, register_jitable

from ...pyimpl.parts import one_sample

# Highest power first. (e^r - 1 - r) / r² on |r| <= ln(2)/2, and 2 atanh(v) / v in q = v² <= 1/9:
# mpmath.chebyfit, relative errors 1.3e-17 and 1.3e-18 in float64, 7.8e-9 and 4.2e-9 in float32.
EXP_F64 = (
    *(2.51003854955103191e-8, 2.76200884454097482e-7, 2.75572684599970648e-6, 2.48015212959543751e-5),
    *(1.98412698630536169e-4, 1.38888889172137169e-3, 8.33333333333006183e-3, 4.16666666666241279e-2),
    *(1.66666666666666675e-1, 5.00000000000000102e-1),
)
EXP_F32 = (1.392618359e-3, 8.363179053e-3, 4.166655462e-2, 1.666657699e-1, 0.5)
ATANH_F64 = (
    *(0.170441635627813981, 0.0832450651186082058, 0.121101687280692177, 0.133003740326746243),
    *(0.153866140423040078, 0.181817408325048045, 0.222222240807476732, 0.285714285454541145),
    *(0.400000000001857475, 0.666666666666661496, 2.0),
)
ATANH_F32 = (0.2815777836, 0.2796515775, 0.4002459523, 0.6666632164, 2.0)


def make_loss_and_dz(real, integer, mantissa, bias, limit, ln2_high, ln2_low, exp_fit, atanh_fit):
    """Return ``loss_and_dz(z, y)`` for one dtype: one exponential, one division, no branch.

    Every constant is of that dtype: a Python literal would turn float32 arithmetic into float64.
    """
    zero, half, one, two = real(0), real(0.5), real(1), real(2)
    log2e, limit, ln2_high, ln2_low = real(1.4426950408889634), real(limit), real(ln2_high), real(ln2_low)
    mantissa, bias = integer(mantissa), integer(bias)
    exp_first, exp_rest = real(exp_fit[0]), tuple(real(c) for c in exp_fit[1:])
    atanh_first, atanh_rest = real(atanh_fit[0]), tuple(real(c) for c in atanh_fit[1:])

    # No "reassoc" here: reordering (k ln2_high - t) + k ln2_low would cost exp its last ten bits.
    def loss_and_dz(z, y):
        sign = one - two * y
        s = sign * z
        t = abs(s)
        clamped = t if t < limit else limit  # a NaN becomes the limit, for k alone
        k = np.int32(clamped * log2e + half)
        r = (real(k) * ln2_high - t) + real(k) * ln2_low
        p = exp_first
        for c in exp_rest:
            p = p * r + c
        e = (p * (r * r) + r + one) * integer((bias - integer(k)) << mantissa).view(real)
        e = zero if t > limit else e  # where it would be subnormal
        reciprocal = one / ((one + e) * (two + e))
        v = e * (one + e) * reciprocal
        q = v * v
        p = atanh_first
        for c in atanh_rest:
            p = p * q + c
        loss = v * p + (s if s > zero else zero)
        dz = sign * (one if s > zero else e) * ((two + e) * reciprocal)
        return loss, dz

    return register_jitable(fastmath={"contract"}, error_model="numpy")(loss_and_dz)


_f64 = make_loss_and_dz(
    np.float64, np.int64, 52, 1023, 708, 0.6931471805592082, 7.3710025651677990e-13, EXP_F64, ATANH_F64
)
_f32 = make_loss_and_dz(np.float32, np.int32, 23, 127, 87, 0.693145751953125, 1.42860682e-6, EXP_F32, ATANH_F32)


def loss_and_dz(z, y):
    """One sample's loss and dz, in the dtype of z; compiled code gets the vectorisable form."""
    return one_sample.loss_and_dz(z, y)


@overload(loss_and_dz)
def _(z, y):
    return (lambda z, y: _f32(z, y)) if z == types.float32 else (lambda z, y: _f64(z, y))
