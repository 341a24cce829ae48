"""Oracles of the spiral arc: its own parameter as code, and the parameter with its parts exchanged."""

from __future__ import annotations

from typing import Any

import numpy as np

from aeverify.autoencoders.oracles.base import (
    OracleTruth,
    Parts,
    clamp,
    entry,
    share_above,
    upper_end,
)
from aeverify.autoencoders.protocol import Continuity, FloatArray, Part
from aeverify.core.evidence import Rigor
from aeverify.core.interval import Interval
from aeverify.errors import SpecError

SPIRAL = "spiral"


def spiral_decode(codes: FloatArray, offset: float = 0.0) -> FloatArray:
    """The spiral at the parameters in the codes (clamped to [0, 1]), moved by `offset` along the first axis."""
    t = np.clip(codes[:, 0], 0.0, 1.0)
    angle = 5.0 * t + 1.5
    return np.column_stack([(t + 1.0) * np.cos(angle) + offset, (t + 1.0) * np.sin(angle)])


@entry(
    "spiral_arc",
    "The spiral's own parameter as code: an arc is not obstructed, error 0 (or the offset everywhere).",
    offset=(0.0, "shift of the decoder along the first axis; not 0 makes it a mutant"),
)
def _spiral_arc(offset: float) -> Parts:
    """On the arc (t + 1)(cos(5 t + 1.5), sin(5 t + 1.5)), 0 <= t <= 1, the distance to 0 is t + 1. So
    E(x) = |x| - 1 clamped to [0, 1] and D(t) = the point of the clamped t plus (offset, 0) have error |offset| at
    every point. The latent image is [0, 1]. E is a clamped norm: constant 1. D has speed sqrt(1 + 25 (t + 1)^2),
    at most sqrt(101), and so has D after E along a ray."""
    from flint import arb, ctx

    def encode_balls(point: list[Any]) -> list[Any]:
        x, y = point
        return [clamp((x * x + y * y).sqrt() - 1)]

    def decode_balls(code: list[Any]) -> list[Any]:
        t = clamp(code[0])
        sine, cosine = (5 * t + arb(1.5)).sin_cos()
        return [(t + 1) * cosine + offset, (t + 1) * sine]

    with ctx.workprec(128):
        speed = (upper_end(arb(101).sqrt()), Rigor.CERTIFIED)
    return Parts(
        encode=lambda points: np.clip(np.hypot(points[:, 0], points[:, 1]) - 1.0, 0.0, 1.0)[:, None],
        decode=lambda codes: spiral_decode(codes, offset),
        truth=OracleTruth(SPIRAL, Interval.exactly(abs(offset)), lambda t: share_above(t, abs(offset)), (1,)),
        lipschitz={Part.ENCODER: (1.0, Rigor.EXACT), Part.DECODER: speed, Part.RECONSTRUCTION: speed},
        encode_balls=encode_balls,
        decode_balls=decode_balls,
    )


@entry(
    "interval_exchange",
    "Mutant: the spiral's parameter with its two parts exchanged: perfect, but the order is lost by a jump.",
    cut=(0.5, "where the interval [0, 1] is cut, between 0 and 1"),
)
def _interval_exchange(cut: float) -> Parts:
    """With t = |x| - 1 clamped to [0, 1] and c the cut, the code is t - c in [0, 1 - c] for t >= c, and t - c + 2 in
    [2 - c, 2) for t < c: it jumps at c, and every code of the first part is larger than every code of the second. D
    undoes it, so the error is 0 on the spiral (up to rounding in the program). Not continuous, and left OPAQUE. The
    latent image is two intervals."""
    if not 0.0 < cut < 1.0:
        raise SpecError(f"cut must lie between 0 and 1, got {cut!r}.")

    def encode(points: FloatArray) -> FloatArray:
        t = np.clip(np.hypot(points[:, 0], points[:, 1]) - 1.0, 0.0, 1.0)[:, None]
        return np.where(t < cut, t - cut + 2.0, t - cut)

    def decode(codes: FloatArray) -> FloatArray:
        return spiral_decode(np.where(codes > 1.5 - cut, codes - 2.0 + cut, codes + cut))

    return Parts(
        encode=encode,
        decode=decode,
        truth=OracleTruth(SPIRAL, Interval.exactly(0.0), lambda t: share_above(t, 0.0), (2,), continuous=False),
        continuity=Continuity.OPAQUE,
    )
