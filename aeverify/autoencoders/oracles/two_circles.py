"""Oracles of the two linked circles: one label each, and the cut map on both."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from aeverify.autoencoders.oracles.base import (
    OracleTruth,
    Parts,
    angle,
    clamp,
    entry,
    exact_constants,
    share_above,
)
from aeverify.autoencoders.oracles.circle import cut_code, cut_code_balls, cut_share
from aeverify.autoencoders.protocol import FloatArray
from aeverify.core.interval import Interval


def _distance_to_first(points: FloatArray) -> FloatArray:
    """Distance to the unit circle in the plane z = 0."""
    return np.hypot(np.hypot(points[:, 0], points[:, 1]) - 1.0, points[:, 2])


def _length_balls(*coordinates: Any) -> Any:
    from flint import arb

    square = sum(c * c for c in coordinates)
    # a sum of squares is not negative, but its ball may reach below zero
    return square.sqrt() if square > 0 else arb(0).union(square.upper().sqrt())


def _distance_to_first_balls(point: list[Any]) -> Any:
    x, y, z = point
    return _length_balls(_length_balls(x, y) - 1, z)


@entry("label", "The two circles: each goes to its own label, decoded to its centre; sup error 1, the best there is.")
def _label() -> Parts:
    """A = {(cos s, sin s, 0)}, B = {(1 + sin s, 0, cos s)}. E(x) = min(1, d(x, A)) is 0 on A and 1 on B, since for b in
    B d(b, A)^2 = (|1 + sin s| - 1)^2 + cos^2 s = 1; D(z) = (z, 0, 0) gives the centres (0, 0, 0) and (1, 0, 0). So the
    error is 1 everywhere on K, and no continuous autoencoder with a 1-D code has a smaller sup. The latent image is two
    points. A clamped distance has constant 1, D is an isometry, and D after E has constant 1."""
    from flint import arb

    return Parts(
        encode=lambda points: np.minimum(_distance_to_first(points), 1.0)[:, None],
        decode=lambda codes: np.column_stack([codes[:, 0], np.zeros((len(codes), 2))]),
        truth=OracleTruth("two_circles", Interval.exactly(1.0), lambda t: share_above(t, 1.0), (2,)),
        ambient_dim=3,
        affine_decoder=True,
        lipschitz=exact_constants(1.0, 1.0, 1.0),
        encode_balls=lambda point: [_distance_to_first_balls(point).min(arb(1))],
        decode_balls=lambda code: [code[0], 0 * code[0], 0 * code[0]],
    )


@entry(
    "cut_two_circles",
    "The two circles, each torn as by the cut map: perfect off two tears, sup error 2.",
    half_width=(0.05, "half the angle of each tear, in radians, between 0 and pi"),
)
def _cut_two_circles(half_width: float) -> Parts:
    """A = {(cos s, sin s, 0)}, B = {(1 + sin s, 0, cos s)}; c and h as in the cut map, and C(u, v) = c(angle of (u, v))
    min(1, |(u, v)|), continuous on the plane. With w(x) = 2 d(x, A) - 1/2 clamped to [0, 1],

        E(x) = (1 - w) C(x_1, x_2) + w (C(x_3, x_1 - 1) + 2 pi)

    is continuous on R^3; w is 0 on A and, since d(b, A) = 1 on B (see `label`), 1 on B. So E is the cut code of A on A,
    in [-(pi - h), pi - h], and that of B moved by 2 pi on B, in [pi + h, 3 pi - h]. D is A's point of z for
    z <= pi - h, B's point of z - 2 pi for z >= pi + h, and between a blend of the two ends. On each circle the error is
    that of the cut map of radius 1: sup 2, share (2 h/pi^2) arccos(t/2). The latent image is two intervals."""
    from flint import arb

    angle(half_width, "half_width", math.pi)
    low, high = math.pi - half_width, math.pi + half_width

    def encode(points: FloatArray) -> FloatArray:
        x, y, z = points.T
        weight = np.clip(2.0 * _distance_to_first(points) - 0.5, 0.0, 1.0)
        first = cut_code(x, y, half_width) * np.minimum(np.hypot(x, y), 1.0)
        second = cut_code(z, x - 1.0, half_width) * np.minimum(np.hypot(z, x - 1.0), 1.0) + 2.0 * math.pi
        codes: FloatArray = (1.0 - weight) * first + weight * second
        return codes[:, None]

    def decode(codes: FloatArray) -> FloatArray:
        code = codes[:, 0]
        on_first, on_second = np.minimum(code, low), np.maximum(code, high)
        zero = np.zeros(len(code))
        first = np.column_stack([np.cos(on_first), np.sin(on_first), zero])
        # sin and cos have period 2 pi, so that the second circle's angle is the code itself.
        second = np.column_stack([1.0 + np.sin(on_second), zero, np.cos(on_second)])
        weight = np.clip((code - low) / (high - low), 0.0, 1.0)[:, None]
        points: FloatArray = (1.0 - weight) * first + weight * second
        return points

    def encode_balls(point: list[Any]) -> list[Any]:
        x, y, z = point
        weight = clamp(2 * _distance_to_first_balls(point) - arb(0.5))
        codes = []
        for u, v in ((x, y), (z, x - 1)):
            codes.append(cut_code_balls(u, v, half_width) * _length_balls(u, v).min(arb(1)))
        if weight == 0:
            return [codes[0]]
        moved = codes[1] + 2 * arb.pi()
        return [moved] if weight == 1 else [(1 - weight) * codes[0] + weight * moved]

    def decode_balls(code: list[Any]) -> list[Any]:
        z, pi = code[0], arb.pi()
        on_first, on_second = z.min(pi - half_width), z.max(pi + half_width)
        first = [on_first.cos(), on_first.sin(), arb(0)]
        second = [1 + on_second.sin(), arb(0), on_second.cos()]
        weight = clamp((z - (pi - half_width)) / (2 * half_width))
        return [(1 - weight) * a + weight * b for a, b in zip(first, second, strict=True)]

    return Parts(
        encode=encode,
        decode=decode,
        truth=OracleTruth("two_circles", Interval.exactly(2.0), cut_share(half_width, 1.0), (2,)),
        ambient_dim=3,
        encode_balls=encode_balls,
        decode_balls=decode_balls,
    )
