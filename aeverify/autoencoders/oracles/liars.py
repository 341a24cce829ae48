"""Oracles that declare something false about themselves: the known-bad cases of checks that trust a declaration."""

from __future__ import annotations

import math

import numpy as np

from aeverify.autoencoders.oracles.base import (
    OracleTruth,
    Parts,
    entry,
    positive,
)
from aeverify.autoencoders.oracles.circle import atan2_parts, cut_parts
from aeverify.autoencoders.oracles.spiral import SPIRAL, spiral_decode
from aeverify.autoencoders.protocol import Continuity, FloatArray, Part
from aeverify.core.evidence import Rigor
from aeverify.errors import SpecError


@entry(
    "liar_continuity",
    "Mutant: the atan2 oracle declared to be continuous, which is false.",
    radius=(1.0, "radius of the circle"),
)
def _liar_continuity(radius: float) -> Parts:
    """As `atan2`; the lie: continuity is DECLARED. It reconstructs perfectly, which no continuous autoencoder can."""
    return atan2_parts(radius, Continuity.DECLARED)


@entry(
    "liar_lipschitz",
    "Mutant: the cut map that declares Lipschitz constants far too small.",
    half_width=(0.05, "half the angle of the tear, in radians, between 0 and pi"),
    declared=(1.0, "the constant that it declares for E, D and D after E"),
)
def _liar_lipschitz(half_width: float, declared: float) -> Parts:
    """The cut map of the unit circle, whose D after E turns by 2 (pi - h) while x turns by 2 h: its constant is at
    least (pi - h)/h on the circle. The lie: it declares `declared` as a CERTIFIED bound of all three constants. An
    upper bound of the sup error that rests on it (a sample's maximum plus slack) can fall below the true 2."""
    base = cut_parts(half_width, 1.0)
    bound = (positive(declared, "declared"), Rigor.CERTIFIED)
    return Parts(
        encode=base.encode,
        decode=base.decode,
        truth=base.truth,
        lipschitz=dict.fromkeys(Part, bound),
        encode_balls=base.encode_balls,
        decode_balls=base.decode_balls,
    )


@entry(
    "liar_affine",
    "Mutant: the cut map that declares its decoder affine, which is false.",
    half_width=(0.05, "half the angle of the tear, in radians, between 0 and pi"),
)
def _liar_affine(half_width: float) -> Parts:
    """The cut map of the unit circle. The lie: it declares D(z) = (cos z, sin z) affine. Its mean squared error is
    (1/pi) times the integral over [0, h] of 4 cos^2(pi s/(2 h)), that is 2 h/pi, which is below the PCA floor 1/2 for
    h < pi/4; no affine decoder can be."""
    base = cut_parts(half_width, 1.0)
    return Parts(
        encode=base.encode,
        decode=base.decode,
        truth=base.truth,
        affine_decoder=True,
        lipschitz=base.lipschitz,
        encode_balls=base.encode_balls,
        decode_balls=base.decode_balls,
    )


@entry(
    "liar_order",
    "Mutant: the spiral's parameter with its halves exchanged by a steep bridge; its Lipschitz constant denies it.",
    bridge=(1e-9, "half-width of the bridge, in the arc's parameter, between 0 and 0.1"),
)
def _liar_order(bridge: float) -> Parts:
    """As `interval_exchange` with the cut at 1/2, but continuous: with t = |x| - 1 clamped to [0, 1] and w the bridge,
    the code is t - 1/2 for t >= 1/2 + w, t + 3/2 for t <= 1/2 - w, and linear between. D is the spiral's point at
    z + 1/2 for z <= 1/2, at z - 3/2 for z >= 3/2, and runs back along the whole arc between. So the error is 0 off the
    bridge, on it up to the diameter of what lies between, and the order of the two halves is exchanged. The lie: it
    declares the constant of the true parameter map, sqrt(101), for all three maps, where that of E is about 1/w."""
    if not 0.0 < bridge < 0.1:
        raise SpecError(f"bridge must lie between 0 and 0.1, got {bridge!r}.")

    def encode(points: FloatArray) -> FloatArray:
        t = np.clip(np.hypot(points[:, 0], points[:, 1]) - 1.0, 0.0, 1.0)[:, None]
        return np.asarray(t - 0.5 + 2.0 * np.clip((0.5 + bridge - t) / (2.0 * bridge), 0.0, 1.0))

    def decode(codes: FloatArray) -> FloatArray:
        middle = 1.0 - np.clip(codes - 0.5, 0.0, 1.0)
        return spiral_decode(np.where(codes <= 0.5, codes + 0.5, np.where(codes >= 1.5, codes - 1.5, middle)))

    return Parts(
        encode=encode,
        decode=decode,
        truth=OracleTruth(SPIRAL, None, None, (1,)),
        lipschitz=dict.fromkeys(Part, (math.nextafter(math.sqrt(101.0), math.inf), Rigor.CERTIFIED)),
    )
